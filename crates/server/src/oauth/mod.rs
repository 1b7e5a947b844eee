//! Protocol endpoints: extract, one call, render.

pub(crate) mod authorize;
pub(crate) mod introspect;
pub(crate) mod jwks;
pub(crate) mod metadata;
pub(crate) mod revoke;
pub(crate) mod token;

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse};
use gatepost_engine::clients::authenticate::authenticate_client;
use gatepost_engine::clients::registry::Client;
use gatepost_engine::people::sign_in::throttle::name_network;
use gatepost_engine::{Call, Error, Refused};
use gatepost_protocol::client_auth::{CredentialFault, Presented, read_credentials};
use gatepost_protocol::error::ErrorCode;
use gatepost_protocol::params::Params;

use crate::http::extract::read_authorization;
use crate::http::limits::{TooMany, Who};
use crate::http::respond::{oauth_error, too_many};
use crate::http::state::State;

/// Why a client or an API gets no positive answer.
enum Denied {
    /// it has failed too often: it waits
    TooMany(TooMany),
    /// refused, or our trouble
    Engine(Error),
}

impl Denied {
    /// The answer. The call of the request names it in the log.
    fn answer(self, call: &Call) -> HttpResponse {
        match self {
            Self::TooMany(TooMany(seconds)) => too_many(seconds),
            Self::Engine(error) => oauth_error(call, &error),
        }
    }
}

impl From<TooMany> for Denied {
    fn from(wait: TooMany) -> Self {
        Self::TooMany(wait)
    }
}

impl From<Error> for Denied {
    fn from(error: Error) -> Self {
        Self::Engine(error)
    }
}

impl From<Refused> for Denied {
    fn from(refused: Refused) -> Self {
        Self::Engine(refused.into())
    }
}

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
async fn prove_client(state: &State, call: &Call, presented: &Presented) -> Result<Arc<Client>, Denied> {
    let network = name_network(&call.origin.ip);
    let found = state.find_client(call, presented.client_id()).await?;
    // ids that nobody has share one count, so that inventing them gains nothing
    let client_id = found.as_ref().map(|client| client.client_id.clone()).unwrap_or_default();
    let who = Who { network: &network, client_id: &client_id, now: call.now };
    state.limits.check_token(&who)?;
    Ok(authenticate_client(presented, found, call.now).inspect_err(|_| state.limits.charge_token(&who))?)
}

fn credential_refusal(fault: CredentialFault) -> Refused {
    Refused::new(fault.code, fault.public)
}
