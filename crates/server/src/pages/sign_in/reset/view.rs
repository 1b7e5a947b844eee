//! What the pages show.

use crate::pages::kit::fault::Fault;
use crate::pages::kit::view::View;
use serde::Serialize;

/// "Reset your password", `/reset`; posts `csrf`, `tx`, `email`.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct ResetView {
    /// Token against forged posts.
    pub(crate) csrf: String,
    /// Sealed journey.
    pub(crate) tx: Option<String>,
    /// What was typed.
    pub(crate) email: String,
    /// What is wrong with it.
    pub(crate) fault: Option<Fault>,
}

/// "Choose a new password", `/reset/{token}`; posts `csrf`, `new` to the same address.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct NewPasswordView {
    /// Token against forged posts.
    pub(crate) csrf: String,
    /// Token of the link, or what was sealed when its code was typed.
    pub(crate) token: String,
    /// Whose password, for password managers.
    pub(crate) email: String,
    /// Fewest characters of a password.
    pub(crate) min_password: u32,
    /// What is wrong with the new password.
    pub(crate) fault: Option<Fault>,
}

impl View for ResetView {
    const TEMPLATE: &'static str = "reset.html";
}

impl View for NewPasswordView {
    const TEMPLATE: &'static str = "new_password.html";
}
