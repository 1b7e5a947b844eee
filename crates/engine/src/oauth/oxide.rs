//! oxide-auth's low-level state machines, driven by hand.
//!
//! The machines decide the order of the steps, which parameters a grant needs, whether client, redirect URI and scope of
//! a grant fit the request, and PKCE. What they get wrong for OAuth 2.1 is answered before they are asked:
//! `docs/architecture.md` lists it, and the tests of `tests/endpoints` pin each.

use std::borrow::Cow;
use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use gatepost_protocol::error::ErrorCode;
use gatepost_protocol::params::Params;
use gatepost_protocol::scope::ScopeSet;
use oxide_auth::code_grant::accesstoken::Authorization as CodeAuthorization;
use oxide_auth::code_grant::{accesstoken, authorization, client_credentials, refresh};
use oxide_auth::primitives::grant::{Extensions, Grant, Value};
use oxide_auth::primitives::scope::Scope;

use crate::kernel::error::{Error, Refused, Result};

/// Where a grant without a redirect URI says that it goes; oxide-auth insists on one.
pub(crate) const NO_REDIRECT: &str = "urn:gatepost:none";

/// Key of the resource identifiers in a grant's extensions: a JSON list.
const RESOURCES: &str = "resources";

/// The request as the machines see it. The client has been authenticated: `client_id` is the proven one.
pub(crate) struct MachineRequest<'a> {
    pub(crate) params: &'a Params,
    pub(crate) client_id: &'a str,
    /// where the code was sent, for a token request that does not repeat it (OAuth 2.1 §10.2)
    pub(crate) redirect_uri: Option<&'a str>,
}

impl MachineRequest<'_> {
    fn one(&self, name: &str) -> Option<Cow<'_, str>> {
        self.params.one(name).map(Cow::Borrowed)
    }

    /// What the client proved before is nobody's business any more.
    fn extension_value(&self, name: &str) -> Option<Cow<'_, str>> {
        if name == "client_secret" { None } else { self.one(name) }
    }
}

impl authorization::Request for MachineRequest<'_> {
    fn valid(&self) -> bool {
        true
    }
    fn client_id(&self) -> Option<Cow<'_, str>> {
        Some(Cow::Borrowed(self.client_id))
    }
    fn scope(&self) -> Option<Cow<'_, str>> {
        self.one("scope")
    }
    fn redirect_uri(&self) -> Option<Cow<'_, str>> {
        self.redirect_uri.map(Cow::Borrowed)
    }
    fn state(&self) -> Option<Cow<'_, str>> {
        self.one("state")
    }
    fn response_type(&self) -> Option<Cow<'_, str>> {
        self.one("response_type")
    }
    fn extension(&self, key: &str) -> Option<Cow<'_, str>> {
        self.extension_value(key)
    }
}

impl accesstoken::Request for MachineRequest<'_> {
    fn valid(&self) -> bool {
        true
    }
    fn code(&self) -> Option<Cow<'_, str>> {
        self.one("code")
    }
    fn authorization(&self) -> CodeAuthorization<'_> {
        CodeAuthorization::None
    }
    fn client_id(&self) -> Option<Cow<'_, str>> {
        Some(Cow::Borrowed(self.client_id))
    }
    fn redirect_uri(&self) -> Option<Cow<'_, str>> {
        self.one("redirect_uri").or_else(|| self.redirect_uri.map(Cow::Borrowed))
    }
    fn grant_type(&self) -> Option<Cow<'_, str>> {
        self.one("grant_type")
    }
    fn extension(&self, key: &str) -> Option<Cow<'_, str>> {
        self.extension_value(key)
    }
}

impl refresh::Request for MachineRequest<'_> {
    fn valid(&self) -> bool {
        true
    }
    fn refresh_token(&self) -> Option<Cow<'_, str>> {
        self.one("refresh_token")
    }
    fn scope(&self) -> Option<Cow<'_, str>> {
        self.one("scope")
    }
    fn grant_type(&self) -> Option<Cow<'_, str>> {
        self.one("grant_type")
    }
    /// Always `Some`: only that branch of the machine compares the grant's client with the requesting one, which
    /// public clients need as well.
    fn authorization(&self) -> Option<(Cow<'_, str>, Cow<'_, [u8]>)> {
        Some((Cow::Borrowed(self.client_id), Cow::Borrowed(&b""[..])))
    }
    fn extension(&self, key: &str) -> Option<Cow<'_, str>> {
        self.extension_value(key)
    }
}

