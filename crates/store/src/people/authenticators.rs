//! Authenticator apps: what they share with us, and the last code that was used.

use diesel::prelude::*;

use crate::db::connection::Db;
use crate::db::error::Result;
use crate::db::schema::authenticators::dsl;

/// The authenticator app of a person.
#[derive(Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = crate::db::schema::authenticators)]
pub struct AuthenticatorRow {
    /// whose it is; one a person
    pub user_id: String,
    /// the shared secret, sealed to this place
    pub sealed_secret: String,
    /// the step of the last code that was accepted; only ever grows
    pub last_step: i64,
    /// unix seconds
    pub created_at: i64,
}

/// Adds the app; `false` where the person has one.
pub fn insert_authenticator(db: &mut Db, row: &AuthenticatorRow) -> Result<bool> {
    let inserted = db.insert_unless_duplicate(|db| {
        diesel::insert_into(dsl::authenticators).values(row).execute(db)?;
        Ok(())
    })?;
    Ok(inserted.is_some())
}

/// The app of this person.
pub fn find_authenticator(db: &mut Db, user_id: &str) -> Result<Option<AuthenticatorRow>> {
    let query = dsl::authenticators.filter(dsl::user_id.eq(user_id)).select(AuthenticatorRow::as_select());
    Ok(query.get_result(db).optional()?)
}

/// Uses up the codes of all steps until this one; `false` where this or a later one was used already.
pub fn update_authenticator_step(db: &mut Db, user_id: &str, step: i64) -> Result<bool> {
    let changed = diesel::update(dsl::authenticators.filter(dsl::user_id.eq(user_id)).filter(dsl::last_step.lt(step)))
        .set(dsl::last_step.eq(step))
        .execute(db)?;
    Ok(changed == 1)
}

/// Removes the app; `false` where there was none.
pub fn delete_authenticator(db: &mut Db, user_id: &str) -> Result<bool> {
    Ok(diesel::delete(dsl::authenticators.filter(dsl::user_id.eq(user_id))).execute(db)? == 1)
}
