//! Refresh tokens.

use diesel::prelude::*;
use gatepost_protocol::secret::TokenHash;

use crate::db::connection::Db;
use crate::db::error::Result;
use crate::db::schema::refresh_tokens::dsl;

/// A refresh token that was issued.
#[derive(Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = crate::db::schema::refresh_tokens)]
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
    diesel::insert_into(dsl::refresh_tokens).values(row).execute(db)?;
    Ok(())
}

/// The token with this hash, used or not.
pub fn find_refresh_token(db: &mut Db, token: &TokenHash) -> Result<Option<RefreshTokenRow>> {
    let query = dsl::refresh_tokens.filter(dsl::token_hash.eq(token.to_base64()));
    Ok(query.select(RefreshTokenRow::as_select()).get_result(db).optional()?)
}

/// Takes the token for rotation: exactly one caller gets the row.
pub fn consume_refresh_token(db: &mut Db, token: &TokenHash, now: i64) -> Result<Option<RefreshTokenRow>> {
    let taken = diesel::update(
        dsl::refresh_tokens
            .filter(dsl::token_hash.eq(token.to_base64()))
            .filter(dsl::used_at.is_null())
            .filter(dsl::expires_at.gt(now)),
    )
    .set(dsl::used_at.eq(Some(now)))
    .returning(crate::db::schema::refresh_tokens::all_columns)
    .get_result(db)
    .optional()?;
    Ok(taken)
}

/// Uses the token without rotating it: moves its idle end.
pub fn update_refresh_expiry(
    db: &mut Db,
    token: &TokenHash,
    now: i64,
    expires_at: i64,
) -> Result<Option<RefreshTokenRow>> {
    let used = diesel::update(
        dsl::refresh_tokens
            .filter(dsl::token_hash.eq(token.to_base64()))
            .filter(dsl::used_at.is_null())
            .filter(dsl::expires_at.gt(now)),
    )
    .set(dsl::expires_at.eq(expires_at))
    .returning(crate::db::schema::refresh_tokens::all_columns)
    .get_result(db)
    .optional()?;
    Ok(used)
}

/// Keeps the sealed answer to a rotation, so that it can be repeated once.
pub fn update_refresh_replay(db: &mut Db, token: &TokenHash, sealed: &str) -> Result<()> {
    diesel::update(dsl::refresh_tokens.filter(dsl::token_hash.eq(token.to_base64())))
        .set(dsl::replay.eq(Some(sealed)))
        .execute(db)?;
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
