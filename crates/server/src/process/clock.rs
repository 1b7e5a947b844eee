//! The one place that reads the clock; everything else is given the time.

/// Seconds since 1970.
#[expect(clippy::disallowed_methods, reason = "this is the one place")]
pub(crate) fn unix_now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}
