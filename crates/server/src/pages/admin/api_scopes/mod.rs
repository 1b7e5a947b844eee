//! What apps can ask for: the scopes of all APIs of this installation.

#[cfg(test)]
pub(crate) mod samples;
pub(crate) mod view;

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use gatepost_engine::clients::registry::Catalogue;

use super::shared::{Page, either, trouble};
use crate::http::state::State;
use crate::pages::kit::guard::Admin;
use view::{ApiScopeRow, ApiScopesView};

pub(crate) async fn get(request: HttpRequest, state: Data<State>) -> HttpResponse {
    either(show(&request, &state).await)
}

async fn show(request: &HttpRequest, state: &State) -> Page {
    let admin = Admin::of(state, request)?;
    let catalogue = state.find_catalogue(&admin.visitor.call).await.map_err(|error| trouble(state, &admin, &error))?;
    let view = ApiScopesView { frame: admin.frame(None), scopes: list_rows(&catalogue) };
    Ok(admin.visitor.page(state, StatusCode::OK, &view))
}

/// By API, then by name; a scope whose API is gone is left out.
fn list_rows(catalogue: &Catalogue) -> Vec<ApiScopeRow> {
    let mut rows: Vec<ApiScopeRow> = Vec::new();
    for scope in &catalogue.scopes {
        let Some(api) = catalogue.find_by_id(&scope.resource_server_id) else { continue };
        rows.push(ApiScopeRow {
            api: api.name.clone(),
            disabled: api.disabled,
            name: scope.name.clone(),
            description: scope.description.clone(),
            sensitive: scope.sensitive,
        });
    }
    rows.sort_by(|a, b| (&a.api, &a.name).cmp(&(&b.api, &b.name)));
    rows
}
