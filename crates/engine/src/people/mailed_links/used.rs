//! What using a link comes to.

use crate::kernel::journey::Journey;
use crate::people::sign_in::Started;
use crate::people::sign_up::SignUpRefusal;

/// What became of a link that was used.
#[derive(Debug)]
pub enum Used {
    /// somebody is in, and goes on with this
    Entered {
        /// the new session, whole or half
        started: Box<Started>,
        /// what the link was asked for
        journey: Box<Journey>,
    },
    /// no account could be made
    Refused(SignUpRefusal),
    /// the address is proven
    Verified,
    /// the account has the new address; the session of whoever is signed in here
    Changed(Option<Box<Started>>),
    /// a change of the address was stopped or taken back
    Stopped {
        /// the account has the old address; else somebody else has it by now
        restored: bool,
    },
    /// it works no more, or not here
    Gone,
}
