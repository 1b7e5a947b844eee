//! Sweeping: what has ended is removed in small batches, by one node at a time.

use gatepost_store::sweep::{self, Sweepable};
use gatepost_store::{Outcome, Tx};

use crate::audit::chain::sweep_seals;
use crate::kernel::call::Call;
use crate::kernel::error::Result;
use crate::kernel::sweep::Swept;

/// How long a node that has gone silent keeps the sweeper's turn, in seconds.
const LEASE: i64 = 55;

/// Takes the turn; `false` where another node has it.
pub fn take_turn(call: &Call, tx: &mut Tx<'_>) -> Result<Outcome<bool>> {
    Ok(Outcome::Commit(sweep::update_sweep_lease(tx, call.now, call.now + LEASE)?))
}

/// Keeps the turn while there is still work.
pub fn extend_turn(call: &Call, tx: &mut Tx<'_>) -> Result<Outcome<()>> {
    sweep::update_sweep_lease(tx, i64::MAX, call.now + LEASE)?;
    Ok(Outcome::Commit(()))
}

/// Gives the turn back: the next round comes when its time has come.
pub fn end_turn(call: &Call, tx: &mut Tx<'_>) -> Result<Outcome<()>> {
    sweep::update_sweep_lease(tx, i64::MAX, call.now)?;
    Ok(Outcome::Commit(()))
}

/// Removes one batch.
pub fn sweep_batch(call: &Call, tx: &mut Tx<'_>, what: Sweepable) -> Result<Outcome<Swept>> {
    let kept = &call.policy().retention;
    let keep = match what {
        Sweepable::Codes => kept.codes,
        Sweepable::AccessTokens => kept.access_tokens,
        Sweepable::RefreshTokens | Sweepable::Grants => kept.refresh_tokens,
        Sweepable::Sessions | Sweepable::SetupLinks => kept.sessions,
        Sweepable::Throttles | Sweepable::Mails | Sweepable::Tickets => 0,
        Sweepable::MailLinks => kept.mail_links,
        Sweepable::Invites => kept.invites,
        Sweepable::AuditEvents => return sweep_seals(call, tx),
    };
    let removed = sweep::delete_ended(tx, what, call.now - keep, kept.batch)?;
    Ok(Outcome::Commit(Swept { removed, more: removed as i64 >= kept.batch.max(1) }))
}
