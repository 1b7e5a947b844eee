//! Where somebody is signed in, and how that ends.

pub(crate) mod view;

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use gatepost_engine::people::account::{self as engine_account};
use gatepost_store::people::sessions::SessionRow as StoredSession;

use crate::http::respond;
use crate::http::state::State;
use crate::pages::account::sessions::view::{SessionRow, SessionsView};
use crate::pages::kit::names::describe_browser;
use crate::pages::kit::notice::read_notice;
use crate::pages::kit::view::Moment;
use crate::pages::kit::visitor::Visitor;

type Page = Result<HttpResponse, HttpResponse>;

fn either(page: Page) -> HttpResponse {
    page.unwrap_or_else(|response| response)
}

pub(crate) async fn get(request: HttpRequest, state: Data<State>) -> HttpResponse {
    either(show_sessions(&request, &state).await)
}

async fn show_sessions(request: &HttpRequest, state: &State) -> Page {
    let visitor = Visitor::of(state, request)?;
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

pub(crate) async fn end(request: HttpRequest, state: Data<State>) -> HttpResponse {
    either(do_end_session(&request, &state).await)
}

async fn do_end_session(request: &HttpRequest, state: &State) -> Page {
    let (visitor, params) = Visitor::of_form(state, request)?;
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

pub(crate) async fn end_others(request: HttpRequest, state: Data<State>) -> HttpResponse {
    either(do_end_other_sessions(&request, &state).await)
}

async fn do_end_other_sessions(request: &HttpRequest, state: &State) -> Page {
    let (visitor, _) = Visitor::of_form(state, request)?;
    let (session, _) = visitor.frame(None)?;
    let signed_in = session.clone();
    let ended =
        state.write(&visitor.call, move |call, tx| engine_account::end_other_sessions(call, tx, &signed_in)).await;
    ended.map_err(|error| respond::engine_error_page(state, &visitor.call, &error))?;
    Ok(respond::see_other(&visitor.own("/account/sessions?done=others-ended")))
}
