//! Signing in with a password.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use gatepost_engine::account::end_session;
use gatepost_engine::sign_in::password::{Started, begin_attempt, cancel_attempt, finish_attempt};
use gatepost_engine::{Call, Error, SignUpMode};
use gatepost_protocol::params::Params;

use crate::pages::continue_request::{Arrived, Pending};
use crate::pages::views::{ErrorKind, LoginView};
use crate::pages::visitor::{Visitor, read_notice};
use crate::respond;
use crate::state::State;

pub(crate) async fn get(request: HttpRequest, state: Data<State>) -> HttpResponse {
    show(&request, &state).await.unwrap_or_else(|response| response)
}

async fn show(request: &HttpRequest, state: &State) -> Result<HttpResponse, HttpResponse> {
    let visitor = Visitor::recognise(state, request).await?;
    let params = Params::parse(request.query_string().as_bytes()).unwrap_or_default();
    let pending = Pending::find(state, &visitor, &params).await?;
    let switch = params.one("switch").is_some();
    match (&pending, &visitor.session) {
        (Some(pending), Some(session)) if !switch => {
            let step = pending.next_step(state, &visitor, session).await?;
            if step != gatepost_engine::consent::NextStep::SignIn {
                return Ok(pending.take_step(state, &visitor, step, Some(session), Arrived::ByGet).await);
            }
        }
        (None, Some(_)) if !switch => return Ok(respond::see_other(&visitor.own("/account"))),
        _ => {}
    }
    let email = pending.as_ref().and_then(|pending| pending.request.login_hint.clone()).unwrap_or_default();
    let mut view = make_view(state, &visitor, pending.as_ref(), email);
    view.notice = read_notice(request);
    Ok(visitor.page(state, StatusCode::OK, &view))
}

fn make_view(state: &State, visitor: &Visitor, pending: Option<&Pending>, email: String) -> LoginView {
    LoginView {
        csrf: visitor.csrf(),
        tx: pending.and_then(Pending::sealed),
        app: pending.map(|pending| pending.client.name.clone()),
        email,
        failed: false,
        signup_open: state.installation.engine.policy.sign_up == SignUpMode::Open,
        notice: None,
    }
}

pub(crate) async fn post(request: HttpRequest, payload: Payload, state: Data<State>) -> HttpResponse {
    sign_in(&request, payload, &state).await.unwrap_or_else(|response| response)
}

async fn sign_in(request: &HttpRequest, payload: Payload, state: &State) -> Result<HttpResponse, HttpResponse> {
    let (visitor, params) = Visitor::read_post(state, request, payload).await?;
    let pending = Pending::find(state, &visitor, &params).await?;
    let email: String = params.one("email").unwrap_or_default().chars().take(254).collect();
    let password = params.one("password").unwrap_or_default().to_owned();
    let started = match attempt(state, &visitor.call, email.clone(), password).await {
        Ok(started) => started,
        Err(Trouble::Busy) => return Err(respond::error_page(state, &visitor.call, ErrorKind::Unavailable)),
        Err(Trouble::Engine(error)) => return Err(respond::engine_error_page(state, &visitor.call, &error)),
    };
    let Some(Started { cookie, signed_in }) = started else {
        let view = LoginView { failed: true, ..make_view(state, &visitor, pending.as_ref(), email) };
        return Ok(visitor.page(state, StatusCode::OK, &view));
    };
    end_old_session(state, &visitor).await;
    let response = match &pending {
        Some(pending) => pending.go_on(state, &visitor, &signed_in, Arrived::ByForm).await,
        None => respond::see_other(&visitor.own("/account")),
    };
    Ok(visitor.with_session(response, &cookie))
}

enum Trouble {
    Busy,
    Engine(Error),
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Engine(error)
    }
}

/// Count, hash, decide: the hash is computed outside any transaction, and always, so that every answer takes as long.
async fn attempt(state: &State, call: &Call, email: String, password: String) -> Result<Option<Started>, Trouble> {
    let attempt = state.write(call, move |call, tx| begin_attempt(call, tx, &email)).await?;
    let Ok(verified) = state.hashing.verify(attempt.password_hash.clone(), password).await else {
        state.write(call, move |call, tx| cancel_attempt(call, tx, &attempt)).await?;
        return Err(Trouble::Busy);
    };
    let started = state
        .write(call, move |call, tx| finish_attempt(call, tx, &attempt, verified.good, verified.rehashed.as_deref()))
        .await?;
    Ok(started)
}

/// The session that this browser had before is over: signing in never leaves an older one behind (LG4).
pub(crate) async fn end_old_session(state: &State, visitor: &Visitor) {
    let Some(old) = visitor.session.clone() else { return };
    let ended = state.write(&visitor.call, move |call, tx| end_session(call, tx, &old, &old.session_id)).await;
    if let Err(error) = ended {
        crate::state::log_error(&visitor.call, &error);
    }
}
