//! Between our types and those of oxide-auth.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use gatepost_protocol::error::ErrorCode;
use gatepost_protocol::scope::ScopeSet;
use oxide_auth::primitives::grant::{Extensions, Grant};
use oxide_auth::primitives::registrar::{BoundClient, ExactUrl, PreGrant, RegisteredUrl};
use oxide_auth::primitives::scope::Scope;

use crate::kernel::error::{Error, Refused, Result};

/// Where a grant without a redirect URI says that it goes; oxide-auth insists on one.
pub(super) const NO_REDIRECT: &str = "urn:gatepost:none";

/// What a stored grant is to oxide-auth.
pub(super) struct StoredGrant<'a> {
    pub(super) owner_id: &'a str,
    pub(super) client_id: &'a str,
    pub(super) scopes: &'a ScopeSet,
    pub(super) redirect_uri: &'a str,
    pub(super) extensions: Extensions,
}

impl StoredGrant<'_> {
    /// The grant for a machine's `Recovered` input. It never expires there: the statement that fetched it has checked
    /// the time against the call's clock, and oxide-auth would ask another one.
    pub(super) fn into_grant(self) -> Result<Box<Grant>> {
        let uri = self.redirect_uri;
        Ok(Box::new(Grant {
            owner_id: self.owner_id.to_owned(),
            client_id: self.client_id.to_owned(),
            scope: to_oxide_scope(self.scopes)?,
            redirect_uri: uri.parse().map_err(|_| Error::Internal(format!("a stored URI does not parse: {uri}")))?,
            until: DateTime::<Utc>::MAX_UTC,
            extensions: self.extensions,
        }))
    }
}

/// The client and its URI for a machine's `Bound` input. They were compared before, on raw strings.
pub(super) fn bind_client(client_id: &str, redirect_uri: &str) -> Result<BoundClient<'static>> {
    let url: ExactUrl = redirect_uri.parse().map_err(|_| broken("the redirect URI does not parse"))?;
    Ok(BoundClient { client_id: Cow::Owned(client_id.to_owned()), redirect_uri: Cow::Owned(RegisteredUrl::Exact(url)) })
}

/// The same client with the scopes that were decided on, for a machine's `Negotiated` input.
pub(super) fn agree_on(bound: &BoundClient<'_>, scopes: &ScopeSet) -> Result<PreGrant> {
    Ok(PreGrant {
        client_id: bound.client_id.to_string(),
        redirect_uri: bound.redirect_uri.clone().into_owned(),
        scope: to_oxide_scope(scopes)?,
    })
}

/// An empty scope has no form on the wire, but it exists: a token that says only who somebody is.
const EMPTY_SCOPE: &str = "gatepost:none";

fn to_oxide_scope(scopes: &ScopeSet) -> Result<Scope> {
    let text = if scopes.is_empty() { EMPTY_SCOPE.to_owned() } else { scopes.to_string() };
    text.parse().map_err(|_| Error::Internal("a stored scope does not parse".into()))
}

/// The scope in sorted order; oxide-auth keeps a hash set.
pub(super) fn from_oxide_scope(scope: &Scope) -> ScopeSet {
    scope.iter().filter(|name| *name != EMPTY_SCOPE).map(str::to_owned).collect()
}

/// A machine came to an end that no request can bring about.
pub(super) fn broken(what: &str) -> Error {
    Error::Internal(format!("oxide-auth: {what}"))
}

/// The machine refused by itself: which of our errors that is.
pub(super) fn translate_token_error(kind: &str) -> Refused {
    match kind {
        "invalid_scope" => Refused::new(ErrorCode::InvalidScope, "The scope exceeds what was granted."),
        "invalid_grant" => Refused::new(ErrorCode::InvalidGrant, "The grant is not valid for this request."),
        "unauthorized_client" => Refused::new(ErrorCode::UnauthorizedClient, "The client may not use this grant."),
        "unsupported_grant_type" => Refused::new(ErrorCode::UnsupportedGrantType, "The grant type is not supported."),
        "invalid_client" => Refused::new(ErrorCode::InvalidClient, "Client authentication failed."),
        _ => Refused::new(ErrorCode::InvalidRequest, "A parameter is missing or malformed."),
    }
}
