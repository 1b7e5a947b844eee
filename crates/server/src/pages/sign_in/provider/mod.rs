//! Signing in through another provider: there, and back.

pub(crate) mod view;

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use gatepost_engine::kernel::journey::{Act, Journey};
use gatepost_engine::people::providers::trip::{Intent, TRIP_TTL, Trip};
use gatepost_engine::people::providers::{Arrival, ArrivalRefusal, finish_trip, link_offered_identity};
use gatepost_engine::people::sessions::SignedIn;
use gatepost_engine::people::sign_in::throttle::name_network;
use gatepost_engine::people::sign_up::SignUpRefusal;
use gatepost_protocol::issuer::Issuer;
use gatepost_protocol::params::Params;

use crate::http::extract::read_cookie;
use crate::http::policy::Policy;
use crate::http::respond;
use crate::http::state::State;
use crate::pages::invitations;
use crate::pages::kit::errors::view::ErrorKind;
use crate::pages::kit::guard::require_fresh;
use crate::pages::kit::providers::{OfferView, ProviderButton};
use crate::pages::kit::visitor::{Visitor, set_cookie};
use crate::pages::sign_in::continue_request::Pending;
use crate::pages::sign_in::provider::view::{ProviderGoView, ProviderTrouble, ProviderTroubleView};
use crate::providers::{Provider, TripFault};

/// Where linked accounts are managed.
const ACCOUNT_PAGE: &str = "/account/providers";
/// Most characters of one cookie: browsers drop those above 4096 with name and attributes.
const CHUNK: usize = 3500;
/// Most cookies of one trip; a journey is never longer.
const MAX_CHUNKS: usize = 4;
/// More trips than this in one browser are forgotten, so that its requests do not become too long.
const MAX_TRIPS: usize = 6;
/// Cookies of trips that are longer together are forgotten as well: with one more of usual length, proxies still take the line (8 KiB).
const MAX_TRIP_BYTES: usize = 4096;

/// The providers, for the buttons of a page.
pub(crate) fn list_buttons(state: &State) -> Vec<ProviderButton> {
    state.upstream.iter().map(make_button).collect()
}

pub(crate) fn make_button(provider: &Provider) -> ProviderButton {
    ProviderButton { id: provider.id().to_owned(), name: provider.name().to_owned() }
}

/// What is connected after the sign-in that this page asks for.
pub(crate) fn make_offer(state: &State, pending: &Pending) -> Option<OfferView> {
    let offer = pending.journey.link.as_ref()?;
    let provider = state.upstream.find_issuer(&offer.issuer)?;
    Some(OfferView { provider: provider.name().to_owned(), email: offer.email.clone() })
}

/// Sends somebody to a provider to get in; what they came for goes along.
pub(crate) async fn start_sign_in(
    state: &State,
    request: &HttpRequest,
    visitor: &Visitor,
    provider: &Provider,
    pending: Pending,
) -> HttpResponse {
    start_trip(state, (request, visitor), provider, (pending.journey, Intent::SignIn)).await
}

/// Sends somebody to a provider. The answer is a page and not a redirect: browsers apply `form-action` to redirects after a form.
pub(crate) async fn start_trip(
    state: &State,
    (request, visitor): (&HttpRequest, &Visitor),
    provider: &Provider,
    (mut journey, intent): (Journey, Intent),
) -> HttpResponse {
    // another account is offered at most once
    journey.link = None;
    let broken = |error| respond::engine_error_page(state, &visitor.call, &error);
    let trip = match Trip::begin(&visitor.call, provider.id(), journey, intent) {
        Ok(trip) => trip,
        Err(error) => return broken(error),
    };
    let uri = match provider.start(&trip).await {
        Ok(uri) => uri,
        Err(fault) => return show_fault(state, visitor, provider, (trip, fault)).await,
    };
    let sealed = match trip.seal(&visitor.call, &visitor.browser_hash()) {
        Ok(sealed) => sealed,
        Err(error) => return broken(error),
    };
    let view = ProviderGoView { provider: provider.name().to_owned(), uri };
    let mut response = visitor.page(state, StatusCode::OK, &view);
    let issuer = &visitor.call.engine.issuer;
    forget_crowd(request, &mut response, issuer);
    for (index, chunk) in sealed.as_bytes().chunks(CHUNK).enumerate() {
        let chunk = std::str::from_utf8(chunk).unwrap_or_default();
        set_cookie(&mut response, issuer, &name_cookie(issuer, trip.mark(), index), chunk, TRIP_TTL);
    }
    response
}

/// `__Host-` needs TLS, so plain HTTP on this computer goes without (LG8).
fn name_cookie(issuer: &Issuer, mark: &str, index: usize) -> String {
    let prefix = if issuer.is_https() { "__Host-gp_trip" } else { "gp_trip" };
    format!("{prefix}_{mark}_{index}")
}

