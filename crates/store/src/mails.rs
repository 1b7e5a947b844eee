//! Letters that wait to be sent. They are written in the transaction of what they tell, and removed when a mail server took them.

use diesel::prelude::*;

use crate::db::Db;
use crate::error::Result;
use crate::schema::mails::dsl;

/// A letter that waits; sealed, because it carries links.
#[derive(Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = crate::schema::mails)]
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
