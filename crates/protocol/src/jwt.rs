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
