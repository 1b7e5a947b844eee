//! Protocol endpoints: extract, one call, render.

pub(crate) mod authorize;
pub(crate) mod health;
pub(crate) mod introspect;
pub(crate) mod jwks;
pub(crate) mod metadata;
pub(crate) mod revoke;
pub(crate) mod token;

use actix_web::HttpRequest;
use gatepost_engine::sign_in::throttle::name_network;
use gatepost_engine::{Call, Error, Refused};
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
            Err(refused.with_detail(name.to_owned()).into())
        }
        None => Ok(presented),
    }
}

fn credential_refusal(fault: CredentialFault) -> Refused {
    Refused { challenge: fault.used_header, ..Refused::new(fault.code, fault.public) }
}

/// Whose failures are counted: this client from this address (CA-07).
fn failure_key(call: &Call, client_id: &str) -> String {
    format!("{}\n{client_id}", name_network(&call.origin.ip))
}
