//! What the pages show.

use crate::pages::account::passkeys::view::PasskeySection;
use crate::pages::kit::frames::AccountFrame;
use crate::pages::kit::view::{Moment, View};
use serde::Serialize;

/// Security, `/account/security`.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct SecurityView {
    /// What stands around the page.
    pub(crate) frame: AccountFrame,
    /// There is a password.
    pub(crate) password: bool,
    /// When the password was set last, if that is known.
    pub(crate) password_changed: Option<Moment>,
    /// Every sign-in asks for a second step.
    pub(crate) second_step: bool,
    /// Since when there is an authenticator app.
    pub(crate) authenticator: Option<Moment>,
    /// The account has a passkey.
    pub(crate) passkey: bool,
    /// Recovery codes left.
    pub(crate) codes_left: i64,
    /// The passkeys.
    pub(crate) passkeys: PasskeySection,
    /// There are other providers.
    pub(crate) providers: bool,
}

/// "Ask for a passkey at every sign-in?", `/account/second-step`; posts `csrf`, `on=true|false`.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct ToggleView {
    /// What stands around the page.
    pub(crate) frame: AccountFrame,
    /// It is on now.
    pub(crate) on: bool,
}

impl View for SecurityView {
    const TEMPLATE: &'static str = "account_security.html";
}

impl View for ToggleView {
    const TEMPLATE: &'static str = "account_second_step.html";
}
