//! Linked accounts of a signed-in person.

pub(crate) mod view;

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use gatepost_engine::kernel::journey::{Act, Journey};
use gatepost_engine::people::providers::trip::Intent;
use gatepost_engine::people::providers::{Linked, list_linked, unlink_identity};
use gatepost_engine::people::ways_in::Removal;
use gatepost_protocol::params::Params;
use gatepost_store::people::identities::IdentityRow;

use crate::http::respond;
use crate::http::state::State;
use crate::pages::account::providers::view::{LinkedRow, ProvidersView};
use crate::pages::kit::errors::view::ErrorKind;
use crate::pages::kit::guard::{require_fresh, write_fresh};
use crate::pages::kit::notice::read_notice;
use crate::pages::kit::view::Moment;
use crate::pages::kit::visitor::Visitor;
use crate::pages::sign_in::provider::{make_button, start_trip};

const PAGE: &str = "/account/providers";

pub(crate) async fn get(request: HttpRequest, state: Data<State>) -> HttpResponse {
    show(&request, &state).await.unwrap_or_else(|response| response)
}

async fn show(request: &HttpRequest, state: &State) -> Result<HttpResponse, HttpResponse> {
    let visitor = Visitor::of(state, request)?;
    let (session, frame) = visitor.frame(read_notice(request))?;
    let signed_in = session.clone();
    let found = state.read(&visitor.call, move |call, db| list_linked(call, db, &signed_in)).await;
    let Linked { identities, ways } =
        found.map_err(|error| respond::engine_error_page(state, &visitor.call, &error))?;
    let params = Params::parse(request.query_string().as_bytes()).unwrap_or_default();
    let others = state.upstream.iter();
    let others = others.filter(|provider| !identities.iter().any(|identity| identity.provider == provider.id()));
    let view = ProvidersView {
        frame,
        others: others.map(make_button).collect(),
        linked: identities.iter().map(|row| describe(state, row, ways.count() <= 1, visitor.call.now)).collect(),
        connected: params.one("connected").and_then(|id| state.upstream.find(id)).map(|one| one.name().to_owned()),
        disconnected: params.one("done") == Some("disconnected"),
        refused: params.one("done") == Some("only-way"),
    };
    Ok(visitor.page(state, StatusCode::OK, &view))
}

/// `only`: the person has one way in. A link to a provider that is not in the settings any more is none.
fn describe(state: &State, row: &IdentityRow, only: bool, now: i64) -> LinkedRow {
    let provider = state.upstream.find_issuer(&row.issuer);
    LinkedRow {
        provider: provider.map_or(row.provider.as_str(), |provider| provider.name()).to_owned(),
        issuer: row.issuer.clone(),
        subject: row.subject.clone(),
        email: row.email.clone(),
        since: Moment::new(row.created_at, now),
        last_used: Moment::new(row.last_used_at, now),
        last_way: only && provider.is_some(),
    }
}

pub(crate) async fn link(request: HttpRequest, state: Data<State>) -> HttpResponse {
    do_link(&request, &state).await.unwrap_or_else(|response| response)
}

async fn do_link(request: &HttpRequest, state: &State) -> Result<HttpResponse, HttpResponse> {
    let (visitor, params) = Visitor::of_form(state, request)?;
    let (session, _) = visitor.frame(None)?;
    require_fresh(state, &visitor, session, Act::ChangeProviders, PAGE).await?;
    let Some(provider) = params.one("provider").and_then(|id| state.upstream.find(id)) else {
        return Err(respond::error_page(state, &visitor.call, ErrorKind::NotFound));
    };
    let intent = Intent::Link { user_id: session.user_id.clone(), session_id: session.session_id.clone() };
    let mut journey = Journey::begin(&visitor.call, visitor.browser_hash());
    journey.back = Some(PAGE.to_owned());
    Ok(start_trip(state, (request, &visitor), provider, (journey, intent)).await)
}

pub(crate) async fn unlink(request: HttpRequest, state: Data<State>) -> HttpResponse {
    do_unlink(&request, &state).await.unwrap_or_else(|response| response)
}

async fn do_unlink(request: &HttpRequest, state: &State) -> Result<HttpResponse, HttpResponse> {
    let (visitor, params) = Visitor::of_form(state, request)?;
    let (session, _) = visitor.frame(None)?;
    require_fresh(state, &visitor, session, Act::ChangeProviders, PAGE).await?;
    let field = |name| params.one(name).unwrap_or_default().to_owned();
    let (issuer, subject) = (field("issuer"), field("subject"));
    let name = state.upstream.find_issuer(&issuer).map_or(issuer.as_str(), |provider| provider.name()).to_owned();
    let unlinked = write_fresh(state, &visitor, session, (Act::ChangeProviders, PAGE), move |call, tx, fresh| {
        unlink_identity(call, tx, fresh, (&issuer, &subject), &name)
    });
    let done = match unlinked.await? {
        Removal::Done => "?done=disconnected",
        Removal::LastWayIn | Removal::LastAdministrator => "?done=only-way",
        Removal::Refused => "",
    };
    Ok(respond::see_other(&visitor.own(&format!("{PAGE}{done}"))))
}
