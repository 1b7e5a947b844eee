//! The front page: where to go from here.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use gatepost_engine::SignUpMode;

use crate::pages::views::HomeView;
use crate::pages::visitor::Visitor;
use crate::state::State;

pub(crate) async fn get(request: HttpRequest, state: Data<State>) -> HttpResponse {
    match Visitor::recognise(&state, &request).await {
        Ok(visitor) => {
            let view = HomeView {
                email: visitor.session.as_ref().map(|session| session.email.clone()),
                csrf: visitor.csrf(),
                signup_open: visitor.call.engine.policy.sign_up == SignUpMode::Open,
            };
            visitor.page(&state, StatusCode::OK, &view)
        }
        Err(response) => response,
    }
}
