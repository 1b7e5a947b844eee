//! What the page shows.

use crate::pages::admin::audit::view::LogRow;
use crate::pages::kit::frames::AdminFrame;
use crate::pages::kit::view::View;
use serde::Serialize;

/// Something that needs a person; texts are `to-do.*`.
#[derive(Serialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(tag = "key", rename_all = "kebab-case")]
pub(crate) enum ToDo {
    /// Letters cannot be sent.
    NoMail,
    /// Administrators who sign in with one factor.
    OneFactor {
        /// How many.
        n: u64,
    },
    /// There is one administrator.
    OneAdministrator,
    /// A signing key ends soon, and nothing follows it.
    KeyEnds {
        /// In how many days.
        n: u64,
    },
}

/// A step after the installation; texts are `first-step.*`.
#[derive(Serialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum FirstStep {
    /// Name and logo.
    Brand,
    /// A mail server.
    Mail,
    /// The first app.
    App,
    /// Other people.
    People,
}

/// Overview, `/admin`.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct OverviewView {
    /// What stands around the page.
    pub(crate) frame: AdminFrame,
    /// What needs a person, first things first.
    pub(crate) to_do: Vec<ToDo>,
    /// Steps after the installation that are not done.
    pub(crate) steps: Vec<FirstStep>,
    /// Accounts.
    pub(crate) people: u64,
    /// Sign-ins since midnight, UTC.
    pub(crate) sign_ins: u64,
    /// Live sessions.
    pub(crate) sessions: u64,
    /// Failed sign-ins since midnight, UTC.
    pub(crate) failed: u64,
    /// Failed sign-ins a day, on average of the seven days before.
    pub(crate) failed_usual: u64,
    /// The last events of everybody, newest first.
    pub(crate) events: Vec<LogRow>,
}

impl View for OverviewView {
    const TEMPLATE: &'static str = "admin_overview.html";
}
