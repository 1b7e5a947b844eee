//! One connection type for both databases, and how a connection is made.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;

use crate::db::error::{Result, StoreError};
use crate::db::open::StoreConfig;
use crate::db::url::DatabaseUrl;

/// A connection to either database; every query is written once against it.
#[derive(diesel::MultiConnection)]
pub enum Db {
    /// PostgreSQL through libpq
    Postgres(PgConnection),
    /// SQLite, compiled in
    Sqlite(SqliteConnection),
}

impl std::fmt::Debug for Db {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Postgres(_) => "Db::Postgres",
            Self::Sqlite(_) => "Db::Sqlite",
        })
    }
}

impl Db {
    /// Opens a connection to what the URL's scheme names and sets its pragmas or time-outs.
    pub(crate) fn connect(config: &StoreConfig) -> Result<Self> {
        match &config.url {
            DatabaseUrl::Postgres(url) => {
                let mut connection = PgConnection::establish(&DatabaseUrl::with_deadlines(url))
                    .map_err(|error| StoreError::Unavailable(error.to_string()))?;
                connection.batch_execute(&format!(
                    "SET statement_timeout = {}; SET lock_timeout = {}; \
                     SET idle_in_transaction_session_timeout = 10000; SET client_min_messages = warning;",
                    config.statement_timeout.as_millis(),
                    config.lock_timeout.as_millis(),
                ))?;
                // Durability is ours to promise: an operator's `off` would break it, a stronger `remote_apply` stays.
                connection.batch_execute(
                    "SELECT set_config('synchronous_commit', 'on', false) \
                     WHERE current_setting('synchronous_commit') IN ('off', 'local', 'remote_write');",
                )?;
                Ok(Self::Postgres(connection))
            }
            DatabaseUrl::SqliteFile(path) => Self::open_sqlite(&path.to_string_lossy()),
            DatabaseUrl::SqliteMemory => Self::open_sqlite(":memory:"),
        }
    }

    fn open_sqlite(path: &str) -> Result<Self> {
        let mut connection =
            SqliteConnection::establish(path).map_err(|error| StoreError::Unavailable(format!("{path}: {error}")))?;
        // FULL: what was acknowledged survives a power cut
        connection.batch_execute(
            "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
             PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -4096; \
             PRAGMA journal_size_limit = 67108864;",
        )?;
        Ok(Self::Sqlite(connection))
    }

    /// Runs statements that return nothing.
    pub(crate) fn execute_batch(&mut self, sql: &str) -> QueryResult<()> {
        match self {
            Self::Postgres(connection) => connection.batch_execute(sql),
            Self::Sqlite(connection) => connection.batch_execute(sql),
        }
    }

    /// Asks for one constant: proves that the database answers.
    pub fn check_alive(&mut self) -> Result<()> {
        diesel::sql_query("SELECT 1").execute(self)?;
        Ok(())
    }
}

/// Makes pooled connections by the URL's scheme; diesel's own manager would try PostgreSQL and then open an SQLite
/// file of whatever name it was given.
#[derive(Debug)]
pub(crate) struct Manager(pub(crate) StoreConfig);

/// A pooled connection that knows whether it can be used again.
pub(crate) struct Pooled {
    pub(crate) db: Db,
    pub(crate) broken: bool,
}

impl r2d2::ManageConnection for Manager {
    type Connection = Pooled;
    type Error = StoreError;

    fn connect(&self) -> Result<Pooled> {
        Ok(Pooled { db: Db::connect(&self.0)?, broken: false })
    }

    fn is_valid(&self, pooled: &mut Pooled) -> Result<()> {
        pooled.db.check_alive()
    }

    fn has_broken(&self, pooled: &mut Pooled) -> bool {
        pooled.broken || std::thread::panicking()
    }
}

impl Db {
    /// Runs an insert whose refusal by a uniqueness rule is an answer, not an error: `None` where the row was there.
    ///
    /// PostgreSQL gives up the whole transaction after any error, hence the savepoint; SQLite undoes the statement alone.
    pub(crate) fn insert_unless_duplicate<T>(
        &mut self,
        insert: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<Option<T>> {
        let guarded = matches!(self, Self::Postgres(_));
        if guarded {
            self.execute_batch("SAVEPOINT unique_insert")?;
        }
        let (answer, end) = match insert(self) {
            Ok(value) => (Some(value), "RELEASE SAVEPOINT unique_insert"),
            Err(StoreError::Duplicate(_)) => {
                (None, "ROLLBACK TO SAVEPOINT unique_insert; RELEASE SAVEPOINT unique_insert")
            }
            Err(error) => return Err(error),
        };
        if guarded {
            self.execute_batch(end)?;
        }
        Ok(answer)
    }
}
