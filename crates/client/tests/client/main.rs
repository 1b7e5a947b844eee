//! The client against a small authorization server that each test starts for itself and can make misbehave.

#![expect(clippy::unwrap_used, reason = "tests")]

#[cfg(feature = "actix")]
mod api;
mod discovery;
mod introspection;
mod login;
mod session;
mod support;
