//! The authorization endpoint's decisions (OAuth 2.1 §4.1.1).
//!
//! The order is the point: nothing can be redirected before the client and the redirect URI are proven. Only
//! [`check_authorization`] can build a [`VerifiedRedirect`], and only that can carry an error back to a client.

use gatepost_protocol::error::ErrorCode;
use gatepost_protocol::grant_type::GrantType;
use gatepost_protocol::params::Params;
use gatepost_protocol::redirect_uri;
use gatepost_protocol::resource::Resources;
use gatepost_protocol::scope::ScopeSet;
use gatepost_protocol::{pkce, resource};
use serde::{Deserialize, Serialize};

use crate::clients::registry::{Catalogue, Client};
use crate::kernel::call::Call;
use crate::kernel::error::{Error, Refused, Result};
use crate::kernel::journey::{CarriedRequest, Journey};
use crate::oauth::oxide;

/// `state` may be this long.
const MAX_STATE: usize = 2048;
/// A request may name this many scopes.
const MAX_SCOPES: usize = 50;
/// A request may name this many resources.
const MAX_RESOURCES: usize = 5;

/// A redirect URI that was compared with the client's registration; the only thing that can carry an answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct VerifiedRedirect {
    uri: String,
    state: Option<String>,
}

impl VerifiedRedirect {
    /// The bare URI: the requested one, byte for byte.
    pub fn uri(&self) -> &str {
        &self.uri
    }

    /// Where the answer with a code goes; `iss` is on every answer (RFC 9207).
    pub fn with_code(&self, issuer: &str, code: &str) -> String {
        self.with(issuer, &[("code", code)])
    }

    /// Where a refusal goes.
    pub fn with_error(&self, issuer: &str, refused: &Refused) -> String {
        self.with(issuer, &[("error", refused.code.as_str()), ("error_description", refused.public)])
    }

    fn with(&self, issuer: &str, first: &[(&str, &str)]) -> String {
        let mut pairs = first.to_vec();
        pairs.extend(self.state.as_deref().map(|state| ("state", state)));
        pairs.push(("iss", issuer));
        redirect_uri::append_params(&self.uri, &pairs)
    }
}

/// `prompt` of the request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prompt {
    /// answer without any page
    pub none: bool,
    /// ask for the password again
    pub login: bool,
    /// ask for consent again
    pub consent: bool,
    /// let the person choose another account
    pub select_account: bool,
}

/// An authorization request that was checked; its parameters are never read again.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AuthorizationRequest {
    /// random; one request gets one code
    pub id: String,
    /// who asks
    pub client_id: String,
    /// where the answer goes
    pub redirect: VerifiedRedirect,
    /// what was asked for, known and allowed
    pub scopes: ScopeSet,
    /// the audiences it is for
    pub resources: Resources,
    /// what goes with the code, as JSON
    pub(crate) extensions: String,
    /// pages that were asked for or forbidden
    pub prompt: Prompt,
    /// how old the sign-in may be, in seconds
    pub max_age: Option<i64>,
    /// the address to fill in
    pub login_hint: Option<String>,
    /// unix seconds
    pub created_at: i64,
}

/// What must hold before anything can be sent to a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetupRule {
    /// `client_id` is there
    ClientMissing,
    /// …once
    ClientRepeated,
    /// …and an enabled client has it
    ClientUnknown,
    /// `redirect_uri` is there, unless the client has only one that would do
    RedirectMissing,
    /// …once
    RedirectRepeated,
    /// …and registered
    RedirectMismatch,
}

impl SetupRule {
    /// The parameter that it is about.
    pub fn parameter(self) -> &'static str {
        match self {
            Self::ClientMissing | Self::ClientRepeated | Self::ClientUnknown => "client_id",
            Self::RedirectMissing | Self::RedirectRepeated | Self::RedirectMismatch => "redirect_uri",
        }
    }

    /// What to tell people and log when it is broken.
    pub fn refused(self) -> Refused {
        let (code, public) = match self {
            Self::ClientMissing => (ErrorCode::InvalidRequest, "client_id is missing."),
            Self::ClientRepeated => (ErrorCode::InvalidRequest, "client_id was sent more than once."),
            Self::ClientUnknown => (ErrorCode::InvalidClient, "No app with this client_id is registered here."),
            Self::RedirectMissing => (
                ErrorCode::InvalidRequest,
                "redirect_uri is missing, and the app has more than one or none that would do.",
            ),
            Self::RedirectRepeated => (ErrorCode::InvalidRequest, "redirect_uri was sent more than once."),
            Self::RedirectMismatch => {
                (ErrorCode::InvalidRequest, "redirect_uri must be exactly one of the registered addresses of the app.")
            }
        };
        Refused::new(code, public)
    }
}

