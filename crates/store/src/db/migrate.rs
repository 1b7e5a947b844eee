//! Bringing a schema up to date, once, however many processes start together.

use std::fs::File;

use diesel::connection::BoxableConnection;
use diesel::migration::{Migration, MigrationMetadata, MigrationName, MigrationSource, MigrationVersion};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sqlite::Sqlite;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use crate::db::connection::Db;
use crate::db::error::StoreError;
use crate::db::open::{OpenError, StoreConfig};
use crate::db::url::DatabaseUrl;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations");

/// What PostgreSQL runs in place of an `up.sql` that only SQLite understands: the file beside it.
const FOR_POSTGRES: [(&str, &str); 1] = [(
    "2026-11-30-235107_fewer_pages",
    include_str!("../../../../migrations/2026-11-30-235107_fewer_pages/up.postgres.sql"),
)];

/// The migrations as PostgreSQL runs them.
struct PostgresMigrations;

impl MigrationSource<Pg> for PostgresMigrations {
    fn migrations(&self) -> diesel::migration::Result<Vec<Box<dyn Migration<Pg>>>> {
        let portable: Vec<Box<dyn Migration<Pg>>> = MIGRATIONS.migrations()?;
        let choose = |migration: Box<dyn Migration<Pg>>| {
            let name = migration.name().to_string();
            match FOR_POSTGRES.iter().find(|(own, _)| *own == name) {
                Some((_, text)) => Box::new(OwnText { migration, text }) as Box<dyn Migration<Pg>>,
                None => migration,
            }
        };
        Ok(portable.into_iter().map(choose).collect())
    }
}

/// A migration that does the same with another text.
struct OwnText {
    migration: Box<dyn Migration<Pg>>,
    text: &'static str,
}

impl Migration<Pg> for OwnText {
    fn run(&self, connection: &mut dyn BoxableConnection<Pg>) -> diesel::migration::Result<()> {
        Ok(connection.batch_execute(self.text)?)
    }

    fn revert(&self, connection: &mut dyn BoxableConnection<Pg>) -> diesel::migration::Result<()> {
        self.migration.revert(connection)
    }

    fn metadata(&self) -> &dyn MigrationMetadata {
        self.migration.metadata()
    }

    fn name(&self) -> &dyn MigrationName {
        self.migration.name()
    }
}

/// Any number that no other program is likely to use for its advisory lock.
const ADVISORY_LOCK: i64 = 0x6761_7465_706f_7374;

/// Which migrations a database has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SchemaState {
    /// applied and known
    pub applied: usize,
    /// known, not applied yet
    pub pending: usize,
    /// applied, unknown to this binary
    pub unknown: Vec<String>,
}

/// Applies what is pending under a lock that other starting processes wait for.
pub(crate) fn migrate_database(config: &StoreConfig) -> Result<(), OpenError> {
    let _lock = lock_file(&config.url)?;
    let mut db = Db::connect(config)?;
    if let Db::Postgres(_) = db {
        // the session's time-outs would end the wait for a node that is migrating
        db.execute_batch(&format!(
            "SET statement_timeout = 0; SET lock_timeout = 0; SELECT pg_advisory_lock({ADVISORY_LOCK});"
        ))
        .map_err(StoreError::from)?;
    }
    migrate_connection(&mut db)
    // closing the connection releases the advisory lock, also when we are killed
}

/// Applies what is pending on this connection; each migration is one transaction.
pub(crate) fn migrate_connection(db: &mut Db) -> Result<(), OpenError> {
    let state = read_state(db)?;
    if !state.unknown.is_empty() {
        return Err(OpenError::SchemaTooNew { unknown: state.unknown });
    }
    if state.pending > 0 {
        match db {
            Db::Postgres(connection) => connection.run_pending_migrations(PostgresMigrations).map(|_| ()),
            Db::Sqlite(connection) => connection.run_pending_migrations(MIGRATIONS).map(|_| ()),
        }
        .map_err(|error| OpenError::Migration(error.to_string()))?;
    }
    Ok(())
}

