//! What an administrator changed while the server runs; stronger than the settings file.

use diesel::prelude::*;

use crate::db::connection::Db;
use crate::db::error::Result;
use crate::db::schema::instance_settings::dsl;

/// Who may create an account: `open`, `invite` or `closed`.
pub const SIGNUP_MODE: &str = "signup.mode";

/// The value of a key; `None` where the settings file decides.
pub fn find_instance_setting(db: &mut Db, key: &str) -> Result<Option<String>> {
    Ok(dsl::instance_settings.filter(dsl::key.eq(key)).select(dsl::value).get_result(db).optional()?)
}

/// The value of a key, when it was set in unix seconds, and by whom: a person's id, or empty for a command.
pub fn find_instance_setting_entry(db: &mut Db, key: &str) -> Result<Option<(String, i64, String)>> {
    let query = dsl::instance_settings.filter(dsl::key.eq(key)).select((dsl::value, dsl::updated_at, dsl::updated_by));
    Ok(query.get_result(db).optional()?)
}

/// Sets a key; `None` gives it back to the settings file. `by` is the person's id, or empty for a command.
pub fn update_instance_setting(db: &mut Db, key: &str, value: Option<&str>, by: &str, now: i64) -> Result<()> {
    diesel::delete(dsl::instance_settings.filter(dsl::key.eq(key))).execute(db)?;
    let Some(value) = value else { return Ok(()) };
    diesel::insert_into(dsl::instance_settings)
        .values((dsl::key.eq(key), dsl::value.eq(value), dsl::updated_at.eq(now), dsl::updated_by.eq(by)))
        .execute(db)?;
    Ok(())
}
