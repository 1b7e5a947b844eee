//! How many letters may be asked for: three an hour to one address, ten an hour from one network (R-24, ML5). Counted in the
//! database, so that no node can be played against another.

use gatepost_protocol::secret::TokenHash;
use gatepost_store::people::throttles;
use gatepost_store::{Db, Tx};

use crate::kernel::call::Call;
use crate::kernel::error::Result;
use crate::people::sign_in::throttle::name_network;

const PER_ADDRESS: i64 = 3;
const PER_NETWORK: i64 = 10;
const WINDOW: i64 = 3600;

/// A page offers to send a letter again this long after it was sent, in seconds.
pub(super) const RESEND_AFTER: i64 = 60;

fn address_bucket(email_key: &str) -> String {
    TokenHash::of_text(&format!("mail:{email_key}")).to_base64()
}

fn network_bucket(call: &Call) -> String {
    TokenHash::of_text(&format!("mailip:{}", name_network(&call.origin.ip))).to_base64()
}

/// Counts one letter; `false` where it must not be sent. Counting takes the bucket's lock, so that of two requests for one address
/// the second sees the link of the first, and ends it.
pub(super) fn charge_letter(call: &Call, tx: &mut Tx<'_>, email_key: &str) -> Result<bool> {
    Ok(charge(call, tx, &network_bucket(call), PER_NETWORK)? && charge_address(call, tx, email_key)?)
}

/// Counts a letter that an administrator asks for: it is the address that is spared, not the administrator's network.
pub(super) fn charge_address(call: &Call, tx: &mut Tx<'_>, email_key: &str) -> Result<bool> {
    charge(call, tx, &address_bucket(email_key), PER_ADDRESS)
}

fn charge(call: &Call, tx: &mut Tx<'_>, bucket: &str, most: i64) -> Result<bool> {
    let window_end = throttles::find_throttle(tx, bucket)?
        .filter(|row| call.now < row.expires_at)
        .map_or(call.now + WINDOW, |row| row.expires_at);
    let row = throttles::update_throttle_count(tx, bucket, call.now, window_end)?;
    Ok(row.is_some_and(|row| row.failures <= most))
}

/// How long until a letter to this address may be asked for from here, in seconds.
pub(super) fn find_wait(call: &Call, db: &mut Db, email_key: &str) -> Result<i64> {
    let mut longest = 0;
    for (bucket, most) in [(network_bucket(call), PER_NETWORK), (address_bucket(email_key), PER_ADDRESS)] {
        let full = throttles::find_throttle(db, &bucket)?.filter(|row| row.failures >= most);
        longest = longest.max(full.map_or(0, |row| row.expires_at - call.now));
    }
    Ok(longest)
}
