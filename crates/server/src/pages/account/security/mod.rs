//! Security: what lets somebody in, on one page, and whether a second step is asked for.

pub(crate) mod view;

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use gatepost_engine::kernel::journey::Act;
use gatepost_engine::people::factors::attempt::{Factors, find_factors};
use gatepost_engine::people::factors::second_step::{Toggled, set_second_step};
use gatepost_engine::people::sessions::SignedIn;

use crate::http::respond;
use crate::http::state::State;
use crate::pages::account::passkeys::describe_section;
use crate::pages::account::recovery_codes::show_codes;
use crate::pages::account::security::view::{SecurityView, ToggleView};
use crate::pages::kit::guard::{require_fresh, write_fresh};
use crate::pages::kit::notice::read_notice;
use crate::pages::kit::view::Moment;
use crate::pages::kit::visitor::Visitor;

type Page = Result<HttpResponse, HttpResponse>;

/// What this account has to be confirmed with.
pub(crate) async fn load_factors(
    state: &State,
    visitor: &Visitor,
    session: &SignedIn,
) -> Result<Factors, HttpResponse> {
    let user_id = session.user_id.clone();
    let factors = state.read(&visitor.call, move |_, db| find_factors(db, &user_id)).await;
    factors.map_err(|error| respond::engine_error_page(state, &visitor.call, &error))
}

pub(crate) async fn get(request: HttpRequest, state: Data<State>) -> HttpResponse {
    show(&request, &state).await.unwrap_or_else(|response| response)
}

async fn show(request: &HttpRequest, state: &State) -> Page {
    let visitor = Visitor::of(state, request)?;
    let (session, frame) = visitor.frame(read_notice(request))?;
    let factors = load_factors(state, &visitor, session).await?;
    let moment = |at: i64| Moment::new(at, visitor.call.now);
    let passkeys = describe_section(state, &visitor, session).await?;
    let view = SecurityView {
        frame,
        password: factors.password,
        password_changed: factors.password_changed_at.map(moment),
        second_step: factors.second_step,
        authenticator: factors.authenticator.map(moment),
        passkey: factors.passkey,
        codes_left: factors.recovery_codes,
        passkeys,
        providers: state.upstream.iter().next().is_some(),
    };
    Ok(visitor.page(state, StatusCode::OK, &view))
}

/// Where somebody comes back to after confirming.
const TOGGLE: &str = "/account/second-step";

pub(crate) async fn ask_toggle(request: HttpRequest, state: Data<State>) -> HttpResponse {
    show_toggle(&request, &state).await.unwrap_or_else(|response| response)
}

async fn show_toggle(request: &HttpRequest, state: &State) -> Page {
    let visitor = Visitor::of(state, request)?;
    let (session, frame) = visitor.frame(None)?;
    require_fresh(state, &visitor, session, Act::ChangeSecondStep, TOGGLE).await?;
    let factors = load_factors(state, &visitor, session).await?;
    // with an authenticator app there is a page of its own, and without a passkey there is nothing to ask for
    if factors.authenticator.is_some() || !factors.passkey {
        return Err(respond::see_other(&visitor.own("/account/security")));
    }
    Ok(visitor.page(state, StatusCode::OK, &ToggleView { frame, on: factors.second_step }))
}

pub(crate) async fn toggle(request: HttpRequest, state: Data<State>) -> HttpResponse {
    do_toggle(&request, &state).await.unwrap_or_else(|response| response)
}

async fn do_toggle(request: &HttpRequest, state: &State) -> Page {
    let (visitor, params) = Visitor::of_form(state, request)?;
    let (session, frame) = visitor.frame(None)?;
    require_fresh(state, &visitor, session, Act::ChangeSecondStep, TOGGLE).await?;
    let (again, on) = ((Act::ChangeSecondStep, TOGGLE), params.one("on") == Some("true"));
    match write_fresh(state, &visitor, session, again, move |call, tx, fresh| set_second_step(call, tx, fresh, on))
        .await?
    {
        Toggled::On(codes) => Ok(show_codes(state, &visitor, frame, None, &codes, "second-step-on")),
        Toggled::Off => Ok(respond::see_other(&visitor.own("/account/security?done=second-step-off"))),
        Toggled::Refused => Ok(respond::see_other(&visitor.own("/account/security"))),
    }
}
