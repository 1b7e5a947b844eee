//! Signing out of this browser.

pub(crate) mod view;

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use gatepost_engine::people::account::end_session;

use crate::http::respond;
use crate::http::state::State;
use crate::pages::kit::visitor::Visitor;
use crate::pages::sign_out::view::{LogoutView, SignedOutView};

fn signed_out(state: &State, visitor: &Visitor) -> HttpResponse {
    let view = SignedOutView { app: None, return_to: None, still: Vec::new() };
    visitor.without_cookie(visitor.page(state, StatusCode::OK, &view))
}

/// A link may not sign anybody out: it asks.
pub(crate) async fn get(request: HttpRequest, state: Data<State>) -> HttpResponse {
    let visitor = match Visitor::of(&state, &request) {
        Ok(visitor) => visitor,
        Err(response) => return response,
    };
    // who is in the middle of signing in may stop there as well
    match visitor.session.as_ref().or(visitor.half.as_ref()) {
        Some(session) => {
            let view = LogoutView { csrf: visitor.csrf(), tx: None, app: None, email: session.email.clone() };
            visitor.page(&state, StatusCode::OK, &view)
        }
        None => signed_out(&state, &visitor),
    }
}

/// Ends the session here and in the database.
pub(crate) async fn post(request: HttpRequest, state: Data<State>) -> HttpResponse {
    let visitor = match Visitor::of_form(&state, &request) {
        Ok((visitor, _)) => visitor,
        Err(response) => return response,
    };
    if let Some(session) = visitor.session.clone().or(visitor.half.clone()) {
        let id = session.session_id.clone();
        let ended = state.write(&visitor.call, move |call, tx| end_session(call, tx, &session, &id)).await;
        if let Err(error) = ended {
            // the cookie stays as well: nothing is half done
            return respond::engine_error_page(&state, &visitor.call, &error);
        }
    }
    signed_out(&state, &visitor)
}
