//! Pages that do not exist.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use crate::pages::views::ErrorKind;
use crate::respond::error_page;
use crate::state::State;

pub(crate) async fn not_found(request: HttpRequest, state: Data<State>) -> HttpResponse {
    error_page(&state, &state.call(&request), ErrorKind::NotFound)
}
