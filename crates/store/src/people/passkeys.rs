//! Passkeys. A credential id belongs to one account of the installation, and the database decides to which (PK6).

use diesel::prelude::*;

use crate::db::connection::Db;
use crate::db::error::Result;
use crate::db::schema::passkeys::dsl;

/// A passkey of a person.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = crate::db::schema::passkeys)]
pub struct PasskeyRow {
    /// random; what pages and audit call it
    pub id: String,
    /// base64url, as the authenticator made it
    pub credential_id: String,
    /// whose it is
    pub user_id: String,
    /// what the person calls it
    pub name: String,
    /// public key, counter and flags, as JSON; changes only with the counter and the backup state
    pub credential: String,
    /// unix seconds
    pub created_at: i64,
    /// unix seconds
    pub last_used_at: Option<i64>,
    /// since when it does not work any more, because its counter went back: there may be a copy (PK5)
    pub flagged_at: Option<i64>,
}

/// Adds a passkey; `false` where somebody, whoever it is, has this credential id.
pub fn insert_passkey(db: &mut Db, row: &PasskeyRow) -> Result<bool> {
    let row = row.clone();
    let inserted = db.insert_unless_duplicate(|db| {
        diesel::insert_into(dsl::passkeys).values(&row).execute(db)?;
        Ok(())
    })?;
    Ok(inserted.is_some())
}

/// The passkeys of a person, oldest first, flagged ones too.
pub fn list_passkeys(db: &mut Db, user_id: &str) -> Result<Vec<PasskeyRow>> {
    let query = dsl::passkeys.filter(dsl::user_id.eq(user_id)).order((dsl::created_at.asc(), dsl::id.asc()));
    Ok(query.select(PasskeyRow::as_select()).load(db)?)
}

/// The passkey with this credential id.
pub fn find_passkey_by_credential(db: &mut Db, credential_id: &str) -> Result<Option<PasskeyRow>> {
    let query = dsl::passkeys.filter(dsl::credential_id.eq(credential_id)).select(PasskeyRow::as_select());
    Ok(query.get_result(db).optional()?)
}

/// A passkey of this person.
pub fn find_passkey(db: &mut Db, user_id: &str, id: &str) -> Result<Option<PasskeyRow>> {
    let query = dsl::passkeys.filter(dsl::id.eq(id)).filter(dsl::user_id.eq(user_id)).select(PasskeyRow::as_select());
    Ok(query.get_result(db).optional()?)
}

/// How many passkeys of a person can be signed in with: flagged ones do not count (PK5).
pub fn count_passkeys(db: &mut Db, user_id: &str) -> Result<i64> {
    Ok(dsl::passkeys.filter(dsl::user_id.eq(user_id)).filter(dsl::flagged_at.is_null()).count().get_result(db)?)
}

/// Whether a person has a passkey that can be signed in with.
pub fn has_passkey(db: &mut Db, user_id: &str) -> Result<bool> {
    Ok(count_passkeys(db, user_id)? > 0)
}

/// The passkeys of these people that can be signed in with, as person and name, oldest first.
pub fn list_passkey_names(db: &mut Db, user_ids: &[&str]) -> Result<Vec<(String, String)>> {
    let query = dsl::passkeys.filter(dsl::user_id.eq_any(user_ids)).filter(dsl::flagged_at.is_null());
    Ok(query.order(dsl::created_at.asc()).select((dsl::user_id, dsl::name)).load(db)?)
}

/// Writes a use down if the passkey still is what was verified, `seen`, and not flagged; of two uses that move the counter
/// one comes second and is refused. The row stays locked until the transaction ends.
pub fn update_passkey_use(db: &mut Db, id: &str, seen: &str, credential: &str, now: i64) -> Result<bool> {
    let changed = diesel::update(
        dsl::passkeys.filter(dsl::id.eq(id)).filter(dsl::credential.eq(seen)).filter(dsl::flagged_at.is_null()),
    )
    .set((dsl::credential.eq(credential), dsl::last_used_at.eq(Some(now))))
    .execute(db)?;
    Ok(changed == 1)
}

/// Notes that there may be a copy; `false` where that was known.
pub fn update_passkey_flag(db: &mut Db, id: &str, now: i64) -> Result<bool> {
    let changed = diesel::update(dsl::passkeys.filter(dsl::id.eq(id)).filter(dsl::flagged_at.is_null()))
        .set(dsl::flagged_at.eq(Some(now)))
        .execute(db)?;
    Ok(changed == 1)
}

/// Changes what the person calls it; `false` where it is not this person's.
pub fn update_passkey_name(db: &mut Db, user_id: &str, id: &str, name: &str) -> Result<bool> {
    let changed = diesel::update(dsl::passkeys.filter(dsl::id.eq(id)).filter(dsl::user_id.eq(user_id)))
        .set(dsl::name.eq(name))
        .execute(db)?;
    Ok(changed == 1)
}

/// Removes a passkey of this person; `false` where it was not there.
pub fn delete_passkey(db: &mut Db, user_id: &str, id: &str) -> Result<bool> {
    let changed = diesel::delete(dsl::passkeys.filter(dsl::id.eq(id)).filter(dsl::user_id.eq(user_id))).execute(db)?;
    Ok(changed == 1)
}

/// Removes all passkeys of a person; how many.
pub fn delete_user_passkeys(db: &mut Db, user_id: &str) -> Result<usize> {
    Ok(diesel::delete(dsl::passkeys.filter(dsl::user_id.eq(user_id))).execute(db)?)
}
