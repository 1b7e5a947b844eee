//! Refresh tokens.

use diesel::prelude::*;
use gatepost_protocol::secret::TokenHash;

use crate::db::connection::Db;
use crate::db::error::Result;
use crate::db::native::{keep, natively};
use crate::db::schema::refresh_tokens::dsl;

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

/// Keeps a token.
pub fn insert_refresh_token(db: &mut Db, row: &RefreshTokenRow) -> Result<()> {
    natively!(db, |connection| keep!(diesel::insert_into(dsl::refresh_tokens).values(row)).execute(connection))?;
    Ok(())
}

/// The token with this hash, used or not.
pub fn find_refresh_token(db: &mut Db, token: &TokenHash) -> Result<Option<RefreshTokenRow>> {
    let query = dsl::refresh_tokens.filter(dsl::token_hash.eq(token.to_base64()));
    Ok(natively!(db, |connection| query.select(RefreshTokenRow::as_select()).get_result(connection).optional())?)
}

/// Takes the token for rotation: exactly one caller gets the row.
pub fn consume_refresh_token(db: &mut Db, token: &TokenHash, now: i64) -> Result<Option<RefreshTokenRow>> {
    let usable = dsl::refresh_tokens
        .filter(dsl::token_hash.eq(token.to_base64()))
        .filter(dsl::used_at.is_null())
        .filter(dsl::expires_at.gt(now));
    let take = diesel::update(usable).set(dsl::used_at.eq(Some(now)));
    let take = take.returning(crate::db::schema::refresh_tokens::all_columns);
    Ok(natively!(db, |connection| keep!(take).get_result(connection).optional())?)
}

/// Uses the token without rotating it: moves its idle end.
pub fn update_refresh_expiry(
    db: &mut Db,
    token: &TokenHash,
    now: i64,
    expires_at: i64,
) -> Result<Option<RefreshTokenRow>> {
    let usable = dsl::refresh_tokens
        .filter(dsl::token_hash.eq(token.to_base64()))
        .filter(dsl::used_at.is_null())
        .filter(dsl::expires_at.gt(now));
    let extend = diesel::update(usable).set(dsl::expires_at.eq(expires_at));
    let extend = extend.returning(crate::db::schema::refresh_tokens::all_columns);
    Ok(natively!(db, |connection| keep!(extend).get_result(connection).optional())?)
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
