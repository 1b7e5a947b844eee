//! Resource indicators (RFC 8707).

use std::fmt;

use serde::{Deserialize, Serialize};

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

/// Registered resource indicators, each once, in the order in which they were named.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<String>", into = "Vec<String>")]
pub struct Resources(Vec<String>);

impl Resources {
    /// Reads the JSON list that [`Self::to_json`] writes; `None` where it is not one.
    pub fn parse_json(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// The list as JSON, as it is stored.
    pub fn to_json(&self) -> String {
        serde_json::Value::from(self.0.as_slice()).to_string()
    }

    /// The identifiers.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Whether this very identifier is among them.
    pub fn contains(&self, resource: &str) -> bool {
        self.0.iter().any(|known| known == resource)
    }

    /// The one of them that a client means ([`same_resource`]).
    pub fn find_same(&self, requested: &str) -> Option<&str> {
        self.iter().find(|known| same_resource(known, requested))
    }

    /// Adds an identifier unless it is there.
    pub fn insert(&mut self, resource: &str) {
        if !self.contains(resource) {
            self.0.push(resource.to_owned());
        }
    }

    /// Whether all of them are in the other.
    pub fn is_subset(&self, other: &Self) -> bool {
        self.iter().all(|resource| other.contains(resource))
    }

    /// What is in either, those of `self` first.
    pub fn union(&self, other: &Self) -> Self {
        self.iter().chain(other.iter()).map(str::to_owned).collect()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }
}

impl FromIterator<String> for Resources {
    fn from_iter<I: IntoIterator<Item = String>>(names: I) -> Self {
        let mut resources = Self::default();
        for name in names {
            resources.insert(&name);
        }
        resources
    }
}

impl From<Vec<String>> for Resources {
    fn from(names: Vec<String>) -> Self {
        names.into_iter().collect()
    }
}

impl From<Resources> for Vec<String> {
    fn from(resources: Resources) -> Self {
        resources.0
    }
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

    #[test]
    fn resources_are_each_there_once_and_can_be_combined() {
        let resources = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Resources>();
        let (both, one) = (resources(&["urn:b", "urn:a", "urn:b"]), resources(&["urn:a"]));
        assert_eq!((both.len(), both.to_json().as_str()), (2, r#"["urn:b","urn:a"]"#));
        assert!(one.is_subset(&both) && !both.is_subset(&one) && resources(&[]).is_subset(&one));
        assert_eq!(one.union(&both), resources(&["urn:a", "urn:b"]));
        assert_eq!(resources(&["https://a.example"]).find_same("HTTPS://a.example/"), Some("https://a.example"));
    }

    #[test]
    fn a_stored_list_is_read_as_it_was_written() {
        let stored = r#"["https://a.example","urn:b"]"#;
        assert_eq!(Resources::parse_json(stored).map(|list| list.to_json()).as_deref(), Some(stored));
        assert_eq!(Resources::parse_json("[]"), Some(Resources::default()));
        for bad in ["", "{}", "[1]", "urn:b"] {
            assert_eq!(Resources::parse_json(bad), None, "{bad}");
        }
    }
}
