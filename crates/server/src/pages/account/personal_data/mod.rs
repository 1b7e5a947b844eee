//! Taking one's data along, and leaving.

pub(crate) mod view;

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_DISPOSITION, HeaderValue};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use gatepost_engine::audit::query::{AuditFilter, list_account_events, show_event};
use gatepost_engine::kernel::journey::Act;
use gatepost_engine::people::sessions::SignedIn;
use gatepost_engine::personal_data::{Belongings, collect_data, count_belongings, delete_own_account, note_download};
use gatepost_engine::{Error, Result as EngineResult};
use serde_json::{Value, json};

use crate::http::respond;
use crate::http::state::State;
use crate::pages::account::personal_data::view::{DataView, DeleteView, DeletedView};
use crate::pages::kit::errors::view::ErrorKind;
use crate::pages::kit::frames::AccountFrame;
use crate::pages::kit::guard::require_fresh;
use crate::pages::kit::visitor::Visitor;

type Page = Result<HttpResponse, HttpResponse>;

const DATA: (Act, &str) = (Act::DownloadData, "/account/data");
const DELETE: (Act, &str) = (Act::DeleteAccount, "/account/delete");

/// Events of one read.
const PAGE: i64 = 1000;
/// Reads for one download: more events than a person ever makes.
const PAGES: usize = 100;

fn trouble(state: &State, visitor: &Visitor, error: &Error) -> HttpResponse {
    respond::engine_error_page(state, &visitor.call, error)
}

/// Who asks, freshly signed in.
async fn recognise(
    state: &State,
    request: &HttpRequest,
    (act, back): (Act, &str),
) -> Result<(Visitor, SignedIn, AccountFrame), HttpResponse> {
    let visitor = Visitor::of(state, request)?;
    let (session, frame) = visitor.frame(None)?;
    let session = session.clone();
    require_fresh(state, &visitor, &session, act, back).await?;
    Ok((visitor, session, frame))
}

async fn read_post(
    state: &State,
    request: &HttpRequest,
    (act, back): (Act, &str),
) -> Result<(Visitor, SignedIn), HttpResponse> {
    let (visitor, _) = Visitor::of_form(state, request)?;
    let session = visitor.frame(None)?.0.clone();
    require_fresh(state, &visitor, &session, act, back).await?;
    Ok((visitor, session))
}

pub(crate) async fn show_data(request: HttpRequest, state: Data<State>) -> HttpResponse {
    let shown = async {
        let (visitor, _, frame) = recognise(&state, &request, DATA).await?;
        Ok(visitor.page(&state, StatusCode::OK, &DataView { frame }))
    };
    shown.await.unwrap_or_else(|response: HttpResponse| response)
}

pub(crate) async fn download(request: HttpRequest, state: Data<State>) -> HttpResponse {
    do_download(&request, &state).await.unwrap_or_else(|response| response)
}

async fn do_download(request: &HttpRequest, state: &State) -> Page {
    let (visitor, session) = read_post(state, request, DATA).await?;
    let signed_in = session.clone();
    // first, so that the download is in it
    let noted = state.write(&visitor.call, move |call, tx| note_download(call, tx, &signed_in)).await;
    noted.map_err(|error| trouble(state, &visitor, &error))?;
    let signed_in = session.clone();
    let data = state.read(&visitor.call, move |call, db| collect_data(call, db, &signed_in)).await;
    let Some(mut data) = data.map_err(|error| trouble(state, &visitor, &error))? else {
        return Err(respond::error_page(state, &visitor.call, ErrorKind::NotFound));
    };
    let (activity, complete) =
        collect_activity(state, &visitor, &session).await.map_err(|error| trouble(state, &visitor, &error))?;
    data["activity"] = json!({"events": activity, "complete": complete});
    let mut response = respond::json(StatusCode::OK, format!("{data:#}\n"));
    response
        .headers_mut()
        .insert(CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=\"my-data.json\""));
    Ok(response)
}

/// All events of the person, and whether these are all.
async fn collect_activity(state: &State, visitor: &Visitor, session: &SignedIn) -> EngineResult<(Vec<Value>, bool)> {
    let (mut events, mut cursor) = (Vec::new(), None);
    for _ in 0..PAGES {
        let (user_id, from) = (session.user_id.clone(), cursor.take());
        let page = state.read(&visitor.call, move |call, db| {
            list_account_events(call, db, (&user_id, &AuditFilter::default()), from.as_ref(), PAGE)
        });
        let page = page.await?;
        events.extend(page.events.iter().map(|event| {
            let mut shown = show_event(event);
            if event.actor_kind == "user" && event.actor_id != session.user_id {
                // from where somebody else works is not this person's data
                for name in ["actor_id", "ip", "user_agent"] {
                    shown[name] = Value::Null;
                }
            }
            shown
        }));
        cursor = page.older;
        if cursor.is_none() {
            return Ok((events, true));
        }
    }
    Ok((events, false))
}

pub(crate) async fn ask_delete(request: HttpRequest, state: Data<State>) -> HttpResponse {
    let shown = async {
        let (visitor, session, frame) = recognise(&state, &request, DELETE).await?;
        let counted = state.read(&visitor.call, move |call, db| count_belongings(call, db, &session)).await;
        let Belongings { sessions, apps, passkeys, identities, last_admin } =
            counted.map_err(|error| trouble(&state, &visitor, &error))?;
        let view = DeleteView { frame, sessions, apps, passkeys, identities, last_admin };
        Ok(visitor.page(&state, StatusCode::OK, &view))
    };
    shown.await.unwrap_or_else(|response: HttpResponse| response)
}

pub(crate) async fn delete(request: HttpRequest, state: Data<State>) -> HttpResponse {
    do_delete(&request, &state).await.unwrap_or_else(|response| response)
}

async fn do_delete(request: &HttpRequest, state: &State) -> Page {
    let (visitor, session) = read_post(state, request, DELETE).await?;
    let deleted = state.write(&visitor.call, move |call, tx| delete_own_account(call, tx, &session)).await;
    match deleted.map_err(|error| trouble(state, &visitor, &error))? {
        Ok(_) => Ok(visitor.without_cookie(visitor.page(state, StatusCode::OK, &DeletedView {}))),
        // the page says why
        Err(_) => Ok(respond::see_other(&visitor.own("/account/delete"))),
    }
}
