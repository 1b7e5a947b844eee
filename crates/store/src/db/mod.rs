//! The two doors to the database and what stands behind them: connections, the writer, the numbers of changes, migrations,
//! sweeping.

pub(crate) mod connection;
pub(crate) mod epochs;
pub(crate) mod error;
pub mod health;
pub(crate) mod migrate;
pub(crate) mod native;
pub(crate) mod open;
pub(crate) mod postgres;
pub(crate) mod schema;
pub(crate) mod sqlite;
pub(crate) mod store;
pub mod sweep;
pub(crate) mod url;
