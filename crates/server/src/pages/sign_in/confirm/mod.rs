//! "Confirm that it's you": proving it again before something that changes the account, or for an app that asks for two factors.
//!
//! Where the account has a second factor, nothing less will do. A code of the authenticator app suffices alone: it stands
//! beside the first factor with which the session began.

pub(crate) mod view;

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use gatepost_engine::kernel::journey::Act;
use gatepost_engine::people::account::end_session;
use gatepost_engine::people::factors::attempt::{Factors, Tried, finish_password_step_up, try_step_up};
use gatepost_engine::people::mailed_links::can_confirm;
use gatepost_engine::people::sessions::SignedIn;
use gatepost_engine::people::sign_in::Started;
use gatepost_engine::people::sign_in::fresh::is_fresh;
use gatepost_engine::people::sign_in::password::{begin_attempt, cancel_attempt};
use gatepost_protocol::params::Params;

use crate::http::respond;
use crate::http::state::State;
use crate::pages::account::security::load_factors;
use crate::pages::kit::errors::view::ErrorKind;
use crate::pages::kit::fault::Fault;
use crate::pages::kit::passkey::PasskeyOffer;
use crate::pages::kit::visitor::Visitor;
use crate::pages::sign_in::confirm::view::{ConfirmView, ConfirmWay};
use crate::pages::sign_in::continue_request::{Arrived, Pending};
use crate::pages::sign_in::passkey::{Finished, finish_confirm};
use crate::pages::sign_in::second_step::view::CodesLeftView;
use crate::pages::sign_in::second_step::{describe_failure, read_typed, start_over};
use crate::pages::sign_in::verify::send_code;

type Page = Result<HttpResponse, HttpResponse>;

pub(crate) async fn get(request: HttpRequest, state: Data<State>) -> HttpResponse {
    show(&request, &state).await.unwrap_or_else(|response| response)
}

async fn show(request: &HttpRequest, state: &State) -> Page {
    let visitor = Visitor::of(state, request)?;
    let params = Params::parse(request.query_string().as_bytes()).unwrap_or_default();
    let pending = Pending::find(state, &visitor, &params).await?;
    let Some(session) = &visitor.session else { return Ok(pending.show_page(state, &visitor, "/login")) };
    let factors = load_factors(state, &visitor, session).await?;
    let signed_in = session.clone();
    let fresh = state.read(&visitor.call, move |call, db| is_fresh(call, db, &signed_in)).await;
    let fresh = fresh.map_err(|error| respond::engine_error_page(state, &visitor.call, &error))?;
    let wants_two = pending.journey.act == Some(Act::UseSecondFactor)
        || pending.asked().is_some_and(|asked| asked.client.require_second_factor);
    let may_enrol = fresh || pending.journey.act != Some(Act::ChangeSecondStep);
    if wants_two && !factors.has_second() && may_enrol {
        // there is nothing to confirm with yet; that page asks for a fresh sign-in itself
        return Ok(pending.show_page(state, &visitor, "/account/authenticator/new"));
    }
    if fresh && (!wants_two || session.strength >= 2) {
        return Ok(pending.go_on(state, &visitor, session, Arrived::ByGet).await);
    }
    let view = make_view(state, &visitor, &pending, session, &factors)?;
    let way = if params.one("with") == Some("recovery") && view.codes { ConfirmWay::Recovery } else { view.way };
    Ok(visitor.page(state, StatusCode::OK, &ConfirmView { way, ..view }))
}

/// What the person is about to do; an app's request that leads here asks for two factors.
fn find_act(pending: &Pending) -> Option<Act> {
    let asked = pending.asked().filter(|asked| asked.client.require_second_factor);
    pending.journey.act.or(asked.map(|_| Act::UseSecondFactor))
}

fn make_view(
    state: &State,
    visitor: &Visitor,
    pending: &Pending,
    session: &SignedIn,
    factors: &Factors,
) -> Result<ConfirmView, HttpResponse> {
    let act = find_act(pending);
    let age = visitor.call.now - session.auth_time;
    let stale = age > visitor.call.policy().sudo_age;
    Ok(ConfirmView {
        csrf: visitor.csrf(),
        tx: pending.seal(state, visitor)?,
        email: session.email.clone(),
        act,
        age: stale.then(|| u64::try_from(age).unwrap_or_default()),
        way: match factors {
            Factors { authenticator: Some(_), .. } => ConfirmWay::Code,
            Factors { passkey: true, .. } => ConfirmWay::Passkey,
            Factors { password: true, second_step: false, .. } => ConfirmWay::Password,
            _ => ConfirmWay::Again,
        },
        authenticator: factors.authenticator.is_some(),
        passkey: factors.passkey,
        codes: factors.has_second() && factors.recovery_codes > 0,
        cancel: match act {
            Some(Act::SetPassword | Act::ChangePasskeys | Act::ChangeSecondStep | Act::ChangeProviders) => {
                "/account/security"
            }
            _ => "/account",
        },
        fault: None,
        mail: can_confirm(&visitor.call, factors),
        passkeys: PasskeyOffer::new(factors.passkey && visitor.call.engine.has_passkeys()),
    })
}

