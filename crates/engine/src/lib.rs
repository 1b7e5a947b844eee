//! Decides who may get what, inside one transaction.
//!
//! Everything here is synchronous and takes the time as an argument ([`Call::now`]). This crate is the only one that may
//! name `oxide-auth`; it must not see an HTTP type, be async, or do network I/O. A protocol endpoint of the server has
//! a module of the same name here, which is a list of named checks in the order of the specification.

pub mod audit;
pub mod clients;
pub mod kernel;
pub mod oauth;
pub mod outbox;
pub mod people;
pub mod personal_data;
pub mod signing_keys;
pub mod sweeping;
#[cfg(test)]
mod tests;

pub use kernel::call::{Call, Engine, Origin};
pub use kernel::error::{Error, Refused, Result, Trouble};
pub use kernel::policy::{PasswordPolicy, Policy, Retention, SignUpMode};
pub use kernel::sweep::Swept;
pub use kernel::token_cache::KnownToken;
