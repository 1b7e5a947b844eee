//! Signing keys, their private parts sealed.

use diesel::prelude::*;

use crate::db::connection::Db;
use crate::db::error::Result;
use crate::db::schema::signing_keys::dsl;

/// A signing key.
#[derive(Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = crate::db::schema::signing_keys)]
pub struct KeyRow {
    /// RFC 7638 thumbprint
    pub kid: String,
    /// `ES256` or `RS256`
    pub alg: String,
    /// public JWK as JSON
    pub public_jwk: String,
    /// PKCS #8, sealed under the master key
    pub sealed_private: String,
    /// unix seconds
    pub created_at: i64,
    /// published before, signs from here on
    pub active_from: i64,
    /// signs no more; still published for what it signed
    pub retired_at: Option<i64>,
}

/// Keeps a key.
pub fn insert_key(db: &mut Db, row: &KeyRow) -> Result<()> {
    diesel::insert_into(dsl::signing_keys).values(row).execute(db)?;
    Ok(())
}

/// All keys, newest first.
pub fn list_keys(db: &mut Db) -> Result<Vec<KeyRow>> {
    let query = dsl::signing_keys.order((dsl::active_from.desc(), dsl::kid.asc()));
    Ok(query.select(KeyRow::as_select()).load(db)?)
}

/// Ends the signing of all keys of an algorithm but `keep`, from `retired_at` on.
pub fn update_keys_retired(db: &mut Db, alg: &str, keep: &str, retired_at: i64) -> Result<usize> {
    let changed = diesel::update(
        dsl::signing_keys.filter(dsl::alg.eq(alg)).filter(dsl::kid.ne(keep)).filter(dsl::retired_at.is_null()),
    )
    .set(dsl::retired_at.eq(Some(retired_at)))
    .execute(db)?;
    Ok(changed)
}

/// Removes a key that nobody needs any more.
pub fn delete_key(db: &mut Db, kid: &str) -> Result<bool> {
    Ok(diesel::delete(dsl::signing_keys.filter(dsl::kid.eq(kid))).execute(db)? == 1)
}
