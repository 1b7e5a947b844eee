//! What the OAuth RFCs say: wire types and pure functions.
//!
//! This crate does no I/O, reads no clock and draws no random numbers, so that whatever it decides can be tested by
//! what goes in and what comes out. URIs are compared and sent as the raw strings they are; parsers only inspect them.

pub mod client_auth;
pub mod error;
pub mod grant_type;
pub mod introspect;
pub mod issuer;
pub mod jwt;
pub mod metadata;
pub mod params;
pub mod pkce;
pub mod redirect_uri;
pub mod resource;
pub mod scope;
pub mod secret;
pub mod token;
mod uri;
pub mod www_authenticate;
