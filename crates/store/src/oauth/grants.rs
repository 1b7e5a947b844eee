//! Grants: the families of what was issued from one authorization.

use diesel::prelude::*;

use crate::db::connection::Db;
use crate::db::error::Result;
use crate::db::native::{keep, natively};
use crate::db::schema::grants::dsl;
use crate::db::schema::users;

/// One authorization and everything issued from it.
#[derive(Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = crate::db::schema::grants)]
#[diesel(treat_none_as_default_value = false)]
pub struct GrantRow {
    /// random; the same in the code that it came from
    pub id: String,
    /// to whom
    pub client_id: String,
    /// by whom
    pub user_id: String,
    /// in which browser session it was given
    pub session_id: String,
    /// the whole grant, separated by spaces
    pub scopes: String,
    /// JSON list of resource identifiers
    pub resources: String,
    /// when the person last proved who they are
    pub auth_time: i64,
    /// unix seconds
    pub created_at: i64,
    /// unix seconds
    pub last_used_at: i64,
    /// nothing of this family lives longer
    pub expires_at: i64,
    /// dead with everything issued from it
    pub revoked_at: Option<i64>,
    /// why, for the log and the people who ask
    pub revoked_reason: Option<String>,
}

/// The grant with this id, live or not.
pub fn find_grant(db: &mut Db, id: &str) -> Result<Option<GrantRow>> {
    let query = dsl::grants.filter(dsl::id.eq(id));
    Ok(natively!(db, |connection| query.select(GrantRow::as_select()).get_result(connection).optional())?)
}

/// The grant with this id, live or not, and when its person was disabled, if so.
pub fn find_grant_and_owner(db: &mut Db, id: &str) -> Result<Option<(GrantRow, Option<i64>)>> {
    let query = dsl::grants.inner_join(users::table).filter(dsl::id.eq(id));
    Ok(natively!(db, |connection| {
        query.select((GrantRow::as_select(), users::disabled_at)).get_result(connection).optional()
    })?)
}

/// The live grants of a person, newest use first.
pub fn list_live_grants(db: &mut Db, user_id: &str, now: i64) -> Result<Vec<GrantRow>> {
    let query = dsl::grants
        .filter(dsl::user_id.eq(user_id))
        .filter(dsl::revoked_at.is_null())
        .filter(dsl::expires_at.gt(now))
        .order(dsl::last_used_at.desc())
        .limit(500);
    Ok(query.select(GrantRow::as_select()).load(db)?)
}

/// All grants of a person that are still stored, the ended ones too, newest first.
pub fn list_user_grants(db: &mut Db, user_id: &str) -> Result<Vec<GrantRow>> {
    let query = dsl::grants.filter(dsl::user_id.eq(user_id)).order(dsl::created_at.desc()).limit(10_000);
    Ok(query.select(GrantRow::as_select()).load(db)?)
}

/// Notes that a grant was used.
pub fn update_grant_use(db: &mut Db, id: &str, now: i64) -> Result<()> {
    let note = diesel::update(dsl::grants.filter(dsl::id.eq(id))).set(dsl::last_used_at.eq(now));
    natively!(db, |connection| keep!(note).execute(connection))?;
    Ok(())
}

/// Kills a family; `false` where it was dead.
pub fn revoke_grant(db: &mut Db, id: &str, reason: &str, now: i64) -> Result<bool> {
    let changed = diesel::update(dsl::grants.filter(dsl::id.eq(id)).filter(dsl::revoked_at.is_null()))
        .set((dsl::revoked_at.eq(Some(now)), dsl::revoked_reason.eq(Some(reason))))
        .execute(db)?;
    Ok(changed == 1)
}

/// Kills all families of a person, or those of one client; how many.
pub fn revoke_user_grants(
    db: &mut Db,
    user_id: &str,
    client_id: Option<&str>,
    reason: &str,
    now: i64,
) -> Result<usize> {
    let set = (dsl::revoked_at.eq(Some(now)), dsl::revoked_reason.eq(Some(reason)));
    let of_user = dsl::grants.filter(dsl::user_id.eq(user_id)).filter(dsl::revoked_at.is_null());
    Ok(match client_id {
        Some(client_id) => diesel::update(of_user.filter(dsl::client_id.eq(client_id))).set(set).execute(db)?,
        None => diesel::update(of_user).set(set).execute(db)?,
    })
}

/// Kills all families of a client; how many.
pub fn revoke_client_grants(db: &mut Db, client_id: &str, reason: &str, now: i64) -> Result<usize> {
    let changed = diesel::update(dsl::grants.filter(dsl::client_id.eq(client_id)).filter(dsl::revoked_at.is_null()))
        .set((dsl::revoked_at.eq(Some(now)), dsl::revoked_reason.eq(Some(reason))))
        .execute(db)?;
    Ok(changed)
}
