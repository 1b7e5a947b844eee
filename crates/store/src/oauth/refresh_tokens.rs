//! Refresh tokens.

use diesel::prelude::*;
use gatepost_protocol::secret::TokenHash;

use crate::db::connection::Db;
use crate::db::error::Result;
use crate::db::native::{WithTaken, keep, natively};
use crate::db::schema::refresh_tokens::dsl;
use crate::db::schema::{grants, taken, users};
use crate::oauth::grants::{GrantRow, find_grant_and_owner};

/// A refresh token that was issued.
#[derive(Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = crate::db::schema::refresh_tokens)]
#[diesel(treat_none_as_default_value = false)]
pub struct RefreshTokenRow {
    /// SHA-256 of the token
    pub token_hash: String,
    /// its family
    pub grant_id: String,
    /// unix seconds
    pub issued_at: i64,
    /// ends here unless used before
    pub expires_at: i64,
    /// rotated
    pub used_at: Option<i64>,
    /// the answer to its rotation, sealed under the token itself; taken away once it was repeated
    pub replay: Option<String>,
}

/// The token with this hash, used or not.
pub fn find_refresh_token(db: &mut Db, token: &TokenHash) -> Result<Option<RefreshTokenRow>> {
    let query = dsl::refresh_tokens.filter(dsl::token_hash.eq(token.to_base64()));
    Ok(natively!(db, |connection| query.select(RefreshTokenRow::as_select()).get_result(connection).optional())?)
}

/// Takes the token for rotation: exactly one caller gets its family, and when its person was disabled, if so. `None`:
/// unknown, used or over, or its family is gone.
pub fn consume_refresh_token(db: &mut Db, token: &TokenHash, now: i64) -> Result<Option<(GrantRow, Option<i64>)>> {
    let usable = dsl::refresh_tokens
        .filter(dsl::token_hash.eq(token.to_base64()))
        .filter(dsl::used_at.is_null())
        .filter(dsl::expires_at.gt(now));
    let take = diesel::update(usable).set(dsl::used_at.eq(Some(now)));
    let first = take.returning(dsl::grant_id);
    let connection = match &mut *db {
        Db::Postgres(connection) => connection,
        Db::Sqlite(connection) => {
            let taken: Option<String> = keep!(first).get_result(connection).optional()?;
            return taken.map_or(Ok(None), |grant_id| find_grant_and_owner(db, &grant_id));
        }
    };
    let then = taken::table
        .inner_join(grants::table.on(grants::id.eq(taken::grant_id)))
        .inner_join(users::table.on(users::id.eq(grants::user_id)))
        .select((GrantRow::as_select(), users::disabled_at));
    Ok(keep!(WithTaken { first, then }).get_result(connection).optional()?)
}

/// Uses the token without rotating it: moves its idle end; `false` where it is used or over.
pub fn update_refresh_expiry(db: &mut Db, token: &TokenHash, now: i64, expires_at: i64) -> Result<bool> {
    let usable = dsl::refresh_tokens
        .filter(dsl::token_hash.eq(token.to_base64()))
        .filter(dsl::used_at.is_null())
        .filter(dsl::expires_at.gt(now));
    let extend = diesel::update(usable).set(dsl::expires_at.eq(expires_at));
    Ok(natively!(db, |connection| keep!(extend).execute(connection))? == 1)
}

/// Keeps the sealed answer to a rotation, so that it can be repeated once.
pub fn update_refresh_replay(db: &mut Db, token: &TokenHash, sealed: &str) -> Result<()> {
    let of_token = dsl::refresh_tokens.filter(dsl::token_hash.eq(token.to_base64()));
    let put = diesel::update(of_token).set(dsl::replay.eq(Some(sealed)));
    natively!(db, |connection| keep!(put).execute(connection))?;
    Ok(())
}

/// Takes the sealed answer away: exactly one caller gets to repeat it. `expected` is what was read.
pub fn consume_refresh_replay(db: &mut Db, token: &TokenHash, expected: &str) -> Result<bool> {
    let changed = diesel::update(
        dsl::refresh_tokens.filter(dsl::token_hash.eq(token.to_base64())).filter(dsl::replay.eq(expected)),
    )
    .set(dsl::replay.eq(None::<String>))
    .execute(db)?;
    Ok(changed == 1)
}
