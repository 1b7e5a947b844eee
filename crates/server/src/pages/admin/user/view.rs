//! What the page shows.

use crate::pages::account::sessions::view::SessionRow;
use crate::pages::admin::audit::view::LogRow;
use crate::pages::admin::shared::{PersonStatus, WaysView};
use crate::pages::kit::frames::AdminFrame;
use crate::pages::kit::view::{Moment, View};
use serde::Serialize;

/// An app that can act for a person.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct PersonApp {
    /// Name of the app.
    pub(crate) name: String,
    /// Its id.
    pub(crate) client_id: String,
    /// When it was allowed first.
    pub(crate) since: Moment,
    /// When it last got a token.
    pub(crate) last_used: Moment,
}

/// One person, `/admin/users/{id}`; posts `csrf` to `…/enable`.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct PersonView {
    /// What stands around the page.
    pub(crate) frame: AdminFrame,
    /// Id.
    pub(crate) id: String,
    /// What to call the person.
    pub(crate) name: String,
    /// Email address.
    pub(crate) email: String,
    /// Whether the address was proven.
    pub(crate) verified: bool,
    /// What the account is good for.
    pub(crate) status: PersonStatus,
    /// May administer.
    pub(crate) admin: bool,
    /// It is the account in use.
    pub(crate) own: bool,
    /// Since when there is the account.
    pub(crate) created: Moment,
    /// Last sign-in, if there was one.
    pub(crate) seen: Option<Moment>,
    /// Since when it is disabled, if it is.
    pub(crate) disabled: Option<Moment>,
    /// How the person can sign in.
    pub(crate) ways: WaysView,
    /// Where the person is signed in.
    pub(crate) sessions: Vec<SessionRow>,
    /// Apps that can act for the person.
    pub(crate) apps: Vec<PersonApp>,
    /// Without this person nobody could administer: what would take that away is not offered.
    pub(crate) last_administrator: bool,
    /// The same about the second factors.
    pub(crate) needs_factors: bool,
    /// There are second factors.
    pub(crate) has_factors: bool,
    /// Letters can be sent.
    pub(crate) mail: bool,
    /// What the person did and what was done to the person, newest first.
    pub(crate) events: Vec<LogRow>,
}

impl View for PersonView {
    const TEMPLATE: &'static str = "admin_user.html";
}
