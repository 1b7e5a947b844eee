//! Counts failures and requests in this process: against floods, never to decide about an account.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use moka::sync::Cache;

use crate::settings::LimitSettings;

/// Something that is counted a while, by whom.
#[derive(Clone)]
struct Window {
    counts: Cache<String, Arc<AtomicU32>>,
    limit: u32,
    seconds: u64,
}

impl Window {
    fn new(limit: u32, seconds: u64, capacity: u64) -> Self {
        let counts = Cache::builder().max_capacity(capacity).time_to_live(Duration::from_secs(seconds)).build();
        Self { counts, limit, seconds }
    }

    /// Whether one more is still allowed.
    fn is_open(&self, who: &str) -> bool {
        self.counts.get(who).is_none_or(|count| count.load(Ordering::Relaxed) < self.limit)
    }

    /// Counts one; `false` where that was one too many.
    fn count(&self, who: &str) -> bool {
        let count = self.counts.get_with_by_ref(who, Arc::default);
        count.fetch_add(1, Ordering::Relaxed) < self.limit
    }
}

/// The limits of the endpoints.
#[derive(Clone)]
pub(crate) struct Limits {
    token_failures: Window,
    introspection_failures: Window,
    authorize: Window,
    signups: Window,
}

/// Come back in this many seconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TooMany(pub(crate) u64);

impl Limits {
    pub(crate) fn new(settings: &LimitSettings) -> Self {
        let capacity = u64::from(settings.max_tracked);
        Self {
            token_failures: Window::new(settings.token_failures_per_minute, 60, capacity),
            introspection_failures: Window::new(settings.introspection_failures_per_minute, 60, capacity),
            authorize: Window::new(settings.authorize_per_minute, 60, capacity),
            signups: Window::new(settings.signups_per_hour, 3600, capacity),
        }
    }

    /// Only failures count, so a valid client is never slowed down by others (CA-07).
    pub(crate) fn check_token(&self, who: &str) -> Result<(), TooMany> {
        if self.token_failures.is_open(who) { Ok(()) } else { Err(TooMany(self.token_failures.seconds)) }
    }

    pub(crate) fn charge_token(&self, who: &str) {
        self.token_failures.count(who);
    }

    pub(crate) fn check_introspection(&self, who: &str) -> Result<(), TooMany> {
        let window = &self.introspection_failures;
        if window.is_open(who) { Ok(()) } else { Err(TooMany(window.seconds)) }
    }

    pub(crate) fn charge_introspection(&self, who: &str) {
        self.introspection_failures.count(who);
    }

    pub(crate) fn count_authorize(&self, ip: &str) -> Result<(), TooMany> {
        if self.authorize.count(ip) { Ok(()) } else { Err(TooMany(self.authorize.seconds)) }
    }

    pub(crate) fn count_signup(&self, ip: &str) -> Result<(), TooMany> {
        if self.signups.count(ip) { Ok(()) } else { Err(TooMany(self.signups.seconds)) }
    }
}