/// The sealed trip with this mark.
fn read_trip(request: &HttpRequest, issuer: &Issuer, mark: &str) -> String {
    let chunks = (0..MAX_CHUNKS).map_while(|index| read_cookie(request, &name_cookie(issuer, mark, index)));
    chunks.collect()
}

/// Removes the cookies of a trip that is over.
fn forget_trip(request: &HttpRequest, response: &mut HttpResponse, issuer: &Issuer, mark: &str) {
    for index in 0..MAX_CHUNKS {
        let name = name_cookie(issuer, mark, index);
        if read_cookie(request, &name).is_some() {
            set_cookie(response, issuer, &name, "", 0);
        }
    }
}

/// Forgets all trips of a browser that has begun many and finished none.
fn forget_crowd(request: &HttpRequest, response: &mut HttpResponse, issuer: &Issuer) {
    let start = name_cookie(issuer, "", 0);
    let start = start.trim_end_matches("_0");
    let mut trips: Vec<(&str, &str)> = Vec::new();
    for header in request.headers().get_all(header::COOKIE) {
        let pairs = header.to_str().unwrap_or_default().split(';').filter_map(|pair| pair.trim().split_once('='));
        let plain = |name: &str| name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
        trips.extend(pairs.filter(|(name, _)| name.starts_with(start) && plain(name)));
    }
    let bytes: usize = trips.iter().map(|(name, value)| name.len() + value.len()).sum();
    if trips.len() > MAX_TRIPS || bytes > MAX_TRIP_BYTES {
        for (name, _) in trips {
            set_cookie(response, issuer, name, "", 0);
        }
    }
}

pub(crate) async fn callback(request: HttpRequest, provider: Path<String>, state: Data<State>) -> HttpResponse {
    come_back(&request, &provider, &state).await.unwrap_or_else(|response| response)
}

async fn come_back(request: &HttpRequest, id: &str, state: &State) -> Result<HttpResponse, HttpResponse> {
    let visitor = Visitor::of(state, request)?;
    let Some(provider) = state.upstream.find(id) else {
        return Err(respond::error_page(state, &visitor.call, ErrorKind::NotFound));
    };
    let answer = Params::parse(request.query_string().as_bytes())
        .map_err(|_| respond::error_page(state, &visitor.call, ErrorKind::BadRequest))?;
    if let Err(wait) =
        state.limits.count(Policy::of(request).limit, &name_network(&visitor.call.origin.ip), visitor.call.now)
    {
        return Err(respond::wait_page(state, &visitor.call, wait.0));
    }
    let issuer = &visitor.call.engine.issuer;
    let sent = answer.one("state").unwrap_or_default();
    let mark = Trip::read_mark(sent).unwrap_or_default();
    let sealed = read_trip(request, issuer, mark);
    let trip = Trip::open(&visitor.call, &sealed, (provider.id(), &visitor.browser_hash()), sent);
    let Some(trip) = trip else {
        let nowhere = (ProviderTrouble::Gone, None, false);
        return Err(show_trouble(state, &visitor, provider.name(), nowhere));
    };
    let mark = trip.mark().to_owned();
    let mut response = match provider.finish(&trip, &answer, visitor.call.now).await {
        Ok(found) => {
            let (found, trip, session) = (Arc::new(found), Arc::new(trip), visitor.session.clone());
            let end = Arc::clone(&trip);
            let arrival = state
                .write(&visitor.call, move |call, tx| finish_trip(call, tx, &found, &end, session.as_ref()))
                .await
                .map_err(|error| respond::engine_error_page(state, &visitor.call, &error))?;
            go_on(state, &visitor, provider, (&trip, arrival)).await
        }
        Err(fault) => show_fault(state, &visitor, provider, (trip, fault)).await,
    };
    forget_trip(request, &mut response, issuer, &mark);
    Ok(response)
}

/// Goes on with what the person came for.
async fn go_on(
    state: &State,
    visitor: &Visitor,
    provider: &Provider,
    (trip, arrival): (&Trip, Arrival),
) -> HttpResponse {
    let mut pending = match Pending::load(state, visitor, trip.journey.clone()).await {
        Ok(pending) => pending,
        Err(response) => return response,
    };
    match arrival {
        Arrival::In(started) => pending.let_in(state, visitor, started).await,
        Arrival::Linked => visitor.greet(respond::see_other(&visitor.own(&linked_page(provider)))),
        Arrival::SignInFirst(offer) => {
            pending.change(|journey| journey.link = Some(offer));
            // whoever is signed in here now need not be the owner of that address
            pending.show_page(state, visitor, "/login?switch=1")
        }
        Arrival::Refused(refusal) => refuse(state, visitor, provider, (pending, trip, refusal)).await,
    }
}

fn linked_page(provider: &Provider) -> String {
    format!("{ACCOUNT_PAGE}?connected={}", provider.id())
}

