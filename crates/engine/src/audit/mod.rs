//! Audit rows, written in the transaction of what they tell, each with a mark that only the holder of the master key can
//! make. [`chain`] seals them in batches a little later, [`verify`] looks for what was changed, [`query`] lists.

pub mod chain;
mod mark;
pub mod query;
pub mod verify;

use gatepost_store::Db;
use gatepost_store::audit::{self, AuditRow};

use crate::audit::mark::make_event_mac;
use crate::kernel::call::Call;
use crate::kernel::error::Result;

/// Who did something.
#[derive(Clone, Copy, Debug)]
pub enum Actor<'a> {
    /// a signed-in person
    User(&'a str),
    /// an authenticated or identified client
    Client(&'a str),
    /// somebody with a shell on the host
    Operator,
    /// not known
    Nobody,
}

/// What happened.
#[derive(Clone, Copy, Debug)]
pub struct Event<'a> {
    /// who did it
    pub actor: Actor<'a>,
    /// what, as `noun.verb`
    pub action: &'static str,
    /// to whom or what
    pub subject: &'a str,
    /// whether it was done; otherwise it was refused
    pub done: bool,
}

impl<'a> Event<'a> {
    /// Something that was done.
    pub fn done(actor: Actor<'a>, action: &'static str, subject: &'a str) -> Self {
        Self { actor, action, subject, done: true }
    }

    /// Something that was refused.
    pub fn refused(actor: Actor<'a>, action: &'static str, subject: &'a str) -> Self {
        Self { actor, action, subject, done: false }
    }
}

/// Writes the event down; `detail` must hold no secret.
pub fn record_event(call: &Call, db: &mut Db, event: Event<'_>, detail: &serde_json::Value) -> Result<()> {
    let (actor_kind, actor_id) = match event.actor {
        Actor::User(id) => ("user", id),
        Actor::Client(id) => ("client", id),
        Actor::Operator => ("operator", ""),
        Actor::Nobody => ("nobody", ""),
    };
    let mut row = AuditRow {
        id: call.engine.make_id()?,
        at: call.now,
        actor_kind: actor_kind.to_owned(),
        actor_id: actor_id.to_owned(),
        action: event.action.to_owned(),
        subject_id: event.subject.to_owned(),
        result: if event.done { "done" } else { "refused" }.to_owned(),
        ip: call.origin.ip.clone(),
        user_agent: call.origin.user_agent.clone(),
        request_id: call.origin.request_id.clone(),
        detail: if detail.is_null() { String::new() } else { detail.to_string() },
        mac: String::new(),
        seal: None,
    };
    row.mac = make_event_mac(&call.engine, &row);
    Ok(audit::insert_audit_event(db, &row)?)
}
