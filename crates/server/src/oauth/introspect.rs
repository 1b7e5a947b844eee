//! Introspection (RFC 7662). A token that is known to be good is answered from memory, without another thread.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use gatepost_engine::KnownToken;
use gatepost_engine::clients::authenticate::authenticate_resource_server;
use gatepost_engine::oauth::introspect::{find_token, read_presented_token, recall_token, sign_answer};
use gatepost_engine::people::sign_in::throttle::name_network;
use gatepost_engine::{Call, Refused};
use gatepost_protocol::error::ErrorCode;
use gatepost_protocol::params::Params;

use crate::http::extract::read_form;
use crate::http::limits::Who;
use crate::http::respond::{json, oauth_body};
use crate::http::state::State;
use crate::oauth::{Denied, read_client};

/// The media type of a signed answer (RFC 9701 §4).
const SIGNED: &str = "application/token-introspection+jwt";

pub(crate) async fn post(request: HttpRequest, payload: Payload, state: Data<State>) -> HttpResponse {
    let params = match read_form(&state, &request, payload).await {
        Ok(params) => params,
        Err(fault) => return oauth_body(fault.status(), ErrorCode::InvalidRequest, fault.public()),
    };
    let call = state.plain_call();
    match answer(&state, &request, &call, &params).await {
        Ok(response) => response,
        Err(denied) => denied.answer(&state.call(&request)),
    }
}

async fn answer(state: &State, request: &HttpRequest, call: &Call, params: &Params) -> Result<HttpResponse, Denied> {
    let presented = read_client(request, params, &[])?;
    let catalogue = state.find_catalogue(call).await?;
    let known_id = catalogue.find_by_id(presented.client_id()).map_or("", |server| server.id.as_str());
    // who asks is found out only where it matters: it costs as much as the answer
    if !state.limits.is_introspection_quiet(call.now) {
        let network = name_network(&state.client_ip(request));
        let who = Who { network: &network, client_id: known_id, now: call.now };
        state.limits.check_introspection(&who)?;
    }
    let server = authenticate_resource_server(&presented, &catalogue, call.now).inspect_err(|_| {
        let network = name_network(&state.client_ip(request));
        state.limits.charge_introspection(&Who { network: &network, client_id: known_id, now: call.now });
    })?;
    let Some(token) = params.one("token") else {
        return Err(Refused::new(ErrorCode::InvalidRequest, "token is missing.").into());
    };
    let known = match read_presented_token(token) {
        None => None,
        Some(hash) => match recall_token(call, server, &hash) {
            Some(known) => Some(known),
            None => {
                let server = server.clone();
                state.read(call, move |call, db| find_token(call, db, &server, &hash)).await?
            }
        },
    };
    if accepts_signed(request) {
        let body = sign_answer(call, server, known.as_deref())?;
        return Ok(signed(body));
    }
    Ok(json(StatusCode::OK, body(known)))
}

fn body(known: Option<Arc<KnownToken>>) -> String {
    known.map_or_else(|| r#"{"active":false}"#.to_owned(), |known| known.body.clone())
}

/// Only where it is named: `*/*` means that plain JSON will do.
fn accepts_signed(request: &HttpRequest) -> bool {
    let accept = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let quality = |wanted: &str| {
        accept.split(',').find_map(|part| {
            let (media, params) = part.split_once(';').unwrap_or((part, ""));
            if !media.trim().eq_ignore_ascii_case(wanted) {
                return None;
            }
            let weight = params.split(';').find_map(|param| param.trim().strip_prefix("q="));
            Some(weight.map_or(1.0, |weight| weight.parse::<f32>().unwrap_or(0.0)))
        })
    };
    match (quality(SIGNED), quality("application/json")) {
        (Some(signed), plain) => signed > 0.0 && signed >= plain.unwrap_or(0.0),
        (None, _) => false,
    }
}

fn signed(jwt: String) -> HttpResponse {
    let mut response = json(StatusCode::OK, jwt);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(SIGNED));
    response
}
