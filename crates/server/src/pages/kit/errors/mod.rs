//! Pages that do not exist.

pub(crate) mod compare;
pub(crate) mod view;

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use crate::http::respond::error_page;
use crate::http::state::State;
use crate::pages::kit::errors::view::ErrorKind;

pub(crate) async fn not_found(request: HttpRequest, state: Data<State>) -> HttpResponse {
    error_page(&state, &state.call(&request), ErrorKind::NotFound)
}
