//! Counting tries of a second factor before anything is looked at.

use gatepost_protocol::secret::TokenHash;
use gatepost_store::Tx;
use gatepost_store::people::identities::lock_user;
use gatepost_store::people::{sessions, throttles};

use crate::kernel::call::Call;
use crate::kernel::error::Result;
use crate::people::sessions::SignedIn;

/// Tries of one session, which is over afterwards.
const SESSION_TRIES: i64 = 5;
/// Failures of one account, as (window in seconds, how many): a guesser has a chance of 3 in 10,000 a day.
const ACCOUNT_LIMITS: [(i64, i64); 2] = [(900, 10), (86_400, 100)];

/// A try that was counted and may be looked at; only [`count_try`] makes one.
pub(crate) struct CountedTry<'s> {
    user_id: &'s str,
    last: bool,
}

impl CountedTry<'_> {
    /// Whose factor it is about.
    pub(crate) fn user_id(&self) -> &str {
        self.user_id
    }

    /// Whether the session is over if this one fails.
    pub(crate) fn is_last(&self) -> bool {
        self.last
    }

    /// The try was right. What others failed before still counts: they may be guessing between the owner's sign-ins.
    pub(crate) fn refund(&self, tx: &mut Tx<'_>) -> Result<()> {
        for (window, _) in ACCOUNT_LIMITS {
            throttles::update_throttle_refund(tx, &account_bucket(self.user_id, window))?;
        }
        Ok(())
    }
}

/// What counting came to.
pub(crate) enum Counted<'s> {
    /// look at it
    Admitted(CountedTry<'s>),
    /// the account has had too many failures: not looked at
    Throttled {
        /// the session is over if this one fails
        last: bool,
    },
    /// the session is over, or has had too many tries
    Over,
}

/// Counts a try against the session and its account.
pub(crate) fn count_try<'s>(call: &Call, tx: &mut Tx<'_>, session: &'s SignedIn) -> Result<Counted<'s>> {
    // the account before its session and factors, as whoever resets them does
    lock_user(tx, &session.user_id)?;
    let Some(tries) = sessions::update_session_attempts(tx, &session.session_id, SESSION_TRIES, call.now)? else {
        return Ok(Counted::Over);
    };
    let last = tries >= SESSION_TRIES;
    Ok(match charge_account(call, tx, &session.user_id)? {
        true => Counted::Admitted(CountedTry { user_id: &session.user_id, last }),
        false => Counted::Throttled { last },
    })
}

fn account_bucket(user_id: &str, window: i64) -> String {
    TokenHash::of_text(&format!("factor:{window}:{user_id}")).to_base64()
}

/// Counts a try in every window; `false` where one of them is full.
fn charge_account(call: &Call, tx: &mut Tx<'_>, user_id: &str) -> Result<bool> {
    let mut admitted = true;
    for (window, limit) in ACCOUNT_LIMITS {
        let bucket = account_bucket(user_id, window);
        let running = throttles::find_throttle(tx, &bucket)?.filter(|row| call.now < row.expires_at);
        let end = running.map_or(call.now + window, |row| row.expires_at);
        let row = throttles::update_throttle_count(tx, &bucket, call.now, end)?;
        admitted &= row.is_some_and(|row| row.failures <= limit);
    }
    Ok(admitted)
}
