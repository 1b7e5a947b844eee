//! The one table from an error to its code, status and way back.

use serde::{Deserialize, Serialize};

/// Every error that the protocol endpoints can answer with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorCode {
    /// a parameter is missing, malformed or repeated (OAuth 2.1 §3.2.4, §4.1.2.1)
    InvalidRequest,
    /// client authentication failed (OAuth 2.1 §3.2.4)
    InvalidClient,
    /// the code or refresh token is not good (OAuth 2.1 §3.2.4)
    InvalidGrant,
    /// the client may not use this grant (OAuth 2.1 §3.2.4, §4.1.2.1)
    UnauthorizedClient,
    /// there is no such grant here (OAuth 2.1 §3.2.4)
    UnsupportedGrantType,
    /// there is no such response type here (OAuth 2.1 §4.1.2.1)
    UnsupportedResponseType,
    /// a scope is unknown, malformed or too much (OAuth 2.1 §3.2.4)
    InvalidScope,
    /// a resource is unknown, malformed or not granted (RFC 8707 §2)
    InvalidTarget,
    /// the person or a policy said no (OAuth 2.1 §4.1.2.1)
    AccessDenied,
    /// `prompt=none`, and nobody is signed in (OpenID Connect Core §3.1.2.6)
    LoginRequired,
    /// `prompt=none`, and the person has not allowed it (OpenID Connect Core §3.1.2.6)
    ConsentRequired,
    /// `prompt=none`, and some other page is needed (OpenID Connect Core §3.1.2.6)
    InteractionRequired,
    /// `prompt=none`, and an account must be chosen (OpenID Connect Core §3.1.2.6)
    AccountSelectionRequired,
    /// request objects are not supported (OpenID Connect Core §3.1.2.6)
    RequestNotSupported,
    /// request objects by reference are not supported (OpenID Connect Core §3.1.2.6)
    RequestUriNotSupported,
    /// the `registration` parameter is not supported (OpenID Connect Core §3.1.2.6)
    RegistrationNotSupported,
    /// our fault (OAuth 2.1 §4.1.2.1)
    ServerError,
    /// our database's fault; try again (OAuth 2.1 §4.1.2.1)
    TemporarilyUnavailable,
    /// this kind of token cannot be revoked (RFC 7009 §2.2.1)
    UnsupportedTokenType,
    /// the bearer token is not good (RFC 6750 §3.1)
    InvalidToken,
    /// the bearer token may not do this (RFC 6750 §3.1)
    InsufficientScope,
}

impl ErrorCode {
    /// The code on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::UnsupportedResponseType => "unsupported_response_type",
            Self::InvalidScope => "invalid_scope",
            Self::InvalidTarget => "invalid_target",
            Self::AccessDenied => "access_denied",
            Self::LoginRequired => "login_required",
            Self::ConsentRequired => "consent_required",
            Self::InteractionRequired => "interaction_required",
            Self::AccountSelectionRequired => "account_selection_required",
            Self::RequestNotSupported => "request_not_supported",
            Self::RequestUriNotSupported => "request_uri_not_supported",
            Self::RegistrationNotSupported => "registration_not_supported",
            Self::ServerError => "server_error",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
            Self::UnsupportedTokenType => "unsupported_token_type",
            Self::InvalidToken => "invalid_token",
            Self::InsufficientScope => "insufficient_scope",
        }
    }

    /// The HTTP status where it is answered directly.
    pub const fn status(self) -> u16 {
        match self {
            Self::InvalidClient | Self::InvalidToken => 401,
            Self::InsufficientScope => 403,
            Self::ServerError => 500,
            Self::TemporarilyUnavailable => 503,
            _ => 400,
        }
    }
}

/// The body of an error (OAuth 2.1 §3.2.4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// the code
    pub error: String,
    /// a sentence in the allowed characters
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub error_description: Option<String>,
}

/// The text without what `error_description` must not contain: only %x20-21, %x23-5B and %x5D-7E stay.
pub fn clean_description(text: &str) -> String {
    text.chars().map(|c| if matches!(c, ' '..='!' | '#'..='[' | ']'..='~') { c } else { '?' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t_04_descriptions_keep_to_the_allowed_characters() {
        assert_eq!(clean_description("a \"b\"\r\n\\ ü~"), "a ?b???? ?~");
    }

    proptest::proptest! {
        #[test]
        fn t_04_a_description_is_clean_whatever_comes_in(text: String) {
            let clean = clean_description(&text);
            proptest::prop_assert!(clean.bytes().all(|byte| matches!(byte, 0x20..=0x21 | 0x23..=0x5b | 0x5d..=0x7e)));
            proptest::prop_assert_eq!(clean_description(&clean), clean);
        }
    }

    #[test]
    fn t_04_only_client_authentication_is_401() {
        assert_eq!(ErrorCode::InvalidClient.status(), 401);
        assert_eq!(ErrorCode::InvalidGrant.status(), 400);
    }
}
