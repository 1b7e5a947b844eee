//! Slowing down whoever guesses: one bucket an account, whatever path or spelling; one an address.
//!
//! An attempt is counted before the password is looked at, so that a burst of parallel tries gains nothing.

use std::net::IpAddr;

use gatepost_protocol::secret::TokenHash;
use gatepost_store::Tx;
use gatepost_store::people::throttles;

use crate::kernel::call::Call;
use crate::kernel::error::Result;
use crate::kernel::policy::Policy;

/// What every failure after the free ones costs, in seconds; the policy caps it.
const DELAYS: [i64; 8] = [1, 3, 5, 10, 30, 60, 300, 900];
const DAY: i64 = 86_400;
const IP_WINDOW: i64 = 600;

/// Bucket of an account; unknown addresses have one as well, so that both behave alike.
pub(crate) fn account_bucket(email_key: &str) -> String {
    TokenHash::of_text(&format!("account:{email_key}")).to_base64()
}

/// Bucket of a network address.
pub(crate) fn ip_bucket(ip: &str) -> String {
    TokenHash::of_text(&format!("ip:{}", name_network(ip))).to_base64()
}

/// What limits count as one sender: an address, or a whole /64 of IPv6, because everybody has one.
pub fn name_network(ip: &str) -> String {
    match ip.parse() {
        Ok(IpAddr::V6(address)) => format!("{:x?}", &address.segments()[..4]),
        _ => ip.to_owned(),
    }
}

/// Counts an attempt on an account from an address; `false` where it must not be looked at. Both are counted before the
/// password is verified, and given back if it was right.
pub(crate) fn admit_attempt(call: &Call, tx: &mut Tx<'_>, email_key: &str) -> Result<bool> {
    if !charge_address(call, tx)? {
        return Ok(false);
    }
    let bucket = account_bucket(email_key);
    let Some(row) = throttles::update_throttle_count(tx, &bucket, call.now, call.now + DAY)? else {
        return Ok(false);
    };
    if let Some(delay) = find_delay(call.policy(), row.failures) {
        throttles::update_throttle_block(tx, &bucket, call.now + delay)?;
    }
    Ok(true)
}

/// Charges the address with one failure; `false` where it has had too many.
pub(crate) fn charge_address(call: &Call, tx: &mut Tx<'_>) -> Result<bool> {
    let bucket = ip_bucket(&call.origin.ip);
    let window_end = throttles::find_throttle(tx, &bucket)?
        .filter(|row| call.now < row.expires_at)
        .map_or(call.now + IP_WINDOW, |row| row.expires_at);
    let row = throttles::update_throttle_count(tx, &bucket, call.now, window_end)?;
    Ok(row.is_some_and(|row| row.failures <= call.policy().ip_failure_limit))
}

fn find_delay(policy: &Policy, failures: i64) -> Option<i64> {
    if failures >= policy.hard_stop {
        return Some(DAY);
    }
    let index = usize::try_from(failures - policy.free_failures - 1).ok()?;
    Some(DELAYS[index.min(DELAYS.len() - 1)].min(policy.max_delay))
}

/// The attempt was never looked at: both counts go back.
pub(crate) fn refund_attempt(call: &Call, tx: &mut Tx<'_>, email_key: &str) -> Result<()> {
    // the address first, as where they are counted: two of one person do not wait for each other
    throttles::update_throttle_refund(tx, &ip_bucket(&call.origin.ip))?;
    Ok(throttles::update_throttle_refund(tx, &account_bucket(email_key))?)
}

/// Forgets the failures of an account: its password was set anew by somebody with a shell on the host.
pub(crate) fn forgive_account(tx: &mut Tx<'_>, email_key: &str) -> Result<()> {
    Ok(throttles::delete_throttle(tx, &account_bucket(email_key))?)
}

/// The attempt was good: the account's count starts again, and the address gets its charge back.
pub(crate) fn forgive_attempt(call: &Call, tx: &mut Tx<'_>, email_key: &str) -> Result<()> {
    throttles::update_throttle_refund(tx, &ip_bucket(&call.origin.ip))?;
    Ok(throttles::delete_throttle(tx, &account_bucket(email_key))?)
}
