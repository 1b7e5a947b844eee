//! The second step of a sign-in. Until it is done nobody is signed in, and this page is all that the browser's session is good
//! for.

pub(crate) mod view;

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use gatepost_engine::people::factors::attempt::{Tried, Typed, try_second_step};
use gatepost_engine::people::sessions::SignedIn;
use gatepost_protocol::params::Params;

use crate::http::respond;
use crate::http::state::State;
use crate::pages::account::security::load_factors;
use crate::pages::kit::fault::Fault;
use crate::pages::kit::passkey::PasskeyOffer;
use crate::pages::kit::visitor::Visitor;
use crate::pages::sign_in::continue_request::{Arrived, Pending};
use crate::pages::sign_in::passkey::{Finished, finish_second};
use crate::pages::sign_in::second_step::view::{CodesLeftView, SecondStepView};

type Page = Result<HttpResponse, HttpResponse>;

pub(crate) async fn get(request: HttpRequest, state: Data<State>) -> HttpResponse {
    show(&request, &state).await.unwrap_or_else(|response| response)
}

async fn show(request: &HttpRequest, state: &State) -> Page {
    let visitor = Visitor::of(state, request)?;
    let params = Params::parse(request.query_string().as_bytes()).unwrap_or_default();
    let pending = Pending::find(state, &visitor, &params).await?;
    if let Some(session) = &visitor.session {
        return Ok(pending.go_on(state, &visitor, session, Arrived::ByGet).await);
    }
    let Some(half) = &visitor.half else { return Ok(pending.show_page(state, &visitor, "/login")) };
    let view = make_view(state, &visitor, &pending, half, is_recovery(&params)).await?;
    Ok(visitor.page(state, StatusCode::OK, &view))
}

fn is_recovery(params: &Params) -> bool {
    params.one("with") == Some("recovery")
}

async fn make_view(
    state: &State,
    visitor: &Visitor,
    pending: &Pending,
    half: &SignedIn,
    recovery: bool,
) -> Result<SecondStepView, HttpResponse> {
    let factors = load_factors(state, visitor, half).await?;
    Ok(SecondStepView {
        csrf: visitor.csrf(),
        tx: pending.seal(state, visitor)?,
        recovery,
        authenticator: factors.authenticator.is_some(),
        passkey: factors.passkey,
        codes: factors.recovery_codes > 0,
        fault: None,
        passkeys: PasskeyOffer::new(factors.passkey && visitor.call.engine.has_passkeys()),
    })
}

/// What was typed, of either kind; nothing longer is one.
pub(crate) fn read_typed(params: &Params) -> Typed {
    let code: String = params.one("code").unwrap_or_default().chars().take(64).collect();
    if is_recovery(params) { Typed::Recovery(code) } else { Typed::Code(code) }
}

/// What to say of a try that failed.
pub(crate) fn describe_failure(typed: &Typed, used: bool) -> Fault {
    match (typed, used) {
        (Typed::Recovery(_), _) => Fault::RecoveryCodeWrong,
        (Typed::Code(_), true) => Fault::CodeUsed,
        (Typed::Code(_), false) => Fault::CodeWrong,
    }
}

pub(crate) async fn post(request: HttpRequest, state: Data<State>) -> HttpResponse {
    submit(&request, &state).await.unwrap_or_else(|response| response)
}

async fn submit(request: &HttpRequest, state: &State) -> Page {
    let (visitor, params) = Visitor::of_form(state, request)?;
    let pending = Pending::find(state, &visitor, &params).await?;
    let Some(half) = visitor.half.clone() else { return Ok(pending.show_page(state, &visitor, "/login")) };
    if params.one("with") == Some("passkey") {
        return match finish_second(state, &visitor, &half, &params).await? {
            Finished::In(started) => Ok(pending.let_in(state, &visitor, *started).await),
            Finished::Trouble(passkeys) => {
                let view = make_view(state, &visitor, &pending, &half, false).await?;
                Ok(visitor.page(state, StatusCode::UNPROCESSABLE_ENTITY, &SecondStepView { passkeys, ..view }))
            }
        };
    }
    let typed = read_typed(&params);
    let (who, what) = (half.clone(), typed.clone());
    let tried = state.write(&visitor.call, move |call, tx| try_second_step(call, tx, &who, &what)).await;
    match tried.map_err(|error| respond::engine_error_page(state, &visitor.call, &error))? {
        Tried::Done { started, codes_left: None } => Ok(pending.let_in(state, &visitor, *started).await),
        Tried::Done { started, codes_left: Some(left) } => {
            let view = CodesLeftView { tx: pending.seal(state, &visitor)?, left };
            Ok(visitor.with_session(visitor.page(state, StatusCode::OK, &view), &started.cookie))
        }
        Tried::Over => Ok(start_over(state, &visitor, &pending)),
        tried @ (Tried::Wrong | Tried::Used) => {
            let view = make_view(state, &visitor, &pending, &half, is_recovery(&params)).await?;
            let fault = describe_failure(&typed, matches!(tried, Tried::Used));
            Ok(visitor.page(state, StatusCode::UNPROCESSABLE_ENTITY, &SecondStepView { fault: Some(fault), ..view }))
        }
    }
}

/// Back to the sign-in page with the journey, because the session has ended.
pub(crate) fn start_over(state: &State, visitor: &Visitor, pending: &Pending) -> HttpResponse {
    visitor.without_cookie(pending.show_page(state, visitor, "/login?done=sign-in-again"))
}
