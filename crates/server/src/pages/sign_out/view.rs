//! What the pages show.

use crate::pages::kit::view::{Moment, View};
use serde::Serialize;

/// "Sign out?", `/logout`; posts `csrf` and `tx`.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct LogoutView {
    /// Token against forged posts.
    pub(crate) csrf: String,
    /// Sealed sign-out request of an app.
    pub(crate) tx: Option<String>,
    /// Name of the app that asked.
    pub(crate) app: Option<String>,
    /// Email address of the account in use.
    pub(crate) email: String,
}

/// An app that keeps its own session after sign-out.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct StillSignedIn {
    /// Name of the app.
    pub(crate) app: String,
    /// When its access ends at the latest.
    pub(crate) until: Moment,
}

/// "You are signed out".
#[derive(Serialize, Clone, Debug)]
pub(crate) struct SignedOutView {
    /// Name of the app that `return_to` belongs to.
    pub(crate) app: Option<String>,
    /// Registered address to go back to.
    pub(crate) return_to: Option<String>,
    /// Apps that stay signed in.
    pub(crate) still: Vec<StillSignedIn>,
}

impl View for LogoutView {
    const TEMPLATE: &'static str = "logout.html";
}

impl View for SignedOutView {
    const TEMPLATE: &'static str = "signed_out.html";
}
