//! A new password by mail (LG10).

pub(crate) mod view;

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use gatepost_engine::people::mailed_links::{Check, Found, Kind, ResetProof, find_reset, finish_reset, request_reset};
use gatepost_protocol::params::Params;

use crate::http::respond;
use crate::http::state::State;
use crate::pages::kit::errors::view::ErrorKind;
use crate::pages::kit::visitor::Visitor;
use crate::pages::sign_in::continue_request::Pending;
use crate::pages::sign_in::link::{look_up, show_link};
use crate::pages::sign_in::mailed::{asking, finish, go_check, need_mail, show_gone, trouble};
use crate::pages::sign_in::reset::view::{NewPasswordView, ResetView};
use crate::pages::sign_in::verify::read_address;
use crate::pages::sign_up::find_password_fault;

pub(crate) async fn ask(request: HttpRequest, state: Data<State>) -> HttpResponse {
    show_ask(&request, &state).await.unwrap_or_else(|response| response)
}

async fn show_ask(request: &HttpRequest, state: &State) -> Result<HttpResponse, HttpResponse> {
    let visitor = Visitor::of(state, request)?;
    need_mail(state, &visitor)?;
    let params = Params::parse(request.query_string().as_bytes()).unwrap_or_default();
    let pending = Pending::find(state, &visitor, &params).await?;
    let email = params.one("email").map_or_else(|| pending.login_hint(), |email| email.chars().take(254).collect());
    let view = ResetView { csrf: visitor.csrf(), tx: pending.seal(state, &visitor)?, email, fault: None };
    Ok(visitor.page(state, StatusCode::OK, &view))
}

pub(crate) async fn send(request: HttpRequest, state: Data<State>) -> HttpResponse {
    do_send(&request, &state).await.unwrap_or_else(|response| response)
}

async fn do_send(request: &HttpRequest, state: &State) -> Result<HttpResponse, HttpResponse> {
    let (visitor, params) = Visitor::of_form(state, request)?;
    need_mail(state, &visitor)?;
    let pending = Pending::find(state, &visitor, &params).await?;
    let typed: String = params.one("email").unwrap_or_default().chars().take(254).collect();
    let email = match read_address(&typed) {
        Ok(email) => email,
        Err(fault) => {
            let tx = pending.seal(state, &visitor)?;
            let view = ResetView { csrf: visitor.csrf(), tx, email: typed, fault: Some(fault) };
            return Ok(visitor.page(state, StatusCode::UNPROCESSABLE_ENTITY, &view));
        }
    };
    let asking = asking(&visitor, &pending.journey);
    let check = state.write(&visitor.call, move |call, tx| request_reset(call, tx, &asking, &email)).await;
    go_check(state, &visitor, &pending, &check.map_err(trouble(state, &visitor))?)
}

/// What the address brought: the token of a link, or what was sealed when its code was typed.
fn read_proof(visitor: &Visitor, presented: &str) -> ResetProof {
    match Check::open(&visitor.call, presented, &visitor.browser_hash()) {
        Some(check) => ResetProof::Check(check),
        None => ResetProof::Token(presented.to_owned()),
    }
}

/// Address and name of whoever may choose a new password here and now.
async fn find_person(
    state: &State,
    visitor: &Visitor,
    proof: &ResetProof,
) -> Result<Option<(String, String)>, HttpResponse> {
    let (proof, browser) = (proof.clone(), visitor.browser_hash());
    let found = state.read(&visitor.call, move |call, db| find_reset(call, db, &proof, &browser)).await;
    found.map_err(trouble(state, visitor))
}

fn make_view(visitor: &Visitor, token: String, email: String) -> NewPasswordView {
    let min_password = visitor.call.policy().password.min_length as u32;
    NewPasswordView { csrf: visitor.csrf(), token, email, min_password, fault: None }
}

pub(crate) async fn get(request: HttpRequest, token: Path<String>, state: Data<State>) -> HttpResponse {
    show(&request, token.into_inner(), &state).await.unwrap_or_else(|response| response)
}

async fn show(request: &HttpRequest, token: String, state: &State) -> Result<HttpResponse, HttpResponse> {
    let visitor = Visitor::of(state, request)?;
    need_mail(state, &visitor)?;
    if let Some((email, _)) = find_person(state, &visitor, &read_proof(&visitor, &token)).await? {
        return Ok(visitor.page(state, StatusCode::OK, &make_view(&visitor, token, email)));
    }
    match look_up(state, &visitor, &token).await? {
        Found::Live(opened) if opened.kind == Kind::Reset => Ok(show_link(state, &visitor, token, *opened)),
        Found::Live(_) => show_gone(state, &visitor, None).await,
        Found::Gone(again) => show_gone(state, &visitor, again.map(|check| (token, check))).await,
    }
}

pub(crate) async fn post(request: HttpRequest, token: Path<String>, state: Data<State>) -> HttpResponse {
    choose(&request, token.into_inner(), &state).await.unwrap_or_else(|response| response)
}

async fn choose(request: &HttpRequest, token: String, state: &State) -> Result<HttpResponse, HttpResponse> {
    let (visitor, params) = Visitor::of_form(state, request)?;
    need_mail(state, &visitor)?;
    let proof = read_proof(&visitor, &token);
    let Some((email, name)) = find_person(state, &visitor, &proof).await? else {
        return show_gone(state, &visitor, None).await;
    };
    let new = params.one("new").unwrap_or_default().to_owned();
    let words = [email.as_str(), name.as_str(), state.settings.brand.name.as_str()];
    if let Some(fault) = find_password_fault(&visitor.call, &new, &words) {
        let view = NewPasswordView { fault: Some(fault), ..make_view(&visitor, token, email) };
        return Ok(visitor.page(state, StatusCode::UNPROCESSABLE_ENTITY, &view));
    }
    let busy = || respond::error_page(state, &visitor.call, ErrorKind::Unavailable);
    let hashed = state.hashing.hash(new).await.map_err(|_| busy())?;
    let hash = hashed.ok_or_else(|| respond::error_page(state, &visitor.call, ErrorKind::Broken))?;
    let browser = visitor.browser_hash();
    let used = state.write(&visitor.call, move |call, tx| finish_reset(call, tx, &proof, &browser, &hash)).await;
    finish(state, &visitor, &params, used.map_err(trouble(state, &visitor))?).await
}
