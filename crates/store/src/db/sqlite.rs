//! SQLite: one writer, whose waiting closures share a commit (group commit), and the ear for other processes.

use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Weak};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use diesel::prelude::*;
use tokio::sync::oneshot;

use crate::db::connection::Db;
use crate::db::epochs::{Epochs, Topic};
use crate::db::error::{Failure, Result, StoreError};
use crate::db::native::{Words, keep};
use crate::db::open::{Role, StoreConfig};
use crate::db::schema::meta;
use crate::db::store::{Counts, Outcome, Tx, answer_limit};

/// More closures than this do not share a commit, so that the first of them does not wait too long.
const MAX_BATCH: usize = 256;

/// Writes that may wait; one more is told at once to come back later.
const MAX_WAITING: usize = 4096;

/// Key of the counter that commands beside a server move with every commit.
const OUTSIDE_CHANGES: &str = "outside_changes";

/// A write that waits for its turn.
trait Job: Send {
    /// Runs the closure; whether its changes are to be kept, and what they touched.
    fn run(&mut self, db: &mut Db, counts: &Counts) -> (bool, Vec<Topic>);
    /// Answers the caller, after the commit.
    fn answer(self: Box<Self>, committed: std::result::Result<(), String>);
}

struct Write<T, E, F> {
    closure: F,
    result: Option<std::result::Result<Outcome<T>, E>>,
    reply: oneshot::Sender<std::result::Result<T, E>>,
}

impl<T, E, F> Job for Write<T, E, F>
where
    T: Send,
    E: Failure,
    F: FnMut(&mut Tx<'_>) -> std::result::Result<Outcome<T>, E> + Send,
{
    fn run(&mut self, db: &mut Db, counts: &Counts) -> (bool, Vec<Topic>) {
        if self.reply.is_closed() {
            // nobody waits for it any more: a refresh token must not be rotated for a client that was told 503
            return (false, Vec::new());
        }
        let mut tx = Tx::new(db);
        let result = counts
            .catch_panic(|| (self.closure)(&mut tx))
            .unwrap_or_else(|| Err(StoreError::Corrupt("a write panicked".into()).into()));
        let touched = tx.into_touched();
        let keep = matches!(result, Ok(Outcome::Commit(_)));
        self.result = Some(result);
        (keep, touched)
    }

    fn answer(self: Box<Self>, committed: std::result::Result<(), String>) {
        let answer = match (committed, self.result) {
            // also a refusal and what was to be undone anyway: it may have read what another of the batch wrote, which
            // never came to be (R-52: a code that nobody redeemed is not `invalid_grant`)
            (Err(why), _) => Err(StoreError::Unavailable(why).into()),
            (Ok(()), Some(Ok(Outcome::Rollback(value) | Outcome::Commit(value)))) => Ok(value),
            (Ok(()), Some(Err(error))) => Err(error),
            (Ok(()), None) => Err(StoreError::Unavailable("the write did not run".into()).into()),
        };
        // a caller that has gone away no longer waits for an answer
        drop(self.reply.send(answer));
    }
}

/// The way to the writer's thread, which ends when this is dropped.
pub(crate) struct Writer {
    /// gone only while it is dropped
    queue: Option<SyncSender<Box<dyn Job>>>,
    thread: Option<JoinHandle<()>>,
    /// how long anybody waits for an answer
    limit: Duration,
}

impl Drop for Writer {
    /// Waits until the connection is closed, so that a command that ends leaves no log file behind.
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take().filter(|thread| thread.thread().id() != thread::current().id()) {
            // a writer that panicked has said so already
            drop(thread.join());
        }
    }
}

