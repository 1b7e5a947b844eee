//! The issuer: one text from which every address is made (RFC 8414 §2).

use std::fmt;

/// An issuer identifier; it may have a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issuer {
    text: String,
    /// where the path begins
    origin_len: usize,
    host: String,
}

/// Why a text is not an issuer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IssuerFault {
    /// not http or https
    Scheme,
    /// no host, or one that a URL parser would rewrite
    Host,
    /// it has a query, a fragment or a user name
    Extra,
    /// the path has dot segments, empty segments or characters that need encoding
    Path,
}

impl fmt::Display for IssuerFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Scheme => "it must start with https:// (or http:// on this computer)",
            Self::Host => "it needs a host name in lower case, and a port only if it is not the usual one",
            Self::Extra => "it must have no query, fragment or user name",
            Self::Path => "its path must be plain: no dots, empty parts or characters that need encoding",
        })
    }
}

impl std::error::Error for IssuerFault {}

impl Issuer {
    /// Reads an issuer. One slash at the end is dropped; anything else that a parser would rewrite is refused, because
    /// everybody compares issuers byte for byte (I-02).
    pub fn parse(text: &str) -> Result<Self, IssuerFault> {
        let text = text.strip_suffix('/').unwrap_or(text);
        let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).ok_or(IssuerFault::Scheme)?;
        if rest.contains(['?', '#', '@', '\\']) {
            return Err(IssuerFault::Extra);
        }
        let url = url::Url::parse(text).map_err(|_| IssuerFault::Host)?;
        let host = url.host_str().ok_or(IssuerFault::Host)?.to_owned();
        let authority_len = rest.find('/').unwrap_or(rest.len());
        let expected = url.port().map_or_else(|| host.clone(), |port| format!("{host}:{port}"));
        if rest[..authority_len] != expected {
            return Err(IssuerFault::Host);
        }
        let path = &rest[authority_len..];
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        let good = path
            .split('/')
            .skip(1)
            .all(|part| !part.is_empty() && part != "." && part != ".." && part.bytes().all(plain));
        if !path.is_empty() && !good {
            return Err(IssuerFault::Path);
        }
        Ok(Self { origin_len: text.len() - path.len(), text: text.to_owned(), host })
    }

    /// The identifier.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// `""` or `/api/v1/auth`.
    pub fn path(&self) -> &str {
        &self.text[self.origin_len..]
    }

    /// Scheme, host and port.
    pub fn origin(&self) -> &str {
        &self.text[..self.origin_len]
    }

    /// The host, without the port.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Whether people reach it by TLS.
    pub fn is_https(&self) -> bool {
        self.text.starts_with("https://")
    }

    /// Whether it is this computer only.
    pub fn is_loopback(&self) -> bool {
        matches!(self.host.as_str(), "localhost" | "127.0.0.1" | "[::1]")
    }

    /// The full address of a path below the issuer.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.text)
    }

    /// Where a well-known document is on this host: with the issuer's path inserted after the name (RFC 8414 §3.1) and
    /// with the name appended to it (OpenID Connect Discovery §4).
    pub fn well_known(&self, name: &str) -> (String, String) {
        let path = self.path();
        (format!("/.well-known/{name}{path}"), format!("{path}/.well-known/{name}"))
    }
}

impl fmt::Display for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn md_01_the_path_of_the_issuer_is_inserted() {
        let issuer = Issuer::parse("https://h.example/api/v1/auth/").expect("an issuer");
        assert_eq!(issuer.as_str(), "https://h.example/api/v1/auth");
        assert_eq!(issuer.path(), "/api/v1/auth");
        assert_eq!(issuer.origin(), "https://h.example");
        assert_eq!(issuer.url("/oauth2/token"), "https://h.example/api/v1/auth/oauth2/token");
        let (inserted, appended) = issuer.well_known("openid-configuration");
        assert_eq!(inserted, "/.well-known/openid-configuration/api/v1/auth");
        assert_eq!(appended, "/api/v1/auth/.well-known/openid-configuration");
    }

    #[test]
    fn i_02_nothing_that_a_parser_would_rewrite() {
        for good in ["http://localhost:8480", "https://a.example", "http://[::1]:8080", "https://a.example/x"] {
            assert!(Issuer::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "ftp://a",
            "https://",
            "https://A.example",
            "https://a.example:443",
            "https://a.example/x?y",
            "https://a.example#f",
            "https://u@a.example",
            "https://a.example/../x",
            "https://a.example//x",
            "https://a.example/%41",
            "a.example",
        ] {
            assert!(Issuer::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn md_01_a_root_issuer_has_one_place_for_each_document() {
        let issuer = Issuer::parse("http://localhost:8480/").expect("an issuer");
        assert_eq!((issuer.as_str(), issuer.path(), issuer.host()), ("http://localhost:8480", "", "localhost"));
        assert!(issuer.is_loopback() && !issuer.is_https());
        let (inserted, appended) = issuer.well_known("oauth-authorization-server");
        assert_eq!(inserted, "/.well-known/oauth-authorization-server");
        assert_eq!(inserted, appended);
    }

    proptest::proptest! {
        #[test]
        fn i_02_an_issuer_reads_back_as_itself(text in "https?://[a-z@:.0-9\\[\\]]{0,12}[a-z/.%?#]{0,12}") {
            if let Ok(issuer) = Issuer::parse(&text) {
                proptest::prop_assert_eq!(Issuer::parse(issuer.as_str()), Ok(issuer.clone()));
                proptest::prop_assert_eq!(format!("{}{}", issuer.origin(), issuer.path()), issuer.as_str());
            }
        }
    }
}
