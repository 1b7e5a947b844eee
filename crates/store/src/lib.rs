//! Rows in, rows out: one query text for SQLite and PostgreSQL.
//!
//! [`Store::read`] and [`Store::write`] are the only doors to the database. Both are async at the call and synchronous
//! inside, so no lock and no transaction is ever held across an `.await`. This crate is the only one that may name
//! `diesel`; it must not know what a grant is worth and builds no HTTP or OAuth error.
//!
//! Look-ups by a unique key end in `get_result`, never in `first`: its `LIMIT ?` makes SQLite prepare the statement anew
//! each time it is run (a bound limit is looked at by the planner), which is four times as slow.

pub mod audit;
pub mod clients;
mod db;
pub mod instance_settings;
pub mod oauth;
pub mod outbox;
pub mod people;
pub mod signing_keys;

pub use db::connection::Db;
pub use db::epochs::{Epochs, Stamp, Topic};
pub use db::error::{Failure, Result, StoreError};
pub use db::open::{OpenError, Role, StoreConfig};
pub use db::store::{Outcome, Store, Tx};
pub use db::url::{DatabaseUrl, UrlFault};
pub use db::{health, sweep};
