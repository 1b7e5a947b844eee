//! The wire, endpoint by endpoint: status, headers and body as they are.

mod authorize;
mod cors;
mod health;
mod introspect;
mod jwks;
mod metadata;
mod revoke;
mod token_client_credentials;
mod token_code;
mod token_refresh;
mod whoami;
