//! oxide-auth's low-level state machines, driven by hand: one function a grant, each in a file of its name. Nothing else in
//! Gatepost names `oxide_auth`.
//!
//! The machines decide the order of the steps, which parameters a grant needs, whether client, redirect URI and scope of
//! a grant fit the request, and PKCE. What they get wrong for OAuth 2.1 is answered before they are asked:
//! `docs/architecture.md` lists it, and the tests of `tests/endpoints` pin each. A machine is left where it would have the
//! tokens made: all that follows there is to render an answer, which is ours.

mod authorization;
mod client_credentials;
mod code;
mod convert;
mod extensions;
mod refresh;
mod request;

pub(crate) use authorization::check_authorization;
pub(crate) use client_credentials::check_client_credentials;
pub(crate) use code::{check_code, verify_pkce};
pub(crate) use extensions::CodeExtensions;
pub(crate) use refresh::check_refresh;
