//! The name and address of the account.

pub(crate) mod view;

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use gatepost_engine::people::account::{self as engine_account};
use gatepost_store::people::users::find_user;

use crate::http::respond;
use crate::http::state::State;
use crate::pages::account::email::find_pending;
use crate::pages::account::email::view::EmailState;
use crate::pages::account::profile::view::ProfileView;
use crate::pages::kit::frames::AccountFrame;
use crate::pages::kit::notice::read_notice;
use crate::pages::kit::view::Moment;
use crate::pages::kit::visitor::Visitor;
use crate::pages::sign_up::find_name_fault;

type Page = Result<HttpResponse, HttpResponse>;

fn either(page: Page) -> HttpResponse {
    page.unwrap_or_else(|response| response)
}

pub(crate) async fn get(request: HttpRequest, state: Data<State>) -> HttpResponse {
    either(show_profile(&request, &state).await)
}

async fn show_profile(request: &HttpRequest, state: &State) -> Page {
    let visitor = Visitor::of(state, request)?;
    let (session, frame) = visitor.frame(read_notice(request))?;
    let view = describe_profile(state, &visitor, frame, &session.name).await?;
    Ok(visitor.page(state, StatusCode::OK, &view))
}

async fn describe_profile(
    state: &State,
    visitor: &Visitor,
    frame: AccountFrame,
    name: &str,
) -> Result<ProfileView, HttpResponse> {
    let (session, _) = visitor.frame(None)?;
    let user_id = session.user_id.clone();
    let user = state.read(&visitor.call, move |_, db| Ok(find_user(db, &user_id)?)).await;
    let user = user.map_err(|error| respond::engine_error_page(state, &visitor.call, &error))?;
    let verified = user.as_ref().is_some_and(|user| user.email_verified);
    let pending = find_pending(state, visitor, session).await?;
    let address = EmailState { verified, mail: visitor.call.policy().mail, pending };
    let created = Moment::new(user.map_or(visitor.call.now, |user| user.created_at), visitor.call.now);
    Ok(ProfileView { frame, name: name.to_owned(), created, editable: true, fault: None, address })
}

pub(crate) async fn post(request: HttpRequest, state: Data<State>) -> HttpResponse {
    either(do_save_profile(&request, &state).await)
}

async fn do_save_profile(request: &HttpRequest, state: &State) -> Page {
    let (visitor, params) = Visitor::of_form(state, request)?;
    let (session, frame) = visitor.frame(None)?;
    let name: String = params.one("name").unwrap_or_default().trim().chars().take(300).collect();
    if let Some(fault) = find_name_fault(&name) {
        let mut view = describe_profile(state, &visitor, frame, &name).await?;
        view.fault = Some(fault);
        return Ok(visitor.page(state, StatusCode::UNPROCESSABLE_ENTITY, &view));
    }
    let signed_in = session.clone();
    let saved =
        state.write(&visitor.call, move |call, tx| engine_account::change_name(call, tx, &signed_in, &name)).await;
    saved.map_err(|error| respond::engine_error_page(state, &visitor.call, &error))?;
    Ok(respond::see_other(&visitor.own("/account?done=profile-saved")))
}
