//! How many ways in an account has: the last one cannot be removed (SO8).

use gatepost_store::people::users::UserRow;
use gatepost_store::people::{authenticators, identities, passkeys};
use gatepost_store::{Db, Tx};

use crate::kernel::call::Call;
use crate::kernel::error::Result;
use crate::people::sign_in::fresh::FreshSession;

/// The ways in of one account that work now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ways {
    /// a password is set
    pub password: bool,
    /// passkeys
    pub passkeys: usize,
    /// accounts at providers that are in the settings
    pub identities: usize,
    /// a link can be mailed to a proven address
    pub mail: bool,
    /// an authenticator app: no way in, but a second factor of the others
    pub authenticator: bool,
}

impl Ways {
    /// How many there are.
    pub fn count(&self) -> usize {
        usize::from(self.password) + self.passkeys + self.identities + usize::from(self.mail)
    }

    /// Whether somebody who gets in can have two factors.
    pub fn has_two_factors(&self) -> bool {
        self.count() > 0 && (self.passkeys > 0 || self.authenticator)
    }
}

/// Counts what whoever holds the account still has: of two who remove a way in at once the second sees what the first left.
pub(crate) fn count_ways_left(call: &Call, tx: &mut Tx<'_>, session: &FreshSession<'_>) -> Result<Ways> {
    count_ways_in(call, tx, session.user())
}

/// Counts them, to be shown; before or after one is removed it is [`count_ways_left`] that counts.
pub fn count_ways_in(call: &Call, db: &mut Db, user: &UserRow) -> Result<Ways> {
    let issuers = &call.policy().issuers;
    let linked = identities::list_identities(db, &user.id)?;
    Ok(Ways {
        password: user.password_hash.is_some(),
        passkeys: usize::try_from(passkeys::count_passkeys(db, &user.id)?).unwrap_or(0),
        identities: linked.iter().filter(|identity| issuers.contains(&identity.issuer)).count(),
        mail: call.policy().mail && user.email_verified,
        authenticator: authenticators::find_authenticator(db, &user.id)?.is_some(),
    })
}

/// What removing a way in, or a second factor, came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removal {
    /// it is gone
    Done,
    /// it is not there, or the sign-in is not young and strong enough
    Refused,
    /// nothing else lets its owner in (SO8)
    LastWayIn,
    /// the installation would be left without an administrator who can get in
    LastAdministrator,
}
