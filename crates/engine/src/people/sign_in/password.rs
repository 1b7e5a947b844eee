//! Signing in with a password, in three steps: [`begin_attempt`] counts it, the caller verifies the hash outside any
//! transaction (in the pool for slow hashes), [`finish_attempt`] starts a session or charges the failure.

use gatepost_store::people::users::UserRow;
use gatepost_store::people::{sessions, users};
use gatepost_store::{Outcome, Tx};
use serde_json::json;

use crate::audit::{Actor, Event, record_event};
use crate::kernel::call::Call;
use crate::kernel::error::Result;
use crate::outbox::{Notice, queue_notice};
use crate::people::account::end_all_use;
use crate::people::email::{Email, normalize_email};
use crate::people::sessions::SignedIn;
use crate::people::sign_in::enter::{Method, Started, enter, renew_session};
use crate::people::sign_in::throttle;

/// A counted attempt.
#[derive(Debug)]
pub struct Attempt {
    /// it was counted and may be looked at
    admitted: bool,
    /// the account, if there is one
    user_id: Option<String>,
    email_key: String,
    /// the hash to verify; `None`: verify the dummy instead, the answer is no either way
    pub password_hash: Option<String>,
}

impl Attempt {
    /// Whether what was verified is still the password of this account; takes the account's lock, so that whoever changes it comes
    /// later.
    pub(crate) fn holds_for(&self, tx: &mut Tx<'_>, user_id: &str) -> Result<bool> {
        match (&self.user_id, &self.password_hash) {
            (Some(id), Some(seen)) if id == user_id => Ok(users::update_password_if(tx, id, seen, seen)?),
            _ => Ok(false),
        }
    }
}

/// Counts an attempt and finds what has to be verified. Unknown, disabled and throttled accounts look the same.
pub fn begin_attempt(call: &Call, tx: &mut Tx<'_>, email: &str) -> Result<Outcome<Attempt>> {
    let Ok(Email { key, .. }) = normalize_email(email) else {
        let attempt = Attempt { admitted: false, user_id: None, email_key: String::new(), password_hash: None };
        return Ok(Outcome::Rollback(attempt));
    };
    let admitted = throttle::admit_attempt(call, tx, &key)?;
    let user = users::find_user_by_email(tx, &key)?.filter(|user| admitted && user.disabled_at.is_none());
    let (user_id, password_hash) = user.map_or((None, None), |user| (Some(user.id), user.password_hash));
    Ok(Outcome::Commit(Attempt { admitted, user_id, email_key: key, password_hash }))
}

/// Ends an attempt. `rehashed`: the same password under newer parameters, if the stored hash was older.
pub fn finish_attempt(
    call: &Call,
    tx: &mut Tx<'_>,
    attempt: &Attempt,
    verified: bool,
    rehashed: Option<&str>,
) -> Result<Outcome<Option<Started>>> {
    let user = match (&attempt.user_id, &attempt.password_hash, verified) {
        (Some(id), Some(seen), true) => {
            // the account may have been disabled, or its password changed, while the hash was computed; and whoever changes
            // it from now on comes after this session was started, and ends it
            match users::update_password_if(tx, id, seen, rehashed.unwrap_or(seen))? {
                true => users::find_user(tx, id)?,
                false => None,
            }
        }
        _ => None,
    };
    let started = match &user {
        Some(user) => enter(call, tx, user, &[Method::Password])?,
        None => None,
    };
    let Some(started) = started else {
        // what is throttled leaves no further trace: nobody can fill the log faster than the throttle lets them guess
        if attempt.admitted {
            let subject = attempt.user_id.as_deref().unwrap_or_default();
            let event = Event::refused(Actor::Nobody, "session.started", subject);
            record_event(call, tx, event, &json!({"with": "password"}))?;
        }
        return Ok(Outcome::Commit(None));
    };
    throttle::forgive_attempt(call, tx, &attempt.email_key)?;
    Ok(Outcome::Commit(Some(started)))
}

/// Takes back an attempt whose hash could not be computed in time: it was no guess.
pub fn cancel_attempt(call: &Call, tx: &mut Tx<'_>, attempt: &Attempt) -> Result<Outcome<()>> {
    if attempt.admitted {
        throttle::refund_attempt(call, tx, &attempt.email_key)?;
    }
    Ok(Outcome::Commit(()))
}

/// Ends an attempt that proves the password again without starting a session.
pub fn finish_check(call: &Call, tx: &mut Tx<'_>, attempt: &Attempt, verified: bool) -> Result<Outcome<()>> {
    if verified {
        throttle::forgive_attempt(call, tx, &attempt.email_key)?;
    } else if attempt.admitted {
        let subject = attempt.user_id.as_deref().unwrap_or_default();
        record_event(call, tx, Event::refused(Actor::User(subject), "password.checked", subject), &json!(null))?;
    }
    Ok(Outcome::Commit(()))
}

/// Changes the password of somebody who has just proven the old one. Every other session and every app loses access
/// the browser that did it gets a new session.
pub fn change_password(
    call: &Call,
    tx: &mut Tx<'_>,
    session: &SignedIn,
    old_hash: &str,
    new_hash: &str,
) -> Result<Outcome<Option<Started>>> {
    if !users::update_password_if(tx, &session.user_id, old_hash, new_hash)? {
        return Ok(Outcome::Rollback(None));
    }
    let Some(user) = users::find_user(tx, &session.user_id)? else { return Ok(Outcome::Rollback(None)) };
    finish_replacing(replace_password(call, tx, &user, session, new_hash)?)
}

/// Gives somebody who signs in without a password a first one. The caller has asked for a fresh sign-in. `None` where there
/// is a password.
pub fn set_first_password(
    call: &Call,
    tx: &mut Tx<'_>,
    session: &SignedIn,
    new_hash: &str,
) -> Result<Outcome<Option<Started>>> {
    if !users::update_first_password(tx, &session.user_id, new_hash)? {
        return Ok(Outcome::Rollback(None));
    }
    let Some(user) = users::find_user(tx, &session.user_id)? else { return Ok(Outcome::Rollback(None)) };
    finish_replacing(replace_password(call, tx, &user, session, new_hash)?)
}

/// Nothing is kept where the session was over.
fn finish_replacing(started: Option<Started>) -> Result<Outcome<Option<Started>>> {
    Ok(if started.is_some() { Outcome::Commit(started) } else { Outcome::Rollback(None) })
}

fn replace_password(
    call: &Call,
    tx: &mut Tx<'_>,
    user: &UserRow,
    session: &SignedIn,
    new_hash: &str,
) -> Result<Option<Started>> {
    // a session that has just been ended elsewhere changes nothing, and is not renewed
    if !sessions::consume_session(tx, &session.session_id, false, call.now)? {
        return Ok(None);
    }
    users::update_user_password(tx, &user.id, new_hash, call.now)?;
    end_all_use(call, tx, &user.id, "password changed")?;
    let started = renew_session(call, tx, user, session)?;
    record_event(call, tx, Event::done(Actor::User(&user.id), "password.changed", &user.id), &json!(null))?;
    queue_notice(call, tx, &user.email, Notice::PasswordChanged)?;
    Ok(Some(started))
}
