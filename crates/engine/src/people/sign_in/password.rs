//! Signing in with a password, in three steps: [`begin_attempt`] counts it, [`Attempt::verify`] verifies the hash outside any
//! transaction (in the pool for slow hashes), [`finish_attempt`] starts a session or charges the failure.

use gatepost_store::people::users::UserRow;
use gatepost_store::people::{sessions, users};
use gatepost_store::{Outcome, Tx};
use ring::rand::SecureRandom;
use serde_json::json;

use crate::audit::{Actor, Event, record_event};
use crate::kernel::call::Call;
use crate::kernel::error::Result;
use crate::kernel::policy::PasswordPolicy;
use crate::outbox::{Notice, queue_notice};
use crate::people::email::{Email, normalize_email};
use crate::people::end_access::end_all_use;
use crate::people::password::{dummy_hash, hash_password, needs_rehash, verify_password};
use crate::people::sessions::SignedIn;
use crate::people::sign_in::enter::{Started, enter, renew_session};
use crate::people::sign_in::fresh::FreshSession;
use crate::people::sign_in::method::Method;
use crate::people::sign_in::throttle;

/// A counted attempt.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// it was counted and may be looked at
    admitted: bool,
    /// the account, if there is one
    user_id: Option<String>,
    email_key: String,
    /// the hash to verify; `None`: verify the dummy instead, the answer is no either way
    pub(crate) password_hash: Option<String>,
}

/// An attempt whose password was looked at; only [`Attempt::verify`] makes one.
#[derive(Debug)]
pub struct VerifiedAttempt {
    attempt: Attempt,
    good: bool,
    /// the same password under the present parameters, where the stored hash is older
    rehashed: Option<String>,
}

impl VerifiedAttempt {
    /// Whether the password was right when it was looked at.
    pub fn is_good(&self) -> bool {
        self.good
    }

    #[cfg(test)]
    pub(crate) fn pretend(attempt: Attempt, good: bool) -> Self {
        Self { attempt, good, rehashed: None }
    }
}

/// A password that was right a moment ago; only [`finish_check`] makes one.
#[derive(Clone)]
pub struct ProvenPassword {
    user_id: String,
    hash: String,
}

impl ProvenPassword {
    #[cfg(test)]
    pub(crate) fn pretend(user_id: &str, hash: &str) -> Self {
        Self { user_id: user_id.to_owned(), hash: hash.to_owned() }
    }
}

impl std::fmt::Debug for ProvenPassword {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ProvenPassword({})", self.user_id)
    }
}

impl Attempt {
    /// Verifies the password, against a dummy of the same cost where there is nothing to verify. Slow by design: never inside
    /// a transaction.
    pub fn verify(self, policy: &PasswordPolicy, random: &dyn SecureRandom, password: &str) -> VerifiedAttempt {
        let Some(stored) = &self.password_hash else {
            verify_password(&dummy_hash(policy), password);
            return VerifiedAttempt { attempt: self, good: false, rehashed: None };
        };
        let good = verify_password(stored, password);
        let older = good && needs_rehash(policy, stored);
        let rehashed = older.then(|| hash_password(policy, random, password).ok()).flatten();
        VerifiedAttempt { attempt: self, good, rehashed }
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

/// Ends an attempt to sign in.
pub fn finish_attempt(call: &Call, tx: &mut Tx<'_>, verified: &VerifiedAttempt) -> Result<Outcome<Option<Started>>> {
    let attempt = &verified.attempt;
    let user = match (&attempt.user_id, &attempt.password_hash, verified.good) {
        (Some(id), Some(seen), true) => {
            // the account may have been disabled, or its password changed, while the hash was computed; and whoever changes
            // it from now on comes after this session was started, and ends it
            match users::update_password_if(tx, id, seen, verified.rehashed.as_deref().unwrap_or(seen))? {
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

/// Ends an attempt that proves the password again without starting a session; `None` where it was wrong.
pub fn finish_check(
    call: &Call,
    tx: &mut Tx<'_>,
    verified: &VerifiedAttempt,
) -> Result<Outcome<Option<ProvenPassword>>> {
    let attempt = &verified.attempt;
    match (&attempt.user_id, &attempt.password_hash, verified.good) {
        (Some(user_id), Some(hash), true) => {
            throttle::forgive_attempt(call, tx, &attempt.email_key)?;
            Ok(Outcome::Commit(Some(ProvenPassword { user_id: user_id.clone(), hash: hash.clone() })))
        }
        _ => {
            fail_check(call, tx, verified)?;
            Ok(Outcome::Commit(None))
        }
    }
}

/// Writes down that a password did not prove who somebody is.
pub(crate) fn fail_check(call: &Call, tx: &mut Tx<'_>, verified: &VerifiedAttempt) -> Result<()> {
    if verified.attempt.admitted {
        let subject = verified.attempt.user_id.as_deref().unwrap_or_default();
        record_event(call, tx, Event::refused(Actor::User(subject), "password.checked", subject), &json!(null))?;
    }
    Ok(())
}

/// Whether what was verified is right and still the password of this account; takes the account's lock, so that whoever changes it
/// comes later.
pub(crate) fn still_holds(tx: &mut Tx<'_>, verified: &VerifiedAttempt, user_id: &str) -> Result<bool> {
    match (&verified.attempt.user_id, &verified.attempt.password_hash, verified.good) {
        (Some(id), Some(seen), true) if id == user_id => Ok(users::update_password_if(tx, id, seen, seen)?),
        _ => Ok(false),
    }
}

/// Changes the password of somebody who has just proven the old one. Every other session and every app loses access
/// the browser that did it gets a new session.
pub fn change_password(
    call: &Call,
    tx: &mut Tx<'_>,
    session: &SignedIn,
    proven: &ProvenPassword,
    new_hash: &str,
) -> Result<Outcome<Option<Started>>> {
    let id = &session.user_id;
    if proven.user_id != *id || !users::update_password_if(tx, id, &proven.hash, new_hash)? {
        return Ok(Outcome::Rollback(None));
    }
    let Some(user) = users::find_user(tx, id)? else { return Ok(Outcome::Rollback(None)) };
    finish_replacing(replace_password(call, tx, &user, session, new_hash)?)
}

/// Gives somebody who signs in without a password a first one; `None` where there is a password.
pub fn set_first_password(
    call: &Call,
    tx: &mut Tx<'_>,
    session: &FreshSession<'_>,
    new_hash: &str,
) -> Result<Outcome<Option<Started>>> {
    if !users::update_first_password(tx, &session.user_id, new_hash)? {
        return Ok(Outcome::Rollback(None));
    }
    finish_replacing(replace_password(call, tx, session.user(), session, new_hash)?)
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
