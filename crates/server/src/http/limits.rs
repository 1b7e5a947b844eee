//! Counts failures and requests in this process: against floods, never to decide about an account.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::time::Duration;

use moka::sync::Cache;

use crate::http::policy::Limit;
use crate::settings::LimitSettings;

/// Trips to other providers that one address may finish in a minute: each asks another server something.
const TRIPS_PER_MINUTE: u32 = 120;

/// Something that is counted a while, by whom.
#[derive(Clone)]
struct Window {
    /// keyed by hash: what somebody sends must not decide how much memory a key takes
    counts: Cache<u64, Arc<AtomicU32>>,
    hasher: RandomState,
    /// until when somebody's count matters, in unix seconds; after that nobody need be looked up
    quiet_from: Arc<AtomicI64>,
    limit: u32,
    seconds: u64,
}

impl Window {
    fn new(limit: u32, seconds: u64, capacity: u64) -> Self {
        let counts = Cache::builder().max_capacity(capacity).time_to_live(Duration::from_secs(seconds)).build();
        Self { counts, hasher: RandomState::new(), quiet_from: Arc::default(), limit, seconds }
    }

    fn key(&self, who: &Who<'_>) -> u64 {
        self.hasher.hash_one((who.network, who.client_id))
    }

    /// Whether nobody was counted of late.
    fn is_quiet(&self, now: i64) -> bool {
        self.quiet_from.load(Ordering::Relaxed) <= now
    }

    /// Whether one more is still allowed.
    fn is_open(&self, who: &Who<'_>) -> bool {
        self.counts.get(&self.key(who)).is_none_or(|count| count.load(Ordering::Relaxed) < self.limit)
    }

    /// Counts one; `false` where that was one too many.
    fn count(&self, who: &Who<'_>) -> bool {
        self.quiet_from.store(who.now.saturating_add(self.seconds as i64), Ordering::Relaxed);
        let count = self.counts.get_with(self.key(who), Arc::default);
        count.fetch_add(1, Ordering::Relaxed) < self.limit
    }
}

/// Who is counted: a network and, at the token endpoints, the client that was named.
#[derive(Clone, Copy)]
pub(crate) struct Who<'a> {
    /// a network, as limits name it
    pub(crate) network: &'a str,
    /// empty for an id that nobody has: inventing ids gains nothing
    pub(crate) client_id: &'a str,
    /// unix seconds
    pub(crate) now: i64,
}

/// The limits of the endpoints.
#[derive(Clone)]
pub(crate) struct Limits {
    token_failures: Window,
    introspection_failures: Window,
    authorize: Window,
    signups: Window,
    trips: Window,
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
            trips: Window::new(TRIPS_PER_MINUTE, 60, capacity),
        }
    }

    /// Whether no introspection has failed of late: then nobody need be asked who they are.
    pub(crate) fn is_introspection_quiet(&self, now: i64) -> bool {
        self.introspection_failures.is_quiet(now)
    }

    /// Only failures count, so a valid client is never slowed down by others (CA-07).
    pub(crate) fn check_token(&self, who: &Who<'_>) -> Result<(), TooMany> {
        if self.token_failures.is_open(who) { Ok(()) } else { Err(TooMany(self.token_failures.seconds)) }
    }

    pub(crate) fn charge_token(&self, who: &Who<'_>) {
        self.token_failures.count(who);
    }

    pub(crate) fn check_introspection(&self, who: &Who<'_>) -> Result<(), TooMany> {
        let window = &self.introspection_failures;
        if window.is_open(who) { Ok(()) } else { Err(TooMany(window.seconds)) }
    }

    pub(crate) fn charge_introspection(&self, who: &Who<'_>) {
        self.introspection_failures.count(who);
    }

    /// Counts what the route's line names, for a network; an error where that was one too many.
    pub(crate) fn count(&self, limit: Limit, network: &str, now: i64) -> Result<(), TooMany> {
        let window = match limit {
            Limit::Authorize => &self.authorize,
            Limit::Signups => &self.signups,
            Limit::ProviderReturns => &self.trips,
            // these count failures, each where it fails
            Limit::None | Limit::TokenFailures | Limit::IntrospectionFailures => return Ok(()),
        };
        if window.count(&Who { network, client_id: "", now }) { Ok(()) } else { Err(TooMany(window.seconds)) }
    }
}
