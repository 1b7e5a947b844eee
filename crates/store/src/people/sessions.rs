//! Browser sessions.

use diesel::prelude::*;
use gatepost_protocol::secret::TokenHash;

use crate::db::connection::Db;
use crate::db::error::Result;
use crate::db::native::{keep, natively};
use crate::db::schema::sessions::dsl;
use crate::db::schema::users;
use crate::people::users::UserRow;

/// A browser in which somebody is signed in.
#[derive(Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = crate::db::schema::sessions)]
#[diesel(treat_none_as_default_value = false)]
pub struct SessionRow {
    /// random; what pages and audit call it
    pub id: String,
    /// SHA-256 of the cookie's value
    pub token_hash: String,
    /// whose it is
    pub user_id: String,
    /// when the person last proved who they are
    pub auth_time: i64,
    /// unix seconds
    pub created_at: i64,
    /// unix seconds; coarse, so that reading a page does not write
    pub last_used_at: i64,
    /// ends here unless used before
    pub idle_expires_at: i64,
    /// ends here whatever happens
    pub expires_at: i64,
    /// from where it was started
    pub ip: String,
    /// the browser's own words, cut
    pub user_agent: String,
    /// ended before its time
    pub revoked_at: Option<i64>,
    /// how the person proved who they are, separated by spaces: `pwd`, `email`, `passkey`, `otp`, `recovery`, `fed`
    pub methods: String,
    /// 1: one factor; 2: two
    pub strength: i64,
    /// the second step is still to come; good for nothing else
    pub pending: bool,
    /// tries of the second step
    pub attempts: i64,
}

/// Starts a session.
pub fn insert_session(db: &mut Db, row: &SessionRow) -> Result<()> {
    natively!(db, |connection| keep!(diesel::insert_into(dsl::sessions).values(row)).execute(connection))?;
    Ok(())
}

/// The live session with this cookie and its enabled owner. Its caller looks at [`SessionRow::pending`].
pub fn find_live_session(db: &mut Db, token: &TokenHash, now: i64) -> Result<Option<(SessionRow, UserRow)>> {
    let query = dsl::sessions
        .inner_join(users::table)
        .filter(dsl::token_hash.eq(token.to_base64()))
        .filter(dsl::revoked_at.is_null())
        .filter(dsl::expires_at.gt(now))
        .filter(dsl::idle_expires_at.gt(now))
        .filter(users::disabled_at.is_null());
    Ok(natively!(db, |connection| {
        query.select((SessionRow::as_select(), UserRow::as_select())).get_result(connection).optional()
    })?)
}

/// Whether this person signed in from a browser of these words before, as far as sessions are kept.
pub fn has_known_browser(db: &mut Db, user_id: &str, user_agent: &str) -> Result<bool> {
    let query = dsl::sessions
        .filter(dsl::user_id.eq(user_id))
        .filter(dsl::user_agent.eq(user_agent))
        .filter(dsl::pending.eq(false));
    Ok(query.count().get_result::<i64>(db)? > 0)
}

/// The live sessions of a person, newest use first.
pub fn list_live_sessions(db: &mut Db, user_id: &str, now: i64) -> Result<Vec<SessionRow>> {
    let query = dsl::sessions
        .filter(dsl::user_id.eq(user_id))
        .filter(dsl::revoked_at.is_null())
        .filter(dsl::pending.eq(false))
        .filter(dsl::expires_at.gt(now))
        .filter(dsl::idle_expires_at.gt(now))
        .order(dsl::last_used_at.desc())
        .limit(200);
    Ok(query.select(SessionRow::as_select()).load(db)?)
}

/// All sessions of a person that are still stored, the ended ones too, newest first.
pub fn list_sessions(db: &mut Db, user_id: &str) -> Result<Vec<SessionRow>> {
    let query = dsl::sessions.filter(dsl::user_id.eq(user_id)).order(dsl::created_at.desc()).limit(1000);
    Ok(query.select(SessionRow::as_select()).load(db)?)
}

/// Lets the sign-in of a session count as older than it is.
pub fn update_session_auth_time(db: &mut Db, id: &str, auth_time: i64) -> Result<()> {
    diesel::update(dsl::sessions.filter(dsl::id.eq(id))).set(dsl::auth_time.eq(auth_time)).execute(db)?;
    Ok(())
}

