//! How many ways in an account has: the last one cannot be removed (SO8).

use gatepost_store::{Db, identities, users::UserRow};

use crate::call::Call;
use crate::error::Result;

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
}

impl Ways {
    /// How many there are.
    pub fn count(&self) -> usize {
        usize::from(self.password) + self.passkeys + self.identities + usize::from(self.mail)
    }
}

/// Counts them. Whoever removes one first locks the row of the person (`identities::lock_user`), and removes it in the same
/// transaction.
pub fn count_ways_in(call: &Call, db: &mut Db, user: &UserRow) -> Result<Ways> {
    let issuers = &call.policy().issuers;
    let linked = identities::list_identities(db, &user.id)?;
    Ok(Ways {
        password: user.password_hash.is_some(),
        passkeys: usize::try_from(identities::count_working_passkeys(db, &user.id)?).unwrap_or(0),
        identities: linked.iter().filter(|identity| issuers.contains(&identity.issuer)).count(),
        mail: call.policy().mail && user.email_verified,
    })
}
