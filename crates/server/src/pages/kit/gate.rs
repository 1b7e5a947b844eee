//! The gate before every page: lets through whom the page's line in the router names, with a form only if it is ours.
//!
//! What it found out goes along with the request, so that a handler takes it up ([`Visitor::of`], [`Admin::of`]) and nothing is asked of
//! the database twice. A handler that no gate stands before finds nobody, and answers with an error.

use actix_web::body::BoxBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::middleware::Next;
use actix_web::web::{Data, Payload};
use actix_web::{Error, HttpMessage, HttpRequest, HttpResponse, error};
use gatepost_protocol::params::Params;

use crate::http::policy::{Body, Caller, Policy};
use crate::http::state::State;
use crate::pages::kit::guard::check_admin;
use crate::pages::kit::passkey::Wish;
use crate::pages::kit::visitor::Visitor;
use crate::pages::sign_in::continue_request::Pending;

/// Longest query that goes along to the sign-in page and back.
const MAX_QUERY: usize = 500;

/// Who was let through, and what they sent.
pub(super) struct Admitted {
    pub(super) visitor: Visitor,
    pub(super) sent: Sent,
}

/// What came with a request, read and proven to come from one of our pages.
pub(super) enum Sent {
    Nothing,
    Form(Params),
    Wish(Wish),
}

/// Lets a request through to the route at `path`, or answers it.
pub(crate) async fn admit(
    path: String,
    policy: Policy,
    mut request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let state = request.app_data::<Data<State>>().cloned();
    let state = state.ok_or_else(|| error::ErrorInternalServerError("the server has no state"))?;
    let payload = request.extract::<Payload>().await?;
    match examine(&path, &policy, &state, request.request(), payload).await {
        Ok(admitted) => {
            request.extensions_mut().insert(admitted);
            next.call(request).await
        }
        Err(response) => Ok(request.into_response(response)),
    }
}

async fn examine(
    path: &str,
    policy: &Policy,
    state: &State,
    request: &HttpRequest,
    payload: Payload,
) -> Result<Admitted, HttpResponse> {
    let is_post = request.method() == Method::POST;
    let (visitor, sent) = match (is_post, policy.body) {
        (false, _) => (Visitor::recognise(state, request).await?, Sent::Nothing),
        (true, Body::Json) => {
            let (visitor, wish) = Visitor::read_wish(state, request, payload).await?;
            (visitor, Sent::Wish(wish))
        }
        (true, Body::Form | Body::None) => {
            let (visitor, params) = Visitor::read_form(state, request, payload).await?;
            (visitor, Sent::Form(params))
        }
    };
    match policy.caller {
        Caller::Everybody | Caller::Program => {}
        Caller::Person => {
            if let Err(response) = visitor.frame(None) {
                return Err(match policy.keeps_journey {
                    true => keep_journey(state, request, &visitor, &sent).await?,
                    false => response,
                });
            }
        }
        Caller::Administrator => {
            let back = policy.back.map_or_else(|| fill_in(path, request), str::to_owned);
            check_admin(state, &visitor, &add_query(back, is_post, request)).await?;
        }
    }
    Ok(Admitted { visitor, sent })
}

/// The sign-in page, which goes on with what somebody came here for.
async fn keep_journey(
    state: &State,
    request: &HttpRequest,
    visitor: &Visitor,
    sent: &Sent,
) -> Result<HttpResponse, HttpResponse> {
    let asked = Params::parse(request.query_string().as_bytes()).unwrap_or_default();
    let params = if let Sent::Form(params) = sent { params } else { &asked };
    Ok(Pending::find(state, visitor, params).await?.show_page(state, visitor, "/login"))
}

/// The page that was asked for, to come back to after a sign-in. Of what was sent only plain ids are taken; where something
/// else stands, the page above it must do.
fn fill_in(pattern: &str, request: &HttpRequest) -> String {
    let is_plain = |text: &&str| {
        (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    let mut path = String::new();
    for segment in pattern.split('/').skip(1) {
        let segment = match segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            None => segment,
            Some(name) => match request.match_info().get(name).filter(is_plain) {
                Some(value) => value,
                None => break,
            },
        };
        path.push('/');
        path.push_str(segment);
    }
    path
}

/// A query too long for the way there and back is left out.
fn add_query(path: String, is_post: bool, request: &HttpRequest) -> String {
    match request.query_string() {
        query if is_post || query.is_empty() || query.len() > MAX_QUERY => path,
        query => format!("{path}?{query}"),
    }
}
