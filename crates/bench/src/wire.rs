//! Texts of HTTP: addresses, percent-encoding, requests as bytes, members of JSON answers.

use std::fmt::Write;

/// Name and value of a header.
pub(crate) type Header = (String, String);

/// (host:port, path and query) of an absolute http URL.
pub(crate) fn split_url(url: &str) -> Option<(String, String)> {
    let rest = url.strip_prefix("http://")?;
    let end = rest.find('/').unwrap_or(rest.len());
    let (host, path) = rest.split_at(end);
    let path = if path.is_empty() { "/" } else { path };
    let host = if host.contains(':') { host.to_string() } else { format!("{host}:80") };
    Some((host, path.to_string()))
}

/// Everything up to the path of an absolute http URL.
pub(crate) fn origin_of(url: &str) -> &str {
    let start = "http://".len().min(url.len());
    let end = url[start..].find('/').map_or(url.len(), |index| start + index);
    &url[..end]
}

/// The bytes of a request; a body without a Content-Type is a form.
pub(crate) fn write_request(
    method: &str,
    (host, path): (&str, &str),
    headers: &[Header],
    body: Option<&str>,
) -> Vec<u8> {
    let mut text = format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: gatepost-bench\r\nAccept: */*\r\n");
    for (name, value) in headers {
        let _ = write!(text, "{name}: {value}\r\n");
    }
    match body {
        Some(body) => {
            if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
                text.push_str("Content-Type: application/x-www-form-urlencoded\r\n");
            }
            let _ = write!(text, "Content-Length: {}\r\n\r\n{body}", body.len());
        }
        None => text.push_str("\r\n"),
    }
    text.into_bytes()
}

/// Percent-encodes all but unreserved signs (RFC 3986 §2.3).
pub(crate) fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// Undoes form encoding; what is not encoded properly stays as it is.
pub(crate) fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let value = (*byte == b'%').then(|| text.get(at + 1..at + 3)).flatten();
        match value.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(value) => {
                out.push(value);
                at += 3;
            }
            None => {
                out.push(if *byte == b'+' { b' ' } else { *byte });
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// The value of a string member of a JSON object, without parsing the whole: the generator must be cheap.
pub(crate) fn find_member(body: &[u8], name: &str) -> Option<String> {
    let text = std::str::from_utf8(body).ok()?;
    let quoted = format!("\"{name}\"");
    let after = &text[text.find(&quoted)? + quoted.len()..];
    let value = after.trim_start().strip_prefix(':')?.trim_start().strip_prefix('"')?;
    value.split_once('"').map(|(value, _)| value.to_string())
}

/// Whether an introspection answer says `"active": WANTED`.
pub(crate) fn says_active(body: &[u8], wanted: bool) -> bool {
    let text = String::from_utf8_lossy(body);
    let Some((_, after)) = text.split_once("\"active\"") else { return false };
    after.trim_start_matches([' ', '\n', '\t', '\r', ':']).starts_with(if wanted { "true" } else { "false" })
}

#[cfg(test)]
mod tests {
    use super::{decode, encode, find_member, origin_of, says_active, split_url};

    #[test]
    fn addresses_are_split() {
        assert_eq!(split_url("http://h:1/a?b"), Some(("h:1".into(), "/a?b".into())));
        assert_eq!(split_url("http://h"), Some(("h:80".into(), "/".into())));
        assert_eq!(split_url("https://h/"), None);
        assert_eq!(origin_of("http://h:1/a/b"), "http://h:1");
    }

    #[test]
    fn encoding_goes_both_ways() {
        assert_eq!(encode("a b/ü"), "a%20b%2F%C3%BC");
        assert_eq!(decode("a+b%2F%C3%BC"), "a b/ü");
        assert_eq!(decode("50%"), "50%");
        assert_eq!(decode("%zz%é"), "%zz%é");
    }

    #[test]
    fn members_are_found_whatever_the_spacing() {
        assert_eq!(find_member(br#"{"a":1,"access_token" : "x.y"}"#, "access_token").as_deref(), Some("x.y"));
        assert_eq!(find_member(br#"{"access_token":null}"#, "access_token"), None);
        assert!(says_active(br#"{"active": true}"#, true));
        assert!(!says_active(br#"{"active":false}"#, true));
        assert!(!says_active(b"{}", false));
    }
}
