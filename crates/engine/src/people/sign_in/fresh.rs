//! Whether a sign-in is young and strong enough for what changes an account.

use gatepost_store::Db;
use gatepost_store::people::authenticators::find_authenticator;
use gatepost_store::people::passkeys::has_passkey;
use gatepost_store::people::users;

use crate::kernel::call::Call;
use crate::kernel::error::Result;
use crate::people::sessions::SignedIn;

/// The strongest level that an account has means for: 2 where it has a second factor. A weaker method never satisfies a step-up.
pub fn find_level(db: &mut Db, user_id: &str) -> Result<i64> {
    let second_step = users::find_user(db, user_id)?.is_some_and(|user| user.second_step);
    let two = second_step || has_passkey(db, user_id)? || find_authenticator(db, user_id)?.is_some();
    Ok(if two { 2 } else { 1 })
}

/// An administrator's sign-in is good for this long in the administration, in seconds.
pub(crate) const ADMIN_ABSOLUTE: i64 = 12 * 3600;
/// …and for this long without use. Uses are noted every five minutes.
const ADMIN_IDLE: i64 = 30 * 60;

/// Whether an administrator's session was left alone for too long.
pub(crate) fn was_idle_for_admin(call: &Call, session: &SignedIn) -> bool {
    session.is_admin && call.now - session.last_used_at > ADMIN_IDLE
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
