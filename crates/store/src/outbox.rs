//! Letters that wait to be sent. They are written in the transaction of what they tell, and removed when a mail server took them.

use diesel::prelude::*;

use crate::db::connection::Db;
use crate::db::error::Result;
use crate::db::schema::mails::dsl;

/// A letter that waits; sealed, because it carries links.
#[derive(Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = crate::db::schema::mails)]
pub struct MailRow {
    /// random
    pub id: String,
    /// to whom and what, sealed for this row
    pub sealed: String,
    /// unix seconds
    pub created_at: i64,
    /// after this time nobody needs it any more
    pub expires_at: i64,
    /// not to be tried before this time
    pub next_try_at: i64,
    /// times that it was taken to be sent
    pub attempts: i64,
}

/// Adds a letter.
pub fn insert_mail(db: &mut Db, row: &MailRow) -> Result<()> {
    diesel::insert_into(dsl::mails).values(row).execute(db)?;
    Ok(())
}

/// Whether a letter waits whose time has come.
pub fn has_due_mail(db: &mut Db, now: i64) -> Result<bool> {
    let due = dsl::mails.filter(dsl::next_try_at.le(now)).filter(dsl::expires_at.gt(now));
    Ok(diesel::select(diesel::dsl::exists(due)).get_result(db)?)
}

/// Takes at most `limit` letters whose time has come; until `until` nobody else gets them. The count of attempts goes up with it.
pub fn update_mails_taken(db: &mut Db, now: i64, until: i64, limit: i64) -> Result<Vec<MailRow>> {
    let due: Vec<String> = dsl::mails
        .filter(dsl::next_try_at.le(now))
        .filter(dsl::expires_at.gt(now))
        .order((dsl::next_try_at.asc(), dsl::id.asc()))
        .select(dsl::id)
        .limit(limit)
        .load(db)?;
    let mut taken = Vec::new();
    for id in &due {
        // another node may have been first: whoever changes the row has it
        let row = diesel::update(dsl::mails.filter(dsl::id.eq(id)).filter(dsl::next_try_at.le(now)))
            .set((dsl::next_try_at.eq(until), dsl::attempts.eq(dsl::attempts + 1)))
            .returning(crate::db::schema::mails::all_columns)
            .get_result(db)
            .optional()?;
        taken.extend(row);
    }
    Ok(taken)
}

/// Lets a letter be tried again at `next_try_at`; nothing happens where somebody took it once more since `attempts` was counted.
pub fn update_mail_retry(db: &mut Db, id: &str, attempts: i64, next_try_at: i64) -> Result<()> {
    diesel::update(dsl::mails.filter(dsl::id.eq(id)).filter(dsl::attempts.eq(attempts)))
        .set(dsl::next_try_at.eq(next_try_at))
        .execute(db)?;
    Ok(())
}

/// Removes a letter that was sent or that nobody takes.
pub fn delete_mail(db: &mut Db, id: &str) -> Result<()> {
    diesel::delete(dsl::mails.filter(dsl::id.eq(id))).execute(db)?;
    Ok(())
}
