//! Challenges and bearer credentials (RFC 6750, RFC 9110 §11).

use crate::error::clean_description;

/// What is wrong with a bearer token (RFC 6750 §3.1).
#[derive(Clone, Copy, Debug)]
pub struct BearerError<'a> {
    /// `invalid_token`, `insufficient_scope` or `invalid_request`
    pub code: &'a str,
    /// a safe sentence
    pub description: &'a str,
    /// what would be needed
    pub scope: Option<&'a str>,
}

/// A challenge for client authentication (OAuth 2.1 §3.2.4).
pub fn basic(realm: &str) -> String {
    format!("Basic realm={}, charset=\"UTF-8\"", quote(realm))
}

/// A challenge for a bearer token; without credentials there is no error code (RFC 6750 §3.1). `resource_metadata` says
/// where a client learns which server to ask (RFC 9728 §5.1).
pub fn bearer(realm: &str, error: Option<BearerError<'_>>, resource_metadata: Option<&str>) -> String {
    let mut challenge = format!("Bearer realm={}", quote(realm));
    let mut add = |name: &str, value: &str| {
        challenge.push_str(", ");
        challenge.push_str(name);
        challenge.push('=');
        challenge.push_str(&quote(value));
    };
    if let Some(error) = error {
        // these three may not even have an escaped quote or backslash in them (RFC 6750 §3)
        add("error", &clean_description(error.code));
        add("error_description", &clean_description(error.description));
        if let Some(scope) = error.scope {
            add("scope", &clean_description(scope));
        }
    }
    if let Some(url) = resource_metadata {
        add("resource_metadata", url);
    }
    challenge
}

/// A quoted string; what cannot stand in a header is replaced, so that no input can end it (RU-07).
fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for letter in text.chars() {
        match letter {
            '"' | '\\' => {
                quoted.push('\\');
                quoted.push(letter);
            }
            ' '..='~' => quoted.push(letter),
            _ => quoted.push('?'),
        }
    }
    quoted.push('"');
    quoted
}

/// Why an Authorization header is no bearer token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BearerFault {
    /// another scheme
    OtherScheme,
    /// not a token68
    Malformed,
}

/// The token of an Authorization header; the scheme's case does not matter (BE-01).
pub fn parse_bearer(authorization: &str) -> Result<&str, BearerFault> {
    let (scheme, token) = authorization.split_once(' ').unwrap_or((authorization, ""));
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(BearerFault::OtherScheme);
    }
    let token = token.trim_start_matches(' ');
    let body = token.trim_end_matches('=');
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
    if body.is_empty() || !body.bytes().all(allowed) {
        return Err(BearerFault::Malformed);
    }
    Ok(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn be_01_the_scheme_is_case_insensitive() {
        for header in ["Bearer abc", "bearer abc", "BEARER  abc"] {
            assert_eq!(parse_bearer(header), Ok("abc"));
        }
        assert_eq!(parse_bearer("Basic abc"), Err(BearerFault::OtherScheme));
        for bad in ["Bearer", "Bearer ", "Bearer a b", "Bearer ü", "Bearer a\"b"] {
            assert_eq!(parse_bearer(bad), Err(BearerFault::Malformed), "{bad}");
        }
    }

    #[test]
    fn be_04_without_credentials_there_is_no_error_code() {
        assert_eq!(bearer("api", None, None), r#"Bearer realm="api""#);
        let error = BearerError { code: "insufficient_scope", description: "No.", scope: Some("a b") };
        assert_eq!(
            bearer("api", Some(error), Some("https://x/y")),
            r#"Bearer realm="api", error="insufficient_scope", error_description="No.", scope="a b", resource_metadata="https://x/y""#
        );
    }

    #[test]
    fn ru_07_no_input_can_end_a_header() {
        assert_eq!(bearer("a\"b\r\nX: y", None, None), r#"Bearer realm="a\"b??X: y""#);
        assert_eq!(basic("ü\0"), r#"Basic realm="??", charset="UTF-8""#);
        let error = BearerError { code: "invalid_token", description: "say \"x\\y\"", scope: Some("a\"b") };
        assert_eq!(
            bearer("a", Some(error), None),
            r#"Bearer realm="a", error="invalid_token", error_description="say ?x?y?", scope="a?b""#
        );
    }

    proptest::proptest! {
        #[test]
        fn a_challenge_is_always_a_header_value(realm: String, text: String) {
            let error = BearerError { code: &text, description: &text, scope: Some(&text) };
            let challenge = bearer(&realm, Some(error), Some(&text));
            proptest::prop_assert!(challenge.bytes().all(|byte| (0x20..0x7f).contains(&byte)));
        }

        #[test]
        fn parsing_never_panics(header: String) {
            let _ = parse_bearer(&header);
        }
    }
}
