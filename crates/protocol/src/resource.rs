//! Resource indicators (RFC 8707).

use std::fmt;

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
    if uri.len() > 2048 || !uri.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(ResourceFault::Malformed);
    }
    if uri.contains('#') {
        return Err(ResourceFault::Fragment);
    }
    url::Url::parse(uri).map(|_| ()).map_err(|_| ResourceFault::NotAbsolute)
}

/// Whether a client means this registered resource: the same text, where the case of scheme and host and a lone slash
/// after the host do not matter, because real clients write both (RI-06).
pub fn same_resource(registered: &str, requested: &str) -> bool {
    registered == requested || normalize(registered) == normalize(requested)
}

fn normalize(uri: &str) -> String {
    let Some((scheme, rest)) = uri.split_once("://") else { return uri.to_owned() };
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (host, path) = rest.split_at(end);
    let path = if path == "/" { "" } else { path };
    format!("{}://{}{path}", scheme.to_ascii_lowercase(), host.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ri_01_absolute_and_without_fragment() {
        for good in ["https://api.example", "https://api.example/mcp", "urn:example:api"] {
            assert_eq!(check_resource(good), Ok(()), "{good}");
        }
        for bad in ["/mcp", "api.example", "https://a#b", "https://a b", "https://ü", ""] {
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
    }
}
