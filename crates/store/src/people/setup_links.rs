//! The one-time link with which the first administrator is made.

use diesel::prelude::*;
use gatepost_protocol::secret::TokenHash;

use crate::db::connection::Db;
use crate::db::error::Result;
use crate::db::schema::setup_links::dsl;

/// Keeps a new link and makes every older one void.
pub fn insert_setup_link(db: &mut Db, token: &TokenHash, now: i64, expires_at: i64) -> Result<()> {
    diesel::update(dsl::setup_links.filter(dsl::used_at.is_null())).set(dsl::used_at.eq(Some(now))).execute(db)?;
    diesel::insert_into(dsl::setup_links)
        .values((dsl::token_hash.eq(token.to_base64()), dsl::created_at.eq(now), dsl::expires_at.eq(expires_at)))
        .execute(db)?;
    Ok(())
}

/// Whether a link would work now.
pub fn find_live_setup_link(db: &mut Db, token: &TokenHash, now: i64) -> Result<bool> {
    let query = dsl::setup_links
        .filter(dsl::token_hash.eq(token.to_base64()))
        .filter(dsl::used_at.is_null())
        .filter(dsl::expires_at.gt(now));
    Ok(query.count().get_result::<i64>(db)? == 1)
}

/// Uses the link up; `false` for everybody but the first.
pub fn consume_setup_link(db: &mut Db, token: &TokenHash, now: i64) -> Result<bool> {
    let changed = diesel::update(
        dsl::setup_links
            .filter(dsl::token_hash.eq(token.to_base64()))
            .filter(dsl::used_at.is_null())
            .filter(dsl::expires_at.gt(now)),
    )
    .set(dsl::used_at.eq(Some(now)))
    .execute(db)?;
    Ok(changed == 1)
}
