//! Rows in, rows out: one query text for SQLite and PostgreSQL.
//!
//! [`Store::read`] and [`Store::write`] are the only doors to the database. Both are async at the call and synchronous
//! inside, so no lock and no transaction is ever held across an `.await`. This crate is the only one that may name
//! `diesel`; it must not know what a grant is worth and builds no HTTP or OAuth error.
//!
//! Look-ups by a unique key end in `get_result`, never in `first`: its `LIMIT ?` makes SQLite prepare the statement anew
//! each time it is run (a bound limit is looked at by the planner), which is four times as slow.

pub mod access_tokens;
pub mod audit;
pub mod clients;
pub mod codes;
pub mod consents;
mod db;
mod epochs;
mod error;
pub mod grants;
pub mod health;
pub mod identities;
pub mod instance_settings;
pub mod invites;
pub mod keys;
pub mod mails;
mod migrate;
mod open;
mod postgres;
pub mod refresh_tokens;
pub mod resource_servers;
mod schema;
pub mod sessions;
pub mod setup_links;
mod sqlite;
mod store;
pub mod sweep;
pub mod throttles;
pub mod tickets;
mod url;
pub mod users;

pub use db::Db;
pub use epochs::{Epochs, Stamp, Topic};
pub use error::{Failure, Result, StoreError};
pub use open::{OpenError, Role, StoreConfig};
pub use store::{Outcome, Store, Tx};
pub use url::{DatabaseUrl, UrlFault};