/// A mistake that must be shown here, because nothing is proven about where to send it.
#[derive(Clone, Debug)]
pub struct SetupFault {
    /// what was broken
    pub rule: SetupRule,
    /// what was sent, if anything
    pub sent: Option<String>,
    /// the client, where that much is known
    pub client: Option<FaultyClient>,
}

/// The client of a [`SetupFault`].
#[derive(Clone, Debug)]
pub struct FaultyClient {
    /// its id
    pub client_id: String,
    /// what people see
    pub name: String,
    /// may its developers see registered values?
    pub show_setup_errors: bool,
    /// what is registered
    pub redirect_uris: Vec<String>,
}

/// Why an authorization request is not followed.
#[derive(Debug)]
pub enum Fault {
    /// shown here, never redirected
    Page(Box<SetupFault>),
    /// sent to the client
    Redirect(VerifiedRedirect, Refused),
    /// our trouble
    Internal(Error),
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Internal(error)
    }
}

/// What is known when a request arrives.
pub struct Incoming<'a> {
    /// what was sent
    pub params: &'a Params,
    /// the client that `client_id` names, if there is one
    pub client: Option<&'a Client>,
    /// the APIs
    pub catalogue: &'a Catalogue,
}

impl std::fmt::Debug for Incoming<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Incoming").field("client", &self.client.map(|client| &client.client_id)).finish_non_exhaustive()
    }
}

/// Checks a request in the order of OAuth 2.1 §4.1.2.1: client, redirect URI, then everything else.
pub fn check_authorization(call: &Call, incoming: &Incoming<'_>) -> std::result::Result<AuthorizationRequest, Fault> {
    let params = incoming.params;
    let client = check_client(incoming)?;
    let uri = check_redirect_uri(params, client)?;
    let redirect = VerifiedRedirect { uri, state: check_state(params) };
    let refuse = |refused: Refused| Fault::Redirect(redirect.clone(), refused);

    check_repeats(params).map_err(refuse)?;
    check_extensions_of_the_request(params).map_err(refuse)?;
    check_response_type(params).map_err(refuse)?;
    check_client_may(client).map_err(refuse)?;
    check_pkce(params).map_err(refuse)?;
    let resources = check_resources(params, client, incoming.catalogue).map_err(refuse)?;
    let prompt = check_prompt(params).map_err(refuse)?;
    let max_age = check_max_age(params).map_err(refuse)?;

    let decide = |asked: Option<&ScopeSet>| check_scopes(asked, client, incoming.catalogue, &resources);
    let checked = oxide::check_authorization(params, (&client.client_id, redirect.uri()), &resources, decide);
    let (scopes, carried) = checked.map_err(|error| match error {
        Error::Refused(refused) => refuse(refused),
        ours => Fault::Internal(ours),
    })?;
    let resources = match resources.is_empty() {
        false => resources,
        true => choose_resources(client, incoming.catalogue, &scopes),
    };
    Ok(AuthorizationRequest {
        id: call.engine.make_id().map_err(Error::from)?,
        client_id: client.client_id.clone(),
        extensions: carried.for_resources(resources.clone()).to_json(),
        scopes,
        resources,
        redirect,
        prompt,
        max_age,
        login_hint: params.one("login_hint").filter(|hint| hint.len() <= 254).map(str::to_owned),
        created_at: call.now,
    })
}

fn page(rule: SetupRule, sent: Option<&str>, client: Option<FaultyClient>) -> Fault {
    Fault::Page(Box::new(SetupFault { rule, sent: sent.map(str::to_owned), client }))
}

fn check_client<'a>(incoming: &Incoming<'a>) -> std::result::Result<&'a Client, Fault> {
    let params = incoming.params;
    if params.is_repeated("client_id") {
        return Err(page(SetupRule::ClientRepeated, None, None));
    }
    let Some(sent) = params.one("client_id") else {
        return Err(page(SetupRule::ClientMissing, None, None));
    };
    match incoming.client {
        Some(client) if !client.disabled => Ok(client),
        Some(_) | None => Err(page(SetupRule::ClientUnknown, Some(sent), None)),
    }
}

