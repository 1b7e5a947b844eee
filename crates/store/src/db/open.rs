//! Opening a store: connect, check the schema's age, migrate, and start listening for changes made elsewhere.

use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::db::error::StoreError;
use crate::db::migrate::{self, SchemaState};
use crate::db::store::{Store, claim_file};
use crate::db::url::DatabaseUrl;

/// What the process is to the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// a server: it caches, so it listens for changes
    Server,
    /// a command beside a server: on SQLite it leaves a mark that servers look for
    Command,
}

/// How to open a [`Store`].
#[derive(Clone, Debug)]
pub struct StoreConfig {
    /// which database
    pub url: DatabaseUrl,
    /// server or command
    pub role: Role,
    /// connections to PostgreSQL, or readers of SQLite
    pub pool_size: u32,
    /// how long a request waits for a connection
    pub pool_wait: Duration,
    /// longest run time of a statement on PostgreSQL
    pub statement_timeout: Duration,
    /// longest wait for somebody else's row on PostgreSQL
    pub lock_timeout: Duration,
}

impl StoreConfig {
    /// The defaults for this URL.
    pub fn new(url: DatabaseUrl, role: Role) -> Self {
        Self {
            url,
            role,
            pool_size: 8,
            pool_wait: Duration::from_secs(2),
            statement_timeout: Duration::from_secs(5),
            lock_timeout: Duration::from_secs(2),
        }
    }
}

/// Why a store could not be opened.
#[derive(Debug)]
pub enum OpenError {
    /// The database was made by a newer Gatepost.
    SchemaTooNew {
        /// migrations in the database that this binary does not know
        unknown: Vec<String>,
    },
    /// The folder or file cannot be made or opened, or another server has it.
    File(String),
    /// A migration failed; it was rolled back.
    Migration(String),
    /// Anything else that the database said.
    Database(StoreError),
}

impl std::fmt::Display for OpenError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::SchemaTooNew { unknown } => write!(
                f,
                "the database was made by a newer Gatepost (it has {}); start that version, or restore a backup made before the upgrade",
                unknown.join(", ")
            ),
            Self::File(why) => f.write_str(why),
            Self::Migration(why) => write!(f, "a migration failed and was rolled back: {why}"),
            Self::Database(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for OpenError {}

impl From<StoreError> for OpenError {
    fn from(error: StoreError) -> Self {
        Self::Database(error)
    }
}

impl Store {
    /// Opens the database, makes or migrates its schema, and starts what runs beside it.
    ///
    /// Safe when several processes start at once: one migrates, the others wait. Refuses a schema that is newer than
    /// this binary, and a second [`Role::Server`] on one SQLite file.
    pub fn open(config: StoreConfig) -> Result<Self, OpenError> {
        if let DatabaseUrl::SqliteFile(path) = &config.url {
            make_private_folder(path)?;
        }
        // before the migration: a newer binary must not change the schema under a server that runs
        let serving = claim_file(&config)?;
        // the schema of a database in memory lives with the writer's connection, which migrates it
        if config.url != DatabaseUrl::SqliteMemory {
            migrate::migrate_database(&config)?;
        }
        Self::start(config, serving)
    }

    /// What migrations the database has, without changing it.
    pub fn inspect_schema(config: &StoreConfig) -> Result<SchemaState, OpenError> {
        migrate::inspect_schema(config)
    }
}

fn make_private_folder(path: &Path) -> Result<(), OpenError> {
    let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) else { return Ok(()) };
    if folder.exists() {
        return Ok(());
    }
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(0o700);
    }
    builder.create(folder).map_err(|error| OpenError::File(format!("cannot make {}: {error}", folder.display())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Db, Outcome};

    fn open(folder: &Path, role: Role) -> Result<Store, OpenError> {
        Store::open(StoreConfig::new(DatabaseUrl::SqliteFile(folder.join("gatepost.db")), role))
    }

    #[test]
    fn a_second_server_on_one_file_is_refused_and_a_command_is_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let first = open(folder.path(), Role::Server).expect("a server");
        let second = open(folder.path(), Role::Server).expect_err("one file has one server");
        assert!(second.to_string().contains("another gatepost serves this database"), "{second}");
        open(folder.path(), Role::Command).expect("a command");
        drop(first);
        open(folder.path(), Role::Server).expect("the next server");
    }

    #[tokio::test]
    async fn a_panic_is_counted_and_ends_nobody_else() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = open(folder.path(), Role::Command).expect("a database");
        let read = store.read(|_| -> Result<(), StoreError> { panic!("a bug in a read") }).await;
        let write = store.write(|_| -> Result<Outcome<()>, StoreError> { panic!("a bug in a write") }).await;
        for answer in [read, write] {
            assert!(matches!(answer, Err(StoreError::Corrupt(_))), "{answer:?}");
        }
        assert_eq!(store.count_panics(), 2);
        store.read(Db::check_alive).await.expect("a read");
        let write = |tx: &mut crate::Tx<'_>| tx.check_alive().map(Outcome::Commit);
        store.write(write).await.expect("a write");
    }
}
