//! The introspection endpoint's answer (RFC 7662 §2.2).

use serde::{Deserialize, Deserializer, Serialize, Serializer};

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

/// What is said about a token; the default is inactive. An inactive answer is written as `{"active":false}`, whatever
/// else was filled in (RFC 7662 §2.2).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
// makes inherent functions of what is derived, so that the trait below can look at `active` first
#[serde(remote = "Self")]
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

impl Serialize for IntrospectionResponse {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.active { Self::serialize(self, serializer) } else { Self::serialize(&Self::default(), serializer) }
    }
}

impl<'de> Deserialize<'de> for IntrospectionResponse {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::deserialize(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_03_inactive_says_nothing_else() {
        let text = serde_json::to_string(&IntrospectionResponse::default()).expect("serializes");
        assert_eq!(text, r#"{"active":false}"#);
        let revoked = IntrospectionResponse { sub: Some("u".into()), exp: Some(1), ..IntrospectionResponse::default() };
        assert_eq!(serde_json::to_string(&revoked).expect("serializes"), r#"{"active":false}"#);
    }

    #[test]
    fn in_05_what_is_written_is_read_again() {
        let answer = IntrospectionResponse {
            active: true,
            scope: Some("a b".into()),
            client_id: Some("c".into()),
            exp: Some(2),
            aud: Some(vec!["https://api.example".to_owned()].into()),
            ..IntrospectionResponse::default()
        };
        let text = serde_json::to_string(&answer).expect("serializes");
        let expected = r#"{"active":true,"scope":"a b","client_id":"c","exp":2,"aud":"https://api.example"}"#;
        assert_eq!(text, expected);
        assert_eq!(serde_json::from_str::<IntrospectionResponse>(&text).expect("parses"), answer);
        assert!(serde_json::from_str::<IntrospectionResponse>(r#"{"active":true,"cnf":{"jkt":"x"}}"#).is_ok());
        for bad in [r#"{"active":"true"}"#, "{}", "7", r#"{"active":true,"active":false}"#] {
            assert!(serde_json::from_str::<IntrospectionResponse>(bad).is_err(), "{bad}");
        }
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
