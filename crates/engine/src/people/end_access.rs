//! What must end everything of a person: whoever sets an account anew or closes it calls this, and a new subject that keeps anything by
//! which a person or an app gets in adds a line here. It needs nothing but the store, so that every subject can call it.

use gatepost_store::oauth::{codes, grants};
use gatepost_store::people::{mail_links, sessions};
use gatepost_store::{Topic, Tx};

use crate::kernel::call::Call;
use crate::kernel::error::Result;
use crate::people::mailed_links::kind::Kind;

/// Ends every session and half sign-in of this person, what was mailed to them and what every app may do for them: for an account
/// that is set anew or closed. A stop link survives, see [`end_links`].
pub(crate) fn end_all_use(call: &Call, tx: &mut Tx<'_>, user_id: &str, reason: &str) -> Result<()> {
    sessions::revoke_user_sessions(tx, user_id, None, call.now)?;
    end_links(call, tx, user_id)?;
    end_all_access(call, tx, user_id, reason)
}

/// Ends what every app may do for this person.
pub(crate) fn end_all_access(call: &Call, tx: &mut Tx<'_>, user_id: &str, reason: &str) -> Result<()> {
    // codes first, for the same reason
    codes::delete_user_codes(tx, user_id, None)?;
    grants::revoke_user_grants(tx, user_id, None, reason, call.now)?;
    tx.touch(Topic::User(user_id.to_owned()));
    Ok(())
}

/// Ends what was mailed to a person and not used, pending changes of the address included: nothing that was asked for before the
/// account was set anew works afterwards (LG10, LG11).
pub(crate) fn end_links(call: &Call, tx: &mut Tx<'_>, user_id: &str) -> Result<()> {
    mail_links::revoke_user_links(tx, user_id, &Kind::ENDED, 0, call.now)?;
    Ok(())
}
