//! `/account/passkeys`: listed, added, named, removed. Each asks for a fresh sign-in (R-26, PK8).

pub(crate) mod view;

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use gatepost_engine::kernel::journey::Act;
use gatepost_engine::people::factors::passkeys::{
    EnrolRefusal, describe_own_passkeys, find_own_passkey, finish_enrolment, may_rename, remove_passkey, rename_passkey,
};
use gatepost_engine::people::sessions::SignedIn;
use gatepost_engine::people::ways_in::Removal;
use gatepost_protocol::params::Params;

use crate::http::respond;
use crate::http::state::State;
use crate::pages::account::passkeys::view::{
    PasskeyNameView, PasskeyNewView, PasskeyRemoveView, PasskeyRow, PasskeySection, PasskeysView,
};
use crate::pages::kit::errors::view::ErrorKind;
use crate::pages::kit::guard::require_fresh;
use crate::pages::kit::names::{clean_text, describe_browser};
use crate::pages::kit::notice::read_notice;
use crate::pages::kit::passkey::{PasskeyOffer, PasskeyTrouble};
use crate::pages::kit::view::Moment;
use crate::pages::kit::visitor::Visitor;
use crate::pages::sign_in::passkey::read_presented;
use crate::pages::sign_up::find_name_fault;

/// Longest name of a passkey, in characters.
const MAX_NAME: usize = 60;

type Page = Result<HttpResponse, HttpResponse>;

fn either(page: Page) -> HttpResponse {
    page.unwrap_or_else(|response| response)
}

pub(crate) async fn list(request: HttpRequest, state: Data<State>) -> HttpResponse {
    either(show_list(&request, &state).await)
}

async fn show_list(request: &HttpRequest, state: &State) -> Page {
    let visitor = Visitor::of(state, request)?;
    let (session, frame) = visitor.frame(read_notice(request))?;
    let passkeys = describe_section(state, &visitor, session).await?;
    Ok(visitor.page(state, StatusCode::OK, &PasskeysView { frame, passkeys }))
}

/// The passkeys of the person, as pages show them.
pub(crate) async fn describe_section(
    state: &State,
    visitor: &Visitor,
    session: &SignedIn,
) -> Result<PasskeySection, HttpResponse> {
    let signed_in = session.clone();
    let read = state.read(&visitor.call, move |call, db| describe_own_passkeys(call, db, &signed_in)).await;
    let (rows, only) = read.map_err(|error| respond::engine_error_page(state, &visitor.call, &error))?;
    let now = visitor.call.now;
    let describe = |row: gatepost_store::people::passkeys::PasskeyRow| PasskeyRow {
        id: row.id,
        name: row.name,
        added: Moment::new(row.created_at, now),
        last_used: row.last_used_at.map(|at| Moment::new(at, now)),
        flagged: row.flagged_at.is_some(),
        only: only && row.flagged_at.is_none(),
    };
    let available = visitor.call.engine.has_passkeys();
    Ok(PasskeySection { available, rows: rows.into_iter().map(describe).collect() })
}

pub(crate) async fn new(request: HttpRequest, state: Data<State>) -> HttpResponse {
    either(show_new(&request, &state).await)
}

async fn show_new(request: &HttpRequest, state: &State) -> Page {
    let visitor = Visitor::of(state, request)?;
    let (session, frame) = visitor.frame(None)?;
    let offered = is_offered(&Params::parse(request.query_string().as_bytes()).unwrap_or_default());
    require_fresh(state, &visitor, session, Act::ChangePasskeys, new_path(offered)).await?;
    let passkeys = PasskeyOffer::new(visitor.call.engine.has_passkeys());
    Ok(visitor.page(state, StatusCode::OK, &PasskeyNewView { frame, passkeys, offered }))
}

fn is_offered(params: &Params) -> bool {
    params.one("offer") == Some("1")
}

fn new_path(offered: bool) -> &'static str {
    if offered { "/account/passkeys/new?offer=1" } else { "/account/passkeys/new" }
}

pub(crate) async fn add(request: HttpRequest, state: Data<State>) -> HttpResponse {
    either(do_add(&request, &state).await)
}

async fn do_add(request: &HttpRequest, state: &State) -> Page {
    let (visitor, params) = Visitor::of_form(state, request)?;
    let (session, frame) = visitor.frame(None)?;
    let offered = is_offered(&params);
    require_fresh(state, &visitor, session, Act::ChangePasskeys, new_path(offered)).await?;
    let (presented, signed_in) = (read_presented(&visitor, &params), session.clone());
    let otherwise = describe_browser(&visitor.call.origin.user_agent);
    let added = state
        .write(&visitor.call, move |call, tx| finish_enrolment(call, tx, &presented, &signed_in, &otherwise))
        .await
        .map_err(|error| respond::engine_error_page(state, &visitor.call, &error))?;
    let trouble = match added {
        Ok(row) => {
            return Ok(respond::see_other(&visitor.own(&format!("/account/passkeys/{}?done=passkey-added", row.id))));
        }
        Err(EnrolRefusal::Taken) => PasskeyTrouble::Taken,
        Err(EnrolRefusal::Failed | EnrolRefusal::Stale) => PasskeyTrouble::Failed,
    };
    let passkeys = PasskeyOffer { trouble: Some(trouble), ..PasskeyOffer::new(visitor.call.engine.has_passkeys()) };
    Ok(visitor.page(state, StatusCode::UNPROCESSABLE_ENTITY, &PasskeyNewView { frame, passkeys, offered }))
}

