//! For balancers and collectors.

use std::sync::atomic::Ordering;

use actix_web::HttpResponse;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::Data;

use crate::http::respond::unavailable;
use crate::http::state::State;

/// The process answers.
pub(crate) async fn live() -> HttpResponse {
    HttpResponse::Ok().insert_header((CONTENT_TYPE, "text/plain")).body("ok\n")
}

/// The process can do its work: the database answers, and nobody has asked it to stop.
pub(crate) async fn ready(state: Data<State>) -> HttpResponse {
    if !state.ready.load(Ordering::Acquire) {
        return unavailable(1);
    }
    match state.read(&state.plain_call(), |_, db| Ok(db.check_alive()?)).await {
        Ok(()) => HttpResponse::Ok().insert_header((CONTENT_TYPE, "text/plain")).body("ready\n"),
        Err(_) => unavailable(1),
    }
}

/// Counters.
pub(crate) async fn metrics(state: Data<State>) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/plain; version=0.0.4"))
        .body(state.metrics.render(&state.installation.store))
}
