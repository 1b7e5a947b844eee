//! Decides who may get what, inside one transaction.
//!
//! Everything here is synchronous and takes the time as an argument ([`Call::now`]). This crate is the only one that may
//! name `oxide-auth`; it must not see an HTTP type, be async, or do network I/O. A protocol endpoint of the server has
//! a module of the same name here, which is a list of named checks in the order of the specification.

pub mod account;
pub mod audit;
pub mod authorize;
mod call;
pub mod cleanup;
pub mod client_auth;
pub mod consent;
pub mod csrf;
pub mod email;
mod error;
mod grants;
pub mod introspect;
pub mod invites;
mod issue;
pub mod journey;
pub mod jwt_provider;
pub mod jwt_verify;
pub mod keys;
pub mod mail;
pub mod manage;
mod oxide;
pub mod password;
mod policy;
pub mod registry;
pub mod revoke;
pub mod seal;
pub mod setup;
pub mod sign_in;
pub mod signing;
#[cfg(test)]
mod tests;
pub mod token;

pub use call::{Call, Engine, Origin};
pub use error::{Error, Refused, Result};
pub use policy::{Policy, Retention, SignUpMode};
