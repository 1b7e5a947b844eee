//! Pages on which a person reads what happened, takes their data along, and leaves.

use super::{AccountFrame, EventView, View};
use serde::Serialize;

/// Which events are shown.
#[derive(Serialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ActivityShow {
    /// Everything.
    #[default]
    All,
    /// Sign-ins and their ends.
    SignIns,
    /// All the rest.
    Changes,
}

/// One event of the person.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct ActivityRow {
    /// What happened.
    pub(crate) event: EventView,
    /// The session that "Not you?" ends.
    pub(crate) session: Option<String>,
    /// A sign-in that failed: "Not you?" leads to Security.
    pub(crate) suspect: bool,
    /// It began the session that looks at the page.
    pub(crate) here: bool,
    /// Somebody who runs this installation did it.
    pub(crate) by_admin: bool,
    /// The full time, for the name of the button.
    pub(crate) when: String,
}

/// Activity, `/account/activity?show=…&at=…`; posts `csrf`, `id` to the same.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct ActivityView {
    /// What stands around the page.
    pub(crate) frame: AccountFrame,
    /// Which events these are.
    pub(crate) show: ActivityShow,
    /// How far back they go.
    pub(crate) days: i64,
    /// Newest first.
    pub(crate) rows: Vec<ActivityRow>,
    /// The page of newer ones.
    pub(crate) newer: Option<String>,
    /// The page of older ones.
    pub(crate) older: Option<String>,
}

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

impl View for ActivityView {
    const TEMPLATE: &'static str = "account_activity.html";
}
impl View for DataView {
    const TEMPLATE: &'static str = "account_data.html";
}
impl View for DeleteView {
    const TEMPLATE: &'static str = "account_delete.html";
}
impl View for DeletedView {
    const TEMPLATE: &'static str = "account_deleted.html";
}
