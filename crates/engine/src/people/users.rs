//! Managing people: every act checks that whoever does it is still an administrator, keeps one administrator who can get in
//! and writes an audit row in its transaction.

use gatepost_store::people::users::{self, ROLE_ADMIN, ROLE_USER, UserRow};
use gatepost_store::people::{directory, sessions};
use gatepost_store::{Db, Outcome, Topic, Tx};
use serde_json::{Value, json};

use crate::audit::{Actor, Event, record_event};
use crate::kernel::call::Call;
use crate::kernel::error::{Error, Result};
use crate::kernel::manage::{ManageFault, Managed, invalid};
use crate::people::acting::{begin_act, check_actor};
use crate::people::end_access::end_all_use;
use crate::people::last_admin::{PeopleLock, refuse_last_admin};
use crate::people::mailed_links::send_reset;
use crate::people::sign_in::throttle;
use crate::people::sign_up::{NewUser, make_user_row};

pub use crate::people::acting::find_user;

/// Adds a person. Without a password they are mailed a link with which they choose one; that needs a mail server.
pub fn add_user(call: &Call, tx: &mut Tx<'_>, actor: Actor<'_>, new: &NewUser) -> Managed<UserRow> {
    if new.name.trim().is_empty() || new.name.chars().count() > 100 {
        return invalid("the name must have 1 to 100 characters");
    }
    if new.password_hash.is_none() && !call.policy().mail {
        return invalid("without a mail server the person needs a password");
    }
    if let Err(fault) = check_actor(tx, actor)? {
        return Ok(Outcome::Rollback(Err(fault)));
    }
    let row = make_user_row(call, new)?;
    if !users::insert_user(tx, &row)? {
        return invalid(format!("{} has an account already", row.email));
    }
    let with = if matches!(actor, Actor::Operator) { "command" } else { "administration" };
    let detail = json!({"with": with, "role": row.role});
    record_event(call, tx, Event::done(actor, "user.created", &row.id), &detail)?;
    if row.password_hash.is_none() {
        send_reset(call, tx, actor, &row, true)?;
    }
    Ok(Outcome::Commit(Ok(row)))
}

/// People, by address, after one address; at most `limit`.
pub fn list_users(db: &mut Db, after: &str, limit: i64) -> Result<Vec<UserRow>> {
    Ok(users::list_users(db, after, limit)?)
}

/// What an act ended.
#[derive(Clone)]
pub struct Ended {
    /// the person, as the act left it
    pub user: UserRow,
    /// sessions that were live
    pub sessions: i64,
    /// apps that had access
    pub apps: i64,
}

/// Disables or enables an account. Disabling ends every session, half sign-in, mailed link, code and token within a second;
/// the last administrator cannot be disabled.
pub fn set_user_disabled(
    call: &Call,
    tx: &mut Tx<'_>,
    actor: Actor<'_>,
    who: &str,
    disabled: bool,
) -> Managed<UserRow> {
    let (lock, user) = match begin_act(tx, actor, who)? {
        Ok(begun) => begun,
        Err(fault) => return Ok(Outcome::Rollback(Err(fault))),
    };
    if user.disabled_at.is_some() == disabled {
        return Ok(Outcome::Commit(Ok(user)));
    }
    if disabled && lock.is_last_admin(call, tx, &user)? {
        return refuse_last_admin(&user);
    }
    let disabled_at = disabled.then_some(call.now);
    users::update_user_disabled(tx, &user.id, disabled_at, call.now)?;
    let mut detail = Value::Null;
    if disabled {
        detail = end_everything(call, tx, &user, "account disabled")?.to_detail();
    }
    let action = if disabled { "user.disabled" } else { "user.enabled" };
    record_event(call, tx, Event::done(actor, action, &user.id), &detail)?;
    Ok(Outcome::Commit(Ok(UserRow { disabled_at, ..user })))
}

/// Ends all sessions of a person and what every app may do for them; the account stays as it is.
pub fn end_user_sessions(call: &Call, tx: &mut Tx<'_>, actor: Actor<'_>, who: &str) -> Managed<Ended> {
    let (_, user) = match begin_act(tx, actor, who)? {
        Ok(begun) => begun,
        Err(fault) => return Ok(Outcome::Rollback(Err(fault))),
    };
    let ended = end_everything(call, tx, &user, "ended by an administrator")?;
    record_event(call, tx, Event::done(actor, "user.sessions_ended", &user.id), &ended.to_detail())?;
    Ok(Outcome::Commit(Ok(ended)))
}

/// Gives a role. Sessions of the person end, so that none lives across the change; the last administrator stays one.
pub fn set_user_role(call: &Call, tx: &mut Tx<'_>, actor: Actor<'_>, who: &str, role: &str) -> Managed<UserRow> {
    let Some(role) = [ROLE_USER, ROLE_ADMIN].into_iter().find(|known| *known == role) else {
        return invalid(format!("{role:?} is no role: it is {ROLE_USER} or {ROLE_ADMIN}"));
    };
    let (lock, user) = match begin_act(tx, actor, who)? {
        Ok(begun) => begun,
        Err(fault) => return Ok(Outcome::Rollback(Err(fault))),
    };
    if user.role == role {
        return Ok(Outcome::Commit(Ok(user)));
    }
    if role != ROLE_ADMIN && lock.is_last_admin(call, tx, &user)? {
        return refuse_last_admin(&user);
    }
    users::update_user_role(tx, &user.id, role, call.now)?;
    sessions::revoke_user_sessions(tx, &user.id, None, call.now)?;
    tx.touch(Topic::User(user.id.clone()));
    let detail = json!({"from": user.role, "to": role});
    record_event(call, tx, Event::done(actor, "user.role_changed", &user.id), &detail)?;
    Ok(Outcome::Commit(Ok(UserRow { role: role.to_owned(), ..user })))
}