/// The URI to answer to (R-12, RFC 8252 §7.3 for loopback).
fn check_redirect_uri(params: &Params, client: &Client) -> std::result::Result<String, Fault> {
    let fault = |rule: SetupRule, sent: Option<&str>| {
        let client = FaultyClient {
            client_id: client.client_id.clone(),
            name: client.name.clone(),
            show_setup_errors: client.show_setup_errors,
            redirect_uris: client.redirect_uris.clone(),
        };
        page(rule, sent, Some(client))
    };
    if params.is_repeated("redirect_uri") {
        return Err(fault(SetupRule::RedirectRepeated, None));
    }
    match params.one("redirect_uri") {
        Some(sent) if client.redirect_uris.iter().any(|registered| redirect_uri::matches(registered, sent)) => {
            Ok(sent.to_owned())
        }
        Some(sent) => Err(fault(SetupRule::RedirectMismatch, Some(sent))),
        None => match client.redirect_uris.as_slice() {
            // a loopback address without a port is nowhere
            [only] if !redirect_uri::is_loopback(only) => Ok(only.clone()),
            _ => Err(fault(SetupRule::RedirectMissing, None)),
        },
    }
}

/// A state that is refused is not repeated in the refusal either.
fn check_state(params: &Params) -> Option<String> {
    params.one("state").filter(|state| state.len() <= MAX_STATE && !params.is_repeated("state")).map(str::to_owned)
}

fn invalid_request(public: &'static str) -> Refused {
    Refused::new(ErrorCode::InvalidRequest, public)
}

/// G-03: each parameter at most once, `resource` excepted (RFC 8707 §2).
fn check_repeats(params: &Params) -> std::result::Result<(), Refused> {
    if let Some(name) = params.find_repeated(&["resource"]) {
        let name: String = name.chars().take(64).collect();
        return Err(invalid_request("A parameter was sent more than once.").with_detail(name));
    }
    if params.one("state").is_some_and(|state| state.len() > MAX_STATE) {
        return Err(invalid_request("state is longer than 2048 bytes."));
    }
    Ok(())
}

/// Extensions that this server does not speak are refused where ignoring them would change the meaning.
fn check_extensions_of_the_request(params: &Params) -> std::result::Result<(), Refused> {
    if params.one("request").is_some() {
        return Err(Refused::new(ErrorCode::RequestNotSupported, "The request parameter is not supported."));
    }
    if params.one("request_uri").is_some() {
        return Err(Refused::new(ErrorCode::RequestUriNotSupported, "The request_uri parameter is not supported."));
    }
    if params.one("registration").is_some() {
        return Err(Refused::new(ErrorCode::RegistrationNotSupported, "The registration parameter is not supported."));
    }
    match params.one("response_mode") {
        None | Some("query") => Ok(()),
        Some(_) => Err(invalid_request("Only response_mode=query is supported.")),
    }
}

/// Before PKCE: a client of the implicit flow is told what is really wrong (T-12).
fn check_response_type(params: &Params) -> std::result::Result<(), Refused> {
    match params.one("response_type") {
        Some("code") => Ok(()),
        Some(_) => Err(Refused::new(ErrorCode::UnsupportedResponseType, "Only response_type=code is supported.")),
        None => Err(invalid_request("response_type is missing.")),
    }
}

fn check_client_may(client: &Client) -> std::result::Result<(), Refused> {
    if client.may_use(GrantType::AuthorizationCode) {
        return Ok(());
    }
    Err(Refused::new(ErrorCode::UnauthorizedClient, "The app may not use the authorization code grant."))
}

/// S256 for every client; an absent method would mean `plain` (RFC 7636 §4.3), which is refused.
fn check_pkce(params: &Params) -> std::result::Result<(), Refused> {
    match (params.one("code_challenge"), params.one("code_challenge_method")) {
        (None, _) => Err(invalid_request("code_challenge is missing: PKCE with S256 is required.")),
        (Some(_), method) if method != Some("S256") => Err(invalid_request("code_challenge_method must be S256.")),
        (Some(challenge), _) if !pkce::is_s256_challenge(challenge) => {
            Err(invalid_request("code_challenge must be 43 characters of base64url."))
        }
        _ => Ok(()),
    }
}

