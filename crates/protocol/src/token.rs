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

#[cfg(test)]
mod tests {
    use super::*;

    fn make_response() -> TokenResponse {
        TokenResponse {
            access_token: "gp_at_hidden".into(),
            token_type: "Bearer".into(),
            expires_in: 600,
            scope: "a b".into(),
            refresh_token: None,
        }
    }

    #[test]
    fn t_03_expires_in_is_a_number_and_what_is_missing_is_left_out() {
        let text = serde_json::to_string(&make_response()).expect("serializes");
        assert_eq!(text, r#"{"access_token":"gp_at_hidden","token_type":"Bearer","expires_in":600,"scope":"a b"}"#);
        assert_eq!(serde_json::from_str::<TokenResponse>(&text).expect("parses"), make_response());
        let short = r#"{"access_token":"x","token_type":"bearer","id_token":"y"}"#;
        assert_eq!(serde_json::from_str::<TokenResponse>(short).expect("parses").expires_in, 0);
    }

    #[test]
    fn r_62_tokens_are_not_printed() {
        let response = TokenResponse { refresh_token: Some("gp_rt_hidden".into()), ..make_response() };
        assert!(!format!("{response:?}").contains("hidden"));
    }
}
