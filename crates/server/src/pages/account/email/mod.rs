//! The address of an account: changing it, and proving it (LG11).

pub(crate) mod view;

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use gatepost_engine::kernel::journey::{Act, Journey};
use gatepost_engine::people::mailed_links::{cancel_change, find_pending_change, request_change, request_verify};
use gatepost_engine::people::sessions::SignedIn;

use crate::http::respond;
use crate::http::state::State;
use crate::pages::account::email::view::ChangeEmailView;
use crate::pages::kit::fault::Fault;
use crate::pages::kit::guard::{require_fresh, write_fresh};
use crate::pages::kit::notice::read_notice;
use crate::pages::kit::visitor::Visitor;
use crate::pages::sign_in::continue_request::Pending;
use crate::pages::sign_in::mailed::{asking, go_check, need_mail, trouble};
use crate::pages::sign_in::verify::read_address;

const HERE: &str = "/account/email";

/// The address that waits to be confirmed, if there is one.
pub(crate) async fn find_pending(
    state: &State,
    visitor: &Visitor,
    session: &SignedIn,
) -> Result<Option<String>, HttpResponse> {
    let signed_in = session.clone();
    let pending = state.read(&visitor.call, move |call, db| find_pending_change(call, db, &signed_in)).await;
    pending.map_err(trouble(state, visitor))
}

/// A journey of nothing but the link.
async fn begin(state: &State, visitor: &Visitor) -> Result<Pending, HttpResponse> {
    Pending::load(state, visitor, Journey::begin(&visitor.call, visitor.browser_hash())).await
}

pub(crate) async fn get(request: HttpRequest, state: Data<State>) -> HttpResponse {
    show(&request, &state).await.unwrap_or_else(|response| response)
}

async fn show(request: &HttpRequest, state: &State) -> Result<HttpResponse, HttpResponse> {
    let visitor = Visitor::of(state, request)?;
    let (session, frame) = visitor.frame(read_notice(request))?;
    need_mail(state, &visitor)?;
    require_fresh(state, &visitor, session, Act::ChangeEmail, HERE).await?;
    let pending = find_pending(state, &visitor, session).await?;
    let view = ChangeEmailView { frame, email: String::new(), pending, fault: None };
    Ok(visitor.page(state, StatusCode::OK, &view))
}

pub(crate) async fn post(request: HttpRequest, state: Data<State>) -> HttpResponse {
    ask(&request, &state).await.unwrap_or_else(|response| response)
}

async fn ask(request: &HttpRequest, state: &State) -> Result<HttpResponse, HttpResponse> {
    let (visitor, params) = Visitor::of_form(state, request)?;
    let (session, frame) = visitor.frame(None)?;
    need_mail(state, &visitor)?;
    require_fresh(state, &visitor, session, Act::ChangeEmail, HERE).await?;
    let typed: String = params.one("email").unwrap_or_default().chars().take(254).collect();
    let journey = begin(state, &visitor).await?;
    let fault = match read_address(&typed) {
        Ok(email) => {
            let asking = asking(&visitor, &journey.journey);
            let check = write_fresh(state, &visitor, session, (Act::ChangeEmail, HERE), move |call, tx, fresh| {
                request_change(call, tx, &asking, fresh, &email)
            });
            match check.await? {
                Some(check) => return go_check(state, &visitor, &journey, &check),
                None => Fault::EmailSame,
            }
        }
        Err(fault) => fault,
    };
    let pending = find_pending(state, &visitor, session).await?;
    let view = ChangeEmailView { frame, email: typed, pending, fault: Some(fault) };
    Ok(visitor.page(state, StatusCode::UNPROCESSABLE_ENTITY, &view))
}

pub(crate) async fn cancel(request: HttpRequest, state: Data<State>) -> HttpResponse {
    let done = async {
        let (visitor, _) = Visitor::of_form(&state, &request)?;
        let (session, _) = visitor.frame(None)?;
        let signed_in = session.clone();
        let cancelled = state.write(&visitor.call, move |call, tx| cancel_change(call, tx, &signed_in)).await;
        cancelled.map_err(trouble(&state, &visitor))?;
        Ok(respond::see_other(&visitor.own("/account?done=change-cancelled")))
    };
    done.await.unwrap_or_else(|response: HttpResponse| response)
}

pub(crate) async fn verify(request: HttpRequest, state: Data<State>) -> HttpResponse {
    let done = async {
        let (visitor, _) = Visitor::of_form(&state, &request)?;
        let (session, _) = visitor.frame(None)?;
        need_mail(&state, &visitor)?;
        let journey = begin(&state, &visitor).await?;
        let (asking, signed_in) = (asking(&visitor, &journey.journey), session.clone());
        let check = state.write(&visitor.call, move |call, tx| request_verify(call, tx, &asking, &signed_in)).await;
        match check.map_err(trouble(&state, &visitor))? {
            Some(check) => go_check(&state, &visitor, &journey, &check),
            None => Ok(respond::see_other(&visitor.own("/account?done=email-confirmed"))),
        }
    };
    done.await.unwrap_or_else(|response: HttpResponse| response)
}
