//! What somebody else may have left in an account before the owner of its address came (SO1).

use gatepost_store::users::{ROLE_ADMIN, UserRow};
use gatepost_store::{Tx, identities, passkeys};
use serde_json::json;

use crate::audit::{Actor, Event, record_event};
use crate::call::Call;
use crate::error::Result;
use crate::mail::{Notice, queue_notice};
use crate::sign_in::second::settle_second_step;

/// Whether somebody used this account who has never shown to own its address. An administrator's was given by whoever runs the
/// installation.
pub(super) fn was_used_unproven(before: &UserRow) -> bool {
    !before.email_verified && before.last_sign_in_at.is_some() && before.role != ROLE_ADMIN
}

/// Removes passkeys and linked accounts from an account that was used before its address was proven: each would let whoever added it
/// in, from now on under a proven address. An authenticator app stays, because it lets nobody in alone and may be the owner's.
pub(super) fn end_strangers_ways(call: &Call, tx: &mut Tx<'_>, before: &UserRow) -> Result<()> {
    if !was_used_unproven(before) {
        return Ok(());
    }
    let (id, email) = (&before.id, &before.email);
    for passkey in passkeys::list_passkeys(tx, id)? {
        if passkeys::delete_passkey(tx, id, &passkey.id)? {
            let event = Event::done(Actor::User(id), "passkey.removed", &passkey.id);
            record_event(call, tx, event, &json!({"name": passkey.name, "with": "email"}))?;
            queue_notice(call, tx, email, Notice::PasskeyRemoved { name: passkey.name })?;
            settle_second_step(call, tx, id)?;
        }
    }
    for identity in identities::list_identities(tx, id)? {
        if identities::delete_identity(tx, id, &identity.issuer, &identity.subject)? {
            let event = Event::done(Actor::User(id), "identity.unlinked", id);
            record_event(call, tx, event, &json!({"issuer": identity.issuer, "with": "email"}))?;
            queue_notice(call, tx, email, Notice::ProviderUnlinked { provider: identity.provider })?;
        }
    }
    Ok(())
}
