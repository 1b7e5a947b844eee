//! What the pages show.

use crate::pages::kit::fault::AccountFaults;
use crate::pages::kit::frames::AdminFrame;
use crate::pages::kit::view::View;
use serde::Serialize;

/// Add a user, `/admin/users/new`; posts `csrf`, `name`, `email`, `role`.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct NewUserView {
    /// What stands around the page.
    pub(crate) frame: AdminFrame,
    /// What was typed.
    pub(crate) name: String,
    /// What was typed.
    pub(crate) email: String,
    /// The role of an administrator was chosen.
    pub(crate) admin: bool,
    /// What is wrong.
    pub(crate) faults: AccountFaults,
    /// Letters can be sent: the person gets a link instead of a password.
    pub(crate) mail: bool,
}

/// The person was added: what to tell them, once.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct UserAddedView {
    /// What stands around the page.
    pub(crate) frame: AdminFrame,
    /// Id, for the link.
    pub(crate) id: String,
    /// What to call the person.
    pub(crate) name: String,
    /// Email address.
    pub(crate) email: String,
    /// The password, which is shown once; `None` where a letter is on its way.
    pub(crate) password: Option<String>,
    /// Where the person signs in.
    pub(crate) sign_in: String,
}

impl View for NewUserView {
    const TEMPLATE: &'static str = "admin_user_new.html";
}

impl View for UserAddedView {
    const TEMPLATE: &'static str = "admin_user_added.html";
}
