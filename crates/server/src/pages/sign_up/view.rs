//! What the page shows.

use crate::pages::kit::fault::{AccountFaults, Fault};
use crate::pages::kit::passkey::PasskeyOffer;
use crate::pages::kit::providers::ProviderButton;
use crate::pages::kit::view::{Moment, View};
use serde::Serialize;

/// Create your account, `/signup`; posts `csrf`, `tx`, `email`, `name`, `password`, and `invite` if the page asks for it.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct SignupView {
    /// Token against forged posts.
    pub(crate) csrf: String,
    /// Sealed authorization request that goes on after sign-up.
    pub(crate) tx: Option<String>,
    /// Name of the app that asked.
    pub(crate) app: Option<String>,
    /// What was typed.
    pub(crate) email: String,
    /// What was typed.
    pub(crate) name: String,
    /// Fewest characters of a password.
    pub(crate) min_password: u32,
    /// The invitation that came along, or the field for one.
    pub(crate) invite: InvitePart,
    /// What is wrong.
    pub(crate) faults: AccountFaults,
    /// An account without a password.
    pub(crate) passkeys: PasskeyOffer,
    /// Ways in without a password.
    pub(crate) providers: Vec<ProviderButton>,
}

impl View for SignupView {
    const TEMPLATE: &'static str = "signup.html";
}

/// A good invitation that came along.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct GivenInvite {
    /// Name of whoever made it; `None` for the people who run this installation.
    pub(crate) inviter: Option<String>,
    /// Until when it is good.
    pub(crate) until: Moment,
    /// The only address that may use it.
    pub(crate) email: Option<String>,
}

/// The part of the sign-up page that is about invitations.
#[derive(Serialize, Clone, Debug, Default)]
pub(crate) struct InvitePart {
    /// The invitation that came along, if it is good.
    pub(crate) given: Option<GivenInvite>,
    /// The page asks for a code.
    pub(crate) asks: bool,
    /// An account needs a code: the page says whom to ask for one.
    pub(crate) needed: bool,
    /// What was typed.
    pub(crate) code: String,
    /// What is wrong with it.
    pub(crate) fault: Option<Fault>,
}
