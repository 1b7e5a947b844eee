//! Changing the password, and setting a first one.

pub(crate) mod view;

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use gatepost_engine::Call;
use gatepost_engine::kernel::journey::Act;
use gatepost_engine::people::sessions::SignedIn;
use gatepost_engine::people::sign_in::Started;
use gatepost_engine::people::sign_in::fresh::FreshSession;
use gatepost_engine::people::sign_in::password::{
    Attempt, ProvenPassword, begin_attempt, cancel_attempt, change_password, finish_check, set_first_password,
};
use gatepost_protocol::params::Params;
use gatepost_store::Tx;

use crate::http::respond;
use crate::http::state::State;
use crate::pages::account::password::view::{FirstPasswordView, PasswordView};
use crate::pages::account::security;
use crate::pages::kit::errors::view::ErrorKind;
use crate::pages::kit::fault::Fault;
use crate::pages::kit::frames::AccountFrame;
use crate::pages::kit::guard::{require_fresh, write_fresh};
use crate::pages::kit::visitor::Visitor;
use crate::pages::sign_up::find_password_fault;

fn make_view(visitor: &Visitor, frame: AccountFrame) -> PasswordView {
    let min_password = visitor.call.engine.policy.password.min_length as u32;
    PasswordView { frame, min_password, current_fault: None, new_fault: None }
}

pub(crate) async fn get(request: HttpRequest, state: Data<State>) -> HttpResponse {
    let shown = async {
        let visitor = Visitor::of(&state, &request)?;
        let (session, frame) = visitor.frame(None)?;
        check_may_change(&state, &visitor, session).await?;
        Ok(visitor.page(&state, StatusCode::OK, &make_view(&visitor, frame)))
    };
    shown.await.unwrap_or_else(|response: HttpResponse| response)
}

/// The old password alone does not change it where the account has something stronger; where there is none, another page sets
/// the first one.
async fn check_may_change(state: &State, visitor: &Visitor, session: &SignedIn) -> Result<(), HttpResponse> {
    let factors = security::load_factors(state, visitor, session).await?;
    if !factors.password {
        return Err(respond::see_other(&visitor.own("/account/password/new")));
    }
    match factors.has_second() {
        true => require_fresh(state, visitor, session, Act::SetPassword, "/account/password").await,
        false => Ok(()),
    }
}

pub(crate) async fn get_first(request: HttpRequest, state: Data<State>) -> HttpResponse {
    let shown = async {
        let visitor = Visitor::of(&state, &request)?;
        let (session, frame) = visitor.frame(None)?;
        check_may_set(&state, &visitor, session).await?;
        Ok(visitor.page(&state, StatusCode::OK, &make_first_view(&visitor, frame)))
    };
    shown.await.unwrap_or_else(|response: HttpResponse| response)
}

fn make_first_view(visitor: &Visitor, frame: AccountFrame) -> FirstPasswordView {
    let min_password = visitor.call.engine.policy.password.min_length as u32;
    FirstPasswordView { frame, min_password, fault: None }
}

async fn check_may_set(state: &State, visitor: &Visitor, session: &SignedIn) -> Result<(), HttpResponse> {
    if security::load_factors(state, visitor, session).await?.password {
        return Err(respond::see_other(&visitor.own("/account/password")));
    }
    require_fresh(state, visitor, session, Act::SetPassword, "/account/password/new").await
}

pub(crate) async fn post_first(request: HttpRequest, state: Data<State>) -> HttpResponse {
    set_first(&request, &state).await.unwrap_or_else(|response| response)
}

