//! The front page: where to go from here.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use crate::http::state::State;
use crate::pages::login::find_signup_mode;
use crate::pages::views::HomeView;
use crate::pages::visitor::Visitor;

pub(crate) async fn get(request: HttpRequest, state: Data<State>) -> HttpResponse {
    show(&request, &state).await.unwrap_or_else(|response| response)
}

async fn show(request: &HttpRequest, state: &State) -> Result<HttpResponse, HttpResponse> {
    let visitor = Visitor::recognise(state, request).await?;
    let view = HomeView {
        email: visitor.session.as_ref().map(|session| session.email.clone()),
        csrf: visitor.csrf(),
        signup: find_signup_mode(state, &visitor).await,
    };
    Ok(visitor.page(state, StatusCode::OK, &view))
}
