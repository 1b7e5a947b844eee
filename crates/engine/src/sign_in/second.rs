//! The end of a second step and of "Confirm that it's you": the old session is over, a new one stands in its place.

use gatepost_store::users::{self, UserRow};
use gatepost_store::{Tx, sessions};
use serde_json::json;

use super::enter::{Method, Started, insert_new_session, measure_strength};
use super::fresh::find_level;
use super::session::SignedIn;
use crate::audit::{Actor, Event, record_event};
use crate::call::Call;
use crate::error::Result;
use crate::mail::{Notice, queue_notice};

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