impl Writer {
    pub(crate) fn start(db: Db, config: &StoreConfig, epochs: Arc<Epochs>, counts: Arc<Counts>) -> Self {
        let (queue, jobs) = sync_channel(MAX_WAITING);
        let work = WriterThread { db, role: config.role, epochs, counts };
        // A thread that cannot be made at start is a machine that cannot run us: the queue is closed and every write
        // says so.
        let thread = thread::Builder::new().name("sqlite-writer".into()).spawn(move || work.run(jobs));
        let thread = thread.inspect_err(|error| tracing::error!(%error, "cannot start the SQLite writer")).ok();
        Self { queue: Some(queue), thread, limit: answer_limit(config) }
    }

    pub(crate) async fn write<T, E, F>(&self, closure: F) -> std::result::Result<T, E>
    where
        T: Send + 'static,
        E: Failure,
        F: FnMut(&mut Tx<'_>) -> std::result::Result<Outcome<T>, E> + Send + 'static,
    {
        let gone = || E::from(StoreError::Unavailable("the SQLite writer has ended".into()));
        let (reply, answer) = oneshot::channel();
        let queue = self.queue.as_ref().ok_or_else(gone)?;
        let busy = |why: &str| E::from(StoreError::Unavailable(why.into()));
        queue.try_send(Box::new(Write { closure, result: None, reply })).map_err(|error| match error {
            TrySendError::Full(_) => busy("too many writes are waiting"),
            TrySendError::Disconnected(_) => gone(),
        })?;
        match tokio::time::timeout(self.limit, answer).await {
            Ok(answer) => answer.map_err(|_| gone())?,
            Err(_) => Err(busy("the database was locked for too long")),
        }
    }
}

struct WriterThread {
    db: Db,
    role: Role,
    epochs: Arc<Epochs>,
    counts: Arc<Counts>,
}

impl WriterThread {
    fn run(mut self, jobs: Receiver<Box<dyn Job>>) {
        while let Ok(first) = jobs.recv() {
            let mut batch = vec![first];
            while batch.len() < MAX_BATCH
                && let Ok(next) = jobs.try_recv()
            {
                batch.push(next);
            }
            let outcome = self.commit_batch(&mut batch);
            if let Ok(touched) = &outcome {
                self.epochs.advance(touched);
            }
            let answer = outcome.map(|_| ()).map_err(|error| error.to_string());
            for job in batch {
                job.answer(answer.clone());
            }
        }
    }

    /// One transaction for all; each closure in a savepoint of its own, so that one refusal undoes only itself.
    fn commit_batch(&mut self, batch: &mut [Box<dyn Job>]) -> Result<Vec<Topic>> {
        self.db.execute_batch("BEGIN IMMEDIATE")?;
        let outcome = self.run_batch(batch);
        match outcome {
            Ok((true, touched)) => {
                if let Err(error) = self.commit() {
                    self.roll_back();
                    return Err(error);
                }
                self.counts.commits.fetch_add(1, Ordering::Relaxed);
                Ok(touched)
            }
            Ok((false, _)) => {
                self.roll_back();
                Ok(Vec::new())
            }
            Err(error) => {
                self.roll_back();
                Err(error)
            }
        }
    }

    fn run_batch(&mut self, batch: &mut [Box<dyn Job>]) -> Result<(bool, Vec<Topic>)> {
        if let [only] = batch {
            return Ok(only.run(&mut self.db, &self.counts));
        }
        let (mut any, mut all) = (false, Vec::new());
        for job in batch {
            self.run_kept(|connection| keep!(Words("SAVEPOINT job")).execute(connection))?;
            let (keep, touched) = job.run(&mut self.db, &self.counts);
            if keep {
                self.run_kept(|connection| keep!(Words("RELEASE job")).execute(connection))?;
                any = true;
                all.extend(touched);
            } else {
                self.db.execute_batch("ROLLBACK TO job; RELEASE job")?;
            }
        }
        Ok((any, all))
    }

    /// Runs a statement that is run for every write, prepared once.
    fn run_kept(&mut self, run: impl FnOnce(&mut SqliteConnection) -> QueryResult<usize>) -> Result<()> {
        if let Db::Sqlite(connection) = &mut self.db {
            run(connection)?;
        }
        Ok(())
    }

