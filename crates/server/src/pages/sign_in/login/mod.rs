//! Signing in with a password.

pub(crate) mod view;

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use gatepost_engine::people::sign_in::Started;
use gatepost_engine::people::sign_in::password::{begin_attempt, cancel_attempt, finish_attempt};
use gatepost_engine::people::sign_up::find_sign_up_mode;
use gatepost_engine::{Call, Error, SignUpMode};
use gatepost_protocol::params::Params;

use crate::http::respond;
use crate::http::state::State;
use crate::pages::kit::errors::view::ErrorKind;
use crate::pages::kit::notice::read_notice;
use crate::pages::kit::passkey::PasskeyOffer;
use crate::pages::kit::visitor::{AFTER_FORM, Visitor};
use crate::pages::sign_in::continue_request::{Arrived, Pending};
use crate::pages::sign_in::login::view::LoginView;
use crate::pages::sign_in::passkey::{Finished, finish_login, offer_after};
use crate::pages::sign_in::provider;
use crate::pages::sign_in::verify;

pub(crate) async fn get(request: HttpRequest, state: Data<State>) -> HttpResponse {
    show(&request, &state).await.unwrap_or_else(|response| response)
}

async fn show(request: &HttpRequest, state: &State) -> Result<HttpResponse, HttpResponse> {
    let visitor = Visitor::of(state, request)?;
    let params = Params::parse(request.query_string().as_bytes()).unwrap_or_default();
    let pending = Pending::find(state, &visitor, &params).await?;
    let switch = params.one("switch").is_some();
    let after_form = params.one(AFTER_FORM.0) == Some(AFTER_FORM.1);
    let arrived = if after_form { Arrived::ByForm } else { Arrived::ByGet };
    match (pending.asked(), &visitor.session) {
        (Some(asked), Some(session)) if !switch => {
            let step = asked.next_step(state, &visitor, session).await?;
            if step != gatepost_engine::oauth::consent::NextStep::SignIn {
                return Ok(pending.take_step(state, &visitor, step, Some(session), arrived).await);
            }
        }
        (None, Some(session)) if !switch => return Ok(pending.go_on(state, &visitor, session, Arrived::ByGet).await),
        _ => {}
    }
    let mut view = make_view(state, &visitor, &pending, pending.login_hint()).await?;
    view.notice = read_notice(request);
    Ok(visitor.page(state, StatusCode::OK, &view))
}

async fn make_view(
    state: &State,
    visitor: &Visitor,
    pending: &Pending,
    email: String,
) -> Result<LoginView, HttpResponse> {
    Ok(LoginView {
        csrf: visitor.csrf(),
        tx: pending.seal(state, visitor)?,
        app: pending.app_name(),
        email,
        failed: false,
        signup: find_signup_mode(state, visitor).await,
        notice: None,
        passkeys: PasskeyOffer::new(visitor.call.engine.has_passkeys()),
        providers: provider::list_buttons(state),
        offer: provider::make_offer(state, pending),
        mail: visitor.call.policy().mail,
        email_fault: None,
    })
}

/// Who may create an account now, for a page that shows it. Without the database such a page still has an answer.
pub(crate) async fn find_signup_mode(state: &State, visitor: &Visitor) -> SignUpMode {
    require_signup_mode(state, visitor).await.unwrap_or(visitor.call.policy().sign_up)
}

/// The same for what is about to be done.
pub(crate) async fn require_signup_mode(state: &State, visitor: &Visitor) -> Result<SignUpMode, HttpResponse> {
    let mode = state.read(&visitor.call, find_sign_up_mode).await;
    mode.map_err(|error| respond::engine_error_page(state, &visitor.call, &error))
}

pub(crate) async fn post(request: HttpRequest, state: Data<State>) -> HttpResponse {
    sign_in(&request, &state).await.unwrap_or_else(|response| response)
}

async fn sign_in(request: &HttpRequest, state: &State) -> Result<HttpResponse, HttpResponse> {
    let (visitor, params) = Visitor::of_form(state, request)?;
    let mut pending = Pending::find(state, &visitor, &params).await?;
    if params.one("with") == Some("passkey") {
        return sign_in_with_passkey(state, &visitor, &pending, &params).await;
    }
    if let Some(provider) = params.one("with").and_then(|id| state.upstream.find(id)) {
        return Ok(provider::start_sign_in(state, request, &visitor, provider, pending).await);
    }
    let email: String = params.one("email").unwrap_or_default().chars().take(254).collect();
    if params.one("with") == Some("link") {
        return match verify::send_sign_in_link(state, &visitor, &pending, &email).await? {
            Ok(response) => Ok(response),
            Err(fault) => {
                let view = LoginView { email_fault: Some(fault), ..make_view(state, &visitor, &pending, email).await? };
                Ok(visitor.page(state, StatusCode::UNPROCESSABLE_ENTITY, &view))
            }
        };
    }
    let password = params.one("password").unwrap_or_default().to_owned();
    let started = match attempt(state, &visitor.call, email.clone(), password).await {
        Ok(started) => started,
        Err(Trouble::Busy) => return Err(respond::error_page(state, &visitor.call, ErrorKind::Unavailable)),
        Err(Trouble::Engine(error)) => return Err(respond::engine_error_page(state, &visitor.call, &error)),
    };
    let Some(started) = started else {
        let view = LoginView { failed: true, ..make_view(state, &visitor, &pending, email).await? };
        return Ok(visitor.page(state, StatusCode::OK, &view));
    };
    offer_after(state, &visitor, &mut pending, &params, &started).await;
    Ok(pending.let_in(state, &visitor, started).await)
}

async fn sign_in_with_passkey(
    state: &State,
    visitor: &Visitor,
    pending: &Pending,
    params: &Params,
) -> Result<HttpResponse, HttpResponse> {
    let passkeys = match finish_login(state, visitor, params).await? {
        Finished::In(started) => return Ok(pending.let_in(state, visitor, *started).await),
        Finished::Trouble(offer) => offer,
    };
    let view = LoginView { passkeys, ..make_view(state, visitor, pending, pending.login_hint()).await? };
    Ok(visitor.page(state, StatusCode::OK, &view))
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
    let Ok(verified) = state.hashing.verify(&attempt, password).await else {
        state.write(call, move |call, tx| cancel_attempt(call, tx, &attempt)).await?;
        return Err(Trouble::Busy);
    };
    Ok(state.write(call, move |call, tx| finish_attempt(call, tx, &verified)).await?)
}
