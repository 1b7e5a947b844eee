//! What all tests share: the server as a child process, an HTTP client that shows everything, and the steps of the flows.

pub(crate) mod alike;
pub(crate) mod app;
pub(crate) mod authenticator;
pub(crate) mod database;
pub(crate) mod declared;
pub(crate) mod flow;
pub(crate) mod html;
pub(crate) mod http;
pub(crate) mod jwt;
pub(crate) mod letters;
pub(crate) mod smtp;
pub(crate) mod tokens;

pub(crate) use app::{Setup, TestApp};
pub(crate) use database::Database;
pub(crate) use declared::{ALICE, BOB, Person, TestApi, TestClient};
pub(crate) use flow::{Answer, Authorize, Browser, Code};
pub(crate) use http::{Request, Response};
pub(crate) use smtp::{Letter, Smtp};
pub(crate) use tokens::{INACTIVE, Tokens, error_of};

/// Makes two tests of each function: one on SQLite, one on PostgreSQL. The function takes the [`Database`].
macro_rules! for_each_database {
    ($($(#[$about:meta])* fn $name:ident($database:ident) $body:block)+) => {$(
        mod $name {
            use super::*;

            $(#[$about])*
            fn check($database: $crate::support::Database) $body

            #[test]
            fn on_sqlite() {
                check($crate::support::Database::Sqlite);
            }

            #[test]
            fn on_postgres() {
                check($crate::support::Database::Postgres);
            }
        }
    )+};
}

/// Random bytes as base64url, for names and secrets.
#[expect(clippy::disallowed_methods, reason = "what a test makes up need not be the same each time")]
pub(crate) fn random_text(bytes: usize) -> String {
    use base64::Engine;
    use ring::rand::{SecureRandom, SystemRandom};
    let mut buffer = vec![0; bytes];
    SystemRandom::new().fill(&mut buffer).expect("the system gives random bytes");
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(buffer)
}

/// SHA-256 as base64url: what settings and rows hold of a secret, and what PKCE makes of a verifier.
pub(crate) fn hash_of(text: &str) -> String {
    use base64::Engine;
    let hash = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(hash)
}

/// The same text with another last letter.
pub(crate) fn other_end(text: &str) -> String {
    let (rest, last) = text.split_at(text.len() - 1);
    format!("{rest}{}", if last == "A" { "B" } else { "A" })
}

/// Tries until it is so; for what other processes do on their own time. The limit is far above what is normal.
pub(crate) fn wait_until(what: &str, limit: std::time::Duration, mut is_so: impl FnMut() -> bool) {
    let began = std::time::Instant::now();
    while !is_so() {
        assert!(began.elapsed() < limit, "after {limit:?} still not: {what}");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

/// Lets a lifetime pass. Times are whole seconds, so one more is needed to be sure.
pub(crate) fn let_seconds_pass(seconds: u64) {
    std::thread::sleep(std::time::Duration::from_millis(seconds * 1000 + 1050));
}

/// Runs this many at the same moment, each on a thread of its own, and gives what they gave.
pub(crate) fn run_at_once<T: Send>(count: usize, act: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let barrier = std::sync::Barrier::new(count);
    std::thread::scope(|scope| {
        let (barrier, act) = (&barrier, &act);
        let threads: Vec<_> = (0..count)
            .map(|index| {
                scope.spawn(move || {
                    barrier.wait();
                    act(index)
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("the thread did not panic")).collect()
    })
}
