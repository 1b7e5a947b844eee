//! Recovery codes: ten ways in for whoever lost the second factor, each once.

use diesel::prelude::*;
use gatepost_protocol::secret::TokenHash;

use crate::db::connection::Db;
use crate::db::error::Result;
use crate::db::schema::recovery_codes::dsl;

/// Puts a new set in the place of the old one, used or not.
pub fn insert_recovery_codes(db: &mut Db, user_id: &str, codes: &[TokenHash], now: i64) -> Result<()> {
    delete_recovery_codes(db, user_id)?;
    for code in codes {
        diesel::insert_into(dsl::recovery_codes)
            .values((dsl::code_hash.eq(code.to_base64()), dsl::user_id.eq(user_id), dsl::created_at.eq(now)))
            .execute(db)?;
    }
    Ok(())
}

/// Uses a code up; `false` for everybody but the first, and where the person has no such code.
pub fn consume_recovery_code(db: &mut Db, user_id: &str, code: &TokenHash, now: i64) -> Result<bool> {
    let changed = diesel::update(
        dsl::recovery_codes
            .filter(dsl::code_hash.eq(code.to_base64()))
            .filter(dsl::user_id.eq(user_id))
            .filter(dsl::used_at.is_null()),
    )
    .set(dsl::used_at.eq(Some(now)))
    .execute(db)?;
    Ok(changed == 1)
}

/// How many codes are left.
pub fn count_recovery_codes(db: &mut Db, user_id: &str) -> Result<i64> {
    let query = dsl::recovery_codes.filter(dsl::user_id.eq(user_id)).filter(dsl::used_at.is_null());
    Ok(query.count().get_result(db)?)
}

/// Removes all codes of a person.
pub fn delete_recovery_codes(db: &mut Db, user_id: &str) -> Result<()> {
    diesel::delete(dsl::recovery_codes.filter(dsl::user_id.eq(user_id))).execute(db)?;
    Ok(())
}
