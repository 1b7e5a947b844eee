//! How a floor looks up a token.

use std::cell::RefCell;

use actix_web::error::ErrorInternalServerError;
use actix_web::web;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use rusqlite::OptionalExtension as _;

use super::{Failure, Mode, PRAGMAS, State, open_sqlite, run_on_pool, tokens};

/// One token as it is stored.
#[derive(Queryable)]
pub(super) struct Row {
    pub(super) client_id: String,
    pub(super) sub: String,
    pub(super) scope: String,
    pub(super) iat: i64,
    pub(super) exp: i64,
    pub(super) revoked: bool,
}

thread_local! {
    static RUSQLITE: RefCell<Option<rusqlite::Connection>> = const { RefCell::new(None) };
    static DIESEL: RefCell<Option<SqliteConnection>> = const { RefCell::new(None) };
}

const SELECT: &str = "SELECT client_id, sub, scope, iat, exp, revoked FROM tokens WHERE hash = ?1";

/// Looks the token up, in the worker's thread except on PostgreSQL.
pub(super) async fn find_row(state: &web::Data<State>, hash: [u8; 32]) -> Result<Option<Row>, Failure> {
    match state.mode {
        Mode::Bare | Mode::Hash => Ok(Some(Row {
            client_id: "bench-cc".into(),
            sub: "bench-cc".into(),
            scope: "api".into(),
            iat: 1,
            exp: i64::MAX,
            revoked: false,
        })),
        Mode::RusqliteBatchFull => find_by_rusqlite(state, hash).map_err(ErrorInternalServerError),
        Mode::DieselSqlite => find_by_diesel(state, hash),
        Mode::DieselPgPool => {
            let find = move |connection: &mut PgConnection| {
                diesel::OptionalExtension::optional(tokens::table.find(&hash[..]).select(columns()).first(connection))
            };
            run_on_pool(state, find).await
        }
    }
}

type Columns = (tokens::client_id, tokens::sub, tokens::scope, tokens::iat, tokens::exp, tokens::revoked);

fn columns() -> Columns {
    (tokens::client_id, tokens::sub, tokens::scope, tokens::iat, tokens::exp, tokens::revoked)
}

fn find_by_rusqlite(state: &State, hash: [u8; 32]) -> rusqlite::Result<Option<Row>> {
    RUSQLITE.with_borrow_mut(|slot| {
        let connection = match slot {
            Some(connection) => connection,
            None => slot.insert(open_sqlite(&state.data)?),
        };
        let mut statement = connection.prepare_cached(SELECT)?;
        let read = |row: &rusqlite::Row<'_>| {
            Ok(Row {
                client_id: row.get(0)?,
                sub: row.get(1)?,
                scope: row.get(2)?,
                iat: row.get(3)?,
                exp: row.get(4)?,
                revoked: row.get(5)?,
            })
        };
        statement.query_row([&hash[..]], read).optional()
    })
}

fn find_by_diesel(state: &State, hash: [u8; 32]) -> Result<Option<Row>, Failure> {
    DIESEL.with_borrow_mut(|slot| {
        let connection = match slot {
            Some(connection) => connection,
            None => {
                let file = state.data.to_string_lossy();
                let mut connection = SqliteConnection::establish(&file).map_err(ErrorInternalServerError)?;
                connection.batch_execute(PRAGMAS).map_err(ErrorInternalServerError)?;
                slot.insert(connection)
            }
        };
        let row = tokens::table.find(&hash[..]).select(columns()).first(connection);
        diesel::OptionalExtension::optional(row).map_err(ErrorInternalServerError)
    })
}
