//! The bounded pool for argon2id: sign-ins must never starve anything else, nor be waited for without end.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use gatepost_engine::PasswordPolicy;
use gatepost_engine::people::password;
use gatepost_engine::people::sign_in::password::{Attempt, VerifiedAttempt};
use tokio::sync::Semaphore;

use crate::settings::PasswordSettings;

/// Computes slow hashes, a few at a time.
#[derive(Clone)]
pub(crate) struct HashPool {
    threads: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
    queue: usize,
    wait: Duration,
    policy: PasswordPolicy,
}

/// Too many hashes wait: 503 with `Retry-After`.
#[derive(Debug)]
pub(crate) struct Busy;

/// A place in the queue. It is given back however the wait ends: a request whose connection breaks is simply dropped.
struct Place {
    waiting: Arc<AtomicUsize>,
    ahead: usize,
}

impl Place {
    fn take(waiting: &Arc<AtomicUsize>) -> Self {
        Self { ahead: waiting.fetch_add(1, Ordering::AcqRel), waiting: Arc::clone(waiting) }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.waiting.fetch_sub(1, Ordering::AcqRel);
    }
}

impl HashPool {
    pub(crate) fn new(settings: &PasswordSettings, policy: PasswordPolicy) -> Self {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        let threads = match settings.hash_threads {
            0 => cores.max(2),
            threads => usize::from(threads),
        };
        Self {
            threads: Arc::new(Semaphore::new(threads)),
            waiting: Arc::default(),
            queue: usize::from(settings.hash_queue),
            wait: settings.hash_wait.as_duration(),
            policy,
        }
    }

    /// Verifies a counted attempt; it takes as long whether or not there is an account.
    pub(crate) async fn verify(&self, attempt: &Attempt, password: String) -> Result<VerifiedAttempt, Busy> {
        let (policy, attempt) = (self.policy, attempt.clone());
        self.run(move || attempt.verify(&policy, crate::process::random::source(), &password)).await
    }

    /// Hashes a new password.
    pub(crate) async fn hash(&self, password: String) -> Result<Option<String>, Busy> {
        let policy = self.policy;
        self.run(move || password::hash_password(&policy, crate::process::random::source(), &password).ok()).await
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Busy> {
        let place = Place::take(&self.waiting);
        if place.ahead >= self.queue + self.threads.available_permits() {
            return Err(Busy);
        }
        let permit = tokio::time::timeout(self.wait, Arc::clone(&self.threads).acquire_owned()).await;
        drop(place);
        let Ok(Ok(permit)) = permit else { return Err(Busy) };
        let done = tokio::task::spawn_blocking(move || {
            let answer = work();
            drop(permit);
            answer
        });
        done.await.map_err(|_| Busy)
    }
}
