//! Extractors for APIs made with actix-web 4 (feature `actix`).
//!
//! ```no_run
//! use actix_web::{App, HttpServer, Responder, get, web};
//! use gatepost_client::actix::{Authorized, BearerSettings, RequiredScopes};
//! use gatepost_client::{ClientIdentity, IntrospectionOptions, Introspector};
//!
//! struct ReadNotes;
//! impl RequiredScopes for ReadNotes {
//!     const SCOPES: &'static [&'static str] = &["notes:read"];
//! }
//!
//! #[get("/notes")]
//! async fn list_notes(caller: Authorized<ReadNotes>) -> impl Responder {
//!     format!("Notes of {}", caller.subject)
//! }
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let api = ClientIdentity::confidential("notes-api", std::env::var("API_SECRET")?);
//! let introspector = Introspector::new(IntrospectionOptions::new("https://auth.example.com", api, "https://notes.example.com"))?;
//! let settings = web::Data::new(BearerSettings::new(introspector));
//! HttpServer::new(move || App::new().app_data(settings.clone()).service(list_notes)).bind(("127.0.0.1", 8000))?.run().await?;
//! # Ok(()) }
//! ```

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::ops::Deref;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::{AUTHORIZATION, CACHE_CONTROL, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::{FromRequest, HttpRequest, HttpResponse, ResponseError, web};

use gatepost_protocol::www_authenticate::{self, BearerFault, parse_bearer};

use crate::introspection::{ActiveToken, IntrospectionError, Introspector};

/// How the API asks and what its refusals say; goes into the app as `web::Data`.
#[derive(Clone, Debug)]
pub struct BearerSettings {
    introspector: Introspector,
    realm: String,
    resource_metadata: Option<String>,
}

impl BearerSettings {
    /// With the API's identifier as realm.
    #[must_use]
    pub fn new(introspector: Introspector) -> Self {
        Self { realm: introspector.resource().to_owned(), introspector, resource_metadata: None }
    }

    /// A name of the API for `realm="…"`.
    #[must_use]
    pub fn with_realm(mut self, realm: impl Into<String>) -> Self {
        self.realm = realm.into();
        self
    }

    /// The address of the API's own metadata, from which clients find the server (RFC 9728 §5.1).
    #[must_use]
    pub fn with_resource_metadata(mut self, url: impl Into<String>) -> Self {
        self.resource_metadata = Some(url.into());
        self
    }
}

/// The scopes that a handler needs, as a type.
pub trait RequiredScopes: 'static {
    /// All of them are needed.
    const SCOPES: &'static [&'static str];
}

/// Any good token will do.
#[derive(Debug)]
pub struct AnyScope;

impl RequiredScopes for AnyScope {
    const SCOPES: &'static [&'static str] = &[];
}

/// A caller with a good token that has the scopes `S`. As an argument of a handler it answers 401, 403 or 503 by itself.
pub struct Authorized<S: RequiredScopes> {
    token: ActiveToken,
    scopes: PhantomData<fn() -> S>,
}

/// A caller with any good token.
pub type Bearer = Authorized<AnyScope>;

impl<S: RequiredScopes> Authorized<S> {
    /// What the server said about the token.
    #[must_use]
    pub fn into_token(self) -> ActiveToken {
        self.token
    }
}

impl<S: RequiredScopes> Deref for Authorized<S> {
    type Target = ActiveToken;

    fn deref(&self) -> &ActiveToken {
        &self.token
    }
}

impl<S: RequiredScopes> fmt::Debug for Authorized<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Authorized").field(&self.token).finish()
    }
}

impl<S: RequiredScopes> FromRequest for Authorized<S> {
    type Error = BearerError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, BearerError>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let settings = request.app_data::<web::Data<BearerSettings>>().cloned();
        let credentials = read_credentials(request);
        Box::pin(async move {
            let Some(settings) = settings else {
                tracing::error!("BearerSettings is missing in app_data");
                return Err(BearerError { kind: Kind::NoSettings, challenge: None });
            };
            let fail = |kind: Kind| BearerError { challenge: kind.describe(&settings, S::SCOPES), kind };
            let token = credentials.map_err(&fail)?;
            let token = settings.introspector.introspect(&token).await.map_err(|error| fail(Kind::from(error)))?;
            if S::SCOPES.iter().all(|scope| token.has_scope(scope)) {
                Ok(Self { token, scopes: PhantomData })
            } else {
                Err(fail(Kind::InsufficientScope))
            }
        })
    }
}

