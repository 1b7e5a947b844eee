//! Recovery codes: shown once, saved, made anew.

pub(crate) mod view;

use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use gatepost_engine::kernel::journey::Act;
use gatepost_engine::people::factors::recovery_codes::{RecoveryCodes, renew_recovery_codes};

use crate::http::respond;
use crate::http::state::State;
use crate::pages::account::recovery_codes::view::{RecoveryCodesView, RenewCodesView};
use crate::pages::account::security::load_factors;
use crate::pages::kit::errors::view::ErrorKind;
use crate::pages::kit::fault::Fault;
use crate::pages::kit::frames::AccountFrame;
use crate::pages::kit::guard::{require_fresh, write_fresh};
use crate::pages::kit::names::clean_text;
use crate::pages::kit::texts::write_machine_time;
use crate::pages::kit::visitor::Visitor;
use crate::pages::sign_in::continue_request::{Arrived, Pending};

type Page = Result<HttpResponse, HttpResponse>;

const RENEW: &str = "/account/recovery-codes";

/// The page that shows new codes. It answers a form and is never stored: the codes cannot be shown again.
pub(crate) fn show_codes(
    state: &State,
    visitor: &Visitor,
    frame: AccountFrame,
    tx: Option<String>,
    codes: &RecoveryCodes,
    done: &'static str,
) -> HttpResponse {
    let view = RecoveryCodesView { frame, tx, codes: codes.expose().to_vec(), done, fault: None };
    visitor.page(state, StatusCode::OK, &view)
}

pub(crate) async fn get(request: HttpRequest, state: Data<State>) -> HttpResponse {
    ask(&request, &state).await.unwrap_or_else(|response| response)
}

async fn ask(request: &HttpRequest, state: &State) -> Page {
    let visitor = Visitor::of(state, request)?;
    let (session, frame) = visitor.frame(None)?;
    require_fresh(state, &visitor, session, Act::ChangeSecondStep, RENEW).await?;
    let factors = load_factors(state, &visitor, session).await?;
    if !factors.second_step {
        return Err(respond::see_other(&visitor.own("/account/security")));
    }
    Ok(visitor.page(state, StatusCode::OK, &RenewCodesView { frame, left: factors.recovery_codes }))
}

pub(crate) async fn post(request: HttpRequest, state: Data<State>) -> HttpResponse {
    renew(&request, &state).await.unwrap_or_else(|response| response)
}

async fn renew(request: &HttpRequest, state: &State) -> Page {
    let (visitor, _) = Visitor::of_form(state, request)?;
    let (session, frame) = visitor.frame(None)?;
    require_fresh(state, &visitor, session, Act::ChangeSecondStep, RENEW).await?;
    match write_fresh(state, &visitor, session, (Act::ChangeSecondStep, RENEW), renew_recovery_codes).await? {
        Some(codes) => Ok(show_codes(state, &visitor, frame, None, &codes, "codes-renewed")),
        None => Err(respond::see_other(&visitor.own("/account/security"))),
    }
}

/// The codes as a text file. They come back from the page that showed them, because nobody else has them any more.
pub(crate) async fn download(request: HttpRequest, state: Data<State>) -> HttpResponse {
    write_file(&request, &state).await.unwrap_or_else(|response| response)
}

async fn write_file(request: &HttpRequest, state: &State) -> Page {
    let (visitor, params) = Visitor::of_form(state, request)?;
    let (session, _) = visitor.frame(None)?;
    let codes = RecoveryCodes::read(params.one("codes").unwrap_or_default())
        .ok_or_else(|| respond::error_page(state, &visitor.call, ErrorKind::BadRequest))?;
    let day: String = write_machine_time(visitor.call.now).chars().take(10).collect();
    let (brand, email) = (clean_text(&state.settings.brand.name, 60), clean_text(&session.email, 254));
    let text =
        format!("{brand}\n{}\n{email}\n{day}\n\n{}\n", visitor.call.engine.issuer.as_str(), codes.expose().join("\n"));
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "text/plain; charset=utf-8"))
        .insert_header((header::CONTENT_DISPOSITION, "attachment; filename=\"recovery-codes.txt\""))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"))
        .insert_header((header::REFERRER_POLICY, "no-referrer"))
        .body(text))
}

/// "Done": goes on once the person says that the codes are saved.
pub(crate) async fn done(request: HttpRequest, state: Data<State>) -> HttpResponse {
    go_on(&request, &state).await.unwrap_or_else(|response| response)
}

async fn go_on(request: &HttpRequest, state: &State) -> Page {
    let (visitor, params) = Visitor::of_form(state, request)?;
    let pending = Pending::find(state, &visitor, &params).await?;
    let (session, frame) = visitor.frame(None)?;
    let done = if params.one("done") == Some("codes-renewed") { "codes-renewed" } else { "second-step-on" };
    if params.one("saved").is_none()
        && let Some(codes) = RecoveryCodes::read(params.one("codes").unwrap_or_default())
    {
        let (codes, tx) = (codes.expose().to_vec(), pending.seal(state, &visitor)?);
        let view = RecoveryCodesView { frame, tx, codes, done, fault: Some(Fault::NotSaved) };
        return Ok(visitor.page(state, StatusCode::UNPROCESSABLE_ENTITY, &view));
    }
    if pending.journey.is_empty() || pending.journey.back.as_deref() == Some("/account/authenticator/new") {
        return Ok(respond::see_other(&visitor.own(&format!("/account/security?done={done}"))));
    }
    Ok(pending.go_on(state, &visitor, session, Arrived::ByForm).await)
}
