//! What the page shows.

use crate::pages::account::email::view::EmailState;
use crate::pages::kit::fault::Fault;
use crate::pages::kit::frames::AccountFrame;
use crate::pages::kit::view::{Moment, View};
use serde::Serialize;

/// Profile, `/account`; posts `csrf`, `name` to `/account`.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct ProfileView {
    /// What stands around the page.
    pub(crate) frame: AccountFrame,
    /// Name of the person, or what was typed.
    pub(crate) name: String,
    /// When the account was made.
    pub(crate) created: Moment,
    /// Show a form for the name instead of the bare fact.
    pub(crate) editable: bool,
    /// What is wrong with the name.
    pub(crate) fault: Option<Fault>,
    /// What is to be known about the address.
    pub(crate) address: EmailState,
}

impl View for ProfileView {
    const TEMPLATE: &'static str = "account_profile.html";
}
