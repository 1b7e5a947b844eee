//! The owner's passkeys: listed, renamed, removed, offered.

use gatepost_store::passkeys::{self, PasskeyRow};
use gatepost_store::{Db, Outcome, Topic, Tx, users};
use serde_json::json;

use crate::audit::{Actor, Event, record_event};
use crate::call::Call;
use crate::error::Result;
use crate::mail::{Notice, queue_notice};
use crate::sign_in::fresh::is_fresh;
use crate::sign_in::session::SignedIn;

/// A passkey is offered at most once in this time, in seconds.
const OFFER_EVERY: i64 = 30 * 86_400;

/// The person's passkeys, oldest first.
pub fn list_own_passkeys(db: &mut Db, session: &SignedIn) -> Result<Vec<PasskeyRow>> {
    Ok(passkeys::list_passkeys(db, &session.user_id)?)
}

/// One of the person's passkeys.
pub fn find_own_passkey(db: &mut Db, session: &SignedIn, id: &str) -> Result<Option<PasskeyRow>> {
    Ok(passkeys::find_passkey(db, &session.user_id, id)?)
}

/// Whether to offer a passkey now: to somebody who has none, at most once in thirty days. Asking counts as offering.
pub fn offer_passkey(call: &Call, tx: &mut Tx<'_>, session: &SignedIn) -> Result<Outcome<bool>> {
    if call.engine.passkeys.is_none() || passkeys::count_passkeys(tx, &session.user_id)? > 0 {
        return Ok(Outcome::Rollback(false));
    }
    let due = users::update_passkey_offer(tx, &session.user_id, call.now - OFFER_EVERY, call.now)?;
    Ok(Outcome::Commit(due))
}
