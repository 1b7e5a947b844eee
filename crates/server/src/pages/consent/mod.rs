//! Asking whether an app may.

pub(crate) mod view;

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use gatepost_engine::clients::registry::{Catalogue, OFFLINE_ACCESS};
use gatepost_engine::oauth::consent::{NextStep, find_allowed_scopes, refuse_request};
use gatepost_engine::people::sessions::SignedIn;
use gatepost_protocol::grant_type::GrantType;
use gatepost_protocol::params::Params;
use gatepost_protocol::scope::ScopeSet;

use crate::http::respond;
use crate::http::state::State;
use crate::pages::consent::view::{ApiView, ConsentView, Trust};
use crate::pages::kit::errors::view::ErrorKind;
use crate::pages::kit::return_to::ReturnTo;
use crate::pages::kit::scopes::ScopeView;
use crate::pages::kit::visitor::Visitor;
use crate::pages::sign_in::continue_request::{Arrived, Asked, Pending};

const DAY: i64 = 86_400;

pub(crate) async fn get(request: HttpRequest, state: Data<State>) -> HttpResponse {
    show(&request, &state).await.unwrap_or_else(|response| response)
}

async fn show(request: &HttpRequest, state: &State) -> Result<HttpResponse, HttpResponse> {
    let visitor = Visitor::of(state, request)?;
    let params = Params::parse(request.query_string().as_bytes()).unwrap_or_default();
    let (pending, session) = find_pending(state, &visitor, &params).await?;
    let asked = find_asked(state, &visitor, &pending)?;
    match asked.next_step(state, &visitor, &session).await? {
        NextStep::Consent => {}
        step => return Ok(pending.take_step(state, &visitor, step, Some(&session), Arrived::ByGet).await),
    }
    let view = make_view(state, &visitor, &pending, &session).await?;
    Ok(visitor.page(state, StatusCode::OK, &view))
}

/// The request and the person; without either there is nothing to ask.
async fn find_pending(state: &State, visitor: &Visitor, params: &Params) -> Result<(Pending, SignedIn), HttpResponse> {
    let pending = Pending::find(state, visitor, params).await?;
    find_asked(state, visitor, &pending)?;
    match &visitor.session {
        Some(session) => Ok((pending, session.clone())),
        None => Err(pending.take_step(state, visitor, NextStep::SignIn, None, Arrived::ByGet).await),
    }
}

/// Without an app there is nothing to allow.
fn find_asked<'p>(state: &State, visitor: &Visitor, pending: &'p Pending) -> Result<Asked<'p>, HttpResponse> {
    let too_old = || visitor.greet(respond::error_page(state, &visitor.call, ErrorKind::RequestTooOld));
    pending.asked().ok_or_else(too_old)
}

async fn make_view(
    state: &State,
    visitor: &Visitor,
    pending: &Pending,
    session: &SignedIn,
) -> Result<ConsentView, HttpResponse> {
    let asked = find_asked(state, visitor, pending)?;
    let trouble = |error: gatepost_engine::Error| respond::engine_error_page(state, &visitor.call, &error);
    let catalogue = state.find_catalogue(&visitor.call).await.map_err(trouble)?;
    let (user_id, client_id) = (session.user_id.clone(), asked.client.client_id.clone());
    let before = state.read(&visitor.call, move |_, db| find_allowed_scopes(db, &user_id, &client_id)).await;
    let before = before.map_err(trouble)?;
    let client = asked.client;
    let mut scopes = describe_scopes(&catalogue, &asked.request.scopes, &before);
    // what comes with every sign-in is shown as well: the address, and for a client that may refresh, that it keeps its access
    let keeps = client.may_use(GrantType::RefreshToken).then_some(OFFLINE_ACCESS);
    for implied in std::iter::once("email").chain(keeps) {
        if !asked.request.scopes.contains(implied) {
            let already = !before.is_empty();
            scopes.push(ScopeView { already, ..describe_scope(&catalogue, implied, &before) });
        }
    }
    let idle = client.refresh_absolute_ttl.unwrap_or(visitor.call.engine.policy.refresh_absolute_ttl);
    let apis = asked.request.resources.iter().filter_map(|resource| catalogue.find_by_resource(resource));
    Ok(ConsentView {
        csrf: visitor.csrf(),
        tx: pending.seal(state, visitor)?.unwrap_or_default(),
        app: client.name.clone(),
        email: session.email.clone(),
        trust: match client.verified {
            true => Trust::Verified { publisher: None },
            false => Trust::Unverified { host: None },
        },
        scopes,
        away_days: u32::try_from((idle / DAY).max(1)).unwrap_or(u32::MAX),
        returns_to: ReturnTo::new(asked.request.redirect.uri()),
        apis: apis.map(|server| ApiView { name: server.name.clone(), uri: server.resource.clone() }).collect(),
    })
}

/// The sentences of scopes, as the API that defines each wrote them.
pub(crate) fn describe_scopes(catalogue: &Catalogue, scopes: &ScopeSet, before: &ScopeSet) -> Vec<ScopeView> {
    scopes.iter().map(|name| describe_scope(catalogue, name, before)).collect()
}

fn describe_scope(catalogue: &Catalogue, name: &str, before: &ScopeSet) -> ScopeView {
    let known = catalogue.find_scope(name);
    let api = known.and_then(|scope| catalogue.find_by_id(&scope.resource_server_id));
    ScopeView {
        name: name.to_owned(),
        sentence: known.map(|scope| scope.description.clone()),
        api: api.map(|server| server.name.clone()),
        sensitive: known.is_some_and(|scope| scope.sensitive),
        already: before.contains(name),
    }
}

pub(crate) async fn post(request: HttpRequest, state: Data<State>) -> HttpResponse {
    decide(&request, &state).await.unwrap_or_else(|response| response)
}

async fn decide(request: &HttpRequest, state: &State) -> Result<HttpResponse, HttpResponse> {
    let (visitor, params) = Visitor::of_form(state, request)?;
    let (pending, session) = find_pending(state, &visitor, &params).await?;
    let asked = find_asked(state, &visitor, &pending)?;
    let step = asked.next_step(state, &visitor, &session).await?;
    if matches!(step, NextStep::SignIn | NextStep::SecondFactor) {
        return Ok(pending.take_step(state, &visitor, step, Some(&session), Arrived::ByForm).await);
    }
    match params.one("decision") {
        Some("allow") => Ok(pending.send_code(state, &visitor, &session, true, Arrived::ByForm).await),
        Some("deny") => {
            let request = asked.request.clone();
            let url = state.write(&visitor.call, move |call, tx| refuse_request(call, tx, &request, &session)).await;
            let url = url.map_err(|error| respond::engine_error_page(state, &visitor.call, &error))?;
            Ok(asked.send_away(state, &visitor, url, Arrived::ByForm))
        }
        _ => Err(respond::error_page(state, &visitor.call, ErrorKind::BadRequest)),
    }
}
