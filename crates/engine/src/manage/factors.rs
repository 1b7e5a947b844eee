//! Taking second factors away from somebody who has lost them.

use gatepost_store::users::UserRow;
use gatepost_store::{Outcome, Tx, authenticators, recovery_codes, sessions, users};
use serde_json::json;

use super::users::find_user;
use super::{Managed, not_found};
use crate::account::end_all_access;
use crate::audit::{Actor, Event, record_event};
use crate::call::Call;
use crate::mail::{Notice, queue_notice};

/// Removes passkeys, authenticator app and recovery codes of the person with this id or address, and turns the second step off.
/// Every session and every app's access ends, and the owner is told.
pub fn reset_factors(call: &Call, tx: &mut Tx<'_>, who: &str, actor: Actor<'_>) -> Managed<UserRow> {
    let Some(user) = find_user(tx, who)? else {
        return not_found(format!("nobody here has the address or id {who:?}"));
    };
    // first, for its lock: an enrolment that is under way finds its session gone afterwards
    users::update_user_second_step(tx, &user.id, false, call.now)?;
    let passkeys = authenticators::delete_passkeys_of(tx, &user.id)?;
    let authenticator = authenticators::delete_authenticator(tx, &user.id)?;
    recovery_codes::delete_recovery_codes(tx, &user.id)?;
    sessions::revoke_user_sessions(tx, &user.id, None, call.now)?;
    end_all_access(call, tx, &user.id, "factors reset")?;
    let detail = json!({"passkeys": passkeys, "authenticator": authenticator});
    record_event(call, tx, Event::done(actor, "factors.reset", &user.id), &detail)?;
    queue_notice(call, tx, &user.email, Notice::FactorsReset)?;
    Ok(Outcome::Commit(Ok(UserRow { second_step: false, ..user })))
}
