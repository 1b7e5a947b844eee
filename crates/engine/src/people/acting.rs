//! Whoever acts on people: an administrator who still is one, or a command on the host.

use gatepost_store::people::identities::lock_user;
use gatepost_store::people::users::{self, ROLE_ADMIN, UserRow};
use gatepost_store::{Db, Tx};

use crate::audit::Actor;
use crate::kernel::error::Result;
use crate::kernel::manage::ManageFault;
use crate::people::email::normalize_email;
use crate::people::last_admin::{PeopleLock, take_people_lock};

/// The person with this address or id.
pub fn find_user(db: &mut Db, who: &str) -> Result<Option<UserRow>> {
    if let Ok(email) = normalize_email(who)
        && let Some(user) = users::find_user_by_email(db, &email.key)?
    {
        return Ok(Some(user));
    }
    Ok(users::find_user(db, who)?)
}

/// Begins an act on a person: whoever acts on people at the same time waits, so that "the last administrator" and "still an
/// administrator" are asked about what is so then.
pub(crate) fn begin_act<'c>(
    tx: &mut Tx<'c>,
    actor: Actor<'_>,
    who: &str,
) -> Result<std::result::Result<(PeopleLock<'c>, UserRow), ManageFault>> {
    let lock = take_people_lock(tx)?;
    if let Err(fault) = check_actor(tx, actor)? {
        return Ok(Err(fault));
    }
    // and the person before sessions, links and invitations, in the order of whoever signs in or uses one
    let user = match find_user(tx, who)? {
        Some(user) => lock_user(tx, &user.id)?,
        None => None,
    };
    let missing = || ManageFault::NotFound(format!("nobody here has the address or id {who:?}"));
    Ok(user.map(|user| (lock, user)).ok_or_else(missing))
}

/// Whoever acts may have lost the right to since the page was asked for.
pub(crate) fn check_actor(db: &mut Db, actor: Actor<'_>) -> Result<std::result::Result<(), ManageFault>> {
    let Actor::User(id) = actor else { return Ok(Ok(())) };
    let may = users::find_user(db, id)?.is_some_and(|user| user.role == ROLE_ADMIN && user.disabled_at.is_none());
    Ok(if may { Ok(()) } else { Err(ManageFault::Forbidden("only an administrator may do this".into())) })
}
