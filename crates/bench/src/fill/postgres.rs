//! Rows into a PostgreSQL database.

use std::fmt::Write;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable, Text};

use super::Sink;
use super::rows::{Batch, Cell, TABLES, Table};

/// A connection that writes rows.
pub(super) struct PostgresSink {
    connection: PgConnection,
    bulk: bool,
}

/// The one number of an answer.
#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

impl PostgresSink {
    pub(super) fn open(url: &str, bulk: bool) -> Result<Self, String> {
        let mut connection = PgConnection::establish(url).map_err(|error| format!("PostgreSQL: {error}"))?;
        connection.batch_execute("SET synchronous_commit = off").map_err(fail)?;
        if bulk {
            // the rows are sound; where this is not a superuser they are checked all the same
            drop(connection.batch_execute("SET session_replication_role = replica"));
        }
        Ok(Self { connection, bulk })
    }
}

/// One statement for all rows: each column is an array of texts, which the database takes apart again. A look at the first
/// row tells the types.
fn write_insert(table: &Table, first: &[Cell]) -> String {
    let names: Vec<String> = (1..=table.columns.len()).map(|index| format!("c{index}")).collect();
    let mut values = String::new();
    for (name, cell) in names.iter().zip(first) {
        let cast = match cell {
            Cell::Text(_) => "",
            Cell::Boolean(_) => "::boolean",
            // the only columns that can be empty are times
            Cell::Integer(_) | Cell::Null => "::bigint",
        };
        let separator = if values.is_empty() { "" } else { ", " };
        let _ = write!(values, "{separator}{name}{cast}");
    }
    let arrays: Vec<String> = (1..=names.len()).map(|index| format!("${index}::text[]")).collect();
    format!(
        "INSERT INTO {} ({}) SELECT {values} FROM unnest({}) AS rows ({})",
        table.name,
        table.columns.join(", "),
        arrays.join(", "),
        names.join(", ")
    )
}

fn show(cell: &Cell) -> Option<String> {
    match cell {
        Cell::Null => None,
        Cell::Text(text) => Some(text.clone()),
        Cell::Integer(number) => Some(number.to_string()),
        Cell::Boolean(is) => Some(is.to_string()),
    }
}

impl Sink for PostgresSink {
    fn write(&mut self, batch: &Batch) -> Result<(), String> {
        let written = self.connection.transaction(|connection| {
            for (table, rows) in TABLES.iter().zip(&batch.0) {
                let Some(first) = rows.first() else { continue };
                let mut insert = diesel::sql_query(write_insert(table, first)).into_boxed::<diesel::pg::Pg>();
                for column in 0..table.columns.len() {
                    let values: Vec<Option<String>> = rows.iter().map(|row| show(&row[column])).collect();
                    insert = insert.bind::<Array<Nullable<Text>>, _>(values);
                }
                insert.execute(connection)?;
            }
            Ok(())
        });
        written.map_err(fail)
    }

    fn finish(&mut self) -> Result<(), String> {
        if self.bulk {
            // as autovacuum would; without it the first readers would do the work
            self.connection.batch_execute("VACUUM ANALYZE").map_err(fail)?;
            self.connection.batch_execute("CHECKPOINT").map_err(fail)?;
        }
        Ok(())
    }

    fn count(&mut self, sql: &str) -> Result<i64, String> {
        diesel::sql_query(sql).get_result::<Number>(&mut self.connection).map(|row| row.number).map_err(fail)
    }
}

fn fail(error: diesel::result::Error) -> String {
    format!("PostgreSQL: {error}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_types_follow_from_the_first_row() {
        let table = Table { name: "t", columns: &["a", "b", "c", "d"] };
        let row = [Cell::Text("x".into()), Cell::Integer(1), Cell::Boolean(true), Cell::Null];
        assert_eq!(
            write_insert(&table, &row),
            "INSERT INTO t (a, b, c, d) SELECT c1, c2::bigint, c3::boolean, c4::bigint \
             FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS rows (c1, c2, c3, c4)"
        );
        assert_eq!(row.each_ref().map(show), [Some("x".into()), Some("1".into()), Some("true".into()), None]);
    }
}
