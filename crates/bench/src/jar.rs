//! The cookies of one browser, kept for one server.

use crate::http::Response;

/// Names and values, in the order in which they came.
#[derive(Clone, Debug, Default)]
pub(crate) struct Jar(Vec<(String, String)>);

impl Jar {
    /// Reads the text of a Cookie header.
    pub(crate) fn parse(text: &str) -> Self {
        let pairs = text.split("; ").filter_map(|pair| pair.split_once('='));
        Self(pairs.map(|(name, value)| (name.to_string(), value.to_string())).collect())
    }

    /// Takes over what an answer sets and drops what it deletes.
    pub(crate) fn absorb(&mut self, response: &Response) {
        for cookie in response.headers("set-cookie") {
            self.absorb_one(cookie);
        }
    }

    fn absorb_one(&mut self, cookie: &str) {
        let (pair, attributes) = cookie.split_once(';').unwrap_or((cookie, ""));
        let Some((name, value)) = pair.split_once('=') else { return };
        let attributes = attributes.to_ascii_lowercase();
        // an expiry in the year 1970 is how most servers delete
        let gone = value.is_empty() || attributes.contains("max-age=0") || attributes.contains("1970");
        self.0.retain(|(known, _)| known != name);
        if !gone {
            self.0.push((name.to_string(), value.to_string()));
        }
    }

    /// Whether there is a cookie of that name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(known, _)| known == name)
    }

    /// The text of a Cookie header; empty when there are none.
    pub(crate) fn to_header(&self) -> String {
        let pairs: Vec<String> = self.0.iter().map(|(name, value)| format!("{name}={value}")).collect();
        pairs.join("; ")
    }
}

#[cfg(test)]
mod tests {
    use super::Jar;

    #[test]
    fn cookies_are_replaced_and_deleted() {
        let mut jar = Jar::parse("a=1; b=2");
        jar.absorb_one("a=3; Path=/; HttpOnly");
        jar.absorb_one("b=x; Max-Age=0");
        jar.absorb_one("c=4");
        assert_eq!(jar.to_header(), "a=3; c=4");
        assert!(jar.has("c") && !jar.has("b"));
    }
}
