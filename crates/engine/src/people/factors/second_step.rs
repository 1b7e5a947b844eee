//! The end of a second step and of "Confirm that it's you": the old session is over, a new one stands in its place.

use gatepost_store::people::authenticators::{self, find_authenticator};
use gatepost_store::people::passkeys::{self, has_passkey};
use gatepost_store::people::users::{self, UserRow};
use gatepost_store::people::{recovery_codes, sessions};
use gatepost_store::{Outcome, Tx};
use serde_json::json;

use crate::audit::{Actor, Event, record_event};
use crate::kernel::call::Call;
use crate::kernel::error::Result;
use crate::outbox::{Notice, queue_notice};
use crate::people::factors::recovery_codes::{RecoveryCodes, make_recovery_codes};
use crate::people::sessions::SignedIn;
use crate::people::sign_in::enter::{Started, insert_new_session};
use crate::people::sign_in::fresh::{FreshSession, find_level};
use crate::people::sign_in::method::{Method, measure_strength};

/// Turns a half session into a whole one after `method` was proven. Of all who try at once one gets it; `None` for the others, and
/// where the first step is too old or the account was disabled meanwhile.
pub(crate) fn complete_second_step(
    call: &Call,
    tx: &mut Tx<'_>,
    half: &SignedIn,
    method: Method,
) -> Result<Option<Started>> {
    let Some(user) = replace_session(call, tx, half, true)? else { return Ok(None) };
    let is_new = !sessions::has_known_browser(tx, &user.id, &call.origin.user_agent)?;
    let mut methods = half.list_methods();
    methods.push(method);
    let started = insert_new_session(call, tx, &user, &methods, false)?;
    let event = Event::done(Actor::User(&user.id), "session.started", &started.signed_in.session_id);
    record_event(call, tx, event, &json!({"with": started.signed_in.methods}))?;
    if is_new {
        queue_notice(call, tx, &user.email, Notice::NewSignIn)?;
    }
    Ok(Some(started))
}

/// Starts a session that is as young and as strong as what was proven now. `None` where that is weaker than what the account has
/// means for, where the session has ended, or the account was disabled meanwhile.
pub(crate) fn complete_step_up(
    call: &Call,
    tx: &mut Tx<'_>,
    session: &SignedIn,
    methods: &[Method],
) -> Result<Option<Started>> {
    if methods.is_empty() || measure_strength(methods) < find_level(tx, &session.user_id)? {
        return Ok(None);
    }
    let Some(user) = replace_session(call, tx, session, false)? else { return Ok(None) };
    let methods = join_first_step(session, methods);
    let started = insert_new_session(call, tx, &user, &methods, false)?;
    let event = Event::done(Actor::User(&user.id), "session.confirmed", &started.signed_in.session_id);
    record_event(call, tx, event, &json!({"with": started.signed_in.methods}))?;
    Ok(Some(started))
}

/// Ends the session and takes the account's lock; the account, if both are still good.
fn replace_session(call: &Call, tx: &mut Tx<'_>, session: &SignedIn, pending: bool) -> Result<Option<UserRow>> {
    if !users::update_user_sign_in(tx, &session.user_id, call.now)?
        || !sessions::consume_session(tx, &session.session_id, pending, call.now)?
    {
        return Ok(None);
    }
    Ok(users::find_user(tx, &session.user_id)?)
}

/// A code is a second factor and stands beside the first step with which its session began; anything else stands for itself.
fn join_first_step(session: &SignedIn, methods: &[Method]) -> Vec<Method> {
    let codes = [Method::Otp, Method::Recovery];
    let only_codes = methods.iter().all(|method| codes.contains(method));
    let first = session.list_methods().into_iter().filter(|method| only_codes && !codes.contains(method));
    first.chain(methods.iter().copied()).collect()
}

/// A factor that was removed in this transaction. Its account may have nothing left to ask for: [`Self::settle`].
#[must_use]
pub(crate) struct RemovedFactor {
    user_id: String,
}

impl RemovedFactor {
    fn of(user_id: &str) -> Self {
        Self { user_id: user_id.to_owned() }
    }

    /// Turns the second step off where the account has nothing left to ask for.
    pub(crate) fn settle(self, call: &Call, tx: &mut Tx<'_>) -> Result<()> {
        let Some(user) = users::find_user(tx, &self.user_id)? else { return Ok(()) };
        let has_factor = has_passkey(tx, &user.id)? || find_authenticator(tx, &user.id)?.is_some();
        if user.second_step && !has_factor { turn_off(call, tx, &user) } else { Ok(()) }
    }
}

/// Removes a passkey; `None` where it is not there.
pub(crate) fn delete_passkey(tx: &mut Tx<'_>, user_id: &str, id: &str) -> Result<Option<RemovedFactor>> {
    Ok(passkeys::delete_passkey(tx, user_id, id)?.then(|| RemovedFactor::of(user_id)))
}

/// Removes all passkeys of an account; `None` where there are none.
pub(crate) fn delete_all_passkeys(tx: &mut Tx<'_>, user_id: &str) -> Result<Option<RemovedFactor>> {
    Ok((passkeys::delete_user_passkeys(tx, user_id)? > 0).then(|| RemovedFactor::of(user_id)))
}

/// Removes the authenticator app; `None` where there is none.
pub(crate) fn delete_authenticator(tx: &mut Tx<'_>, user_id: &str) -> Result<Option<RemovedFactor>> {
    Ok(authenticators::delete_authenticator(tx, user_id)?.then(|| RemovedFactor::of(user_id)))
}

/// What a change of the second step came to.
#[derive(Debug)]
pub enum Toggled {
    /// it is on; the codes are to be shown once
    On(RecoveryCodes),
    /// it is off
    Off,
    /// it depends on the authenticator app, or there is no passkey to ask for
    Refused,
}

/// Asks for a passkey after every other first step, or does so no longer: for accounts with passkeys and no authenticator app (TO8).
pub fn set_second_step(call: &Call, tx: &mut Tx<'_>, session: &FreshSession<'_>, on: bool) -> Result<Outcome<Toggled>> {
    let user_id = &session.user_id;
    let refused = Ok(Outcome::Rollback(Toggled::Refused));
    let user = session.user();
    if user.second_step == on || find_authenticator(tx, user_id)?.is_some() || !has_passkey(tx, user_id)? {
        return refused;
    }
    if !on {
        turn_off(call, tx, user)?;
        return Ok(Outcome::Commit(Toggled::Off));
    }
    users::update_user_second_step(tx, user_id, true, call.now)?;
    let codes = make_recovery_codes(call, tx, user_id)?;
    record_event(call, tx, Event::done(Actor::User(user_id), "second_step.on", user_id), &json!(null))?;
    queue_notice(call, tx, &user.email, Notice::SecondStepOn)?;
    Ok(Outcome::Commit(Toggled::On(codes)))
}

fn turn_off(call: &Call, tx: &mut Tx<'_>, user: &UserRow) -> Result<()> {
    users::update_user_second_step(tx, &user.id, false, call.now)?;
    recovery_codes::delete_recovery_codes(tx, &user.id)?;
    record_event(call, tx, Event::done(Actor::User(&user.id), "second_step.off", &user.id), &json!(null))?;
    queue_notice(call, tx, &user.email, Notice::SecondStepOff)
}
