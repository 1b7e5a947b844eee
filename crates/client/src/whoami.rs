//! Who is signed in.

use serde::{Deserialize, Serialize};

/// What the server's `GET {issuer}/api/v1/whoami` says about the holder of a token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WhoAmI {
    /// The person's lasting identifier; what to store.
    pub sub: String,
    /// Their address, if the server tells it.
    #[serde(default)]
    pub email: Option<String>,
    /// Their name, if the server tells it.
    #[serde(default)]
    pub name: Option<String>,
    /// The token's scopes, with spaces between.
    #[serde(default)]
    pub scope: Option<String>,
    /// The client that the token was made for.
    #[serde(default)]
    pub client_id: Option<String>,
    /// When the access token ends, unix seconds.
    #[serde(default)]
    pub exp: Option<i64>,
}

impl WhoAmI {
    /// What to call them: address, else name, else identifier.
    #[must_use]
    pub fn label(&self) -> &str {
        self.email.as_deref().or(self.name.as_deref()).filter(|text| !text.is_empty()).unwrap_or(&self.sub)
    }
}
