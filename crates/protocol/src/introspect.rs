//! The introspection endpoint's answer (RFC 7662 §2.2).

use serde::{Deserialize, Serialize};

/// One text or several (RFC 7519 §4.1.3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum OneOrMany {
    /// exactly one
    One(String),
    /// several, or none
    Many(Vec<String>),
}

impl OneOrMany {
    /// Whether the text is among them.
    pub fn contains(&self, text: &str) -> bool {
        match self {
            Self::One(one) => one == text,
            Self::Many(many) => many.iter().any(|one| one == text),
        }
    }
}

impl From<Vec<String>> for OneOrMany {
    fn from(mut many: Vec<String>) -> Self {
        match many.len() {
            1 => Self::One(many.remove(0)),
            _ => Self::Many(many),
        }
    }
}

/// What is said about a token; the default is inactive and says nothing else.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IntrospectionResponse {
    /// whether the token is good for whoever asks
    pub active: bool,
    /// separated by spaces
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub scope: Option<String>,
    /// to whom it was issued
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub client_id: Option<String>,
    /// the person's address, for people to read
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub username: Option<String>,
    /// `Bearer`
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub token_type: Option<String>,
    /// unix seconds
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub exp: Option<i64>,
    /// unix seconds
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub iat: Option<i64>,
    /// unix seconds
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub nbf: Option<i64>,
    /// who, or which client, it speaks for
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub sub: Option<String>,
    /// for whom it is meant
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub aud: Option<OneOrMany>,
    /// who issued it
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub iss: Option<String>,
    /// its id
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub jti: Option<String>,
    /// when the person proved who they are, in unix seconds (RFC 9470 §6.2)
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub auth_time: Option<i64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_03_inactive_says_nothing_else() {
        let text = serde_json::to_string(&IntrospectionResponse::default()).expect("serializes");
        assert_eq!(text, r#"{"active":false}"#);
    }

    #[test]
    fn in_05_one_audience_is_a_string_and_several_are_a_list() {
        let one = OneOrMany::from(vec!["a".to_owned()]);
        assert_eq!(serde_json::to_string(&one).expect("serializes"), r#""a""#);
        let two = OneOrMany::from(vec!["a".to_owned(), "b".to_owned()]);
        assert_eq!(serde_json::to_string(&two).expect("serializes"), r#"["a","b"]"#);
        assert!(two.contains("b") && !two.contains("c"));
    }
}
