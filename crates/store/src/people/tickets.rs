//! What travels sealed through the browser and works once: challenges of passkeys, trips to other providers.

use diesel::prelude::*;

use crate::db::connection::Db;
use crate::db::error::Result;
use crate::db::schema::spent_tickets::dsl;

/// Uses a ticket up; `false` for everybody but the first. It is kept until `expires_at`, when nobody accepts it any more.
pub fn consume_ticket(db: &mut Db, id: &str, expires_at: i64) -> Result<bool> {
    let inserted = db.insert_unless_duplicate(|db| {
        diesel::insert_into(dsl::spent_tickets).values((dsl::id.eq(id), dsl::expires_at.eq(expires_at))).execute(db)?;
        Ok(())
    })?;
    Ok(inserted.is_some())
}