pub(crate) async fn post(request: HttpRequest, state: Data<State>) -> HttpResponse {
    confirm(&request, &state).await.unwrap_or_else(|response| response)
}

async fn confirm(request: &HttpRequest, state: &State) -> Page {
    let (visitor, params) = Visitor::of_form(state, request)?;
    let pending = Pending::find(state, &visitor, &params).await?;
    let Some(session) = visitor.session.clone() else { return Ok(pending.show_page(state, &visitor, "/login")) };
    let (way, fault) = match params.one("with") {
        Some("password") => {
            let password = params.one("password").unwrap_or_default().to_owned();
            match prove_password(state, &visitor, &session, password).await? {
                Some(started) => return Ok(pending.let_in(state, &visitor, started).await),
                None => (ConfirmWay::Password, Fault::PasswordWrong),
            }
        }
        Some(with @ ("code" | "recovery")) => {
            let typed = read_typed(&params);
            let (who, what) = (session.clone(), typed.clone());
            let tried = state.write(&visitor.call, move |call, tx| try_step_up(call, tx, &who, &what)).await;
            let way = if with == "code" { ConfirmWay::Code } else { ConfirmWay::Recovery };
            match tried.map_err(|error| respond::engine_error_page(state, &visitor.call, &error))? {
                Tried::Done { started, codes_left: None } => {
                    return Ok(pending.let_in(state, &visitor, *started).await);
                }
                Tried::Done { started, codes_left: Some(left) } => {
                    let view = CodesLeftView { tx: pending.seal(state, &visitor)?, left };
                    return Ok(visitor.with_session(visitor.page(state, StatusCode::OK, &view), &started.cookie));
                }
                Tried::Over => return Ok(start_over(state, &visitor, &pending)),
                Tried::Used => (way, describe_failure(&typed, true)),
                Tried::Wrong => (way, describe_failure(&typed, false)),
            }
        }
        Some("passkey") => return confirm_with_passkey(state, &visitor, &pending, &session, &params).await,
        Some("mail") => return send_code(state, &visitor, &pending, &session).await,
        Some("again") => return sign_in_again(state, &visitor, &pending, session).await,
        _ => return Err(respond::error_page(state, &visitor.call, ErrorKind::BadRequest)),
    };
    let factors = load_factors(state, &visitor, &session).await?;
    let view = make_view(state, &visitor, &pending, &session, &factors)?;
    // a form for something else than what the account has now is not shown again
    let fits = way == view.way || (way == ConfirmWay::Recovery && view.codes);
    let view = if fits { ConfirmView { way, fault: Some(fault), ..view } } else { view };
    Ok(visitor.page(state, StatusCode::UNPROCESSABLE_ENTITY, &view))
}

async fn confirm_with_passkey(
    state: &State,
    visitor: &Visitor,
    pending: &Pending,
    session: &SignedIn,
    params: &Params,
) -> Page {
    let passkeys = match finish_confirm(state, visitor, session, params).await? {
        Finished::In(started) => return Ok(pending.let_in(state, visitor, *started).await),
        Finished::Trouble(offer) => offer,
    };
    let factors = load_factors(state, visitor, session).await?;
    let view = make_view(state, visitor, pending, session, &factors)?;
    Ok(visitor.page(state, StatusCode::UNPROCESSABLE_ENTITY, &ConfirmView { passkeys, ..view }))
}

/// Ends the session and goes on to where the person was going after the next sign-in.
async fn sign_in_again(state: &State, visitor: &Visitor, pending: &Pending, session: SignedIn) -> Page {
    let id = session.session_id.clone();
    let ended = state.write(&visitor.call, move |call, tx| end_session(call, tx, &session, &id)).await;
    ended.map_err(|error| respond::engine_error_page(state, &visitor.call, &error))?;
    Ok(visitor.without_cookie(pending.show_page(state, visitor, "/login")))
}

/// Count, hash, decide, as at sign-in: one bucket for all paths that take a password.
async fn prove_password(
    state: &State,
    visitor: &Visitor,
    session: &SignedIn,
    password: String,
) -> Result<Option<Started>, HttpResponse> {
    let trouble = |error: gatepost_engine::Error| respond::engine_error_page(state, &visitor.call, &error);
    let email = session.email.clone();
    let attempt = state.write(&visitor.call, move |call, tx| begin_attempt(call, tx, &email)).await.map_err(trouble)?;
    let Ok(verified) = state.hashing.verify(&attempt, password).await else {
        state.write(&visitor.call, move |call, tx| cancel_attempt(call, tx, &attempt)).await.map_err(trouble)?;
        return Err(respond::error_page(state, &visitor.call, ErrorKind::Unavailable));
    };
    let who = session.clone();
    let finished = state.write(&visitor.call, move |call, tx| finish_password_step_up(call, tx, &who, &verified)).await;
    finished.map_err(trouble)
}
