//! How a database is, for whoever looks after it: nothing is made or migrated, and damage is looked for.

use std::time::{Duration, Instant};

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use crate::audit::list_audit_events;
use crate::db::connection::Db;
use crate::db::error::{Result, StoreError};
use crate::db::migrate;
use crate::db::open::{OpenError, StoreConfig};
use crate::db::url::DatabaseUrl;

/// A database that answers.
#[derive(Debug)]
pub struct Health {
    /// such as `SQLite 3.50.4`
    pub version: String,
    /// bytes on disk, as the database counts them
    pub bytes: i64,
    /// migrations that are applied and known
    pub applied: usize,
    /// migrations that the next start applies
    pub pending: usize,
    /// migrations of a newer Gatepost
    pub unknown: Vec<String>,
    /// unix seconds, as the database tells the time
    pub clock: i64,
    /// unix seconds of the newest audit event
    pub newest_event: Option<i64>,
    /// what a commit takes that changes nothing, or why there is none
    pub write: Result<Duration>,
    /// what is broken, in the database's words; at most a few lines
    pub damage: Vec<String>,
}

#[derive(diesel::QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

#[derive(diesel::QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

/// Looks at the database. It reads every page of an SQLite file, which takes seconds for a large one; the file must be
/// there, because opening would make it.
pub fn inspect_database(config: &StoreConfig) -> std::result::Result<Health, OpenError> {
    if let DatabaseUrl::SqliteFile(path) = &config.url
        && !path.exists()
    {
        return Err(OpenError::File(format!("{} is not there", path.display())));
    }
    let schema = migrate::inspect_schema(config)?;
    let mut db = Db::connect(config)?;
    let is_sqlite = matches!(db, Db::Sqlite(_));
    let (version, bytes, clock, damage) = if is_sqlite { SQLITE } else { POSTGRES };
    // a database without our tables has nothing to be written to
    let current = schema.applied > 0;
    Ok(Health {
        version: read_lines(&mut db, version)?.into_iter().next().unwrap_or_default(),
        bytes: read_number(&mut db, bytes)?,
        clock: read_number(&mut db, clock)?,
        newest_event: if current { list_audit_events(&mut db, 1)?.first().map(|event| event.at) } else { None },
        write: if current { time_write(&mut db, is_sqlite) } else { Ok(Duration::ZERO) },
        damage: read_lines(&mut db, damage)?.into_iter().filter(|line| line != "ok").collect(),
        applied: schema.applied,
        pending: schema.pending,
        unknown: schema.unknown,
    })
}

/// Version, size, clock and damage.
const SQLITE: (&str, &str, &str, &str) = (
    "SELECT 'SQLite ' || sqlite_version() AS line",
    "SELECT c.page_count * s.page_size AS number FROM pragma_page_count() c, pragma_page_size() s",
    "SELECT CAST(strftime('%s', 'now') AS BIGINT) AS number",
    "SELECT integrity_check AS line FROM pragma_integrity_check LIMIT 5",
);

/// PostgreSQL looks after its pages itself; what it leaves behind are indexes that are not used.
const POSTGRES: (&str, &str, &str, &str) = (
    "SELECT 'PostgreSQL ' || split_part(current_setting('server_version'), ' ', 1) AS line",
    "SELECT pg_database_size(current_database()) AS number",
    "SELECT CAST(extract(epoch FROM clock_timestamp()) AS BIGINT) AS number",
    "SELECT 'index ' || c.relname || ' is not valid' AS line FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid \
     WHERE NOT i.indisvalid AND c.relnamespace = current_schema()::regnamespace LIMIT 5",
);

fn read_lines(db: &mut Db, sql: &str) -> Result<Vec<String>> {
    Ok(diesel::sql_query(sql).load::<Line>(db)?.into_iter().map(|row| row.line).collect())
}

fn read_number(db: &mut Db, sql: &str) -> Result<i64> {
    Ok(diesel::sql_query(sql).get_result::<Number>(db)?.number)
}

/// Commits a change of nothing: the same way to the disk as every token takes.
fn time_write(db: &mut Db, is_sqlite: bool) -> Result<Duration> {
    let begun = Instant::now();
    db.execute_batch(if is_sqlite { "BEGIN IMMEDIATE" } else { "BEGIN" })?;
    let written = db
        .execute_batch("UPDATE meta SET value = value WHERE key = 'sweep_lease'")
        .and_then(|()| db.execute_batch("COMMIT"));
    if let Err(error) = written {
        // the first error is the one to tell
        drop(db.execute_batch("ROLLBACK"));
        return Err(StoreError::from(error));
    }
    Ok(begun.elapsed())
}
