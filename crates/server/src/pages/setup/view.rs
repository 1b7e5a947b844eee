//! What the pages show.

use crate::pages::kit::fault::AccountFaults;
use crate::pages::kit::view::View;
use serde::Serialize;

/// First administrator, `/setup/{token}`; posts `csrf`, `email`, `name`, `password` to the same address.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct SetupView {
    /// Token against forged posts.
    pub(crate) csrf: String,
    /// Token of the link.
    pub(crate) token: String,
    /// What was typed.
    pub(crate) email: String,
    /// What was typed.
    pub(crate) name: String,
    /// Fewest characters of a password.
    pub(crate) min_password: u32,
    /// What is wrong.
    pub(crate) faults: AccountFaults,
}

/// A set-up link that was used, is too old or was never made.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct SetupGoneView {
    /// An administrator exists, so signing in is the next step; else a new link is.
    pub(crate) has_administrator: bool,
}

impl View for SetupView {
    const TEMPLATE: &'static str = "setup.html";
}

impl View for SetupGoneView {
    const TEMPLATE: &'static str = "setup_gone.html";
}
