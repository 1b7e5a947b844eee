//! The two doors to the database.

use std::fs::{File, TryLockError};
use std::ops::{Deref, DerefMut};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::db::connection::{Db, Manager, Pooled};
use crate::db::epochs::{Epochs, Topic};
use crate::db::error::{Failure, Result, StoreError};
use crate::db::open::{OpenError, Role, StoreConfig};
use crate::db::sqlite::{Hearing, Writer};
use crate::db::url::DatabaseUrl;
use crate::db::{migrate, postgres, sqlite};

/// Requests that may wait for each connection to PostgreSQL; one more is told at once to come back later.
const WAITERS_PER_CONNECTION: usize = 64;

/// What an answer may take beyond the wait for a connection.
const ANSWER_TIME: Duration = Duration::from_millis(500);

/// How long anybody waits for the database in all: with the default `pool_wait` of 2 seconds less than the 3 of R-52.
pub(crate) fn answer_limit(config: &StoreConfig) -> Duration {
    config.pool_wait + ANSWER_TIME
}

/// What a write closure decided; a refusal that must leave a trace commits too.
///
/// "The result is `Err`, so roll back" is the bug that this type prevents.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome<T> {
    /// keep the changes
    Commit(T),
    /// undo the changes
    Rollback(T),
}

/// One write transaction. It derefs to [`Db`], so every store function takes it.
#[derive(Debug)]
pub struct Tx<'c> {
    db: &'c mut Db,
    touched: Vec<Topic>,
}

impl<'c> Tx<'c> {
    pub(crate) fn new(db: &'c mut Db) -> Self {
        Self { db, touched: Vec::new() }
    }

    /// Says that cached answers about this are void once the transaction is committed.
    pub fn touch(&mut self, topic: Topic) {
        if !self.touched.contains(&topic) {
            self.touched.push(topic);
        }
    }

    pub(crate) fn into_touched(self) -> Vec<Topic> {
        self.touched
    }
}

impl Deref for Tx<'_> {
    type Target = Db;
    fn deref(&self) -> &Db {
        self.db
    }
}

impl DerefMut for Tx<'_> {
    fn deref_mut(&mut self) -> &mut Db {
        self.db
    }
}

/// What this process did, for the metrics.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) commits: AtomicU64,
    panics: AtomicU64,
}

impl Counts {
    /// Runs somebody's closure; `None` where it panicked, because a bug in one request must not end the thread that others
    /// need. Its connection is not to be used again outside the transaction that is now undone.
    pub(crate) fn catch_panic<R>(&self, run: impl FnOnce() -> R) -> Option<R> {
        let answer = catch_unwind(AssertUnwindSafe(run)).ok();
        if answer.is_none() {
            self.panics.fetch_add(1, Ordering::Relaxed);
        }
        answer
    }
}

/// The database, shared by everything in the process.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    config: StoreConfig,
    epochs: Arc<Epochs>,
    counts: Arc<Counts>,
    /// readers of SQLite, or all connections to PostgreSQL; none for a database in memory
    pool: Option<r2d2::Pool<Manager>>,
    /// SQLite's one writer
    writer: Option<Writer>,
    /// who may take a connection to PostgreSQL; whoever waits does so here and not in a thread
    turns: Arc<Semaphore>,
    waiting: AtomicUsize,
    /// held by a server, so that a second one on the same file is refused: it would not hear of the first one's changes
    _serving: Option<File>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Store({})", self.inner.config.url.redacted())
    }
}

