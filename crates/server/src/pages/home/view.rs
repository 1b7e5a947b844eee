//! What the page shows.

use crate::pages::kit::view::View;
use gatepost_engine::SignUpMode;
use serde::Serialize;

/// Front page, `/`.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct HomeView {
    /// Email address of the account in use, `None` when nobody is signed in.
    pub(crate) email: Option<String>,
    /// Token against forged posts, for the sign-out button.
    pub(crate) csrf: String,
    /// Who may create an account.
    pub(crate) signup: SignUpMode,
}

impl View for HomeView {
    const TEMPLATE: &'static str = "home.html";
}
