//! Whether a sign-in is young and strong enough for what changes an account.

use std::ops::Deref;

use gatepost_store::people::authenticators::find_authenticator;
use gatepost_store::people::passkeys::has_passkey;
use gatepost_store::people::users::{self, UserRow};
use gatepost_store::{Db, Tx};

use crate::kernel::call::Call;
use crate::kernel::error::Result;
use crate::people::sessions::{ADMIN_ABSOLUTE, SignedIn, hold_session, was_idle_for_admin};

/// The strongest level that an account has means for: 2 where it has a second factor. A weaker method never satisfies a step-up.
pub fn find_level(db: &mut Db, user_id: &str) -> Result<i64> {
    let second_step = users::find_user(db, user_id)?.is_some_and(|user| user.second_step);
    let two = second_step || has_passkey(db, user_id)? || find_authenticator(db, user_id)?.is_some();
    Ok(if two { 2 } else { 1 })
}

/// Whether an administrator has to confirm before going on with the administration.
pub fn is_stale_for_admin(call: &Call, session: &SignedIn) -> bool {
    call.now - session.auth_time > ADMIN_ABSOLUTE || was_idle_for_admin(call, session)
}

/// Whether this session may do what changes an account, without being asked again.
pub fn is_fresh(call: &Call, db: &mut Db, session: &SignedIn) -> Result<bool> {
    let young = call.now - session.auth_time <= call.policy().sudo_age;
    Ok(young && session.strength >= find_level(db, &session.user_id)?)
}

/// A session that is held in this transaction and whose sign-in is young and strong enough: what changes how somebody signs in asks
/// for it. Only [`hold_fresh_session`] makes one, and it does not leave the transaction.
pub struct FreshSession<'s> {
    session: &'s SignedIn,
    user: UserRow,
}

impl FreshSession<'_> {
    /// The account, whose lock is held.
    pub(crate) fn user(&self) -> &UserRow {
        &self.user
    }
}

impl std::fmt::Debug for FreshSession<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "FreshSession({})", self.session.session_id)
    }
}

impl Deref for FreshSession<'_> {
    type Target = SignedIn;
    fn deref(&self) -> &SignedIn {
        self.session
    }
}

/// Why a session may not change how somebody signs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotFresh {
    /// the session is over, or the account disabled
    Over,
    /// the sign-in is too old or too weak: the person is asked again
    Stale,
}

/// Takes the locks of account and session and looks at the sign-in. Whoever ended the session came before, and is seen, or
/// waits. What takes a lock on all administrators takes it first.
pub fn hold_fresh_session<'s>(
    call: &Call,
    tx: &mut Tx<'_>,
    session: &'s SignedIn,
) -> Result<std::result::Result<FreshSession<'s>, NotFresh>> {
    let Some(user) = hold_session(call, tx, session)? else { return Ok(Err(NotFresh::Over)) };
    Ok(if is_fresh(call, tx, session)? { Ok(FreshSession { session, user }) } else { Err(NotFresh::Stale) })
}
