//! People.

use diesel::prelude::*;

use crate::db::connection::Db;
use crate::db::error::Result;
use crate::db::native::natively;
use crate::db::schema::users::dsl;

/// The role of somebody who may administer this installation.
pub const ROLE_ADMIN: &str = "instance_admin";
/// The role of everybody else.
pub const ROLE_USER: &str = "user";

/// A person's account.
#[derive(Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = crate::db::schema::users)]
pub struct UserRow {
    /// random, never used again
    pub id: String,
    /// as the person wrote it, normalised
    pub email: String,
    /// case-folded; unique
    pub email_key: String,
    /// whether the address was proven
    pub email_verified: bool,
    /// what to call the person
    pub name: String,
    /// PHC string of argon2id, if there is a password
    pub password_hash: Option<String>,
    /// [`ROLE_ADMIN`] or [`ROLE_USER`]
    pub role: String,
    /// unix seconds
    pub created_at: i64,
    /// unix seconds
    pub updated_at: i64,
    /// since when nothing of this account works, if so
    pub disabled_at: Option<i64>,
    /// every sign-in needs a second step
    pub second_step: bool,
    /// when the password was last set, in unix seconds
    pub password_changed_at: Option<i64>,
    /// unix seconds
    pub last_sign_in_at: Option<i64>,
    /// when the person was last asked to make a passkey, in unix seconds
    pub passkey_offered_at: Option<i64>,
}

/// Adds a person; `false` where the address is taken.
pub fn insert_user(db: &mut Db, row: &UserRow) -> Result<bool> {
    let row = row.clone();
    let inserted = db.insert_unless_duplicate(|db| {
        diesel::insert_into(dsl::users).values(&row).execute(db)?;
        Ok(())
    })?;
    Ok(inserted.is_some())
}

/// The person with this id.
pub fn find_user(db: &mut Db, id: &str) -> Result<Option<UserRow>> {
    let query = dsl::users.filter(dsl::id.eq(id));
    Ok(natively!(db, |connection| query.select(UserRow::as_select()).get_result(connection).optional())?)
}

/// The person with this case-folded address.
pub fn find_user_by_email(db: &mut Db, email_key: &str) -> Result<Option<UserRow>> {
    let query = dsl::users.filter(dsl::email_key.eq(email_key));
    Ok(natively!(db, |connection| query.select(UserRow::as_select()).get_result(connection).optional())?)
}

/// People in the order of their addresses, after `after`, at most `limit`.
pub fn list_users(db: &mut Db, after: &str, limit: i64) -> Result<Vec<UserRow>> {
    let query = dsl::users.filter(dsl::email_key.gt(after)).order(dsl::email_key.asc()).limit(limit);
    Ok(query.select(UserRow::as_select()).load(db)?)
}

/// How many enabled administrators there are.
pub fn count_enabled_admins(db: &mut Db) -> Result<i64> {
    let query = dsl::users.filter(dsl::role.eq(ROLE_ADMIN)).filter(dsl::disabled_at.is_null());
    Ok(query.count().get_result(db)?)
}

/// Sets the password whatever it was; `false` where there is no such person.
pub fn update_user_password(db: &mut Db, id: &str, password_hash: &str, now: i64) -> Result<bool> {
    let changed = diesel::update(dsl::users.filter(dsl::id.eq(id)))
        .set((
            dsl::password_hash.eq(Some(password_hash)),
            dsl::password_changed_at.eq(Some(now)),
            dsl::updated_at.eq(now),
        ))
        .execute(db)?;
    Ok(changed == 1)
}

/// Sets the password of an enabled account if it still is `seen`; the same value again only takes the row's lock, so that
/// of two changes at once one comes second and sees the other. `false` where it had changed.
pub fn update_password_if(db: &mut Db, id: &str, seen: &str, password_hash: &str) -> Result<bool> {
    let changed = diesel::update(
        dsl::users.filter(dsl::id.eq(id)).filter(dsl::password_hash.eq(seen)).filter(dsl::disabled_at.is_null()),
    )
    .set(dsl::password_hash.eq(Some(password_hash)))
    .execute(db)?;
    Ok(changed == 1)
}

/// Notes a sign-in, and takes the row's lock: whoever disables the account comes before it, and is seen, or after it, and ends
/// the session. `false` where the account is gone or disabled.
pub fn update_user_sign_in(db: &mut Db, id: &str, now: i64) -> Result<bool> {
    let changed = diesel::update(dsl::users.filter(dsl::id.eq(id)).filter(dsl::disabled_at.is_null()))
        .set(dsl::last_sign_in_at.eq(Some(now)))
        .execute(db)?;
    Ok(changed == 1)
}

