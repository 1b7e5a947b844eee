//! PostgreSQL: one transaction a closure, and LISTEN/NOTIFY between nodes.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Weak;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use diesel::prelude::*;
use diesel::sql_types::Text;

use crate::db::{Db, Manager};
use crate::epochs::{Epochs, Topic};
use crate::error::{Failure, Result, StoreError};
use crate::open::StoreConfig;
use crate::store::{Connection, Outcome, Tx, get_connection};

const CHANNEL: &str = "gatepost";

/// Runs the closure in a transaction; again, at most three times, where another transaction was in its way.
pub(crate) fn write<T, E: Failure>(
    pool: &r2d2::Pool<Manager>,
    epochs: &Epochs,
    commits: &AtomicU64,
    closure: &mut dyn FnMut(&mut Tx<'_>) -> std::result::Result<Outcome<T>, E>,
) -> std::result::Result<T, E> {
    let mut conflicts: u64 = 0;
    loop {
        let mut pooled = begin(pool)?;
        let result = attempt(&mut pooled, closure);
        match result {
            Ok((value, touched)) => {
                if let Some(touched) = touched {
                    commits.fetch_add(1, Ordering::Relaxed);
                    epochs.advance(&touched);
                }
                return Ok(value);
            }
            Err(error) => {
                if pooled.db.execute_batch("ROLLBACK").is_err() {
                    pooled.broken = true;
                }
                drop(pooled);
                match error.as_store_error() {
                    Some(StoreError::Conflict(_)) if conflicts < 3 => {
                        conflicts += 1;
                        // different threads wait differently long, so that the same two do not meet again
                        let spread = conflicts * 3 + (std::ptr::from_ref(&conflicts) as usize as u64 >> 6) % 7;
                        thread::sleep(Duration::from_millis(spread));
                    }
                    Some(StoreError::Conflict(why)) => return Err(StoreError::Unavailable(why.clone()).into()),
                    _ => return Err(error),
                }
            }
        }
    }
}

/// A connection with an open transaction. Nothing has happened before BEGIN, so a connection that died while idle is
/// simply replaced.
fn begin(pool: &r2d2::Pool<Manager>) -> Result<r2d2::PooledConnection<Manager>> {
    let mut last = String::new();
    for _ in 0..=pool.max_size() {
        let mut pooled = get_connection(pool)?;
        match pooled.db.execute_batch("BEGIN") {
            Ok(()) => return Ok(pooled),
            Err(error) => {
                pooled.broken = true;
                last = error.to_string();
            }
        }
    }
    Err(StoreError::Unavailable(last))
}

/// What a closure came to, and what it touched if that was committed.
type Attempt<T, E> = std::result::Result<(T, Option<Vec<Topic>>), E>;

fn attempt<T, E: Failure>(
    pooled: &mut Connection,
    closure: &mut dyn FnMut(&mut Tx<'_>) -> std::result::Result<Outcome<T>, E>,
) -> Attempt<T, E> {
    let mut tx = Tx::new(&mut pooled.db);
    let outcome = catch_unwind(AssertUnwindSafe(|| closure(&mut tx)))
        .unwrap_or_else(|_| Err(StoreError::Corrupt("a write panicked".into()).into()))?;
    let touched = tx.into_touched();
    match outcome {
        Outcome::Commit(value) => {
            for topic in &touched {
                notify(&mut pooled.db, topic)?;
            }
            pooled.db.execute_batch("COMMIT").map_err(StoreError::from)?;
            Ok((value, Some(touched)))
        }
        Outcome::Rollback(value) => {
            pooled.db.execute_batch("ROLLBACK").map_err(StoreError::from)?;
            Ok((value, None))
        }
    }
}

fn notify(db: &mut Db, topic: &Topic) -> Result<()> {
    diesel::sql_query("SELECT pg_notify($1, $2)")
        .bind::<Text, _>(CHANNEL)
        .bind::<Text, _>(topic.to_payload())
        .execute(db)?;
    Ok(())
}

/// Listens for what other nodes changed. While it cannot, this node's caches are bypassed. Ends with the store.
pub(crate) fn start_listening(config: StoreConfig, epochs: Weak<Epochs>) {
    let started = thread::Builder::new().name("postgres-ear".into()).spawn(move || {
        while epochs.strong_count() > 0 {
            if let Err(error) = listen(&config, &epochs) {
                tracing::warn!(%error, "cannot listen for changes: answers are not cached");
            }
            if let Some(epochs) = epochs.upgrade() {
                epochs.mark_deaf();
            }
            thread::sleep(Duration::from_millis(500));
        }
    });
    if let Err(error) = started {
        tracing::error!(%error, "cannot listen for changes: answers are not cached");
    }
}

fn listen(config: &StoreConfig, epochs: &Weak<Epochs>) -> Result<()> {
    let mut db = Db::connect(config)?;
    db.execute_batch(&format!("LISTEN {CHANNEL}"))?;
    if let Some(epochs) = epochs.upgrade() {
        // whatever was said while nobody listened
        epochs.advance(&[Topic::Everything]);
    }
    let mut asked: Option<Instant> = None;
    while let Some(epochs) = epochs.upgrade() {
        let due = asked.is_none_or(|asked| asked.elapsed() > Duration::from_millis(300));
        if due {
            // an answer proves that the connection lived when it was asked, and brings what was said before
            asked = Some(Instant::now());
            db.check_alive()?;
        }
        if let Db::Postgres(connection) = &mut db {
            for notification in connection.notifications_iter() {
                epochs.advance(&[Topic::from_payload(&notification?.payload)]);
            }
        }
        if due && let Some(asked) = asked {
            epochs.mark_heard(Duration::from_millis(900).saturating_sub(asked.elapsed()));
        }
        drop(epochs);
        thread::sleep(Duration::from_millis(40));
    }
    Ok(())
}