async fn find(
    state: &State,
    visitor: &Visitor,
    session: &SignedIn,
    id: &str,
) -> Result<gatepost_store::people::passkeys::PasskeyRow, HttpResponse> {
    let (signed_in, id) = (session.clone(), id.to_owned());
    let row = state.read(&visitor.call, move |_, db| find_own_passkey(db, &signed_in, &id)).await;
    let row = row.map_err(|error| respond::engine_error_page(state, &visitor.call, &error))?;
    row.ok_or_else(|| not_found(state, visitor))
}

fn not_found(state: &State, visitor: &Visitor) -> HttpResponse {
    respond::error_page(state, &visitor.call, ErrorKind::NotFound)
}

/// A passkey that was added just now may be named without a further question.
async fn require_for_name(
    state: &State,
    visitor: &Visitor,
    session: &SignedIn,
    row: &gatepost_store::people::passkeys::PasskeyRow,
) -> Result<(), HttpResponse> {
    if may_rename(&visitor.call, row) {
        return Ok(());
    }
    require_fresh(state, visitor, session, Act::ChangePasskeys, &format!("/account/passkeys/{}", row.id)).await
}

pub(crate) async fn ask_name(request: HttpRequest, id: Path<String>, state: Data<State>) -> HttpResponse {
    either(show_name(&request, &id, &state).await)
}

async fn show_name(request: &HttpRequest, id: &str, state: &State) -> Page {
    let visitor = Visitor::of(state, request)?;
    let (session, frame) = visitor.frame(read_notice(request))?;
    let row = find(state, &visitor, session, id).await?;
    require_for_name(state, &visitor, session, &row).await?;
    let view = PasskeyNameView { frame, id: row.id, name: row.name, fault: None };
    Ok(visitor.page(state, StatusCode::OK, &view))
}

pub(crate) async fn rename(request: HttpRequest, id: Path<String>, state: Data<State>) -> HttpResponse {
    either(do_rename(&request, &id, &state).await)
}

async fn do_rename(request: &HttpRequest, id: &str, state: &State) -> Page {
    let (visitor, params) = Visitor::of_form(state, request)?;
    let (session, frame) = visitor.frame(None)?;
    let row = find(state, &visitor, session, id).await?;
    require_for_name(state, &visitor, session, &row).await?;
    let name = clean_text(params.one("name").unwrap_or_default().trim(), MAX_NAME);
    if let Some(fault) = find_name_fault(&name) {
        let view = PasskeyNameView { frame, id: row.id, name, fault: Some(fault) };
        return Ok(visitor.page(state, StatusCode::UNPROCESSABLE_ENTITY, &view));
    }
    let signed_in = session.clone();
    let renamed =
        state.write(&visitor.call, move |call, tx| rename_passkey(call, tx, &signed_in, &row.id, &name)).await;
    match renamed.map_err(|error| respond::engine_error_page(state, &visitor.call, &error))? {
        true => Ok(respond::see_other(&visitor.own("/account/passkeys?done=passkey-renamed"))),
        false => Err(not_found(state, &visitor)),
    }
}

pub(crate) async fn ask_remove(request: HttpRequest, id: Path<String>, state: Data<State>) -> HttpResponse {
    either(show_remove(&request, &id, &state).await)
}

async fn show_remove(request: &HttpRequest, id: &str, state: &State) -> Page {
    let visitor = Visitor::of(state, request)?;
    let (session, frame) = visitor.frame(None)?;
    let row = find(state, &visitor, session, id).await?;
    require_fresh(state, &visitor, session, Act::ChangePasskeys, &format!("/account/passkeys/{id}/remove")).await?;
    let section = describe_section(state, &visitor, session).await?;
    let only = section.rows.iter().any(|passkey| passkey.id == row.id && passkey.only);
    let view = PasskeyRemoveView { frame, id: row.id, name: row.name, only, last_admin: false };
    Ok(visitor.page(state, StatusCode::OK, &view))
}

pub(crate) async fn remove(request: HttpRequest, id: Path<String>, state: Data<State>) -> HttpResponse {
    either(do_remove(&request, &id, &state).await)
}

async fn do_remove(request: &HttpRequest, id: &str, state: &State) -> Page {
    let (visitor, _) = Visitor::of_form(state, request)?;
    let (session, frame) = visitor.frame(None)?;
    let row = find(state, &visitor, session, id).await?;
    require_fresh(state, &visitor, session, Act::ChangePasskeys, &format!("/account/passkeys/{id}/remove")).await?;
    let (signed_in, asked) = (session.clone(), row.id.clone());
    let removed = state.write(&visitor.call, move |call, tx| remove_passkey(call, tx, &signed_in, &asked)).await;
    match removed.map_err(|error| respond::engine_error_page(state, &visitor.call, &error))? {
        Removal::Done => Ok(respond::see_other(&visitor.own("/account/passkeys?done=passkey-removed"))),
        Removal::Refused => Err(not_found(state, &visitor)),
        why @ (Removal::LastWayIn | Removal::LastAdministrator) => {
            let last_admin = why == Removal::LastAdministrator;
            let view = PasskeyRemoveView { frame, id: row.id, name: row.name, only: !last_admin, last_admin };
            Ok(visitor.page(state, StatusCode::CONFLICT, &view))
        }
    }
}