/// The registered form of each resource that was named (RFC 8707 §2).
pub(crate) fn check_resources(
    params: &Params,
    client: &Client,
    catalogue: &Catalogue,
) -> std::result::Result<Resources, Refused> {
    let invalid = |public| Refused::new(ErrorCode::InvalidTarget, public);
    let mut resources = Resources::default();
    for (count, sent) in params.all("resource").enumerate() {
        if count >= MAX_RESOURCES {
            return Err(invalid("Too many resources."));
        }
        resource::check_resource(sent)
            .map_err(|_| invalid("A resource must be an absolute URI without a fragment."))?;
        let server = catalogue.find_by_resource(sent).ok_or_else(|| invalid("A resource is not known here."))?;
        if !client.may_reach(&server.resource) {
            return Err(invalid("The app may not ask for this resource."));
        }
        resources.insert(&server.resource);
    }
    Ok(resources)
}

/// The audience of a request that names none: the APIs that own its scopes, never "everywhere".
pub(crate) fn choose_resources(client: &Client, catalogue: &Catalogue, scopes: &ScopeSet) -> Resources {
    let owners = catalogue.owners_of(scopes).into_iter().map(|server| server.resource.clone());
    owners.filter(|resource| client.may_reach(resource)).collect()
}

fn check_prompt(params: &Params) -> std::result::Result<Prompt, Refused> {
    let mut prompt = Prompt::default();
    for word in params.one("prompt").unwrap_or_default().split(' ') {
        match word {
            "none" => prompt.none = true,
            "login" => prompt.login = true,
            "consent" => prompt.consent = true,
            "select_account" => prompt.select_account = true,
            _ => {}
        }
    }
    if prompt.none && (prompt.login || prompt.consent || prompt.select_account) {
        return Err(invalid_request("prompt=none cannot be combined."));
    }
    Ok(prompt)
}

fn check_max_age(params: &Params) -> std::result::Result<Option<i64>, Refused> {
    match params.one("max_age").map(str::parse::<u32>) {
        None => Ok(None),
        Some(Ok(seconds)) => Ok(Some(i64::from(seconds))),
        Some(Err(_)) => Err(invalid_request("max_age must be a number of seconds.")),
    }
}

/// The scopes that remain of what was asked: S-03 drops unknown ones as long as a known one is left.
pub(crate) fn check_scopes(
    asked: Option<&ScopeSet>,
    client: &Client,
    catalogue: &Catalogue,
    resources: &Resources,
) -> std::result::Result<ScopeSet, Refused> {
    let invalid = |public| Refused::new(ErrorCode::InvalidScope, public);
    let wanted = match asked {
        None => client.scopes.clone(),
        Some(asked) if asked.len() > MAX_SCOPES => return Err(invalid("Too many scopes.")),
        Some(asked) => {
            let known: ScopeSet = asked.iter().filter(|name| catalogue.knows_scope(name)).map(str::to_owned).collect();
            if known.is_empty() && !asked.is_empty() {
                return Err(invalid("None of the scopes is known here."));
            }
            if !known.is_subset(&client.scopes) {
                return Err(invalid("The app may not ask for one of the scopes."));
            }
            known
        }
    };
    if resources.is_empty() {
        return Ok(wanted);
    }
    let narrowed = catalogue.narrow_to(&wanted, resources);
    if narrowed.is_empty() && asked.is_some_and(|asked| !asked.is_empty()) {
        return Err(invalid("None of the scopes belongs to the resource."));
    }
    Ok(narrowed)
}

impl AuthorizationRequest {
    /// The journey of this request in the browser that sent it, by the hash of its cookie.
    pub fn begin_journey(&self, browser: String) -> Result<Journey> {
        Ok(Journey::for_request(CarriedRequest::write(self)?, self.created_at, browser))
    }

    /// The request of a journey, if an app asked. One that does not parse was sealed by another version of ours.
    pub fn of(journey: &Journey) -> Result<Option<Self>> {
        let Some(carried) = &journey.request else { return Ok(None) };
        let request = carried.read().ok_or_else(|| Error::Internal("a carried request does not parse".into()))?;
        Ok(Some(request))
    }

    /// Where a refusal by policy or person goes.
    pub fn refusal_url(&self, call: &Call, refused: &Refused) -> String {
        self.redirect.with_error(call.engine.issuer.as_str(), refused)
    }
}
