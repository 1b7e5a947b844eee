//! Pages that do not exist.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use crate::http::respond::error_page;
use crate::http::state::State;
use crate::pages::views::ErrorKind;

pub(crate) async fn not_found(request: HttpRequest, state: Data<State>) -> HttpResponse {
    error_page(&state, &state.call(&request), ErrorKind::NotFound)
}
