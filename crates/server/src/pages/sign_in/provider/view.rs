//! What the pages show.

use crate::pages::kit::render::HAND_OVER_HEADERS;
use crate::pages::kit::view::View;
use serde::Serialize;

/// "Taking you to …": the 200 answer of a post that goes on at a provider, because `form-action` stops a redirect.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct ProviderGoView {
    /// Name of the provider.
    pub(crate) provider: String,
    /// Its sign-in page, with the request in it.
    pub(crate) uri: String,
}

/// Why a trip to a provider came to nothing; texts are `provider-trouble.*`.
#[derive(Serialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ProviderTrouble {
    /// It does not answer.
    Unreachable,
    /// What came back proves nothing.
    Refused,
    /// The trip is over, was used, or is another browser's.
    Gone,
    /// It does not confirm the address.
    Unverified,
    /// The operator lets in other domains only.
    OtherDomain,
    /// The account here is disabled.
    AccountOff,
    /// No account can be made.
    Closed,
    /// An account needs an invitation.
    InviteNeeded,
    /// The account there is connected to another account here.
    Taken,
}

impl ProviderTrouble {
    /// HTTP status of the page.
    pub(crate) fn status(self) -> u16 {
        match self {
            Self::Unreachable => 503,
            Self::Refused | Self::Gone => 400,
            Self::Unverified | Self::OtherDomain | Self::AccountOff | Self::Closed | Self::InviteNeeded => 403,
            Self::Taken => 409,
        }
    }
}

/// A trip came to nothing; nobody was signed in by it (SO6).
#[derive(Serialize, Clone, Debug)]
pub(crate) struct ProviderTroubleView {
    /// Which words.
    pub(crate) kind: ProviderTrouble,
    /// Name of the provider.
    pub(crate) provider: String,
    /// What goes on after another try.
    pub(crate) tx: Option<String>,
    /// The person wanted to connect an account, not to sign in.
    pub(crate) linking: bool,
    /// `req_…`, the same id as in the log.
    pub(crate) reference: String,
}

impl View for ProviderGoView {
    const TEMPLATE: &'static str = "provider_go.html";

    fn headers() -> &'static [(&'static str, &'static str)] {
        HAND_OVER_HEADERS
    }
}

impl View for ProviderTroubleView {
    const TEMPLATE: &'static str = "provider_trouble.html";
}
