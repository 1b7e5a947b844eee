//! What every decision stands on: the engine, the call, errors, seals, signatures. It imports no subject.

pub(crate) mod call;
pub mod csrf;
pub(crate) mod error;
pub mod journey;
pub mod jwt_provider;
pub mod jwt_verify;
pub(crate) mod key_ring;
pub mod manage;
pub(crate) mod policy;
pub(crate) mod relying_party;
pub mod seal;
pub mod signing;
pub(crate) mod sweep;
pub(crate) mod token_cache;
