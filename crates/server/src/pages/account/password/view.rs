//! What the pages show.

use crate::pages::kit::fault::Fault;
use crate::pages::kit::frames::AccountFrame;
use crate::pages::kit::view::View;
use serde::Serialize;

/// Change password, `/account/password`; posts `csrf`, `current`, `new`.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct PasswordView {
    /// What stands around the page.
    pub(crate) frame: AccountFrame,
    /// Fewest characters of a password.
    pub(crate) min_password: u32,
    /// What is wrong with the current password.
    pub(crate) current_fault: Option<Fault>,
    /// What is wrong with the new password.
    pub(crate) new_fault: Option<Fault>,
}

impl View for PasswordView {
    const TEMPLATE: &'static str = "account_password.html";
}

/// Set a first password, `/account/password/new`; posts `csrf`, `new`.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct FirstPasswordView {
    /// What stands around the page.
    pub(crate) frame: AccountFrame,
    /// Fewest characters of a password.
    pub(crate) min_password: u32,
    /// What is wrong with it.
    pub(crate) fault: Option<Fault>,
}

impl View for FirstPasswordView {
    const TEMPLATE: &'static str = "account_password_first.html";
}
