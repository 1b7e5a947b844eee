//! What a signed-in person sees and ends: profile, sessions, connected apps.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path, Payload};
use actix_web::{HttpRequest, HttpResponse};
use gatepost_engine::clients::registry::Catalogue;
use gatepost_engine::oauth::connected_apps::{self, ConnectedApp};
use gatepost_engine::people::account as engine_account;
use gatepost_protocol::redirect_uri::{Target, describe_target};
use gatepost_protocol::scope::ScopeSet;
use gatepost_store::people::sessions::SessionRow as StoredSession;
use gatepost_store::people::users::find_user;

use crate::http::respond;
use crate::http::state::State;
use crate::pages::consent::describe_scopes;
use crate::pages::mailed::change_email::find_pending;
use crate::pages::signup::find_name_fault;
use crate::pages::views::{
    AccountFrame, AppRow, AppsView, EmailState, EndAccessView, ErrorKind, Moment, ProfileView, SessionRow,
    SessionsView, describe_browser,
};
use crate::pages::visitor::{Visitor, read_notice};

type Page = Result<HttpResponse, HttpResponse>;

fn either(page: Page) -> HttpResponse {
    page.unwrap_or_else(|response| response)
}

pub(crate) async fn profile(request: HttpRequest, state: Data<State>) -> HttpResponse {
    either(show_profile(&request, &state).await)
}

async fn show_profile(request: &HttpRequest, state: &State) -> Page {
    let visitor = Visitor::recognise(state, request).await?;
    let (session, frame) = visitor.frame(read_notice(request))?;
    let view = describe_profile(state, &visitor, frame, &session.name).await?;
    Ok(visitor.page(state, StatusCode::OK, &view))
}

async fn describe_profile(
    state: &State,
    visitor: &Visitor,
    frame: AccountFrame,
    name: &str,
) -> Result<ProfileView, HttpResponse> {
    let (session, _) = visitor.frame(None)?;
    let user_id = session.user_id.clone();
    let user = state.read(&visitor.call, move |_, db| Ok(find_user(db, &user_id)?)).await;
    let user = user.map_err(|error| respond::engine_error_page(state, &visitor.call, &error))?;
    let verified = user.as_ref().is_some_and(|user| user.email_verified);
    let pending = find_pending(state, visitor, session).await?;
    let address = EmailState { verified, mail: visitor.call.policy().mail, pending };
    let created = Moment::new(user.map_or(visitor.call.now, |user| user.created_at), visitor.call.now);
    Ok(ProfileView { frame, name: name.to_owned(), created, editable: true, fault: None, address })
}

pub(crate) async fn save_profile(request: HttpRequest, payload: Payload, state: Data<State>) -> HttpResponse {
    either(do_save_profile(&request, payload, &state).await)
}

async fn do_save_profile(request: &HttpRequest, payload: Payload, state: &State) -> Page {
    let (visitor, params) = Visitor::read_post(state, request, payload).await?;
    let (session, frame) = visitor.frame(None)?;
    let name: String = params.one("name").unwrap_or_default().trim().chars().take(300).collect();
    if let Some(fault) = find_name_fault(&name) {
        let mut view = describe_profile(state, &visitor, frame, &name).await?;
        view.fault = Some(fault);
        return Ok(visitor.page(state, StatusCode::UNPROCESSABLE_ENTITY, &view));
    }
    let signed_in = session.clone();
    let saved =
        state.write(&visitor.call, move |call, tx| engine_account::change_name(call, tx, &signed_in, &name)).await;
    saved.map_err(|error| respond::engine_error_page(state, &visitor.call, &error))?;
    Ok(respond::see_other(&visitor.own("/account?done=profile-saved")))
}

pub(crate) async fn sessions(request: HttpRequest, state: Data<State>) -> HttpResponse {
    either(show_sessions(&request, &state).await)
}

