//! PostgreSQL: one transaction a closure, and LISTEN/NOTIFY between nodes.

use std::sync::Weak;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use diesel::prelude::*;
use diesel::sql_types::Text;

use crate::db::connection::{Db, Manager};
use crate::db::epochs::{Epochs, Topic};
use crate::db::error::{Failure, Result, StoreError};
use crate::db::open::StoreConfig;
use crate::db::store::{Connection, Counts, Outcome, Tx, get_connection};

const CHANNEL: &str = "gatepost";

/// Runs the closure in a transaction; again, at most three times, where another transaction was in its way.
pub(crate) fn write<T, E: Failure>(
    pool: &r2d2::Pool<Manager>,
    epochs: &Epochs,
    counts: &Counts,
    closure: &mut dyn FnMut(&mut Tx<'_>) -> std::result::Result<Outcome<T>, E>,
) -> std::result::Result<T, E> {
    let mut conflicts: u64 = 0;
    loop {
        let mut pooled = begin(pool)?;
        let result = attempt(&mut pooled, counts, closure);
        match result {
            Ok((value, touched)) => {
                if let Some(touched) = touched {
                    counts.commits.fetch_add(1, Ordering::Relaxed);
                    epochs.advance(&touched);
                }
                return Ok(value);
            }
            Err(error) => {
                let is_lost = pooled.db.execute_batch("ROLLBACK").is_err();
                // after a failover this one would refuse every write until it is too old
                let is_read_only = error.as_store_error().is_some_and(StoreError::is_read_only);
                pooled.broken |= is_lost || is_read_only;
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
    counts: &Counts,
    closure: &mut dyn FnMut(&mut Tx<'_>) -> std::result::Result<Outcome<T>, E>,
) -> Attempt<T, E> {
    let mut tx = Tx::new(&mut pooled.db);
    let Some(outcome) = counts.catch_panic(|| closure(&mut tx)) else {
        // nobody knows what state diesel left the connection in
        pooled.broken = true;
        return Err(StoreError::Corrupt("a write panicked".into()).into());
    };
    let outcome = outcome?;
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

/// They need GATEPOST_TEST_POSTGRES, which `tests/run` sets.
#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DatabaseUrl, Role, Store};

    #[derive(QueryableByName)]
    struct Backend {
        #[diesel(sql_type = diesel::sql_types::Integer)]
        pid: i32,
    }

    /// One connection and short waits.
    fn open() -> Store {
        let url =
            std::env::var("GATEPOST_TEST_POSTGRES").expect("GATEPOST_TEST_POSTGRES: run the tests with tests/run");
        let mut config = StoreConfig::new(DatabaseUrl::parse(&url).expect("a URL"), Role::Command);
        (config.pool_size, config.pool_wait) = (1, Duration::from_millis(500));
        Store::open(config).expect("a database")
    }

    async fn read_backend(store: &Store) -> i32 {
        let read = |db: &mut Db| {
            Ok::<_, StoreError>(diesel::sql_query("SELECT pg_backend_pid() AS pid").get_result::<Backend>(db)?.pid)
        };
        store.read(read).await.expect("a read")
    }

    #[tokio::test]
    async fn a_connection_is_given_up_after_a_panic_and_on_a_read_only_server() {
        let store = open();
        let first = read_backend(&store).await;
        let read = store.read(|_| -> Result<()> { panic!("a bug in a read") }).await;
        assert!(matches!(read, Err(StoreError::Corrupt(_))), "{read:?}");
        let second = read_backend(&store).await;
        let write = store.write(|_| -> Result<Outcome<()>> { panic!("a bug in a write") }).await;
        assert!(matches!(write, Err(StoreError::Corrupt(_))), "{write:?}");
        assert_eq!(store.count_panics(), 2);
        let third = read_backend(&store).await;
        let refused = store
            .write(|tx| {
                tx.execute_batch("SET TRANSACTION READ ONLY; UPDATE meta SET value = value")?;
                Ok(Outcome::Commit(()))
            })
            .await;
        assert!(matches!(&refused, Err(error) if StoreError::is_read_only(error)), "{refused:?}");
        let fourth = read_backend(&store).await;
        assert!(first != second && second != third && third != fourth);
        assert_eq!(read_backend(&store).await, fourth);
    }

    #[tokio::test]
    async fn r_52_nobody_waits_for_a_statement_that_hangs_and_no_thread_joins_it() {
        let store = open();
        let begun = Instant::now();
        let hanging = store.read(|db| Ok::<_, StoreError>(db.execute_batch("SELECT pg_sleep(3)")?)).await;
        assert!(matches!(hanging, Err(StoreError::Unavailable(_))), "{hanging:?}");
        let next = store.read(Db::check_alive).await.expect_err("the only connection is in use");
        assert!(next.to_string().contains("no connection became free"), "{next}");
        assert!(begun.elapsed() < Duration::from_millis(2500), "{:?}", begun.elapsed());
        tokio::time::sleep(Duration::from_millis(3500).saturating_sub(begun.elapsed())).await;
        store.read(Db::check_alive).await.expect("the connection is free again");
    }
}
