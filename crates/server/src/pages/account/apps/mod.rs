//! The apps that may use the account, and how that ends.

pub(crate) mod view;

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use gatepost_engine::clients::registry::Catalogue;
use gatepost_engine::oauth::connected_apps::{self, ConnectedApp};
use gatepost_protocol::redirect_uri::{Target, describe_target};
use gatepost_protocol::scope::ScopeSet;

use crate::http::respond;
use crate::http::state::State;
use crate::pages::account::apps::view::{AppRow, AppsView, EndAccessView};
use crate::pages::consent::describe_scopes;
use crate::pages::kit::errors::view::ErrorKind;
use crate::pages::kit::notice::read_notice;
use crate::pages::kit::view::Moment;
use crate::pages::kit::visitor::Visitor;

type Page = Result<HttpResponse, HttpResponse>;

fn either(page: Page) -> HttpResponse {
    page.unwrap_or_else(|response| response)
}

pub(crate) async fn get(request: HttpRequest, state: Data<State>) -> HttpResponse {
    either(show_apps(&request, &state).await)
}

async fn show_apps(request: &HttpRequest, state: &State) -> Page {
    let visitor = Visitor::of(state, request)?;
    let (_, frame) = visitor.frame(read_notice(request))?;
    let apps = list_apps(state, &visitor).await?;
    let catalogue = state.find_catalogue(&visitor.call).await;
    let catalogue = catalogue.map_err(|error| respond::engine_error_page(state, &visitor.call, &error))?;
    let apps = apps.into_iter().map(|app| describe_app(&catalogue, app, visitor.call.now)).collect();
    let away = visitor.call.engine.policy.refresh_absolute_ttl / 86_400;
    let view = AppsView { frame, apps, away_days: u32::try_from(away.max(1)).unwrap_or(u32::MAX) };
    Ok(visitor.page(state, StatusCode::OK, &view))
}

async fn list_apps(state: &State, visitor: &Visitor) -> Result<Vec<ConnectedApp>, HttpResponse> {
    let (session, _) = visitor.frame(None)?;
    let signed_in = session.clone();
    let apps = state.read(&visitor.call, move |call, db| connected_apps::list_apps(call, db, &signed_in)).await;
    apps.map_err(|error| respond::engine_error_page(state, &visitor.call, &error))
}

fn describe_app(catalogue: &Catalogue, app: ConnectedApp, now: i64) -> AppRow {
    let host = app.redirect_uris.iter().find_map(|uri| match describe_target(uri) {
        Target::Https { host } => Some(host),
        _ => None,
    });
    AppRow {
        client_id: app.client_id,
        name: app.name,
        host,
        scopes: describe_scopes(catalogue, &app.scopes, &ScopeSet::default()),
        since: Moment::new(app.since, now),
        last_used: Some(Moment::new(app.last_used, now)),
        unverified: !app.verified,
    }
}

pub(crate) async fn ask_end(request: HttpRequest, client_id: Path<String>, state: Data<State>) -> HttpResponse {
    either(show_end_access(&request, &client_id, &state).await)
}

async fn show_end_access(request: &HttpRequest, client_id: &str, state: &State) -> Page {
    let visitor = Visitor::of(state, request)?;
    let (_, frame) = visitor.frame(None)?;
    let apps = list_apps(state, &visitor).await?;
    match apps.into_iter().find(|app| app.client_id == client_id) {
        Some(app) => {
            let view = EndAccessView { frame, client_id: app.client_id, app: app.name };
            Ok(visitor.page(state, StatusCode::OK, &view))
        }
        None => Err(respond::error_page(state, &visitor.call, ErrorKind::NotFound)),
    }
}

pub(crate) async fn end(request: HttpRequest, state: Data<State>) -> HttpResponse {
    either(do_end_access(&request, &state).await)
}

async fn do_end_access(request: &HttpRequest, state: &State) -> Page {
    let (visitor, params) = Visitor::of_form(state, request)?;
    let (session, _) = visitor.frame(None)?;
    let (signed_in, client_id) = (session.clone(), params.one("client_id").unwrap_or_default().to_owned());
    let ended = state
        .write(&visitor.call, move |call, tx| connected_apps::end_app_access(call, tx, &signed_in, &client_id))
        .await;
    ended.map_err(|error| respond::engine_error_page(state, &visitor.call, &error))?;
    Ok(respond::see_other(&visitor.own("/account/apps?done=access-ended")))
}
