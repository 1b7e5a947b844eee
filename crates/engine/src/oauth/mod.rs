//! The protocol endpoints' decisions: each is a list of named checks in the order of the specification.

pub mod authorize;
pub mod connected_apps;
pub mod consent;
pub(crate) mod granted;
pub(crate) mod grants;
pub mod introspect;
mod issue;
mod oxide;
pub mod revoke;
pub mod token;