/// The token of the header. Query and body are not looked at: tokens there end up in logs (RFC 6750 §5.3, OAuth 2.1 §5.1).
fn read_credentials(request: &HttpRequest) -> Result<String, Kind> {
    let mut headers = request.headers().get_all(AUTHORIZATION);
    let Some(header) = headers.next() else { return Err(Kind::NoCredentials) };
    if headers.next().is_some() {
        return Err(Kind::InvalidRequest);
    }
    let text = header.to_str().map_err(|_| Kind::InvalidRequest)?;
    match parse_bearer(text) {
        Ok(token) => Ok(token.to_owned()),
        Err(BearerFault::OtherScheme) => Err(Kind::NoCredentials),
        // "malformed" is one of the meanings of invalid_token (RFC 6750 §3.1)
        Err(BearerFault::Malformed) => Err(Kind::InvalidToken),
    }
}

/// A refusal with the `WWW-Authenticate` of RFC 6750 §3.
#[derive(Debug)]
pub struct BearerError {
    kind: Kind,
    challenge: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    NoCredentials,
    InvalidRequest,
    InvalidToken,
    InsufficientScope,
    Unavailable(Option<u64>),
    NoSettings,
}

impl From<IntrospectionError> for Kind {
    fn from(error: IntrospectionError) -> Self {
        match error {
            IntrospectionError::Inactive => Self::InvalidToken,
            IntrospectionError::Unavailable { retry_after, .. } => Self::Unavailable(retry_after),
            IntrospectionError::Misconfigured(_) => Self::Unavailable(None),
        }
    }
}

impl Kind {
    fn code(self) -> Option<&'static str> {
        match self {
            // §3.1: a request without credentials is told no error
            Self::NoCredentials => None,
            Self::InvalidRequest => Some("invalid_request"),
            Self::InvalidToken => Some("invalid_token"),
            Self::InsufficientScope => Some("insufficient_scope"),
            Self::Unavailable(_) | Self::NoSettings => Some("temporarily_unavailable"),
        }
    }

    fn describe(self, settings: &BearerSettings, scopes: &[&str]) -> Option<String> {
        if matches!(self, Self::Unavailable(_) | Self::NoSettings) {
            return None;
        }
        let scope = scopes.join(" ");
        let wanted = (!scope.is_empty()).then_some(scope.as_str());
        let error =
            self.code().map(|code| www_authenticate::BearerError { code, description: self.words(), scope: wanted });
        let told_no_error = error.is_none();
        let mut challenge = www_authenticate::bearer(&settings.realm, error, settings.resource_metadata.as_deref());
        if let Some(scope) = wanted.filter(|_| told_no_error) {
            // a client that has no token yet learns what to ask for
            challenge.push_str(&format!(", scope=\"{scope}\""));
        }
        Some(challenge)
    }

    fn words(self) -> &'static str {
        match self {
            Self::NoCredentials => "Send an access token: Authorization: Bearer <token>.",
            Self::InvalidRequest => "Send one Authorization header.",
            Self::InvalidToken => "The access token is expired, revoked or not for this API.",
            Self::InsufficientScope => "The access token does not allow this.",
            Self::Unavailable(_) | Self::NoSettings => "Tokens cannot be checked now; try again.",
        }
    }
}

impl fmt::Display for BearerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.words())
    }
}

impl std::error::Error for BearerError {}

impl ResponseError for BearerError {
    fn status_code(&self) -> StatusCode {
        match self.kind {
            Kind::NoCredentials | Kind::InvalidToken => StatusCode::UNAUTHORIZED,
            Kind::InvalidRequest => StatusCode::BAD_REQUEST,
            Kind::InsufficientScope => StatusCode::FORBIDDEN,
            Kind::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Kind::NoSettings => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        response.insert_header((CACHE_CONTROL, "no-store"));
        if let Some(challenge) = &self.challenge {
            response.insert_header((WWW_AUTHENTICATE, challenge.as_str()));
        }
        if let Kind::Unavailable(retry_after) = self.kind {
            response.insert_header((RETRY_AFTER, retry_after.unwrap_or(1).to_string()));
        }
        response.json(serde_json::json!({
            "error": self.kind.code().unwrap_or("unauthorized"),
            "error_description": self.to_string(),
        }))
    }
}
