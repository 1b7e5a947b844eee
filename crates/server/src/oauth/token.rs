//! The token endpoint (OAuth 2.1 §3.2).

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use gatepost_engine::Call;
use gatepost_engine::oauth::token::{check_token_request, exchange_grant};
use gatepost_engine::people::sign_in::throttle::name_network;
use gatepost_protocol::error::ErrorCode;
use gatepost_protocol::params::Params;
use gatepost_protocol::token::TokenResponse;

use crate::http::extract::read_form;
use crate::http::limits::Who;
use crate::http::respond::{allow_any_origin, json, oauth_body};
use crate::http::state::State;
use crate::oauth::{Denied, prove_client, read_client};

pub(crate) async fn post(request: HttpRequest, payload: Payload, state: Data<State>) -> HttpResponse {
    let params = match read_form(&state, &request, payload).await {
        Ok(params) => params,
        Err(fault) => return allow_any_origin(oauth_body(fault.status(), ErrorCode::InvalidRequest, fault.public())),
    };
    let call = state.call(&request);
    allow_any_origin(match answer(&state, &request, &call, params).await {
        Ok(tokens) => json(StatusCode::OK, serde_json::to_string(&tokens).unwrap_or_default()),
        Err(denied) => denied.answer(&call),
    })
}

async fn answer(state: &State, request: &HttpRequest, call: &Call, params: Params) -> Result<TokenResponse, Denied> {
    let client = prove_client(state, call, &read_client(request, &params, &["resource"])?).await?;
    let catalogue = state.find_catalogue(call).await?;
    let (public, client_id) = (client.is_public(), client.client_id.clone());
    let asked = check_token_request(Arc::new(params), client, catalogue)?;
    let decided = state.write(call, move |call, tx| exchange_grant(call, tx, &asked)).await?;
    // a client that has proven itself is not charged for what others send to its callback (CA-07)
    let tokens = decided.inspect_err(|_| {
        if public {
            let network = name_network(&call.origin.ip);
            state.limits.charge_token(&Who { network: &network, client_id: &client_id, now: call.now });
        }
    })?;
    Ok(tokens)
}