impl Store {
    pub(crate) fn start(config: StoreConfig, serving: Option<File>) -> std::result::Result<Self, OpenError> {
        let epochs = Arc::new(Epochs::default());
        let counts = Arc::new(Counts::default());
        let in_memory = config.url == DatabaseUrl::SqliteMemory;
        let pool = (!in_memory).then(|| {
            r2d2::Pool::builder()
                .max_size(config.pool_size)
                .min_idle(Some(0))
                .idle_timeout(Some(Duration::from_secs(600)))
                // after a failover a connection to the old primary must not stay for ever
                .max_lifetime(Some(Duration::from_secs(1800)))
                .test_on_check_out(false)
                .connection_timeout(config.pool_wait)
                .error_handler(Box::new(QuietErrors))
                .build_unchecked(Manager(config.clone()))
        });
        let writer = match &config.url {
            DatabaseUrl::Postgres(_) => None,
            _ => {
                let mut db = Db::connect(&config)?;
                if in_memory {
                    migrate::migrate_connection(&mut db)?;
                }
                Some(Writer::start(db, &config, Arc::clone(&epochs), Arc::clone(&counts)))
            }
        };
        match (&config.url, config.role) {
            (DatabaseUrl::SqliteMemory, _) | (_, Role::Command) => epochs.mark_alone(),
            (DatabaseUrl::SqliteFile(_), Role::Server) => {
                sqlite::start_hearing(Hearing { config: config.clone(), epochs: Arc::downgrade(&epochs) });
            }
            (DatabaseUrl::Postgres(_), Role::Server) => {
                postgres::start_listening(config.clone(), Arc::downgrade(&epochs));
            }
        }
        let turns = Arc::new(Semaphore::new(config.pool_size as usize));
        let waiting = AtomicUsize::new(0);
        let inner = Inner { config, epochs, counts, pool, writer, turns, waiting, _serving: serving };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Whether this is SQLite.
    pub fn is_sqlite(&self) -> bool {
        self.inner.writer.is_some()
    }

    /// How this store was opened.
    pub fn config(&self) -> &StoreConfig {
        &self.inner.config
    }

    /// The numbers of changes, for caches.
    pub fn epochs(&self) -> &Arc<Epochs> {
        &self.inner.epochs
    }

    /// Transactions committed by this process. On SQLite at `synchronous=FULL` each is one fsync of the log.
    pub fn count_commits(&self) -> u64 {
        self.inner.counts.commits.load(Ordering::Relaxed)
    }

    /// Closures given to [`Store::read`] and [`Store::write`] that panicked; each is a bug.
    pub fn count_panics(&self) -> u64 {
        self.inner.counts.panics.load(Ordering::Relaxed)
    }

    /// Reads. On SQLite it runs here and now (about 20 µs, cheaper than a hop to another thread); on PostgreSQL in a
    /// thread that may wait. The closure may run twice if a connection turns out to be dead.
    pub async fn read<T, E, F>(&self, mut read: F) -> std::result::Result<T, E>
    where
        T: Send + 'static,
        E: Failure,
        F: FnMut(&mut Db) -> std::result::Result<T, E> + Send + 'static,
    {
        match (&self.inner.pool, &self.inner.writer) {
            (Some(pool), Some(_)) => with_connection(pool, &self.inner.counts, &mut read),
            (Some(pool), None) => {
                let (pool, counts) = (pool.clone(), Arc::clone(&self.inner.counts));
                self.run_blocking(move || with_connection(&pool, &counts, &mut read)).await
            }
            (None, Some(writer)) => writer.write(move |tx| read(tx).map(Outcome::Rollback)).await,
            (None, None) => Err(StoreError::Unavailable("no connection".into()).into()),
        }
    }

    /// Writes: one closure, one transaction, answered after the commit. On SQLite the waiting closures share
    /// one commit; on PostgreSQL the closure is repeated when two transactions stood in each other's way.
    pub async fn write<T, E, F>(&self, mut write: F) -> std::result::Result<T, E>
    where
        T: Send + 'static,
        E: Failure,
        F: FnMut(&mut Tx<'_>) -> std::result::Result<Outcome<T>, E> + Send + 'static,
    {
        match (&self.inner.writer, &self.inner.pool) {
            (Some(writer), _) => writer.write(write).await,
            (None, Some(pool)) => {
                let (pool, epochs, counts) =
                    (pool.clone(), Arc::clone(&self.inner.epochs), Arc::clone(&self.inner.counts));
                self.run_blocking(move || postgres::write(&pool, &epochs, &counts, &mut write)).await
            }
            (None, None) => Err(StoreError::Unavailable("no connection".into()).into()),
        }
    }

    /// Every column, index and foreign key of the schema, for the drift guard.
    pub async fn describe_schema(&self) -> Result<Vec<String>> {
        self.read(migrate::describe_schema).await
    }
}

/// Runs a read on a pooled connection, once more on a fresh one where the first had died while idle.
fn with_connection<T, E: Failure>(
    pool: &r2d2::Pool<Manager>,
    counts: &Counts,
    read: &mut dyn FnMut(&mut Db) -> std::result::Result<T, E>,
) -> std::result::Result<T, E> {
    let mut last = None;
    for _ in 0..=pool.max_size() {
        let mut pooled = get_connection(pool)?;
        let Some(answer) = counts.catch_panic(|| read(&mut pooled.db)) else {
            // nobody knows what state diesel left the connection in
            pooled.broken = true;
            return Err(StoreError::Corrupt("a read panicked".into()).into());
        };
        let failed =
            matches!(&answer, Err(error) if matches!(error.as_store_error(), Some(StoreError::Unavailable(_))));
        if !failed || pooled.db.check_alive().is_ok() {
            return answer;
        }
        pooled.broken = true;
        last = Some(answer);
    }
    last.unwrap_or_else(|| Err(StoreError::Unavailable("every connection was lost".into()).into()))
}

pub(crate) fn get_connection(pool: &r2d2::Pool<Manager>) -> Result<r2d2::PooledConnection<Manager>> {
    pool.get().map_err(|error| StoreError::Unavailable(error.to_string()))
}

pub(crate) type Connection = Pooled;

/// r2d2 reports lost connections here as well; the request that needed one says it already.
#[derive(Debug)]
struct QuietErrors;

impl r2d2::HandleError<StoreError> for QuietErrors {
    fn handle_error(&self, error: StoreError) {
        tracing::debug!(%error, "no connection to the database");
    }
}

/// Only one server may serve an SQLite file; commands beside it leave a mark that it looks for.
pub(crate) fn claim_file(config: &StoreConfig) -> std::result::Result<Option<File>, OpenError> {
    let (DatabaseUrl::SqliteFile(path), Role::Server) = (&config.url, config.role) else { return Ok(None) };
    let mut name = path.clone().into_os_string();
    name.push(".serving");
    let failed = |error: std::io::Error| OpenError::File(format!("cannot open {}: {error}", name.display()));
    let file = File::options().create(true).truncate(false).write(true).open(&name).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => {
            let why = "another gatepost serves this database; use PostgreSQL for more than one";
            Err(OpenError::File(format!("{}: {why}", path.display())))
        }
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}

/// A place among those who wait for PostgreSQL; given back however the wait ends.
struct Place<'s>(&'s AtomicUsize);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Store {
    /// Runs work on PostgreSQL in a thread that may wait. Nobody waits for a connection longer than `pool_wait`, nor for an
    /// answer much longer: a server that hangs is one that is away.
    async fn run_blocking<T: Send + 'static, E: Failure>(
        &self,
        work: impl FnOnce() -> std::result::Result<T, E> + Send + 'static,
    ) -> std::result::Result<T, E> {
        let unavailable = |why: &str| E::from(StoreError::Unavailable(why.into()));
        let Inner { config, turns, waiting, .. } = &*self.inner;
        let place = Place(waiting);
        if waiting.fetch_add(1, Ordering::AcqRel) >= WAITERS_PER_CONNECTION * config.pool_size as usize {
            return Err(unavailable("too many requests wait for the database"));
        }
        let work = async {
            let turn = tokio::time::timeout(config.pool_wait, Arc::clone(turns).acquire_owned()).await;
            let Ok(Ok(turn)) = turn else { return Err(unavailable("no connection became free in time")) };
            // the turn ends with the thread and not with the wait for it: whoever gives up leaves its connection in use,
            // and the next one would only park one more thread
            let work = move || {
                let _turn = turn;
                work()
            };
            match tokio::task::spawn_blocking(work).await {
                Ok(answer) => answer,
                Err(error) => Err(unavailable(&format!("a database task ended early: {error}"))),
            }
        };
        let answer = tokio::time::timeout(answer_limit(config), work).await;
        drop(place);
        answer.unwrap_or_else(|_| Err(unavailable("the database did not answer in time")))
    }
}
