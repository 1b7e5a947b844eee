//! Protocol endpoints: extract, one call, render.

pub(crate) mod authorize;
pub(crate) mod introspect;
pub(crate) mod jwks;
pub(crate) mod metadata;
pub(crate) mod revoke;
pub(crate) mod token;

use std::sync::Arc;

use actix_web::HttpRequest;
use gatepost_engine::clients::authenticate::authenticate_client;
use gatepost_engine::clients::registry::Client;
use gatepost_engine::people::sign_in::throttle::name_network;
use gatepost_engine::{Call, Error, Refused};
use gatepost_protocol::client_auth::{CredentialFault, Presented, read_credentials};
use gatepost_protocol::error::ErrorCode;
use gatepost_protocol::params::Params;

use crate::http::extract::read_authorization;
use crate::http::limits::{TooMany, Who};
use crate::http::state::State;

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

/// The client, proven to be the one it says it is. Failures are counted, and whoever has too many waits.
async fn prove_client(
    state: &State,
    call: &Call,
    presented: &Presented,
) -> Result<Result<Arc<Client>, TooMany>, Error> {
    let network = name_network(&call.origin.ip);
    let found = state.find_client(call, presented.client_id()).await?;
    // ids that nobody has share one count, so that inventing them gains nothing
    let client_id = found.as_ref().map(|client| client.client_id.clone()).unwrap_or_default();
    let who = Who { network: &network, client_id: &client_id, now: call.now };
    if let Err(wait) = state.limits.check_token(&who) {
        return Ok(Err(wait));
    }
    Ok(Ok(authenticate_client(presented, found, call.now).inspect_err(|_| state.limits.charge_token(&who))?))
}

fn credential_refusal(fault: CredentialFault) -> Refused {
    Refused::new(fault.code, fault.public)
}
