//! What the page shows.

use crate::pages::kit::events::EventView;
use crate::pages::kit::frames::AdminFrame;
use crate::pages::kit::view::{Moment, View};
use serde::Serialize;

/// Who did something, or to whom it was done.
#[derive(Serialize, Clone, Debug, PartialEq, Eq)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub(crate) enum Party {
    /// A person who is still there.
    Person {
        /// Id, for the link.
        id: String,
        /// Email address.
        email: String,
    },
    /// Somebody or something known by id only: gone, or no person.
    Id {
        /// The id.
        id: String,
    },
    /// Somebody with a shell on the server, or the server itself.
    Operator,
    /// Not known.
    Nobody,
}

/// One event.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct LogRow {
    /// The event, with what its sentence names.
    pub(crate) event: EventView,
    /// Who did it.
    pub(crate) actor: Party,
    /// To whom or what it was done, where that is somebody or something else.
    pub(crate) subject: Option<Party>,
    /// Id of the event.
    pub(crate) id: String,
    /// What was written down with it: name and value, before and after.
    pub(crate) detail: Vec<(String, String)>,
    /// The seal that it is under, once it is.
    pub(crate) seal: Option<i64>,
}

/// What is known of the chain over the log.
#[derive(Serialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(tag = "key", rename_all = "kebab-case")]
pub(crate) enum ChainState {
    /// Nothing is sealed yet.
    None,
    /// The newest seal is as it was made.
    Intact {
        /// Its number.
        seal: i64,
        /// The time of the newest event under it.
        until: Moment,
    },
    /// The newest seal, or an event under it, was changed.
    Broken {
        /// Its number.
        seal: i64,
    },
}

/// Audit log, `/admin/audit`; the address is the state.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct AuditView {
    /// What stands around the page.
    pub(crate) frame: AdminFrame,
    /// The person that was asked for: an address or an id.
    pub(crate) person: String,
    /// Nobody has that address, so that nothing was looked for.
    pub(crate) nobody: bool,
    /// Chosen kind: the first word of actions.
    pub(crate) kind: Option<&'static str>,
    /// All kinds; texts are `log.kind.*`.
    pub(crate) kinds: &'static [&'static str],
    /// Chosen result: `done` or `refused`.
    pub(crate) result: Option<&'static str>,
    /// First day, `2026-03-01`.
    pub(crate) since: String,
    /// Last day.
    pub(crate) until: String,
    /// The reference that was asked for.
    pub(crate) reference: String,
    /// The query without the place, for links.
    pub(crate) query: String,
    /// The events of this page.
    pub(crate) events: Vec<LogRow>,
    /// Place for newer ones.
    pub(crate) newer: Option<String>,
    /// Place for older ones.
    pub(crate) older: Option<String>,
    /// What is known of the chain.
    pub(crate) chain: ChainState,
}

impl View for AuditView {
    const TEMPLATE: &'static str = "admin_audit.html";
}
