//! Claims of the JWTs that we sign.

use serde::{Deserialize, Serialize};

use crate::introspect::{IntrospectionResponse, OneOrMany};

/// Claims of a JWT access token, whose header says `typ: at+jwt` (RFC 9068 §2.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessTokenClaims {
    /// who issued it
    pub iss: String,
    /// the person, or the client itself
    pub sub: String,
    /// for whom it is meant; never the client
    pub aud: OneOrMany,
    /// to whom it was issued
    pub client_id: String,
    /// unix seconds
    pub iat: i64,
    /// unix seconds
    pub exp: i64,
    /// its id, never used again
    pub jti: String,
    /// separated by spaces
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub scope: Option<String>,
    /// when the person proved who they are, in unix seconds
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub auth_time: Option<i64>,
}

impl AccessTokenClaims {
    /// The `typ` of the header (RFC 9068 §2.1).
    pub const TYP: &'static str = "at+jwt";
}

/// Claims of a signed introspection answer, whose header says `typ: token-introspection+jwt` (RFC 9701 §5). There is no
/// `sub` and no `exp` beside them, so that it can never pass for an access token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IntrospectionClaims {
    /// who answers
    pub iss: String,
    /// the API that asked
    pub aud: String,
    /// unix seconds
    pub iat: i64,
    /// the answer
    pub token_introspection: IntrospectionResponse,
}

impl IntrospectionClaims {
    /// The `typ` of the header (RFC 9701 §5).
    pub const TYP: &'static str = "token-introspection+jwt";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jt_02_scope_is_a_string_and_one_audience_too() {
        let claims = AccessTokenClaims {
            iss: "https://as.example".into(),
            sub: "u".into(),
            aud: vec!["https://api.example".to_owned()].into(),
            client_id: "c".into(),
            iat: 1,
            exp: 601,
            jti: "j".into(),
            scope: Some("a b".into()),
            auth_time: None,
        };
        let text = serde_json::to_string(&claims).expect("serializes");
        assert_eq!(
            text,
            r#"{"iss":"https://as.example","sub":"u","aud":"https://api.example","client_id":"c","iat":1,"exp":601,"jti":"j","scope":"a b"}"#
        );
        assert_eq!(serde_json::from_str::<AccessTokenClaims>(&text).expect("parses"), claims);
    }

    #[test]
    fn ij_02_a_signed_answer_cannot_pass_for_an_access_token() {
        let answer = IntrospectionResponse { sub: Some("u".into()), exp: Some(9), ..IntrospectionResponse::default() };
        let claims = IntrospectionClaims {
            iss: "https://as.example".into(),
            aud: "api".into(),
            iat: 1,
            token_introspection: IntrospectionResponse { active: true, ..answer.clone() },
        };
        let value = serde_json::to_value(&claims).expect("serializes");
        assert!(value.get("sub").is_none() && value.get("exp").is_none());
        assert_eq!(value["token_introspection"]["sub"], "u");
        let inactive = serde_json::to_string(&IntrospectionClaims { token_introspection: answer, ..claims });
        // IJ-03
        assert!(inactive.expect("serializes").ends_with(r#""token_introspection":{"active":false}}"#));
    }
}