    fn commit(&mut self) -> Result<()> {
        if self.role == Role::Command {
            diesel::update(meta::table.filter(meta::key.eq(OUTSIDE_CHANGES)))
                .set(meta::value.eq(meta::value + 1))
                .execute(&mut self.db)?;
        }
        self.db.execute_batch("COMMIT")?;
        Ok(())
    }

    fn roll_back(&mut self) {
        // SQLite has rolled back by itself after some errors; then this one says so and is right to be ignored
        drop(self.db.execute_batch("ROLLBACK"));
    }
}

/// What the ear of a server needs.
pub(crate) struct Hearing {
    pub(crate) config: StoreConfig,
    pub(crate) epochs: Weak<Epochs>,
}

/// Watches for commits of commands that run beside the server (`gatepost user disable` …) and then drops every cached
/// answer. Ends with the store.
pub(crate) fn start_hearing(hearing: Hearing) {
    let started = thread::Builder::new().name("sqlite-ear".into()).spawn(move || {
        let mut db = None;
        let mut seen = None;
        while let Some(epochs) = hearing.epochs.upgrade() {
            // what is said after the reading began is not heard before the next one
            let asked = Instant::now();
            match read_outside_changes(&mut db, &hearing.config) {
                Ok(count) => {
                    // the first time as well: something may have changed since the store was opened
                    if seen != Some(count) {
                        epochs.advance(&[Topic::Everything]);
                    }
                    seen = Some(count);
                    epochs.mark_heard(Duration::from_millis(900).saturating_sub(asked.elapsed()));
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot watch the database for changes: answers are not cached");
                    epochs.mark_deaf();
                    db = None;
                }
            }
            drop(epochs);
            thread::sleep(Duration::from_millis(100));
        }
    });
    if let Err(error) = started {
        tracing::error!(%error, "cannot watch the database for changes: answers are not cached");
    }
}

fn read_outside_changes(db: &mut Option<Db>, config: &StoreConfig) -> Result<i64> {
    let db = match db {
        Some(db) => db,
        None => db.insert(Db::connect(config)?),
    };
    Ok(meta::table.filter(meta::key.eq(OUTSIDE_CHANGES)).select(meta::value).get_result(db)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the caller of a job is told that came to `result` in a batch whose commit came to `committed`.
    fn tell(result: Result<Outcome<u8>>, committed: std::result::Result<(), String>) -> Result<u8> {
        let (reply, answer) = oneshot::channel();
        let closure = |_: &mut Tx<'_>| Ok(Outcome::Rollback(0));
        Box::new(Write { closure, result: Some(result), reply }).answer(committed);
        answer.blocking_recv().expect("an answer")
    }

    #[test]
    fn r_52_nothing_is_said_of_a_batch_whose_commit_failed() {
        let refused = || Err(StoreError::Duplicate("seen in the batch".into()));
        for result in [Ok(Outcome::Commit(1)), Ok(Outcome::Rollback(1)), refused()] {
            let answer = tell(result, Err("disk full".into()));
            assert!(matches!(answer, Err(StoreError::Unavailable(_))), "{answer:?}");
        }
        assert!(matches!(tell(Ok(Outcome::Rollback(1)), Ok(())), Ok(1)));
        assert!(matches!(tell(refused(), Ok(())), Err(StoreError::Duplicate(_))));
    }

    #[test]
    fn r_52_a_write_whose_caller_has_gone_is_not_done() {
        let mut db =
            Db::connect(&StoreConfig::new(crate::DatabaseUrl::SqliteMemory, Role::Command)).expect("a database");
        let (reply, answer) = oneshot::channel::<Result<()>>();
        let closure = |_: &mut Tx<'_>| Ok(Outcome::Commit(()));
        let mut write = Write { closure, result: None, reply };
        assert!(write.run(&mut db, &Counts::default()).0);
        drop(answer);
        assert!(!write.run(&mut db, &Counts::default()).0);
    }
}
