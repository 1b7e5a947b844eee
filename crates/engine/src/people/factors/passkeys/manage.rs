//! The owner's passkeys: listed, renamed, removed, offered.

use gatepost_store::people::passkeys::{self, PasskeyRow};
use gatepost_store::people::users;
use gatepost_store::{Db, Outcome, Tx};
use serde_json::json;

use crate::audit::{Actor, Event, record_event};
use crate::kernel::call::Call;
use crate::kernel::error::Result;
use crate::outbox::{Notice, queue_notice};
use crate::people::factors::second_step::delete_passkey;
use crate::people::last_admin::Watch;
use crate::people::sessions::{SignedIn, hold_session};
use crate::people::sign_in::fresh::{FreshSession, hold_fresh_session, is_fresh};
use crate::people::ways_in::{Removal, count_ways_in, count_ways_left};

/// A passkey is offered at most once in this time, in seconds.
const OFFER_EVERY: i64 = 30 * 86_400;

/// The person's passkeys, oldest first, and whether one that works is the only way in.
pub fn describe_own_passkeys(call: &Call, db: &mut Db, session: &SignedIn) -> Result<(Vec<PasskeyRow>, bool)> {
    let rows = passkeys::list_passkeys(db, &session.user_id)?;
    let only = match users::find_user(db, &session.user_id)? {
        Some(user) => count_ways_in(call, db, &user)?.count() < 2,
        None => true,
    };
    Ok((rows, only))
}

/// One of the person's passkeys.
pub fn find_own_passkey(db: &mut Db, session: &SignedIn, id: &str) -> Result<Option<PasskeyRow>> {
    Ok(passkeys::find_passkey(db, &session.user_id, id)?)
}

/// Whether a passkey is so new that its owner may name it without confirming first: the sign-in that added it was fresh.
pub fn may_rename(call: &Call, row: &PasskeyRow) -> bool {
    call.now - row.created_at <= call.policy().sudo_age
}

/// Changes what the person calls it; `false` where it is not there, or the sign-in not young and strong enough.
pub fn rename_passkey(call: &Call, tx: &mut Tx<'_>, session: &SignedIn, id: &str, name: &str) -> Result<Outcome<bool>> {
    let refused = Ok(Outcome::Rollback(false));
    let Some(row) = passkeys::find_passkey(tx, &session.user_id, id)? else { return refused };
    if hold_session(call, tx, session)?.is_none() || (!may_rename(call, &row) && !is_fresh(call, tx, session)?) {
        return refused;
    }
    if !passkeys::update_passkey_name(tx, &session.user_id, id, name)? {
        return refused;
    }
    let event = Event::done(Actor::User(&session.user_id), "passkey.renamed", id);
    record_event(call, tx, event, &json!({"name": name}))?;
    Ok(Outcome::Commit(true))
}

/// Removes a passkey, unless it is the last way in. With the last second factor the second step goes as well.
pub fn remove_passkey(call: &Call, tx: &mut Tx<'_>, session: &SignedIn, id: &str) -> Result<Outcome<Removal>> {
    let refused = Ok(Outcome::Rollback(Removal::Refused));
    let watch = Watch::begin(call, tx, &session.user_id)?;
    // with the account's lock: of two removals at once the second sees the first
    match hold_fresh_session(call, tx, session)? {
        Ok(fresh) => remove_held(call, tx, (&fresh, &watch), id),
        Err(_) => refused,
    }
}

fn remove_held(
    call: &Call,
    tx: &mut Tx<'_>,
    (session, watch): (&FreshSession<'_>, &Watch),
    id: &str,
) -> Result<Outcome<Removal>> {
    let refused = Ok(Outcome::Rollback(Removal::Refused));
    let user = session.user();
    let Some(row) = passkeys::find_passkey(tx, &user.id, id)? else { return refused };
    // one that does not work any more is no way in
    if row.flagged_at.is_none() && count_ways_left(call, tx, session)?.count() < 2 {
        return Ok(Outcome::Rollback(Removal::LastWayIn));
    }
    let Some(removed) = delete_passkey(tx, &user.id, id)? else { return refused };
    if watch.has_lost(call, tx)? {
        return Ok(Outcome::Rollback(Removal::LastAdministrator));
    }
    record_event(call, tx, Event::done(Actor::User(&user.id), "passkey.removed", id), &json!({"name": row.name}))?;
    queue_notice(call, tx, &user.email, Notice::PasskeyRemoved { name: row.name })?;
    removed.settle(call, tx)?;
    Ok(Outcome::Commit(Removal::Done))
}

/// Whether to offer a passkey now: to somebody who has none, at most once in thirty days. Asking counts as offering.
pub fn offer_passkey(call: &Call, tx: &mut Tx<'_>, session: &SignedIn) -> Result<Outcome<bool>> {
    if !call.engine.has_passkeys() || passkeys::has_passkey(tx, &session.user_id)? {
        return Ok(Outcome::Rollback(false));
    }
    let due = users::update_passkey_offer(tx, &session.user_id, call.now - OFFER_EVERY, call.now)?;
    Ok(Outcome::Commit(due))
}