pub(crate) fn inspect_schema(config: &StoreConfig) -> Result<SchemaState, OpenError> {
    if let DatabaseUrl::SqliteFile(path) = &config.url
        && !path.exists()
    {
        return Ok(SchemaState { pending: known_versions().len(), ..SchemaState::default() });
    }
    read_state(&mut Db::connect(config)?)
}

fn known_versions() -> Vec<MigrationVersion<'static>> {
    let migrations: Vec<Box<dyn Migration<Sqlite>>> = MIGRATIONS.migrations().unwrap_or_default();
    migrations.iter().map(|migration| migration.name().version().as_owned()).collect()
}

fn read_state(db: &mut Db) -> Result<SchemaState, OpenError> {
    let applied = match db {
        Db::Postgres(connection) => MigrationHarness::<Pg>::applied_migrations(connection),
        Db::Sqlite(connection) => MigrationHarness::<Sqlite>::applied_migrations(connection),
    }
    .map_err(|error| OpenError::Migration(error.to_string()))?;
    let known = known_versions();
    let unknown: Vec<String> =
        applied.iter().filter(|version| !known.contains(version)).map(ToString::to_string).collect();
    let applied = applied.len() - unknown.len();
    Ok(SchemaState { applied, pending: known.len() - applied, unknown })
}

/// Columns of every table, for the drift guard: `table.column type nullable`, sorted, one portable spelling.
pub(crate) fn describe_schema(db: &mut Db) -> Result<Vec<String>, StoreError> {
    #[derive(diesel::QueryableByName)]
    struct Line {
        #[diesel(sql_type = diesel::sql_types::Text)]
        line: String,
    }
    let query = match db {
        Db::Postgres(_) => {
            "SELECT 'column ' || table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable AS line \
             FROM information_schema.columns WHERE table_schema = current_schema() \
             UNION ALL SELECT 'index ' || tablename || ' ' || indexdef FROM pg_indexes WHERE schemaname = current_schema() \
             UNION ALL SELECT 'foreign key ' || conrelid::regclass::text || ' ' || pg_get_constraintdef(oid) \
             FROM pg_constraint WHERE contype = 'f' AND connamespace = current_schema()::regnamespace"
        }
        Db::Sqlite(_) => {
            "SELECT 'column ' || m.name || '.' || c.name || ' ' || c.type || ' ' || CASE WHEN c.\"notnull\" THEN 'NO' ELSE 'YES' END AS line \
             FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' \
             UNION ALL SELECT 'index ' || m.name || ' ' || (SELECT group_concat(i.name, ', ') FROM pragma_index_info(l.name) i) \
             FROM sqlite_master m JOIN pragma_index_list(m.name) l WHERE m.type = 'table' \
             UNION ALL SELECT 'foreign key ' || m.name || ' ' || f.\"from\" || ' -> ' || f.\"table\" \
             FROM sqlite_master m JOIN pragma_foreign_key_list(m.name) f WHERE m.type = 'table'"
        }
    };
    let mut lines: Vec<String> = diesel::sql_query(query).load::<Line>(db)?.into_iter().map(|row| row.line).collect();
    lines.sort();
    Ok(lines)
}

/// A lock beside the SQLite file; PostgreSQL has its advisory lock instead.
fn lock_file(url: &DatabaseUrl) -> Result<Option<File>, OpenError> {
    let DatabaseUrl::SqliteFile(path) = url else { return Ok(None) };
    let mut name = path.clone().into_os_string();
    name.push(".migrating");
    let failed = |error: std::io::Error| OpenError::File(format!("cannot open {}: {error}", path.display()));
    let file = File::options().create(true).truncate(false).write(true).open(&name).map_err(failed)?;
    file.lock().map_err(failed)?;
    Ok(Some(file))
}
