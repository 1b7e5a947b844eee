//! Protocol endpoints: extract, one call, render.

pub(crate) mod authorize;
pub(crate) mod health;
pub(crate) mod introspect;
pub(crate) mod jwks;
pub(crate) mod metadata;
pub(crate) mod revoke;
pub(crate) mod token;

use actix_web::HttpRequest;
use gatepost_engine::{Error, Refused};
use gatepost_protocol::client_auth::{CredentialFault, Presented, read_credentials};
use gatepost_protocol::error::ErrorCode;
use gatepost_protocol::params::Params;

use crate::extract::read_authorization;

/// The credentials of a request, and the rule that nothing is sent twice (G-03). Nothing is read from the query (T-02).
fn read_client(request: &HttpRequest, params: &Params, may_repeat: &[&str]) -> Result<Presented, Error> {
    let presented = read_credentials(read_authorization(request), params).map_err(credential_refusal)?;
    match params.find_repeated(may_repeat) {
        Some(name) => {
            let refused = Refused::new(ErrorCode::InvalidRequest, "A parameter was sent more than once.");
            let name: String = name.chars().take(64).collect();
            Err(refused.with_detail(name).into())
        }
        None => Ok(presented),
    }
}

fn credential_refusal(fault: CredentialFault) -> Refused {
    Refused::new(fault.code, fault.public)
}
