//! What the page shows.

use crate::pages::kit::fault::Fault;
use crate::pages::kit::frames::AccountFrame;
use crate::pages::kit::view::View;
use serde::Serialize;

/// What is to be known about the address of an account.
#[derive(Serialize, Clone, Debug, Default)]
pub(crate) struct EmailState {
    /// It was proven.
    pub(crate) verified: bool,
    /// Letters can be sent, so that it can be proven and changed.
    pub(crate) mail: bool,
    /// A new one that waits to be confirmed.
    pub(crate) pending: Option<String>,
}

/// Change the address, `/account/email`; posts `csrf`, `email`; `csrf` to `…/cancel` and `…/verify`.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct ChangeEmailView {
    /// What stands around the page.
    pub(crate) frame: AccountFrame,
    /// What was typed.
    pub(crate) email: String,
    /// A new one that waits to be confirmed.
    pub(crate) pending: Option<String>,
    /// What is wrong with what was typed.
    pub(crate) fault: Option<Fault>,
}

impl View for ChangeEmailView {
    const TEMPLATE: &'static str = "account_email.html";
}
