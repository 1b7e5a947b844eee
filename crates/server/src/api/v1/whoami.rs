//! Who a token speaks for: for programs that hold one and want to say so to their user.

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderValue, WWW_AUTHENTICATE};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use gatepost_engine::Call;
use gatepost_engine::oauth::introspect::{find_live_token, read_presented_token};
use gatepost_protocol::error::ErrorCode;
use gatepost_protocol::www_authenticate::{BearerError, bearer, parse_bearer};
use serde_json::json;

use crate::http::extract::read_authorization;
use crate::http::respond::{allow_any_origin, json, oauth_body, oauth_error};
use crate::http::state::State;

pub(crate) async fn get(request: HttpRequest, state: Data<State>) -> HttpResponse {
    let call = state.call(&request);
    allow_any_origin(answer(&state, &request, &call).await)
}

async fn answer(state: &State, request: &HttpRequest, call: &Call) -> HttpResponse {
    let Some(header) = read_authorization(request) else { return challenge(call, None) };
    let token = parse_bearer(header).ok().and_then(read_presented_token);
    let Some(token) = token else { return challenge(call, Some(ErrorCode::InvalidToken)) };
    match state.read(call, move |call, db| find_live_token(call, db, &token)).await {
        Ok(Some(known)) => {
            let answer = &known.answer;
            let body = json!({
                "sub": answer.sub, "email": answer.username, "client_id": answer.client_id,
                "scope": answer.scope, "exp": answer.exp,
            });
            json(StatusCode::OK, body.to_string())
        }
        Ok(None) => challenge(call, Some(ErrorCode::InvalidToken)),
        Err(error) => oauth_error(call, &error),
    }
}

/// 401; without credentials there is no error code in the challenge (RFC 6750 §3.1).
fn challenge(call: &Call, code: Option<ErrorCode>) -> HttpResponse {
    let description = "The access token is not valid.";
    let error = code.map(|code| BearerError { code: code.as_str(), description, scope: None });
    let value = bearer(call.engine.issuer.as_str(), error, None);
    let mut response = match code {
        Some(code) => oauth_body(StatusCode::UNAUTHORIZED, code, description),
        None => json(StatusCode::UNAUTHORIZED, "{}".to_owned()),
    };
    if let Ok(value) = HeaderValue::from_str(&value) {
        response.headers_mut().insert(WWW_AUTHENTICATE, value);
    }
    response
}
