//! Reading requests: bounded, with a deadline, and strict.

use std::pin::pin;
use std::task::Poll;

use actix_web::http::header;
use actix_web::web::{Bytes, BytesMut, Payload};
use actix_web::{HttpRequest, http::StatusCode};
use futures_util::{StreamExt, poll};
use gatepost_protocol::params::{Params, ParamsFault};
use serde::de::DeserializeOwned;

use crate::http::policy::{Body, Policy};
use crate::http::state::State;

/// Why a form could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FormFault {
    /// not `application/x-www-form-urlencoded`
    ContentType,
    /// the body is compressed
    Encoding,
    /// the body is larger than allowed
    TooLarge,
    /// the body did not arrive in time
    TooSlow,
    /// the connection broke
    Broken,
    /// the form itself
    Params(ParamsFault),
    /// not JSON, or not the fields that are expected
    Json,
}

impl FormFault {
    pub(crate) fn status(self) -> StatusCode {
        match self {
            Self::ContentType | Self::Params(_) | Self::Json | Self::Broken => StatusCode::BAD_REQUEST,
            Self::Encoding => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
        }
    }

    pub(crate) fn public(self) -> &'static str {
        match self {
            Self::ContentType => "The body must be application/x-www-form-urlencoded.",
            Self::Encoding => "Compressed bodies are not accepted.",
            Self::TooLarge => "The body is too large.",
            Self::TooSlow => "The body took too long.",
            Self::Broken => "The body did not arrive.",
            Self::Params(_) => "The parameters are malformed.",
            Self::Json => "The JSON is malformed.",
        }
    }
}

/// Reads a form. actix has a deadline for the head only; this is the one for the whole body.
pub(crate) async fn read_form(state: &State, request: &HttpRequest, payload: Payload) -> Result<Params, FormFault> {
    let limit = state.settings.http.form_limit.as_bytes();
    allow_body(request, Body::Form)?;
    let body = read_body(state, request, payload, ("application/x-www-form-urlencoded", limit)).await?;
    Params::parse(&body).map_err(FormFault::Params)
}

/// Largest body of JSON.
const MAX_JSON: usize = 64 * 1024;

/// Reads JSON into a type of plain fields, which bounds its depth.
pub(crate) async fn read_json<T: DeserializeOwned>(
    state: &State,
    request: &HttpRequest,
    payload: Payload,
) -> Result<T, FormFault> {
    allow_body(request, Body::Json)?;
    let body = read_body(state, request, payload, ("application/json", MAX_JSON)).await?;
    serde_json::from_slice(&body).map_err(|_| FormFault::Json)
}

/// Only the body that the route's line allows is read.
fn allow_body(request: &HttpRequest, body: Body) -> Result<(), FormFault> {
    if Policy::of(request).body == body { Ok(()) } else { Err(FormFault::TooLarge) }
}

/// Reads a body of this media type, at most so long.
async fn read_body(
    state: &State,
    request: &HttpRequest,
    payload: Payload,
    (expected, limit): (&str, usize),
) -> Result<Bytes, FormFault> {
    let text = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
    let media_type = text(header::CONTENT_TYPE).unwrap_or_default().split(';').next().unwrap_or_default();
    if !media_type.trim().eq_ignore_ascii_case(expected) {
        return Err(FormFault::ContentType);
    }
    if text(header::CONTENT_ENCODING).is_some_and(|encoding| !encoding.eq_ignore_ascii_case("identity")) {
        return Err(FormFault::Encoding);
    }
    let announced = text(header::CONTENT_LENGTH).and_then(|length| length.parse::<usize>().ok());
    if announced.is_some_and(|length| length > limit) {
        return Err(FormFault::TooLarge);
    }
    let mut body = pin!(collect_body(payload, limit));
    // a small form has nearly always arrived with its head, and then needs no timer
    match poll!(&mut body) {
        Poll::Ready(body) => body,
        Poll::Pending => {
            let patience = state.settings.http.body_timeout.as_duration();
            tokio::time::timeout(patience, body).await.map_err(|_| FormFault::TooSlow)?
        }
    }
}

/// A form nearly always arrives in one piece, which is then not copied.
async fn collect_body(mut payload: Payload, limit: usize) -> Result<Bytes, FormFault> {
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    while let Some(piece) = payload.next().await {
        let piece = piece.map_err(|_| FormFault::Broken)?;
        if first.len() + rest.len() + piece.len() > limit {
            return Err(FormFault::TooLarge);
        }
        if first.is_empty() {
            first = piece;
        } else {
            rest.extend_from_slice(&piece);
        }
    }
    if rest.is_empty() {
        return Ok(first);
    }
    let mut whole = BytesMut::from(first.as_ref());
    whole.extend_from_slice(&rest);
    Ok(whole.freeze())
}

/// The Authorization header; one that cannot be used is empty.
pub(crate) fn read_authorization(request: &HttpRequest) -> Option<&str> {
    let mut values = request.headers().get_all(header::AUTHORIZATION);
    let value = values.next()?;
    // what is not text, or comes twice, is nobody's credential, but it was an attempt to use the header (CA-04)
    Some(if values.next().is_some() { "" } else { value.to_str().unwrap_or("") })
}

/// The value of a cookie; a second one of the same name is an attempt to plant one (LG8), so there is none then.
pub(crate) fn read_cookie<'r>(request: &'r HttpRequest, name: &str) -> Option<&'r str> {
    let mut found = None;
    for header in request.headers().get_all(header::COOKIE) {
        for pair in header.to_str().ok()?.split(';') {
            let Some((key, value)) = pair.trim().split_once('=') else { continue };
            if key == name && found.replace(value).is_some() {
                return None;
            }
        }
    }
    found
}
