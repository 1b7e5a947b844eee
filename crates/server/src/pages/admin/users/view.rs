//! What the page shows.

use crate::pages::admin::shared::{PersonStatus, WaysView};
use crate::pages::kit::frames::AdminFrame;
use crate::pages::kit::view::{Moment, View};
use serde::Serialize;

/// One person in the list.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct PersonRow {
    /// Id, for the link.
    pub(crate) id: String,
    /// What to call the person.
    pub(crate) name: String,
    /// Email address.
    pub(crate) email: String,
    /// What the account is good for.
    pub(crate) status: PersonStatus,
    /// May administer.
    pub(crate) admin: bool,
    /// How the person can sign in.
    pub(crate) ways: WaysView,
    /// Last sign-in, if there was one.
    pub(crate) seen: Option<Moment>,
}

/// Users, `/admin/users`; the address is the state: `q`, `status`, `role`, `older`, `newer`.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct UsersView {
    /// What stands around the page.
    pub(crate) frame: AdminFrame,
    /// What was searched for.
    pub(crate) q: String,
    /// Chosen status: a word of [`PersonStatus`].
    pub(crate) status: Option<&'static str>,
    /// Chosen role: `admin` or `user`.
    pub(crate) role: Option<&'static str>,
    /// How many people the filter lets through.
    pub(crate) total: u64,
    /// Who may create an account, as a word.
    pub(crate) signup: &'static str,
    /// The people of this page.
    pub(crate) people: Vec<PersonRow>,
    /// Place for the page of those who signed in more recently.
    pub(crate) newer: Option<String>,
    /// Place for the page of those who signed in longer ago.
    pub(crate) older: Option<String>,
}

impl View for UsersView {
    const TEMPLATE: &'static str = "admin_users.html";
}
