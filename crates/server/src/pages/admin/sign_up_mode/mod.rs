//! Who may create an account, switched while the server runs.

pub(crate) mod view;

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use gatepost_engine::SignUpMode;
use gatepost_engine::audit::Actor;
use gatepost_engine::kernel::journey::Act;
use gatepost_engine::people::sign_up::mode;

use crate::http::respond;
use crate::http::state::State;
use crate::pages::admin::sign_up_mode::view::SignupModeView;
use crate::pages::kit::errors::view::ErrorKind;
use crate::pages::kit::guard::{Admin, require_fresh};
use crate::pages::kit::notice::read_notice;
use crate::pages::kit::view::Moment;

const HERE: &str = "/admin/signup-mode";

pub(crate) async fn get(request: HttpRequest, state: Data<State>) -> HttpResponse {
    show(&request, &state).await.unwrap_or_else(|response| response)
}

async fn show(request: &HttpRequest, state: &State) -> Result<HttpResponse, HttpResponse> {
    let admin = Admin::of(state, request)?;
    require_fresh(state, &admin.visitor, &admin.session, Act::Administer, HERE).await?;
    let call = &admin.visitor.call;
    let choice = state.read(call, mode::find).await;
    let choice = choice.map_err(|error| respond::engine_error_page(state, call, &error))?;
    let view = SignupModeView {
        frame: admin.frame(read_notice(request)),
        mode: choice.mode,
        settings: choice.settings,
        chosen: choice.chosen.map(|(at, _)| Moment::new(at, call.now)),
        mail: call.policy().mail,
    };
    Ok(admin.visitor.page(state, StatusCode::OK, &view))
}

pub(crate) async fn post(request: HttpRequest, state: Data<State>) -> HttpResponse {
    set(&request, &state).await.unwrap_or_else(|response| response)
}

async fn set(request: &HttpRequest, state: &State) -> Result<HttpResponse, HttpResponse> {
    let (admin, params) = Admin::of_form(state, request, HERE).await?;
    let call = &admin.visitor.call;
    let word = params.one("mode").unwrap_or_default();
    let mode = SignUpMode::parse(word);
    if mode.is_none() && word != "default" {
        return Err(respond::error_page(state, call, ErrorKind::BadRequest));
    }
    let id = admin.session.user_id.clone();
    let set = state.write(call, move |call, tx| mode::set(call, tx, Actor::User(&id), mode)).await;
    match set.map_err(|error| respond::engine_error_page(state, call, &error))? {
        Ok(_) => Ok(respond::see_other(&admin.visitor.own("/admin/signup-mode?done=signup-mode-changed"))),
        Err(_) => Err(respond::error_page(state, call, ErrorKind::BadRequest)),
    }
}
