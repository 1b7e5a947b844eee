//! What the pages show.

use crate::pages::kit::frames::AccountFrame;
use crate::pages::kit::view::View;
use serde::Serialize;

/// Download my data, `/account/data`; posts `csrf`.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct DataView {
    /// What stands around the page.
    pub(crate) frame: AccountFrame,
}

/// "Delete your account?", `/account/delete`; posts `csrf`.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct DeleteView {
    /// What stands around the page.
    pub(crate) frame: AccountFrame,
    /// Browsers that are signed in.
    pub(crate) sessions: usize,
    /// Apps that may use the account.
    pub(crate) apps: usize,
    /// Passkeys.
    pub(crate) passkeys: usize,
    /// Linked accounts.
    pub(crate) identities: usize,
    /// It cannot be deleted: there would be no administrator.
    pub(crate) last_admin: bool,
}

/// "Your account is deleted".
#[derive(Serialize, Clone, Debug)]
pub(crate) struct DeletedView {}

impl View for DataView {
    const TEMPLATE: &'static str = "account_data.html";
}

impl View for DeleteView {
    const TEMPLATE: &'static str = "account_delete.html";
}

impl View for DeletedView {
    const TEMPLATE: &'static str = "account_deleted.html";
}