impl client_credentials::Request for MachineRequest<'_> {
    fn valid(&self) -> bool {
        true
    }
    fn authorization(&self) -> Option<(Cow<'_, str>, Cow<'_, [u8]>)> {
        Some((Cow::Borrowed(self.client_id), Cow::Borrowed(&b""[..])))
    }
    fn scope(&self) -> Option<Cow<'_, str>> {
        self.one("scope")
    }
    fn grant_type(&self) -> Option<Cow<'_, str>> {
        self.one("grant_type")
    }
    /// A `client_id` in the body would be taken for a second way of authentication.
    fn extension(&self, key: &str) -> Option<Cow<'_, str>> {
        if key == "client_id" { None } else { self.extension_value(key) }
    }
}

/// What a stored grant is to oxide-auth.
pub(crate) struct StoredGrant<'a> {
    pub(crate) owner_id: &'a str,
    pub(crate) client_id: &'a str,
    pub(crate) scopes: &'a ScopeSet,
    pub(crate) redirect_uri: &'a str,
    pub(crate) extensions: Extensions,
}

impl StoredGrant<'_> {
    /// The grant for a machine's `Recovered` input. It never expires there: the statement that fetched it has checked
    /// the time against the call's clock, and oxide-auth would ask another one.
    pub(crate) fn to_grant(&self) -> Result<Grant> {
        Ok(Grant {
            owner_id: self.owner_id.to_owned(),
            client_id: self.client_id.to_owned(),
            scope: to_oxide_scope(self.scopes)?,
            redirect_uri: parse_url(self.redirect_uri)?,
            until: DateTime::<Utc>::MAX_UTC,
            extensions: self.extensions.clone(),
        })
    }
}

pub(crate) fn parse_url(uri: &str) -> Result<url::Url> {
    uri.parse().map_err(|_| Error::Internal(format!("a stored URI does not parse: {uri}")))
}

/// An empty scope has no form on the wire, but it exists: a token that says only who somebody is.
const EMPTY_SCOPE: &str = "gatepost:none";

pub(crate) fn to_oxide_scope(scopes: &ScopeSet) -> Result<Scope> {
    let text = if scopes.is_empty() { EMPTY_SCOPE.to_owned() } else { scopes.to_string() };
    text.parse().map_err(|_| Error::Internal("a stored scope does not parse".into()))
}

/// The scope in sorted order; oxide-auth keeps a hash set.
pub(crate) fn from_oxide_scope(scope: &Scope) -> ScopeSet {
    scope.iter().filter(|name| *name != EMPTY_SCOPE).map(str::to_owned).collect()
}

/// What travels from the authorization request through the code to the tokens.
pub(crate) fn make_extensions(resources: &[String]) -> Extensions {
    let mut extensions = Extensions::new();
    set_resources(&mut extensions, resources);
    extensions
}

pub(crate) fn set_resources(extensions: &mut Extensions, resources: &[String]) {
    let list = serde_json::Value::from(resources.to_vec()).to_string();
    extensions.set_raw(RESOURCES.into(), Value::private(Some(list)));
}

pub(crate) fn read_resources(extensions: &Extensions) -> Vec<String> {
    private_value(extensions, RESOURCES).and_then(|list| serde_json::from_str(list).ok()).unwrap_or_default()
}

fn private_value<'e>(extensions: &'e Extensions, key: &str) -> Option<&'e str> {
    extensions.private().find(|(name, _)| *name == key).and_then(|(_, value)| value)
}

/// The extensions as JSON, for the row of a code.
pub(crate) fn write_extensions(extensions: &Extensions) -> String {
    let values: BTreeMap<&str, Option<&str>> = extensions.private().collect();
    serde_json::json!(values).to_string()
}

/// The extensions of a row.
pub(crate) fn parse_extensions(json: &str) -> Result<Extensions> {
    let values: BTreeMap<String, Option<String>> =
        serde_json::from_str(json).map_err(|_| Error::Internal("stored extensions do not parse".into()))?;
    let mut extensions = Extensions::new();
    for (key, value) in values {
        extensions.set_raw(key, Value::private(value));
    }
    Ok(extensions)
}

/// The machine refused by itself: which of our errors that is.
pub(crate) fn translate_token_error(kind: &str) -> Refused {
    match kind {
        "invalid_scope" => Refused::new(ErrorCode::InvalidScope, "The scope exceeds what was granted."),
        "invalid_grant" => Refused::new(ErrorCode::InvalidGrant, "The grant is not valid for this request."),
        "unauthorized_client" => Refused::new(ErrorCode::UnauthorizedClient, "The client may not use this grant."),
        "unsupported_grant_type" => Refused::new(ErrorCode::UnsupportedGrantType, "The grant type is not supported."),
        "invalid_client" => Refused::new(ErrorCode::InvalidClient, "Client authentication failed."),
        _ => Refused::new(ErrorCode::InvalidRequest, "A parameter is missing or malformed."),
    }
}
