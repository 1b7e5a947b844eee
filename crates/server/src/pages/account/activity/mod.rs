//! What happened to an account, for its person; and "Not you?".

pub(crate) mod view;

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use gatepost_engine::audit::query::{AuditFilter, Cursor, EventPage, list_account_events};
use gatepost_engine::people::account::end_session;
use gatepost_engine::people::sessions::SignedIn;
use gatepost_protocol::params::Params;
use gatepost_store::audit::AuditRow;
use gatepost_store::clients::find_client;

use crate::http::respond;
use crate::http::state::State;
use crate::pages::account::activity::view::{ActivityRow, ActivityShow, ActivityView};
use crate::pages::kit::events::describe_event;
use crate::pages::kit::notice::read_notice;
use crate::pages::kit::texts::write_machine_time;
use crate::pages::kit::visitor::Visitor;

/// How far back the page goes, in days.
const DAYS: i64 = 90;
/// Events of one page.
const PAGE: i64 = 50;

pub(crate) async fn get(request: HttpRequest, state: Data<State>) -> HttpResponse {
    show(&request, &state).await.unwrap_or_else(|response| response)
}

async fn show(request: &HttpRequest, state: &State) -> Result<HttpResponse, HttpResponse> {
    let visitor = Visitor::of(state, request)?;
    let (session, frame) = visitor.frame(read_notice(request))?;
    let params = Params::parse(request.query_string().as_bytes()).ok();
    let asked = |name: &str| params.as_ref().and_then(|params| params.one(name).map(str::to_owned));
    let show = match asked("show").as_deref() {
        Some("sign-ins") => ActivityShow::SignIns,
        Some("changes") => ActivityShow::Changes,
        _ => ActivityShow::All,
    };
    let cursor = asked("at").and_then(|text| Cursor::parse(&text));
    let filter = make_filter(show, visitor.call.now - DAYS * 86_400);
    let signed_in = session.clone();
    let found = state.read(&visitor.call, move |call, db| {
        let page = list_account_events(call, db, (&signed_in.user_id, &filter), cursor.as_ref(), PAGE)?;
        let mut apps = BTreeMap::new();
        for event in page.events.iter().filter(|event| names_app(event)) {
            if let Some(client) = find_client(db, &event.subject_id)? {
                apps.insert(event.subject_id.clone(), client.name);
            }
        }
        Ok((page, apps))
    });
    let (page, apps) = found.await.map_err(|error| respond::engine_error_page(state, &visitor.call, &error))?;
    let EventPage { events, newer, older } = page;
    let rows = events.iter().map(|event| describe_row(event, session, &apps, visitor.call.now)).collect();
    let (newer, older) = (newer.map(|cursor| cursor.to_text()), older.map(|cursor| cursor.to_text()));
    Ok(visitor.page(state, StatusCode::OK, &ActivityView { frame, show, days: DAYS, rows, newer, older }))
}

fn make_filter(show: ActivityShow, since: i64) -> AuditFilter {
    let sessions = Some("session.".to_owned());
    let filter = AuditFilter { since: Some(since), ..AuditFilter::default() };
    match show {
        ActivityShow::All => filter,
        ActivityShow::SignIns => AuditFilter { action_prefix: sessions, ..filter },
        ActivityShow::Changes => AuditFilter { except_prefix: sessions, ..filter },
    }
}

fn names_app(event: &AuditRow) -> bool {
    event.action.starts_with("app.") || event.action.starts_with("consent.")
}

fn describe_row(event: &AuditRow, session: &SignedIn, apps: &BTreeMap<String, String>, now: i64) -> ActivityRow {
    let mut view = describe_event(event, now);
    if let Some(name) = apps.get(&event.subject_id).filter(|_| names_app(event)) {
        view.values.insert("app".into(), name.clone());
    }
    let by_other = event.actor_kind == "user" && event.actor_id != session.user_id;
    if by_other {
        // from where an administrator works is nobody else's business
        (view.ip, view.browser) = (None, None);
    }
    let began = matches!(event.action.as_str(), "session.started" | "session.first_step" | "session.second_step");
    let names_session = event.subject_id != session.user_id && !event.subject_id.is_empty();
    let here = began && !view.refused && event.subject_id == session.session_id;
    let can_end = began && !view.refused && !here && names_session;
    ActivityRow {
        session: can_end.then(|| event.subject_id.clone()),
        suspect: began && !here && !can_end,
        here,
        by_admin: by_other || event.actor_kind == "operator",
        when: write_machine_time(event.at),
        event: view,
    }
}

/// "Not you?": ends that session, and shows where the ways in are changed.
pub(crate) async fn post(request: HttpRequest, state: Data<State>) -> HttpResponse {
    disown(&request, &state).await.unwrap_or_else(|response| response)
}

async fn disown(request: &HttpRequest, state: &State) -> Result<HttpResponse, HttpResponse> {
    let (visitor, params) = Visitor::of_form(state, request)?;
    let (session, _) = visitor.frame(None)?;
    let (signed_in, id) = (session.clone(), params.one("id").unwrap_or_default().to_owned());
    // a session that has ended by itself meanwhile is as good
    let ended = state.write(&visitor.call, move |call, tx| end_session(call, tx, &signed_in, &id)).await;
    ended.map_err(|error| respond::engine_error_page(state, &visitor.call, &error))?;
    Ok(respond::see_other(&visitor.own("/account/security?done=not-you")))
}
