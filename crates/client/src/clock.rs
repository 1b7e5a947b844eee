//! The one place of this crate that reads the clock.

use std::time::{SystemTime, UNIX_EPOCH};

/// The time now in unix seconds; 0 on a clock before 1970.
#[expect(
    clippy::disallowed_methods,
    reason = "the clock of this crate: a client has no request whose time could be passed in"
)]
pub(crate) fn read_unix_time() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}
