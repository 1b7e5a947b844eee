//! Access tokens.

use diesel::prelude::*;
use gatepost_protocol::secret::TokenHash;

use crate::db::connection::Db;
use crate::db::error::Result;
use crate::db::native::natively;
use crate::db::schema::access_tokens::dsl;
use crate::db::schema::{grants, users};

/// An access token that was issued.
#[derive(Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = crate::db::schema::access_tokens)]
#[diesel(treat_none_as_default_value = false)]
pub struct AccessTokenRow {
    /// SHA-256 of the token
    pub token_hash: String,
    /// its family; none for client_credentials
    pub grant_id: Option<String>,
    /// to whom
    pub client_id: String,
    /// separated by spaces
    pub scopes: String,
    /// JSON list of resource identifiers
    pub audience: String,
    /// unix seconds
    pub issued_at: i64,
    /// unix seconds
    pub expires_at: i64,
    /// dead before its time
    pub revoked_at: Option<i64>,
}

/// The person behind a token, as far as answering for the token needs it.
#[derive(Clone, Debug, Queryable)]
pub struct TokenOwner {
    /// when the family was revoked
    pub grant_revoked_at: Option<i64>,
    /// when the person proved who they are
    pub auth_time: i64,
    /// whose token it is
    pub user_id: String,
    /// the person's address
    pub email: String,
    /// the person's name
    pub name: String,
    /// when the account was disabled
    pub disabled_at: Option<i64>,
}

/// The token with this hash and, unless it is a client's own, the person behind it: one query.
///
/// Two plain joins, not one over `grants INNER JOIN users`: SQLite would build that inner join whole, over every grant that there
/// is, before it looked for the one of this token.
pub fn find_access_token(db: &mut Db, token: &TokenHash) -> Result<Option<(AccessTokenRow, Option<TokenOwner>)>> {
    let query = dsl::access_tokens
        .left_join(grants::table)
        .left_join(users::table.on(users::id.eq(grants::user_id)))
        .filter(dsl::token_hash.eq(token.to_base64()));
    let owner = (grants::revoked_at, grants::auth_time, users::id, users::email, users::name, users::disabled_at);
    Ok(natively!(db, |connection| {
        query.select((AccessTokenRow::as_select(), owner.nullable())).get_result(connection).optional()
    })?)
}

/// Kills one token of this client; `false` where it was not live.
pub fn revoke_access_token(db: &mut Db, token: &TokenHash, now: i64) -> Result<bool> {
    let changed = diesel::update(
        dsl::access_tokens.filter(dsl::token_hash.eq(token.to_base64())).filter(dsl::revoked_at.is_null()),
    )
    .set(dsl::revoked_at.eq(Some(now)))
    .execute(db)?;
    Ok(changed == 1)
}