/// Deletes a person; the last administrator stays.
pub fn delete_user(call: &Call, tx: &mut Tx<'_>, actor: Actor<'_>, who: &str) -> Managed<Ended> {
    match begin_act(tx, actor, who)? {
        Ok((lock, user)) => delete_account(call, tx, &lock, actor, &user),
        Err(fault) => Ok(Outcome::Rollback(Err(fault))),
    }
}

/// Deletes an account with everything that is its own. All access ends first, so that nothing that is under way outlives it.
/// The id is never used again and stays in the audit log. Invitations that the person gave end, because nobody answers for
/// them any more (IV6).
pub(crate) fn delete_account(
    call: &Call,
    tx: &mut Tx<'_>,
    lock: &PeopleLock<'_>,
    actor: Actor<'_>,
    user: &UserRow,
) -> Managed<Ended> {
    if lock.is_last_admin(call, tx, user)? {
        return refuse_last_admin(user);
    }
    let ended = end_everything(call, tx, user, "account deleted")?;
    let invites = directory::revoke_user_invites(tx, &user.id, call.now)?;
    // whoever has the address next starts without this person's failures
    throttle::forgive_account(tx, &user.email_key)?;
    directory::delete_user(tx, &user.id)?;
    let detail = json!({"role": user.role, "sessions": ended.sessions, "apps": ended.apps, "invites": invites});
    record_event(call, tx, Event::done(actor, "user.deleted", &user.id), &detail)?;
    Ok(Outcome::Commit(Ok(ended)))
}

/// Sets a new password for somebody: ends every session and every app's access.
pub fn reset_password(
    call: &Call,
    tx: &mut Tx<'_>,
    actor: Actor<'_>,
    who: &str,
    password_hash: &str,
) -> Managed<UserRow> {
    let (_, user) = match begin_act(tx, actor, who)? {
        Ok(begun) => begun,
        Err(fault) => return Ok(Outcome::Rollback(Err(fault))),
    };
    users::update_user_password(tx, &user.id, password_hash, call.now)?;
    end_everything(call, tx, &user, "password reset")?;
    throttle::forgive_account(tx, &user.email_key)?;
    record_event(call, tx, Event::done(actor, "password.reset", &user.id), &json!(null))?;
    Ok(Outcome::Commit(Ok(user)))
}

/// Mails somebody a link with which they choose a new password. Until they do so nothing of the account changes.
pub fn mail_reset_link(call: &Call, tx: &mut Tx<'_>, actor: Actor<'_>, who: &str) -> Managed<UserRow> {
    let (_, user) = match begin_act(tx, actor, who)? {
        Ok(begun) => begun,
        Err(fault) => return Ok(Outcome::Rollback(Err(fault))),
    };
    if !call.policy().mail || user.disabled_at.is_some() {
        return invalid(format!(
            "no letter goes to {}: the account is disabled, or there is no mail server",
            user.email
        ));
    }
    if !send_reset(call, tx, actor, &user, false)? {
        return Ok(Outcome::Rollback(Err(ManageFault::TooMany("three letters an hour go to one address".into()))));
    }
    Ok(Outcome::Commit(Ok(user)))
}

/// Writes down that somebody took a list along: `users.exported` or `audit.exported`.
pub fn note_export(call: &Call, tx: &mut Tx<'_>, actor: &str, action: &'static str) -> Managed<()> {
    if let Err(fault) = check_actor(tx, Actor::User(actor))? {
        return Ok(Outcome::Rollback(Err(fault)));
    }
    record_event(call, tx, Event::done(Actor::User(actor), action, ""), &json!(null))?;
    Ok(Outcome::Commit(Ok(())))
}

/// A password that nobody has to think of and that is typed once: groups of letters and digits that cannot be mistaken for each
/// other, 100 bits or more, as long as the policy wants.
pub fn make_password(call: &Call) -> Result<String> {
    const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let groups = call.policy().password.min_length.div_ceil(6).max(4);
    let mut bytes = vec![0; groups * 5];
    call.engine.random().fill(&mut bytes).map_err(|_| Error::Internal("the system gives no random bytes".into()))?;
    let letters: Vec<char> = bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte & 31)])).collect();
    Ok(letters.chunks(5).map(String::from_iter).collect::<Vec<_>>().join("-"))
}

/// Ends sessions, half sign-ins, mailed links, codes and every app's access.
fn end_everything(call: &Call, tx: &mut Tx<'_>, user: &UserRow, reason: &str) -> Result<Ended> {
    let sessions = directory::count_live_sessions(tx, Some(&user.id), call.now)?;
    let apps = directory::count_live_apps(tx, &user.id, call.now)?;
    end_all_use(call, tx, &user.id, reason)?;
    Ok(Ended { user: user.clone(), sessions, apps })
}

impl Ended {
    fn to_detail(&self) -> Value {
        json!({"sessions": self.sessions, "apps": self.apps})
    }
}
