//! The token endpoint's answer (OAuth 2.1 §3.2.3).

use std::fmt;

use serde::{Deserialize, Serialize};

/// Tokens that were issued.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenResponse {
    /// the access token
    pub access_token: String,
    /// `Bearer`
    pub token_type: String,
    /// seconds from now
    #[serde(default)]
    pub expires_in: i64,
    /// what was granted, always said
    #[serde(default)]
    pub scope: String,
    /// the refresh token, where there is one
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub refresh_token: Option<String>,
}

impl fmt::Debug for TokenResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenResponse")
            .field("scope", &self.scope)
            .field("expires_in", &self.expires_in)
            .finish_non_exhaustive()
    }
}
