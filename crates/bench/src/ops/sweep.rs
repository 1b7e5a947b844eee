//! Something for the server to delete while it is driven.

use std::time::{Duration, Instant};

use super::Driven;
use crate::fill::{Filled, add_expired_rows, count_expired_rows};

/// Longest wait for the server's next round; by default there is one a minute.
const ROUND_LIMIT: Duration = Duration::from_secs(75);

fn find_filled<'a>(driven: &Driven<'a>) -> Result<&'a Filled, String> {
    driven.target.filled.as_ref().ok_or_else(|| "rows can only be added to a database that this program filled".into())
}

/// Adds rows that have ended and waits until the server has begun to delete them.
pub(super) fn start_sweeping(driven: &Driven<'_>) -> Result<(), String> {
    let filled = find_filled(driven)?;
    if count_expired_rows(filled)? > 0 {
        return Err("there are expired rows of an earlier measurement".into());
    }
    add_expired_rows(filled, driven.load.expired)?;
    let began = Instant::now();
    while count_expired_rows(filled)? == driven.load.expired {
        if began.elapsed() > ROUND_LIMIT {
            return Err("the server did not begin to delete what has ended".into());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

/// How many rows the server deleted so far; an error when it had nothing left to do.
pub(super) fn count_swept(driven: &Driven<'_>) -> Result<u64, String> {
    match count_expired_rows(find_filled(driven)?)? {
        0 => Err("everything was deleted before the measurement ended; use more --expired rows".into()),
        left => Ok(driven.load.expired.saturating_sub(left)),
    }
}
