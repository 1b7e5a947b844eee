//! Managing people.

use gatepost_store::sweep::take_global_lock;
use gatepost_store::users::{self, ROLE_ADMIN, UserRow};
use gatepost_store::{Db, Outcome, Tx, sessions};
use serde_json::json;

use super::{ManageFault, Managed, invalid, not_found};
use crate::account::end_all_access;
use crate::audit::{Actor, Event, record_event};
use crate::call::Call;
use crate::email::normalize_email;
use crate::error::Result;
use crate::sign_in::sign_up::{NewUser, make_user_row};
use crate::sign_in::{mailed, throttle};

/// Adds a person.
pub fn add_user(call: &Call, tx: &mut Tx<'_>, new: &NewUser) -> Managed<UserRow> {
    if new.name.trim().is_empty() || new.name.chars().count() > 100 {
        return invalid("the name must have 1 to 100 characters");
    }
    let row = make_user_row(call, new)?;
    if !users::insert_user(tx, &row)? {
        return invalid(format!("{} has an account already", row.email));
    }
    record_event(call, tx, Event::done(Actor::Operator, "user.created", &row.id), &json!({"with": "command"}))?;
    Ok(Outcome::Commit(Ok(row)))
}

/// People, by address, after one address; at most `limit`.
pub fn list_users(db: &mut Db, after: &str, limit: i64) -> Result<Vec<UserRow>> {
    Ok(users::list_users(db, after, limit)?)
}

/// The person with this address or id.
pub fn find_user(db: &mut Db, who: &str) -> Result<Option<UserRow>> {
    if let Ok(email) = normalize_email(who)
        && let Some(user) = users::find_user_by_email(db, &email.key)?
    {
        return Ok(Some(user));
    }
    Ok(users::find_user(db, who)?)
}

fn no_user<T>(who: &str) -> Managed<T> {
    not_found(format!("nobody here has the address or id {who:?}"))
}

/// Disables or enables an account. Disabling ends every session, code and token within a second; the last
/// administrator cannot be disabled.
pub fn set_user_disabled(call: &Call, tx: &mut Tx<'_>, who: &str, disabled: bool) -> Managed<UserRow> {
    take_global_lock(tx)?;
    let Some(user) = find_user(tx, who)? else { return no_user(who) };
    if disabled && would_lose_last_admin(tx, &user)? {
        let fault = format!("{} is the last administrator: make another one first", user.email);
        return Ok(Outcome::Rollback(Err(ManageFault::Forbidden(fault))));
    }
    let disabled_at = disabled.then_some(call.now);
    users::update_user_disabled(tx, &user.id, disabled_at, call.now)?;
    if disabled {
        sessions::revoke_user_sessions(tx, &user.id, None, call.now)?;
        end_all_access(call, tx, &user.id, "account disabled")?;
        mailed::end_links(call, tx, &user.id)?;
    }
    let action = if disabled { "user.disabled" } else { "user.enabled" };
    record_event(call, tx, Event::done(Actor::Operator, action, &user.id), &json!(null))?;
    Ok(Outcome::Commit(Ok(UserRow { disabled_at, ..user })))
}

fn would_lose_last_admin(tx: &mut Tx<'_>, user: &UserRow) -> Result<bool> {
    let is_live_admin = user.role == ROLE_ADMIN && user.disabled_at.is_none();
    Ok(is_live_admin && users::count_enabled_admins(tx)? <= 1)
}

/// Sets a new password from the host: ends every session and every app's access.
pub fn reset_password(call: &Call, tx: &mut Tx<'_>, who: &str, password_hash: &str) -> Managed<UserRow> {
    let Some(user) = find_user(tx, who)? else { return no_user(who) };
    users::update_user_password(tx, &user.id, password_hash, call.now)?;
    sessions::revoke_user_sessions(tx, &user.id, None, call.now)?;
    end_all_access(call, tx, &user.id, "password reset")?;
    mailed::end_links(call, tx, &user.id)?;
    throttle::forgive_account(tx, &user.email_key)?;
    record_event(call, tx, Event::done(Actor::Operator, "password.reset", &user.id), &json!(null))?;
    Ok(Outcome::Commit(Ok(user)))
}
