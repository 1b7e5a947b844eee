//! Resource indicators (RFC 8707).

use std::fmt;

use crate::uri::{has_uri_characters, has_whole_percents, split_authority};

/// Why a text is not a resource indicator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResourceFault {
    /// not an absolute URI
    NotAbsolute,
    /// it has a fragment
    Fragment,
    /// longer than 2,048 bytes, or with characters that no URI has
    Malformed,
}

impl fmt::Display for ResourceFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotAbsolute => "it must be an absolute URI",
            Self::Fragment => "it must not have a fragment",
            Self::Malformed => "it has characters that no URI has, or is too long",
        })
    }
}

impl std::error::Error for ResourceFault {}

/// Whether this can be a resource indicator: an absolute URI without a fragment (RFC 8707 §2).
pub fn check_resource(uri: &str) -> Result<(), ResourceFault> {
    if uri.len() > 2048 || !has_uri_characters(uri) || !has_whole_percents(uri) {
        return Err(ResourceFault::Malformed);
    }
    if uri.contains('#') {
        return Err(ResourceFault::Fragment);
    }
    let url = url::Url::parse(uri).map_err(|_| ResourceFault::NotAbsolute)?;
    // the parser repairs `https:api` and `https:///api`; what the client wrote has no host there
    let has_host = uri.split_once("://").is_some_and(|(_, rest)| !split_authority(rest).0.is_empty());
    if matches!(url.scheme(), "http" | "https") && !has_host {
        return Err(ResourceFault::NotAbsolute);
    }
    Ok(())
}

/// Whether a client means this registered resource: the same text, where the case of scheme and host and a lone slash
/// after the host do not matter, because real clients write both (RI-06).
pub fn same_resource(registered: &str, requested: &str) -> bool {
    registered == requested || normalize(registered) == normalize(requested)
}

fn normalize(uri: &str) -> String {
    let Some((scheme, rest)) = uri.split_once("://") else { return uri.to_owned() };
    let (authority, path) = split_authority(rest);
    // only the host is case-insensitive, a user name is not (RFC 3986 §6.2.2.1)
    let (user, host) = authority.split_at(authority.rfind('@').map_or(0, |at| at + 1));
    let path = if path == "/" { "" } else { path };
    format!("{}://{user}{}{path}", scheme.to_ascii_lowercase(), host.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ri_01_absolute_and_without_fragment() {
        for good in ["https://api.example", "https://api.example/mcp", "urn:example:api"] {
            assert_eq!(check_resource(good), Ok(()), "{good}");
        }
        for bad in [
            "/mcp",
            "api.example",
            "https://a#b",
            "https://a b",
            "https://ü",
            "",
            "https:a",
            "https:///a",
            "https:\\\\a",
            "https://a/%z",
            "https://a/{b}",
        ] {
            assert!(check_resource(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn ri_06_a_lone_slash_and_the_case_of_the_host_do_not_matter() {
        assert!(same_resource("https://api.example", "https://api.example/"));
        assert!(same_resource("https://api.example/mcp", "HTTPS://API.example/mcp"));
        assert!(!same_resource("https://api.example/mcp", "https://api.example/mcp/"));
        assert!(!same_resource("https://api.example/mcp", "https://api.example/MCP"));
        assert!(!same_resource("https://api.example", "https://api.example.evil"));
        assert!(!same_resource("https://Me@api.example", "https://me@api.example"));
        assert!(!same_resource("https://api.example?a", "https://api.example/?a"));
        assert!(!same_resource("http://api.example", "https://api.example"));
    }
}
