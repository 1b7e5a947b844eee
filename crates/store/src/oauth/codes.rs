//! Authorization codes.

use diesel::prelude::*;
use gatepost_protocol::secret::TokenHash;

use crate::db::connection::Db;
use crate::db::error::Result;
use crate::db::native::{keep, natively};
use crate::db::schema::authorization_codes::{self, dsl};
use crate::db::schema::users;

/// A code that was handed out.
#[derive(Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = crate::db::schema::authorization_codes)]
#[diesel(treat_none_as_default_value = false)]
pub struct CodeRow {
    /// SHA-256 of the code
    pub code_hash: String,
    /// the authorization request that it answers: one request, one code
    pub request_id: String,
    /// the grant that redeeming it will make
    pub grant_id: String,
    /// who may redeem it
    pub client_id: String,
    /// who gave it
    pub user_id: String,
    /// in which browser session
    pub session_id: String,
    /// where it was sent: the requested URI, byte for byte
    pub redirect_uri: String,
    /// the granted scopes, separated by spaces
    pub scopes: String,
    /// JSON: what oxide-auth carries from the request to the tokens (challenge, resources, whether the URI was sent)
    pub extensions: String,
    /// when the person last proved who they are
    pub auth_time: i64,
    /// unix seconds
    pub created_at: i64,
    /// unix seconds
    pub expires_at: i64,
    /// failed redemptions
    pub attempts: i64,
    /// redeemed
    pub used_at: Option<i64>,
}

/// Keeps a new code; `false` where its request has been answered already.
pub fn insert_code(db: &mut Db, row: &CodeRow) -> Result<bool> {
    let inserted = natively!(db, |connection| {
        let insert = diesel::insert_into(dsl::authorization_codes).values(row);
        keep!(insert.on_conflict_do_nothing()).execute(connection)
    })?;
    Ok(inserted == 1)
}

/// The code with this hash, used or not.
pub fn find_code(db: &mut Db, code: &TokenHash) -> Result<Option<CodeRow>> {
    let query = dsl::authorization_codes.filter(dsl::code_hash.eq(code.to_base64()));
    Ok(natively!(db, |connection| query.select(CodeRow::as_select()).get_result(connection).optional())?)
}

/// Takes the code: exactly one caller gets the row, and whether its person's account is enabled, if there still is one.
/// `None`: unknown, used, expired, or tried too often.
pub fn consume_code(
    db: &mut Db,
    code: &TokenHash,
    now: i64,
    max_attempts: i64,
) -> Result<Option<(CodeRow, Option<bool>)>> {
    let usable = dsl::authorization_codes
        .filter(dsl::code_hash.eq(code.to_base64()))
        .filter(dsl::used_at.is_null())
        .filter(dsl::expires_at.gt(now))
        .filter(dsl::attempts.lt(max_attempts));
    let take = diesel::update(usable).set(dsl::used_at.eq(Some(now)));
    let is_enabled = users::table.filter(users::id.eq(dsl::user_id)).select(users::disabled_at.is_null());
    let take = take.returning((authorization_codes::all_columns, is_enabled.single_value()));
    Ok(natively!(db, |connection| keep!(take).get_result(connection).optional())?)
}

/// Gives a code that was consumed back to its owner and counts the redemption as failed.
pub fn release_code(db: &mut Db, code: &TokenHash) -> Result<()> {
    diesel::update(dsl::authorization_codes.filter(dsl::code_hash.eq(code.to_base64())))
        .set((dsl::attempts.eq(dsl::attempts + 1), dsl::used_at.eq(None::<i64>)))
        .execute(db)?;
    Ok(())
}

/// Removes the codes of a person that nobody has redeemed, or those for one client.
pub fn delete_user_codes(db: &mut Db, user_id: &str, client_id: Option<&str>) -> Result<usize> {
    let unused = dsl::authorization_codes.filter(dsl::user_id.eq(user_id)).filter(dsl::used_at.is_null());
    Ok(match client_id {
        Some(client_id) => diesel::delete(unused.filter(dsl::client_id.eq(client_id))).execute(db)?,
        None => diesel::delete(unused).execute(db)?,
    })
}
