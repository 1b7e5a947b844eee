//! The front page: where to go from here.

pub(crate) mod view;

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use crate::http::state::State;
use crate::pages::home::view::HomeView;
use crate::pages::kit::visitor::Visitor;
use crate::pages::sign_in::login::find_signup_mode;

pub(crate) async fn get(request: HttpRequest, state: Data<State>) -> HttpResponse {
    show(&request, &state).await.unwrap_or_else(|response| response)
}

async fn show(request: &HttpRequest, state: &State) -> Result<HttpResponse, HttpResponse> {
    let visitor = Visitor::of(state, request)?;
    let view = HomeView {
        email: visitor.session.as_ref().map(|session| session.email.clone()),
        csrf: visitor.csrf(),
        signup: find_signup_mode(state, &visitor).await,
    };
    Ok(visitor.page(state, StatusCode::OK, &view))
}