async fn refuse(
    state: &State,
    visitor: &Visitor,
    provider: &Provider,
    (pending, trip, refusal): (Pending, &Trip, ArrivalRefusal),
) -> HttpResponse {
    let kind = match refusal {
        ArrivalRefusal::Used => ProviderTrouble::Gone,
        ArrivalRefusal::EmailNotVerified => ProviderTrouble::Unverified,
        ArrivalRefusal::AccountOff => ProviderTrouble::AccountOff,
        ArrivalRefusal::SignUp(refusal) => match refusal {
            SignUpRefusal::Closed => ProviderTrouble::Closed,
            SignUpRefusal::InviteRequired => ProviderTrouble::InviteNeeded,
            SignUpRefusal::Invite(refusal) => {
                return invitations::show_bad_invite(state, visitor, pending, refusal).await;
            }
            SignUpRefusal::Taken => ProviderTrouble::Refused,
        },
        ArrivalRefusal::OwnedByAnother => ProviderTrouble::Taken,
        ArrivalRefusal::SessionOver => return visitor.greet(respond::see_other(&visitor.own(ACCOUNT_PAGE))),
        ArrivalRefusal::NotFresh => return ask_again(state, visitor).await,
    };
    let tx = match pending.seal(state, visitor) {
        Ok(tx) => tx,
        Err(response) => return response,
    };
    show_trouble(state, visitor, provider.name(), (kind, tx, trip.intent != Intent::SignIn))
}

/// The sign-in was young enough when the trip began, and is not any more.
async fn ask_again(state: &State, visitor: &Visitor) -> HttpResponse {
    let back = || visitor.greet(respond::see_other(&visitor.own(ACCOUNT_PAGE)));
    let Some(session) = &visitor.session else { return back() };
    match require_fresh(state, visitor, session, Act::ChangeProviders, ACCOUNT_PAGE).await {
        Err(response) => response,
        Ok(()) => back(),
    }
}

/// What a provider could not or would not do. Nobody is signed in, and what the person came for goes on (SO6).
async fn show_fault(
    state: &State,
    visitor: &Visitor,
    provider: &Provider,
    (trip, fault): (Trip, TripFault),
) -> HttpResponse {
    let linking = trip.intent != Intent::SignIn;
    let reference = &visitor.call.origin.request_id;
    let kind = match &fault {
        TripFault::Unreachable(why) => {
            tracing::warn!(%reference, provider = provider.id(), %why, "a provider does not answer");
            ProviderTrouble::Unreachable
        }
        TripFault::Refused(why) => {
            tracing::info!(%reference, ip = %visitor.call.origin.ip, provider = provider.id(), %why, "a provider's answer is refused");
            ProviderTrouble::Refused
        }
        TripFault::OtherDomain => ProviderTrouble::OtherDomain,
        TripFault::Cancelled if linking => return visitor.greet(respond::see_other(&visitor.own(ACCOUNT_PAGE))),
        TripFault::Cancelled => ProviderTrouble::Gone,
    };
    let pending = match Pending::load(state, visitor, trip.journey).await {
        Ok(pending) => pending,
        Err(response) => return response,
    };
    if matches!(fault, TripFault::Cancelled) {
        return pending.show_page(state, visitor, "/login?done=provider-cancelled");
    }
    match pending.seal(state, visitor) {
        Ok(tx) => show_trouble(state, visitor, provider.name(), (kind, tx, linking)),
        Err(response) => response,
    }
}

fn show_trouble(
    state: &State,
    visitor: &Visitor,
    provider: &str,
    (kind, tx, linking): (ProviderTrouble, Option<String>, bool),
) -> HttpResponse {
    let reference = visitor.call.origin.request_id.clone();
    tracing::info!(%reference, ip = %visitor.call.origin.ip, ?kind, "a trip to a provider came to nothing");
    let view = ProviderTroubleView { kind, provider: provider.to_owned(), tx, linking, reference };
    let status = StatusCode::from_u16(kind.status()).unwrap_or(StatusCode::BAD_REQUEST);
    visitor.page(state, status, &view)
}

/// Links the account elsewhere that was offered before this sign-in, now that it is complete. Gives the page to show if there is nothing
/// else to go on with. Whoever is in stays in, whatever becomes of the link.
pub(crate) async fn link_offer(
    state: &State,
    visitor: &Visitor,
    journey: &Journey,
    session: &SignedIn,
) -> Option<HttpResponse> {
    let offer = journey.link.clone()?;
    let provider = state.upstream.find_issuer(&offer.issuer)?;
    let (signed_in, name) = (session.clone(), provider.name().to_owned());
    let linked = state
        .write(&visitor.call, move |call, tx| link_offered_identity(call, tx, &signed_in, &offer, &name))
        .await
        .inspect_err(|error| crate::http::state::log_error(&visitor.call, error))
        .unwrap_or(false);
    let nothing_else = journey.request.is_none() && journey.back.is_none();
    (linked && nothing_else).then(|| visitor.greet(respond::see_other(&visitor.own(&linked_page(provider)))))
}
