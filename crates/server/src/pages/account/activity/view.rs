//! What the page shows.

use crate::pages::kit::events::EventView;
use crate::pages::kit::frames::AccountFrame;
use crate::pages::kit::view::View;
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

impl View for ActivityView {
    const TEMPLATE: &'static str = "account_activity.html";
}
