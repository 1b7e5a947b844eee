//! What the page shows.

use crate::pages::kit::frames::AccountFrame;
use crate::pages::kit::view::{Moment, View};
use serde::Serialize;

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
    /// How the person signed in, as words: `pwd otp`.
    pub(crate) methods: String,
    /// Started lately from a network that was not seen before.
    pub(crate) new_place: bool,
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

impl View for SessionsView {
    const TEMPLATE: &'static str = "account_sessions.html";
}
