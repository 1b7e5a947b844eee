//! The installation keeps an administrator who can get in, whoever changes an account: another administrator or its owner.

use std::marker::PhantomData;

use gatepost_store::people::directory::list_enabled_admins;
use gatepost_store::people::users::UserRow;
use gatepost_store::sweep::take_global_lock;
use gatepost_store::{Db, Outcome, Tx};

use crate::kernel::call::Call;
use crate::kernel::error::Result;
use crate::kernel::manage::{ManageFault, Managed};
use crate::people::ways_in::{Ways, count_ways_in};

/// What the administrators can do together.
#[derive(Clone, Copy)]
struct Standing {
    /// one of them can get in
    get_in: bool,
    /// one of them can with two factors; always where nobody demands that
    two_factors: bool,
}

impl Standing {
    fn of<'a>(call: &Call, ways: impl Iterator<Item = &'a Ways>) -> Self {
        let one = Self { get_in: false, two_factors: !call.policy().admin_second_factor };
        ways.fold(one, |so_far, ways| Self {
            get_in: so_far.get_in || ways.count() > 0,
            two_factors: so_far.two_factors || ways.has_two_factors(),
        })
    }
}

/// The enabled administrators and how each of them can get in.
fn list_admins(call: &Call, db: &mut Db) -> Result<Vec<(UserRow, Ways)>> {
    let admins = list_enabled_admins(db)?.into_iter();
    admins.map(|admin| count_ways_in(call, db, &admin).map(|ways| (admin, ways))).collect()
}

/// Whether the installation would be left without an administrator who can get in if this person had only what `left` makes of
/// their ways in, `None` for no longer being one.
fn is_needed(call: &Call, db: &mut Db, user: &UserRow, left: impl Fn(Ways) -> Option<Ways>) -> Result<bool> {
    let admins = list_admins(call, db)?;
    if !admins.iter().any(|(admin, _)| admin.id == user.id) {
        return Ok(false);
    }
    let before = Standing::of(call, admins.iter().map(|(_, ways)| ways));
    let kept: Vec<Ways> =
        admins.iter().filter_map(|(admin, ways)| if admin.id == user.id { left(*ways) } else { Some(*ways) }).collect();
    let after = Standing::of(call, kept.iter());
    // where two factors are demanded, somebody who has them must be left, as long as there is anybody
    Ok(!after.get_in || (before.two_factors && !after.two_factors))
}

/// The lock of whoever acts on people, which comes before every lock of an account; only [`take_people_lock`] makes one, and it does
/// not leave the transaction.
pub(crate) struct PeopleLock<'c>(PhantomData<&'c ()>);

/// Waits for whoever acts on people at the same time.
pub(crate) fn take_people_lock<'c>(tx: &mut Tx<'c>) -> Result<PeopleLock<'c>> {
    take_global_lock(tx)?;
    Ok(PeopleLock(PhantomData))
}

impl PeopleLock<'_> {
    /// Whether this person is the last administrator who can get in, and stays so while the lock is held.
    pub(crate) fn is_last_admin(&self, call: &Call, db: &mut Db, user: &UserRow) -> Result<bool> {
        is_last_admin(call, db, user)
    }

    /// Whether nobody could administer without the second factors of this person, and that stays so while the lock is held.
    pub(crate) fn needs_factors(&self, call: &Call, db: &mut Db, user: &UserRow) -> Result<bool> {
        needs_factors(call, db, user)
    }
}

/// Whether the installation would be left without an administrator who can get in if this person no longer were one, for a
/// page to say so; an act asks its `PeopleLock`.
pub fn is_last_admin(call: &Call, db: &mut Db, user: &UserRow) -> Result<bool> {
    is_needed(call, db, user, |_| None)
}

/// Whether nobody could administer if this person lost the second factors: passkeys can be the only way in. For a page to say so; an
/// act asks its `PeopleLock`.
pub fn needs_factors(call: &Call, db: &mut Db, user: &UserRow) -> Result<bool> {
    is_needed(call, db, user, |ways| Some(Ways { passkeys: 0, authenticator: false, ..ways }))
}

pub(super) fn refuse_last_admin<T>(user: &UserRow) -> Managed<T> {
    let fault = format!("{} is the last administrator: make another one first", user.email);
    Ok(Outcome::Rollback(Err(ManageFault::LastAdministrator(fault))))
}

/// Watches over the administrators while one of them takes something away from the own account.
pub(crate) struct Watch(Option<Standing>);

impl Watch {
    /// Begins before anything of the account is locked: whoever acts on people at the same time waits. Others than administrators are
    /// not kept waiting.
    pub(crate) fn begin(call: &Call, tx: &mut Tx<'_>, user_id: &str) -> Result<Self> {
        if !list_enabled_admins(tx)?.iter().any(|admin| admin.id == user_id) {
            return Ok(Self(None));
        }
        take_people_lock(tx)?;
        let admins = list_admins(call, tx)?;
        Ok(Self(Some(Standing::of(call, admins.iter().map(|(_, ways)| ways)))))
    }

    /// Whether what was taken away left nobody who can administer: then it must be rolled back.
    pub(crate) fn has_lost(&self, call: &Call, tx: &mut Tx<'_>) -> Result<bool> {
        let Some(before) = self.0 else { return Ok(false) };
        let admins = list_admins(call, tx)?;
        let after = Standing::of(call, admins.iter().map(|(_, ways)| ways));
        Ok((before.get_in && !after.get_in) || (before.two_factors && !after.two_factors))
    }
}
