//! What the pages show.

use crate::pages::kit::frames::AccountFrame;
use crate::pages::kit::scopes::ScopeView;
use crate::pages::kit::view::{Moment, View};
use serde::Serialize;

/// One app that may act for the person.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct AppRow {
    /// Client id, for the link.
    pub(crate) client_id: String,
    /// Name of the app.
    pub(crate) name: String,
    /// Host it lives at, or `None` for programs.
    pub(crate) host: Option<String>,
    /// What it may do.
    pub(crate) scopes: Vec<ScopeView>,
    /// When it was allowed first.
    pub(crate) since: Moment,
    /// When it last used its access.
    pub(crate) last_used: Option<Moment>,
    /// Registered by itself: gets the pill "Not checked".
    pub(crate) unverified: bool,
}

/// Connected apps, `/account/apps`.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct AppsView {
    /// What stands around the page.
    pub(crate) frame: AccountFrame,
    /// The apps, in the order shown.
    pub(crate) apps: Vec<AppRow>,
    /// Days that `offline_access` lasts.
    pub(crate) away_days: u32,
}

/// "End access?", `/account/apps/{client_id}/end`; posts `csrf`, `client_id` to `/account/apps/end`.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct EndAccessView {
    /// What stands around the page.
    pub(crate) frame: AccountFrame,
    /// Client id of the app.
    pub(crate) client_id: String,
    /// Name of the app.
    pub(crate) app: String,
}

impl View for AppsView {
    const TEMPLATE: &'static str = "account_apps.html";
}

impl View for EndAccessView {
    const TEMPLATE: &'static str = "account_end_access.html";
}
