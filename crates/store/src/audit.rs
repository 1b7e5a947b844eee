//! The audit log: written in the transaction of what it tells, never changed.

use diesel::prelude::*;

use crate::db::Db;
use crate::error::Result;
use crate::schema::audit_events::dsl;

/// One thing that happened.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = crate::schema::audit_events)]
pub struct AuditRow {
    /// random
    pub id: String,
    /// unix seconds
    pub at: i64,
    /// `user`, `client`, `operator` or `nobody`
    pub actor_kind: String,
    /// who did it
    pub actor_id: String,
    /// what, as `noun.verb`
    pub action: String,
    /// to whom or what
    pub subject_id: String,
    /// `done` or `refused`
    pub result: String,
    /// from where
    pub ip: String,
    /// with what
    pub user_agent: String,
    /// the reference that pages and logs show
    pub request_id: String,
    /// JSON; never a secret
    pub detail: String,
    /// over all of the above
    pub mac: String,
    /// the batch of the chain that it is in, once it is
    pub seal: Option<i64>,
}

/// Adds an event.
pub fn insert_audit_event(db: &mut Db, row: &AuditRow) -> Result<()> {
    diesel::insert_into(dsl::audit_events).values(row).execute(db)?;
    Ok(())
}

/// The newest events, at most `limit`.
pub fn list_audit_events(db: &mut Db, limit: i64) -> Result<Vec<AuditRow>> {
    let query = dsl::audit_events.order((dsl::at.desc(), dsl::id.desc())).limit(limit);
    Ok(query.select(AuditRow::as_select()).load(db)?)
}
