//! Accounts at other providers that let a person in.

use diesel::prelude::*;

use crate::db::connection::Db;
use crate::db::error::Result;
use crate::db::schema::identities::dsl;
use crate::db::schema::users;
use crate::people::users::UserRow;

/// An account at another provider. The issuer and its subject are who it is; everything else is for people to read (SO2).
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = crate::db::schema::identities)]
pub struct IdentityRow {
    /// who vouches for it
    pub issuer: String,
    /// whom it is, in the words of that issuer
    pub subject: String,
    /// the setting's id of the provider
    pub provider: String,
    /// whose it is here
    pub user_id: String,
    /// the address there when it was last used; empty where the provider gave none
    pub email: String,
    /// unix seconds
    pub created_at: i64,
    /// unix seconds
    pub last_used_at: i64,
}

/// Links an identity; `false` where somebody has it already.
pub fn insert_identity(db: &mut Db, row: &IdentityRow) -> Result<bool> {
    let row = row.clone();
    let inserted = db.insert_unless_duplicate(|db| {
        diesel::insert_into(dsl::identities).values(&row).execute(db)?;
        Ok(())
    })?;
    Ok(inserted.is_some())
}

/// The identity with this subject of this issuer.
pub fn find_identity(db: &mut Db, issuer: &str, subject: &str) -> Result<Option<IdentityRow>> {
    let query = dsl::identities.filter(dsl::issuer.eq(issuer)).filter(dsl::subject.eq(subject));
    Ok(query.select(IdentityRow::as_select()).get_result(db).optional()?)
}

/// A person's identities, oldest first.
pub fn list_identities(db: &mut Db, user_id: &str) -> Result<Vec<IdentityRow>> {
    let query = dsl::identities.filter(dsl::user_id.eq(user_id));
    Ok(query.order((dsl::created_at.asc(), dsl::subject.asc())).select(IdentityRow::as_select()).load(db)?)
}

/// Notes that an identity was used, and the address that it has now; `false` where it is not this person's any more.
pub fn update_identity_use(db: &mut Db, seen: &IdentityRow, email: &str, now: i64) -> Result<bool> {
    let row = dsl::identities
        .filter(dsl::issuer.eq(&seen.issuer))
        .filter(dsl::subject.eq(&seen.subject))
        .filter(dsl::user_id.eq(&seen.user_id));
    let changed = diesel::update(row).set((dsl::email.eq(email), dsl::last_used_at.eq(now))).execute(db)?;
    Ok(changed == 1)
}

/// Unlinks an identity of this person; `false` where the person has none such.
pub fn delete_identity(db: &mut Db, user_id: &str, issuer: &str, subject: &str) -> Result<bool> {
    let row = dsl::identities.filter(dsl::issuer.eq(issuer)).filter(dsl::subject.eq(subject));
    Ok(diesel::delete(row.filter(dsl::user_id.eq(user_id))).execute(db)? == 1)
}

/// The person with this id, whose row nobody else changes until this transaction ends: two removals of ways in come one after the
/// other, and the second sees the first.
pub fn lock_user(db: &mut Db, id: &str) -> Result<Option<UserRow>> {
    let row = users::table.filter(users::id.eq(id));
    diesel::update(row).set(users::updated_at.eq(users::updated_at)).execute(db)?;
    Ok(users::table.filter(users::id.eq(id)).select(UserRow::as_select()).get_result(db).optional()?)
}