async fn set_first(request: &HttpRequest, state: &State) -> Result<HttpResponse, HttpResponse> {
    let (visitor, params) = Visitor::of_form(state, request)?;
    let (session, frame) = visitor.frame(None)?;
    check_may_set(state, &visitor, session).await?;
    let new = params.one("new").unwrap_or_default().to_owned();
    let words = [session.email.as_str(), session.name.as_str(), state.settings.brand.name.as_str()];
    let fault = find_password_fault(&visitor.call, &new, &words);
    if fault.is_some() {
        let view = FirstPasswordView { fault, ..make_first_view(&visitor, frame) };
        return Ok(visitor.page(state, StatusCode::UNPROCESSABLE_ENTITY, &view));
    }
    let hashed = state.hashing.hash(new).await;
    let hashed = hashed.map_err(|_| respond::error_page(state, &visitor.call, ErrorKind::Unavailable))?;
    let hash = hashed.ok_or_else(|| respond::error_page(state, &visitor.call, ErrorKind::Broken))?;
    let again = (Act::SetPassword, "/account/password/new");
    let write =
        move |call: &Call, tx: &mut Tx<'_>, fresh: &FreshSession<'_>| set_first_password(call, tx, fresh, &hash);
    match write_fresh(state, &visitor, session, again, write).await? {
        Some(Started { cookie, .. }) => {
            let response = respond::see_other(&visitor.own("/account/security?done=password-set"));
            Ok(visitor.with_session(response, &cookie))
        }
        None => Err(respond::see_other(&visitor.own("/account/password"))),
    }
}

pub(crate) async fn post(request: HttpRequest, state: Data<State>) -> HttpResponse {
    change(&request, &state).await.unwrap_or_else(|response| response)
}

async fn change(request: &HttpRequest, state: &State) -> Result<HttpResponse, HttpResponse> {
    let (visitor, params) = Visitor::of_form(state, request)?;
    let (session, frame) = visitor.frame(None)?;
    check_may_change(state, &visitor, session).await?;
    let (current, new) = read_fields(&params);
    let words = [session.email.as_str(), session.name.as_str(), state.settings.brand.name.as_str()];
    let mut view = make_view(&visitor, frame);
    view.new_fault = find_password_fault(&visitor.call, &new, &words);
    if view.new_fault.is_none() && new == current {
        view.new_fault = Some(Fault::PasswordSame);
    }
    if current.is_empty() {
        view.current_fault = Some(Fault::PasswordMissing);
    }
    if view.new_fault.is_some() || view.current_fault.is_some() {
        return Ok(visitor.page(state, StatusCode::UNPROCESSABLE_ENTITY, &view));
    }
    let Some(proven) = prove_password(state, &visitor, session.email.clone(), current).await? else {
        view.current_fault = Some(Fault::PasswordWrong);
        return Ok(visitor.page(state, StatusCode::UNPROCESSABLE_ENTITY, &view));
    };
    let busy = || respond::error_page(state, &visitor.call, ErrorKind::Unavailable);
    let hashed = state.hashing.hash(new).await.map_err(|_| busy())?;
    let new_hash = hashed.ok_or_else(|| respond::error_page(state, &visitor.call, ErrorKind::Broken))?;
    let signed_in = session.clone();
    let changed = state
        .write(&visitor.call, move |call, tx| change_password(call, tx, &signed_in, &proven, &new_hash))
        .await
        .map_err(|error| respond::engine_error_page(state, &visitor.call, &error))?;
    match changed {
        Some(Started { cookie, .. }) => {
            let response = respond::see_other(&visitor.own("/account/security?done=password-changed"));
            Ok(visitor.with_session(response, &cookie))
        }
        None => Err(respond::error_page(state, &visitor.call, ErrorKind::FormExpired)),
    }
}

fn read_fields(params: &Params) -> (String, String) {
    let field = |name| params.one(name).unwrap_or_default().to_owned();
    (field("current"), field("new"))
}

/// The proof, if the password is right; tries are counted like those of the sign-in page (R-21: all paths).
async fn prove_password(
    state: &State,
    visitor: &Visitor,
    email: String,
    password: String,
) -> Result<Option<ProvenPassword>, HttpResponse> {
    let trouble = |error: gatepost_engine::Error| respond::engine_error_page(state, &visitor.call, &error);
    let attempt: Attempt =
        state.write(&visitor.call, move |call, tx| begin_attempt(call, tx, &email)).await.map_err(trouble)?;
    let Ok(verified) = state.hashing.verify(&attempt, password).await else {
        state.write(&visitor.call, move |call, tx| cancel_attempt(call, tx, &attempt)).await.map_err(trouble)?;
        return Err(respond::error_page(state, &visitor.call, ErrorKind::Unavailable));
    };
    state.write(&visitor.call, move |call, tx| finish_check(call, tx, &verified)).await.map_err(trouble)
}
