//! Pages of a signed-in person under `/account`.

use super::{Fault, Moment, Notice, ScopeView, View};
use serde::Serialize;

/// What every account page shows around its content.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct AccountFrame {
    /// Email address of the account in use.
    pub(crate) email: String,
    /// Token against forged posts, for the sign-out button and the page's own forms.
    pub(crate) csrf: String,
    /// Message above the page.
    pub(crate) notice: Option<Notice>,
}

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
}

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

/// One browser that is signed in.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct SessionRow {
    /// Id of the session for the form: never the cookie's value.
    pub(crate) id: String,
    /// "Firefox on Linux", see `describe_browser`.
    pub(crate) browser: String,
    /// "Paris, France", if known.
    pub(crate) place: Option<String>,
    /// Address it was last seen at.
    pub(crate) ip: Option<String>,
    /// When it was last used.
    pub(crate) last_used: Moment,
    /// When the person signed in.
    pub(crate) signed_in: Moment,
    /// The session that looks at the page: shown first, without a button.
    pub(crate) current: bool,
}

/// Sessions, `/account/sessions`; posts `csrf`, `id` to `…/end` and `csrf` to `…/end-others`.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct SessionsView {
    /// What stands around the page.
    pub(crate) frame: AccountFrame,
    /// All sessions, in any order.
    pub(crate) sessions: Vec<SessionRow>,
}

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

impl View for ProfileView {
    const TEMPLATE: &'static str = "account_profile.html";
}
impl View for PasswordView {
    const TEMPLATE: &'static str = "account_password.html";
}
impl View for SessionsView {
    const TEMPLATE: &'static str = "account_sessions.html";
}
impl View for AppsView {
    const TEMPLATE: &'static str = "account_apps.html";
}
impl View for EndAccessView {
    const TEMPLATE: &'static str = "account_end_access.html";
}
