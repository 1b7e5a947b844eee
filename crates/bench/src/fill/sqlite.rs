//! Rows into a SQLite file.

use std::path::Path;
use std::time::Duration;

use rusqlite::types::{ToSqlOutput, Value};
use rusqlite::{Connection, ToSql, params_from_iter};

use super::Sink;
use super::rows::{Batch, Cell, TABLES};
use crate::procs::read_available_kib;

/// A connection that writes rows.
pub(super) struct SqliteSink {
    connection: Connection,
    bulk: bool,
}

impl SqliteSink {
    pub(super) fn open(file: &Path, bulk: bool) -> Result<Self, String> {
        if !file.is_file() {
            return Err(format!("{}: there is no such database", file.display()));
        }
        let connection = Connection::open(file).map_err(fail)?;
        connection.busy_timeout(Duration::from_secs(30)).map_err(fail)?;
        if bulk {
            // No log and no fsync: whoever pulls the plug now begins again. One transaction in much memory, because rows come
            // in random order: each page is written once and not with every batch.
            let cache_kib = (read_available_kib() / 2).clamp(64 << 10, 8 << 20);
            connection
                .execute_batch(&format!(
                    "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE; \
                     PRAGMA foreign_keys = OFF; PRAGMA cache_size = -{cache_kib}; BEGIN;",
                ))
                .map_err(fail)?;
        }
        Ok(Self { connection, bulk })
    }
}

impl ToSql for Cell {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Null => ToSqlOutput::Owned(Value::Null),
            Self::Text(text) => ToSqlOutput::from(text.as_str()),
            Self::Integer(number) => ToSqlOutput::from(*number),
            Self::Boolean(is) => ToSqlOutput::from(*is),
        })
    }
}

fn insert_rows(connection: &Connection, batch: &Batch) -> Result<(), String> {
    for (table, rows) in TABLES.iter().zip(&batch.0).filter(|(_, rows)| !rows.is_empty()) {
        let marks = vec!["?"; table.columns.len()].join(", ");
        let sql = format!("INSERT INTO {} ({}) VALUES ({marks})", table.name, table.columns.join(", "));
        let mut statement = connection.prepare_cached(&sql).map_err(fail)?;
        for row in rows {
            statement.execute(params_from_iter(row)).map_err(fail)?;
        }
    }
    Ok(())
}

impl Sink for SqliteSink {
    fn write(&mut self, batch: &Batch) -> Result<(), String> {
        if self.bulk {
            return insert_rows(&self.connection, batch);
        }
        let transaction = self.connection.transaction().map_err(fail)?;
        insert_rows(&transaction, batch)?;
        transaction.commit().map_err(fail)
    }

    fn finish(&mut self) -> Result<(), String> {
        if self.bulk {
            // as the server left it
            self.connection
                .execute_batch(
                    "COMMIT; PRAGMA synchronous = FULL; PRAGMA locking_mode = NORMAL; PRAGMA journal_mode = WAL;",
                )
                .map_err(fail)?;
        }
        Ok(())
    }

    fn count(&mut self, sql: &str) -> Result<i64, String> {
        self.connection.query_row(sql, [], |row| row.get(0)).map_err(fail)
    }
}

fn fail(error: rusqlite::Error) -> String {
    format!("SQLite: {error}")
}

#[cfg(test)]
mod tests {
    use super::super::Size;
    use super::super::rows::{add_expired, add_person, count_expired_sql};
    use super::*;

    /// Tables with the columns that are filled and one that is not.
    fn make_tables(file: &Path) {
        let connection = Connection::open(file).expect("a database");
        for table in &TABLES {
            let columns = table.columns.join(", ");
            let sql = format!("CREATE TABLE {} ({columns}, extra TEXT NOT NULL DEFAULT 'x')", table.name);
            connection.execute_batch(&sql).expect("a table");
        }
    }

    #[test]
    fn rows_are_there_and_expired_ones_are_counted() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("filled.db");
        assert!(SqliteSink::open(&file, true).is_err(), "the server makes the database");
        make_tables(&file);
        let size = Size { users: 3, tokens: 9 };
        let mut batch = Batch::default();
        (0..3).for_each(|person| add_person(&mut batch, size, person, 1_800_000_000));
        let mut sink = SqliteSink::open(&file, true).expect("a sink");
        sink.write(&batch).expect("rows");
        sink.finish().expect("the end");
        let mut sink = SqliteSink::open(&file, false).expect("a sink beside others");
        let mut expired = Batch::default();
        (0..4).for_each(|number| add_expired(&mut expired, size, number, 1_800_000_000));
        sink.write(&expired).expect("more rows");
        assert_eq!(sink.count("SELECT count(*) FROM users"), Ok(3));
        assert_eq!(sink.count("SELECT count(*) FROM access_tokens WHERE extra = 'x'"), Ok(6 + 1));
        assert_eq!(sink.count(&count_expired_sql(1_800_000_000)), Ok(4));
        assert_eq!(sink.count("SELECT count(*) FROM users WHERE email_verified = 1 AND id IS NOT NULL"), Ok(3));
    }
}
