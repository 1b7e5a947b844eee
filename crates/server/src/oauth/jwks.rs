//! Our public keys (RFC 7517).

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use actix_web::web::Data;
use gatepost_engine::signing_keys::read_jwks;

use crate::http::respond::{allow_any_origin, oauth_error};
use crate::http::state::State;

pub(crate) async fn get(state: Data<State>) -> HttpResponse {
    let call = state.plain_call();
    allow_any_origin(match read_jwks(&call) {
        Ok(jwks) => HttpResponse::Ok()
            .insert_header((CONTENT_TYPE, "application/json"))
            .insert_header((CACHE_CONTROL, "public, max-age=300"))
            .body(jwks.to_string()),
        Err(error) => oauth_error(&call, &error),
    })
}