/// Notes that a session was used and moves its idle end; `false` where it is not live any more. The row stays locked
/// until the transaction ends, so whoever ends the session meanwhile comes after it.
pub fn update_session_use(db: &mut Db, id: &str, now: i64, idle_expires_at: i64) -> Result<bool> {
    let live = dsl::sessions
        .filter(dsl::id.eq(id))
        .filter(dsl::revoked_at.is_null())
        .filter(dsl::pending.eq(false))
        .filter(dsl::expires_at.gt(now))
        .filter(dsl::idle_expires_at.gt(now));
    let note = diesel::update(live).set((dsl::last_used_at.eq(now), dsl::idle_expires_at.eq(idle_expires_at)));
    Ok(natively!(db, |connection| keep!(note).execute(connection))? == 1)
}

/// Makes whoever ends this session wait until the transaction ends, as [`update_session_use`] does, without writing anything;
/// `false` where it is not live any more.
pub fn lock_live_session(db: &mut Db, id: &str, now: i64) -> Result<bool> {
    let live = dsl::sessions
        .filter(dsl::id.eq(id))
        .filter(dsl::revoked_at.is_null())
        .filter(dsl::pending.eq(false))
        .filter(dsl::expires_at.gt(now))
        .filter(dsl::idle_expires_at.gt(now))
        .select(dsl::id);
    let found: Option<String> = match db {
        Db::Postgres(connection) => live.for_no_key_update().get_result(connection).optional()?,
        // SQLite has one writer: whoever ends the session comes later anyway
        Db::Sqlite(connection) => live.get_result(connection).optional()?,
    };
    Ok(found.is_some())
}

/// Ends one session of this person; `false` where it was not live.
pub fn revoke_session(db: &mut Db, user_id: &str, id: &str, now: i64) -> Result<bool> {
    let changed = diesel::update(
        dsl::sessions.filter(dsl::id.eq(id)).filter(dsl::user_id.eq(user_id)).filter(dsl::revoked_at.is_null()),
    )
    .set(dsl::revoked_at.eq(Some(now)))
    .execute(db)?;
    Ok(changed == 1)
}

/// Ends all sessions of a person but `keep`; how many.
pub fn revoke_user_sessions(db: &mut Db, user_id: &str, keep: Option<&str>, now: i64) -> Result<usize> {
    let changed = diesel::update(
        dsl::sessions
            .filter(dsl::user_id.eq(user_id))
            .filter(dsl::revoked_at.is_null())
            .filter(dsl::id.ne(keep.unwrap_or_default())),
    )
    .set(dsl::revoked_at.eq(Some(now)))
    .execute(db)?;
    Ok(changed)
}

/// Counts one more try of the second factor and gives how many there were; `None` where the session has ended or has had `max`
/// tries. It is the statement that counts which decides, so that parallel tries gain nothing.
pub fn update_session_attempts(db: &mut Db, id: &str, max: i64, now: i64) -> Result<Option<i64>> {
    let counted = diesel::update(
        dsl::sessions
            .filter(dsl::id.eq(id))
            .filter(dsl::revoked_at.is_null())
            .filter(dsl::expires_at.gt(now))
            .filter(dsl::attempts.lt(max)),
    )
    .set(dsl::attempts.eq(dsl::attempts + 1))
    .returning(dsl::attempts)
    .get_result(db)
    .optional()?;
    Ok(counted)
}

/// Ends a session to put another in its place; `false` for everybody but the first, and where it is not live any more. `pending`
/// says whether its second step was still to come.
pub fn consume_session(db: &mut Db, id: &str, pending: bool, now: i64) -> Result<bool> {
    let changed = diesel::update(
        dsl::sessions
            .filter(dsl::id.eq(id))
            .filter(dsl::pending.eq(pending))
            .filter(dsl::revoked_at.is_null())
            .filter(dsl::expires_at.gt(now)),
    )
    .set(dsl::revoked_at.eq(Some(now)))
    .execute(db)?;
    Ok(changed == 1)
}