async fn show_sessions(request: &HttpRequest, state: &State) -> Page {
    let visitor = Visitor::recognise(state, request).await?;
    let (session, frame) = visitor.frame(read_notice(request))?;
    let (now, current, signed_in) = (visitor.call.now, session.session_id.clone(), session.clone());
    let rows = state.read(&visitor.call, move |call, db| {
        let rows = engine_account::list_sessions(call, db, &signed_in)?;
        let new = engine_account::find_new_places(call, db, &signed_in, &rows)?;
        Ok((rows, new))
    });
    let (rows, new_places) = rows.await.map_err(|error| respond::engine_error_page(state, &visitor.call, &error))?;
    let mut sessions: Vec<SessionRow> = rows
        .into_iter()
        .map(|row| {
            let is_new = row.id != current && new_places.contains(&row.id);
            describe_session(row, &current, is_new, now)
        })
        .collect();
    sessions.sort_by_key(|row| !row.current);
    Ok(visitor.page(state, StatusCode::OK, &SessionsView { frame, sessions }))
}

/// A session as lists show it.
pub(crate) fn describe_session(row: StoredSession, current: &str, new_place: bool, now: i64) -> SessionRow {
    SessionRow {
        current: row.id == current,
        new_place,
        methods: row.methods,
        id: row.id,
        browser: describe_browser(&row.user_agent),
        place: None,
        ip: Some(row.ip).filter(|ip| !ip.is_empty()),
        last_used: Moment::new(row.last_used_at, now),
        signed_in: Moment::new(row.auth_time, now),
    }
}

pub(crate) async fn end_session(request: HttpRequest, payload: Payload, state: Data<State>) -> HttpResponse {
    either(do_end_session(&request, payload, &state).await)
}

async fn do_end_session(request: &HttpRequest, payload: Payload, state: &State) -> Page {
    let (visitor, params) = Visitor::read_post(state, request, payload).await?;
    let (session, _) = visitor.frame(None)?;
    let (signed_in, id) = (session.clone(), params.one("id").unwrap_or_default().to_owned());
    let is_this_one = id == signed_in.session_id;
    let ended =
        state.write(&visitor.call, move |call, tx| engine_account::end_session(call, tx, &signed_in, &id)).await;
    ended.map_err(|error| respond::engine_error_page(state, &visitor.call, &error))?;
    match is_this_one {
        true => Ok(visitor.without_cookie(respond::see_other(&visitor.own("/login?done=sign-in-again")))),
        false => Ok(respond::see_other(&visitor.own("/account/sessions?done=session-ended"))),
    }
}

pub(crate) async fn end_other_sessions(request: HttpRequest, payload: Payload, state: Data<State>) -> HttpResponse {
    either(do_end_other_sessions(&request, payload, &state).await)
}

async fn do_end_other_sessions(request: &HttpRequest, payload: Payload, state: &State) -> Page {
    let (visitor, _) = Visitor::read_post(state, request, payload).await?;
    let (session, _) = visitor.frame(None)?;
    let signed_in = session.clone();
    let ended =
        state.write(&visitor.call, move |call, tx| engine_account::end_other_sessions(call, tx, &signed_in)).await;
    ended.map_err(|error| respond::engine_error_page(state, &visitor.call, &error))?;
    Ok(respond::see_other(&visitor.own("/account/sessions?done=others-ended")))
}

pub(crate) async fn apps(request: HttpRequest, state: Data<State>) -> HttpResponse {
    either(show_apps(&request, &state).await)
}

async fn show_apps(request: &HttpRequest, state: &State) -> Page {
    let visitor = Visitor::recognise(state, request).await?;
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

pub(crate) async fn ask_end_access(request: HttpRequest, client_id: Path<String>, state: Data<State>) -> HttpResponse {
    either(show_end_access(&request, &client_id, &state).await)
}

async fn show_end_access(request: &HttpRequest, client_id: &str, state: &State) -> Page {
    let visitor = Visitor::recognise(state, request).await?;
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

pub(crate) async fn end_access(request: HttpRequest, payload: Payload, state: Data<State>) -> HttpResponse {
    either(do_end_access(&request, payload, &state).await)
}

async fn do_end_access(request: &HttpRequest, payload: Payload, state: &State) -> Page {
    let (visitor, params) = Visitor::read_post(state, request, payload).await?;
    let (session, _) = visitor.frame(None)?;
    let (signed_in, client_id) = (session.clone(), params.one("client_id").unwrap_or_default().to_owned());
    let ended = state
        .write(&visitor.call, move |call, tx| connected_apps::end_app_access(call, tx, &signed_in, &client_id))
        .await;
    ended.map_err(|error| respond::engine_error_page(state, &visitor.call, &error))?;
    Ok(respond::see_other(&visitor.own("/account/apps?done=access-ended")))
}
