//! Taking second factors away from somebody who has lost them.

use gatepost_store::people::users::UserRow;
use gatepost_store::people::{authenticators, passkeys, recovery_codes, users};
use gatepost_store::{Outcome, Tx};
use serde_json::json;

use crate::audit::{Actor, Event, record_event};
use crate::kernel::call::Call;
use crate::kernel::manage::Managed;
use crate::outbox::{Notice, queue_notice};
use crate::people::acting::begin_act;
use crate::people::end_access::end_all_use;
use crate::people::last_admin::refuse_last_admin;

/// Removes passkeys, authenticator app and recovery codes of the person with this id or address, and turns the second step off.
/// Every session, mailed link and app's access ends, and the owner is told. Whoever would leave nobody who can administer is
/// kept from it; a command on the host is not, because it is the way out when an administrator has lost them.
pub fn reset_factors(call: &Call, tx: &mut Tx<'_>, actor: Actor<'_>, who: &str) -> Managed<UserRow> {
    let (lock, user) = match begin_act(tx, actor, who)? {
        Ok(begun) => begun,
        Err(fault) => return Ok(Outcome::Rollback(Err(fault))),
    };
    if !matches!(actor, Actor::Operator) && lock.needs_factors(call, tx, &user)? {
        return refuse_last_admin(&user);
    }
    // first, for its lock: an enrolment that is under way finds its session gone afterwards
    users::update_user_second_step(tx, &user.id, false, call.now)?;
    let passkeys = passkeys::delete_user_passkeys(tx, &user.id)?;
    let authenticator = authenticators::delete_authenticator(tx, &user.id)?;
    recovery_codes::delete_recovery_codes(tx, &user.id)?;
    end_all_use(call, tx, &user.id, "factors reset")?;
    let detail = json!({"passkeys": passkeys, "authenticator": authenticator});
    record_event(call, tx, Event::done(actor, "factors.reset", &user.id), &detail)?;
    queue_notice(call, tx, &user.email, Notice::FactorsReset)?;
    Ok(Outcome::Commit(Ok(UserRow { second_step: false, ..user })))
}