/// Gives a role; `false` where there is no such person.
pub fn update_user_role(db: &mut Db, id: &str, role: &str, now: i64) -> Result<bool> {
    let changed = diesel::update(dsl::users.filter(dsl::id.eq(id)))
        .set((dsl::role.eq(role), dsl::updated_at.eq(now)))
        .execute(db)?;
    Ok(changed == 1)
}

/// Notes that a passkey is offered now; `false` where that was done since `before`.
pub fn update_passkey_offer(db: &mut Db, id: &str, before: i64, now: i64) -> Result<bool> {
    let due = dsl::passkey_offered_at.is_null().or(dsl::passkey_offered_at.lt(before));
    let changed = diesel::update(dsl::users.filter(dsl::id.eq(id)).filter(due))
        .set(dsl::passkey_offered_at.eq(Some(now)))
        .execute(db)?;
    Ok(changed == 1)
}

/// Switches the second step of every sign-in on or off; `false` where there is no such person.
pub fn update_user_second_step(db: &mut Db, id: &str, second_step: bool, now: i64) -> Result<bool> {
    let changed = diesel::update(dsl::users.filter(dsl::id.eq(id)))
        .set((dsl::second_step.eq(second_step), dsl::updated_at.eq(now)))
        .execute(db)?;
    Ok(changed == 1)
}

/// Notes that the address was proven; `false` where the person has another one by now.
pub fn update_user_verified(db: &mut Db, id: &str, email_key: &str, now: i64) -> Result<bool> {
    let changed = diesel::update(dsl::users.filter(dsl::id.eq(id)).filter(dsl::email_key.eq(email_key)))
        .set((dsl::email_verified.eq(true), dsl::updated_at.eq(now)))
        .execute(db)?;
    Ok(changed == 1)
}

/// Changes what the person is called; `false` where there is no such person.
pub fn update_user_name(db: &mut Db, id: &str, name: &str, now: i64) -> Result<bool> {
    let changed = diesel::update(dsl::users.filter(dsl::id.eq(id)))
        .set((dsl::name.eq(name), dsl::updated_at.eq(now)))
        .execute(db)?;
    Ok(changed == 1)
}

/// Disables (`Some(now)`) or enables (`None`); `false` where there is no such person.
pub fn update_user_disabled(db: &mut Db, id: &str, disabled_at: Option<i64>, now: i64) -> Result<bool> {
    let changed = diesel::update(dsl::users.filter(dsl::id.eq(id)))
        .set((dsl::disabled_at.eq(disabled_at), dsl::updated_at.eq(now)))
        .execute(db)?;
    Ok(changed == 1)
}

/// Sets the password of an enabled account that has none; `false` for everybody but the first.
pub fn update_first_password(db: &mut Db, id: &str, password_hash: &str) -> Result<bool> {
    let changed = diesel::update(
        dsl::users.filter(dsl::id.eq(id)).filter(dsl::password_hash.is_null()).filter(dsl::disabled_at.is_null()),
    )
    .set(dsl::password_hash.eq(Some(password_hash)))
    .execute(db)?;
    Ok(changed == 1)
}

/// Gives the person another proven address if the address still is `seen`; `false` where it had changed, or the new one is taken.
pub fn update_user_email(
    db: &mut Db,
    id: &str,
    seen: &str,
    (email, email_key): (&str, &str),
    now: i64,
) -> Result<bool> {
    let changed = db.insert_unless_duplicate(|db| {
        let person = dsl::users.filter(dsl::id.eq(id)).filter(dsl::email_key.eq(seen));
        let proven = (dsl::email.eq(email), dsl::email_key.eq(email_key), dsl::email_verified.eq(true));
        Ok(diesel::update(person).set((proven, dsl::updated_at.eq(now))).execute(db)?)
    })?;
    Ok(changed == Some(1))
}

/// Takes the password away; `false` where there is no such person.
pub fn update_user_no_password(db: &mut Db, id: &str, now: i64) -> Result<bool> {
    let none: Option<String> = None;
    let changed = diesel::update(dsl::users.filter(dsl::id.eq(id)))
        .set((dsl::password_hash.eq(none), dsl::password_changed_at.eq(Some(now)), dsl::updated_at.eq(now)))
        .execute(db)?;
    Ok(changed == 1)
}
