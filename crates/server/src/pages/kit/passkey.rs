//! Signing in with a passkey, as pages offer it.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::http::respond;

/// What went wrong with a passkey; texts are `passkey.*`.
#[derive(Serialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum PasskeyTrouble {
    /// It was not proven, or the answer came too late: the same words for every reason.
    Failed,
    /// No account has it any more.
    Unknown,
    /// It is on an account already.
    Taken,
}

/// A credential that the browser may forget, because nobody has it any more.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct UnknownPasskey {
    /// The host that it is for.
    pub(crate) rp_id: String,
    /// Its id, base64url.
    pub(crate) credential: String,
}

/// What a passkey button needs.
#[derive(Serialize, Clone, Debug, Default)]
pub(crate) struct PasskeyOffer {
    /// People can have passkeys at this address.
    pub(crate) available: bool,
    /// What went wrong with the last try.
    pub(crate) trouble: Option<PasskeyTrouble>,
    /// What the browser may forget.
    pub(crate) unknown: Option<UnknownPasskey>,
}

impl PasskeyOffer {
    /// A button and nothing that went wrong.
    pub(crate) fn new(available: bool) -> Self {
        Self { available, ..Self::default() }
    }
}

/// What the script asks for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wish {
    /// the ceremony
    pub(crate) kind: String,
    /// the token of the page's forms
    pub(crate) csrf: String,
    /// for a new account
    #[serde(default)]
    pub(crate) email: String,
    /// for a new account
    #[serde(default)]
    pub(crate) name: String,
}

/// A refusal that the script understands.
pub(crate) fn json_refusal(status: StatusCode, error: &str) -> HttpResponse {
    respond::json(status, json!({ "error": error }).to_string())
}
