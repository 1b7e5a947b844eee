//! Failed sign-ins, counted where every node sees them.

use diesel::prelude::*;

use crate::db::connection::Db;
use crate::db::error::Result;
use crate::db::schema::throttles::dsl;

/// The count of one bucket.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = crate::db::schema::throttles)]
pub struct ThrottleRow {
    /// a hash of what is counted: an account or an address
    pub bucket: String,
    /// failures since `window_started_at`
    pub failures: i64,
    /// unix seconds
    pub window_started_at: i64,
    /// no attempt is looked at before this time
    pub blocked_until: i64,
    /// after this time the row means nothing
    pub expires_at: i64,
}

/// The count of a bucket.
pub fn find_throttle(db: &mut Db, bucket: &str) -> Result<Option<ThrottleRow>> {
    Ok(dsl::throttles.filter(dsl::bucket.eq(bucket)).select(ThrottleRow::as_select()).get_result(db).optional()?)
}

/// Counts one more attempt and gives the new count; a bucket that had expired starts again at one. `None` where the
/// bucket is blocked: that is decided by the statement that counts, so that parallel tries cannot all pass a look before.
pub fn update_throttle_count(db: &mut Db, bucket: &str, now: i64, expires_at: i64) -> Result<Option<ThrottleRow>> {
    // twice: a row may be made by somebody else between the update that found none and the insert
    for _ in 0..2 {
        let reset = diesel::update(dsl::throttles.filter(dsl::bucket.eq(bucket)).filter(dsl::expires_at.le(now)))
            .set((
                dsl::failures.eq(1),
                dsl::window_started_at.eq(now),
                dsl::blocked_until.eq(0),
                dsl::expires_at.eq(expires_at),
            ))
            .returning(crate::db::schema::throttles::all_columns)
            .get_result::<ThrottleRow>(db)
            .optional()?;
        if reset.is_some() {
            return Ok(reset);
        }
        let counted = diesel::update(dsl::throttles.filter(dsl::bucket.eq(bucket)).filter(dsl::blocked_until.le(now)))
            .set((dsl::failures.eq(dsl::failures + 1), dsl::expires_at.eq(expires_at)))
            .returning(crate::db::schema::throttles::all_columns)
            .get_result::<ThrottleRow>(db)
            .optional()?;
        if counted.is_some() {
            return Ok(counted);
        }
        let row = ThrottleRow {
            bucket: bucket.to_owned(),
            failures: 1,
            window_started_at: now,
            blocked_until: 0,
            expires_at,
        };
        let inserted = db.insert_unless_duplicate(|db| {
            diesel::insert_into(dsl::throttles).values(&row).execute(db)?;
            Ok(())
        })?;
        if inserted.is_some() {
            return Ok(Some(row));
        }
        if find_throttle(db, bucket)?.is_some_and(|row| now < row.blocked_until) {
            return Ok(None);
        }
    }
    Err(crate::StoreError::Conflict("a throttle bucket came and went".into()))
}

/// Blocks a bucket until a time.
pub fn update_throttle_block(db: &mut Db, bucket: &str, blocked_until: i64) -> Result<()> {
    diesel::update(dsl::throttles.filter(dsl::bucket.eq(bucket)))
        .set(dsl::blocked_until.eq(blocked_until))
        .execute(db)?;
    Ok(())
}

/// Takes one count back, and the block that it set.
pub fn update_throttle_refund(db: &mut Db, bucket: &str) -> Result<()> {
    diesel::update(dsl::throttles.filter(dsl::bucket.eq(bucket)).filter(dsl::failures.gt(0)))
        .set((dsl::failures.eq(dsl::failures - 1), dsl::blocked_until.eq(0)))
        .execute(db)?;
    Ok(())
}

/// Forgets a bucket: somebody proved to be its owner.
pub fn delete_throttle(db: &mut Db, bucket: &str) -> Result<()> {
    diesel::delete(dsl::throttles.filter(dsl::bucket.eq(bucket))).execute(db)?;
    Ok(())
}
