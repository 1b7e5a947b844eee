//! What changes how somebody signs in, as a page does it: for a session that is held and fresh, else it is refused.

use gatepost_store::{Outcome, Tx};

use crate::people::email::Email;
use crate::people::factors::recovery_codes::{self, RecoveryCodes};
use crate::people::factors::totp::{self, Enrolled};
use crate::people::mailed_links::{self, Asking, Check};
use crate::people::providers;
use crate::people::sessions::SignedIn;
use crate::people::sign_in::Started;
use crate::people::sign_in::fresh::{FreshSession, hold_fresh_session};
use crate::people::sign_in::password::{self, ProvenPassword};
use crate::people::ways_in::Removal;
use crate::{Call, Result};

type Written<T> = Result<Outcome<T>>;

fn when_fresh<T>(
    call: &Call,
    tx: &mut Tx<'_>,
    session: &SignedIn,
    otherwise: T,
    act: impl FnOnce(&mut Tx<'_>, &FreshSession<'_>) -> Written<T>,
) -> Written<T> {
    match hold_fresh_session(call, tx, session)? {
        Ok(fresh) => act(tx, &fresh),
        Err(_) => Ok(Outcome::Rollback(otherwise)),
    }
}

pub(super) fn confirm_authenticator(
    call: &Call,
    tx: &mut Tx<'_>,
    session: &SignedIn,
    sealed: &str,
    code: &str,
) -> Written<Enrolled> {
    when_fresh(call, tx, session, Enrolled::Gone, |tx, fresh| {
        totp::confirm_authenticator(call, tx, fresh, sealed, code)
    })
}

pub(super) fn renew_recovery_codes(call: &Call, tx: &mut Tx<'_>, session: &SignedIn) -> Written<Option<RecoveryCodes>> {
    when_fresh(call, tx, session, None, |tx, fresh| recovery_codes::renew_recovery_codes(call, tx, fresh))
}

pub(super) fn unlink_identity(
    call: &Call,
    tx: &mut Tx<'_>,
    session: &SignedIn,
    identity: (&str, &str),
    name: &str,
) -> Written<Removal> {
    when_fresh(call, tx, session, Removal::Refused, |tx, fresh| {
        providers::unlink_identity(call, tx, fresh, identity, name)
    })
}

pub(super) fn request_change(
    call: &Call,
    tx: &mut Tx<'_>,
    asking: &Asking,
    session: &SignedIn,
    new: &Email,
) -> Written<Option<Check>> {
    when_fresh(call, tx, session, None, |tx, fresh| mailed_links::request_change(call, tx, asking, fresh, new))
}

pub(super) fn set_first_password(
    call: &Call,
    tx: &mut Tx<'_>,
    session: &SignedIn,
    new_hash: &str,
) -> Written<Option<Started>> {
    when_fresh(call, tx, session, None, |tx, fresh| password::set_first_password(call, tx, fresh, new_hash))
}

/// For somebody whose old password has just been verified.
pub(super) fn change_password(
    call: &Call,
    tx: &mut Tx<'_>,
    session: &SignedIn,
    old_hash: &str,
    new_hash: &str,
) -> Written<Option<Started>> {
    let proven = ProvenPassword::pretend(&session.user_id, old_hash);
    password::change_password(call, tx, session, &proven, new_hash)
}
