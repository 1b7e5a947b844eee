//! Rendering answers: JSON, redirects and pages, each in one place.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use gatepost_engine::{Call, Error, Refused};
use gatepost_protocol::error::{ErrorBody, ErrorCode, clean_description};
use gatepost_protocol::www_authenticate;

use crate::http::state::{State, log_error};
use crate::pages::kit::errors::view::{ErrorKind, ErrorView};
use crate::pages::kit::render::STRICT_TRANSPORT;
use crate::pages::kit::view::View;

/// JSON that depends on a credential.
pub(crate) fn json(status: StatusCode, body: String) -> HttpResponse {
    HttpResponse::build(status)
        .insert_header((header::CONTENT_TYPE, HeaderValue::from_static("application/json")))
        .insert_header((header::CACHE_CONTROL, HeaderValue::from_static("no-store")))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")))
        .body(body)
}

/// Lets any web page read this answer: it never depends on a cookie (C-01).
pub(crate) fn allow_any_origin(mut response: HttpResponse) -> HttpResponse {
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("WWW-Authenticate"));
    response
}

/// The answer to a preflight request for such an endpoint (C-01, C-02).
pub(crate) fn preflight(methods: &'static str) -> HttpResponse {
    HttpResponse::NoContent()
        .insert_header((header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"))
        .insert_header((header::ACCESS_CONTROL_ALLOW_METHODS, methods))
        .insert_header((
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            "Authorization, Content-Type, DPoP, MCP-Protocol-Version, Accept",
        ))
        .insert_header((header::ACCESS_CONTROL_MAX_AGE, "600"))
        .finish()
}

/// An error of a JSON endpoint, in the one form that OAuth clients understand (OAuth 2.1 §3.2.4).
pub(crate) fn oauth_error(call: &Call, error: &Error) -> HttpResponse {
    log_error(call, error);
    match error {
        Error::Refused(refused) => refusal(call, refused),
        Error::Store(_) => unavailable(2),
        Error::Internal(_) => {
            oauth_body(StatusCode::INTERNAL_SERVER_ERROR, ErrorCode::ServerError, "Something is broken here.")
        }
    }
}

fn refusal(call: &Call, refused: &Refused) -> HttpResponse {
    let status = StatusCode::from_u16(refused.code.status()).unwrap_or(StatusCode::BAD_REQUEST);
    let mut response = oauth_body(status, refused.code, refused.public);
    if refused.code == ErrorCode::InvalidClient {
        // RFC 9110 wants a challenge with every 401, and OAuth one of the scheme that was used
        let challenge = www_authenticate::basic(call.engine.issuer.as_str());
        if let Ok(value) = HeaderValue::from_str(&challenge) {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, value);
        }
    }
    response
}

/// The body of an error at this status.
pub(crate) fn oauth_body(status: StatusCode, code: ErrorCode, public: &str) -> HttpResponse {
    let body = ErrorBody { error: code.as_str().to_owned(), error_description: Some(clean_description(public)) };
    json(status, serde_json::to_string(&body).unwrap_or_default())
}

/// 503: our trouble, never a statement about a token or a client.
pub(crate) fn unavailable(seconds: u64) -> HttpResponse {
    let public = "The database cannot be reached. Try again.";
    let mut response = oauth_body(StatusCode::SERVICE_UNAVAILABLE, ErrorCode::TemporarilyUnavailable, public);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    response
}

/// 429: too many failures.
pub(crate) fn too_many(seconds: u64) -> HttpResponse {
    let public = "Too many failed requests. Wait a moment.";
    let mut response = oauth_body(StatusCode::TOO_MANY_REQUESTS, ErrorCode::TemporarilyUnavailable, public);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    response
}

/// 303 See Other: never 307, which would repeat a form with a password elsewhere.
pub(crate) fn see_other(url: &str) -> HttpResponse {
    let location = HeaderValue::from_str(url).unwrap_or_else(|_| HeaderValue::from_static("/"));
    HttpResponse::SeeOther()
        .insert_header((header::LOCATION, location))
        .insert_header((header::CACHE_CONTROL, HeaderValue::from_static("no-store")))
        .insert_header((header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")))
        .finish()
}

/// A page with the headers that belong to it.
pub(crate) fn page<V: View>(state: &State, status: StatusCode, view: &V) -> HttpResponse {
    let mut response = HttpResponse::build(status);
    for (name, value) in V::headers() {
        response.insert_header((HeaderName::from_static_lower(name), HeaderValue::from_static(value)));
    }
    if state.installation.engine.issuer.is_https() {
        response.insert_header((HeaderName::from_static_lower(STRICT_TRANSPORT.0), STRICT_TRANSPORT.1));
    }
    response.body(state.pages.render(view))
}

/// Header names are written as people write them in the tables; HTTP wants them in lower case.
trait LowerName {
    fn from_static_lower(name: &str) -> HeaderName;
}

impl LowerName for HeaderName {
    fn from_static_lower(name: &str) -> HeaderName {
        HeaderName::from_bytes(name.as_bytes()).unwrap_or(header::VARY)
    }
}

/// An error page for people.
pub(crate) fn error_page(state: &State, call: &Call, kind: ErrorKind) -> HttpResponse {
    let status = StatusCode::from_u16(kind.status()).unwrap_or(StatusCode::BAD_REQUEST);
    let mut response = page(state, status, &ErrorView::new(kind, call.origin.request_id.clone()));
    name_request(&mut response, call, &kind);
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(2));
    }
    response
}

/// The reference on the page is also in the log and in a header.
fn name_request(response: &mut HttpResponse, call: &Call, kind: &ErrorKind) {
    tracing::info!(reference = %call.origin.request_id, ip = %call.origin.ip, ?kind, "error page");
    if let Ok(value) = HeaderValue::from_str(&call.origin.request_id) {
        response.headers_mut().insert(HeaderName::from_static("x-request-id"), value);
    }
}

/// 429 for people.
pub(crate) fn wait_page(state: &State, call: &Call, seconds: u64) -> HttpResponse {
    let mut view = ErrorView::new(ErrorKind::TooManyTries, call.origin.request_id.clone());
    view.wait_seconds = Some(seconds);
    let mut response = page(state, StatusCode::TOO_MANY_REQUESTS, &view);
    name_request(&mut response, call, &view.kind);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    response
}

/// The page for an error of the engine.
pub(crate) fn engine_error_page(state: &State, call: &Call, error: &Error) -> HttpResponse {
    log_error(call, error);
    let kind = match error {
        Error::Refused(_) => ErrorKind::BadRequest,
        Error::Store(_) => ErrorKind::Unavailable,
        Error::Internal(_) => ErrorKind::Broken,
    };
    error_page(state, call, kind)
}
