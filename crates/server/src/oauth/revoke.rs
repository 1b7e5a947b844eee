//! Revocation (RFC 7009).

use actix_web::http::header::{CACHE_CONTROL, HeaderValue};
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use gatepost_engine::oauth::revoke::revoke_token;
use gatepost_engine::{Call, Refused};
use gatepost_protocol::error::ErrorCode;
use gatepost_protocol::params::Params;

use crate::http::extract::read_form;
use crate::http::respond::{allow_any_origin, oauth_body};
use crate::http::state::State;
use crate::oauth::{Denied, prove_client, read_client};

pub(crate) async fn post(request: HttpRequest, payload: Payload, state: Data<State>) -> HttpResponse {
    let params = match read_form(&state, &request, payload).await {
        Ok(params) => params,
        Err(fault) => return allow_any_origin(oauth_body(fault.status(), ErrorCode::InvalidRequest, fault.public())),
    };
    let call = state.call(&request);
    allow_any_origin(match answer(&state, &request, &call, params).await {
        Ok(()) => HttpResponse::Ok().insert_header((CACHE_CONTROL, HeaderValue::from_static("no-store"))).finish(),
        Err(denied) => denied.answer(&call),
    })
}

async fn answer(state: &State, request: &HttpRequest, call: &Call, params: Params) -> Result<(), Denied> {
    let client = prove_client(state, call, &read_client(request, &params, &[])?).await?;
    let Some(token) = params.one("token").map(str::to_owned) else {
        return Err(Refused::new(ErrorCode::InvalidRequest, "token is missing.").into());
    };
    state.write(call, move |call, tx| revoke_token(call, tx, &client, &token)).await?;
    Ok(())
}
