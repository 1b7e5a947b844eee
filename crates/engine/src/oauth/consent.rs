//! From a checked authorization request to a code: what has to be asked first, and what the answer makes.

use gatepost_protocol::error::ErrorCode;
use gatepost_protocol::scope::ScopeSet;
use gatepost_protocol::secret::{SecretKind, TokenHash};
use gatepost_store::oauth::codes::{self, CodeRow};
use gatepost_store::oauth::consents::{self, ConsentRow};
use gatepost_store::{Db, Outcome, Tx};
use serde_json::json;

use crate::audit::{Actor, Event, record_event};
use crate::clients::registry::Client;
use crate::kernel::call::Call;
use crate::kernel::error::{Refused, Result};
use crate::oauth::authorize::AuthorizationRequest;
use crate::oauth::granted::Granted;
use crate::people::sessions::SignedIn;
use crate::people::sessions::note_session_use;

/// What an authorization request needs next.
#[derive(Debug, PartialEq, Eq)]
pub enum NextStep {
    /// somebody must sign in, or sign in again
    SignIn,
    /// the signed-in person must prove a second factor: the app asks for two
    SecondFactor,
    /// the signed-in person must be asked
    Consent,
    /// nothing: a code may be issued
    Issue,
    /// it cannot be done without a page, and `prompt=none` forbids pages
    Refuse(Refused),
}

/// Decides what has to be asked, for this session or for none.
pub fn find_next_step(
    call: &Call,
    db: &mut Db,
    client: &Client,
    request: &AuthorizationRequest,
    session: Option<&SignedIn>,
) -> Result<NextStep> {
    let refuse = |code, public| Ok(NextStep::Refuse(Refused::new(code, public)));
    let Some(session) = session.filter(|session| is_fresh_enough(call, request, session)) else {
        return match request.prompt.none {
            true => refuse(ErrorCode::LoginRequired, "Nobody is signed in."),
            false => Ok(NextStep::SignIn),
        };
    };
    if client.require_second_factor && session.strength < 2 {
        return match request.prompt.none {
            true => refuse(ErrorCode::InteractionRequired, "The person has to prove a second factor."),
            false => Ok(NextStep::SecondFactor),
        };
    }
    if !needs_consent(db, client, request, &session.user_id)? {
        return Ok(NextStep::Issue);
    }
    match request.prompt.none {
        true => refuse(ErrorCode::ConsentRequired, "The person has not allowed this yet."),
        false => Ok(NextStep::Consent),
    }
}

fn is_fresh_enough(call: &Call, request: &AuthorizationRequest, session: &SignedIn) -> bool {
    let asked_again = request.prompt.login || request.prompt.select_account;
    let young_enough = request.max_age.is_none_or(|max| call.now - session.auth_time <= max);
    // a sign-in that was done for this very request is fresh by definition
    session.auth_time >= request.created_at || (!asked_again && young_enough)
}

/// Consent is remembered for a client that is known to be itself; a program that any other can impersonate is asked
/// about every time (RFC 8252 §8.6), and so is one that nobody has checked.
fn needs_consent(db: &mut Db, client: &Client, request: &AuthorizationRequest, user_id: &str) -> Result<bool> {
    if request.prompt.consent || !client.verified {
        return Ok(true);
    }
    if client.first_party {
        return Ok(false);
    }
    if client.is_impersonable() {
        return Ok(true);
    }
    let Some(consent) = consents::find_consent(db, user_id, &client.client_id)? else { return Ok(true) };
    Ok(!Granted::of_consent(&consent)?.covers(&request.scopes, &request.resources))
}

/// What this person allowed this client before; empty where nothing.
pub fn find_allowed_scopes(db: &mut Db, user_id: &str, client_id: &str) -> Result<ScopeSet> {
    match consents::find_consent(db, user_id, client_id)? {
        Some(row) => Ok(Granted::of_consent(&row)?.scopes),
        None => Ok(ScopeSet::default()),
    }
}

/// What became of a request.
#[derive(Debug)]
pub enum Answer {
    /// the URL that carries the code
    Redirect(String),
    /// the request has had its answer already (SE-09)
    AlreadyAnswered,
    /// the session ended meanwhile
    SignedOut,
}

/// Writes the code down and gives the URL that carries it. `asked`: the person has just said yes.
pub fn issue_code(
    call: &Call,
    tx: &mut Tx<'_>,
    request: &AuthorizationRequest,
    session: &SignedIn,
    asked: bool,
) -> Result<Outcome<Answer>> {
    // the session was looked up before this transaction: a password change or sign-out may have come between
    if !note_session_use(call, tx, session)? {
        return Ok(Outcome::Rollback(Answer::SignedOut));
    }
    let code = call.engine.make_secret(SecretKind::AuthorizationCode)?;
    let row = CodeRow {
        code_hash: TokenHash::of(&code).to_base64(),
        request_id: request.id.clone(),
        grant_id: call.engine.make_id()?,
        client_id: request.client_id.clone(),
        user_id: session.user_id.clone(),
        session_id: session.session_id.clone(),
        redirect_uri: request.redirect.uri().to_owned(),
        scopes: request.scopes.to_string(),
        extensions: request.extensions.clone(),
        auth_time: session.auth_time,
        created_at: call.now,
        expires_at: call.now + call.policy().code_ttl,
        attempts: 0,
        used_at: None,
    };
    if !codes::insert_code(tx, &row)? {
        return Ok(Outcome::Rollback(Answer::AlreadyAnswered));
    }
    if asked {
        remember_consent(call, tx, request, &session.user_id)?;
    }
    let url = request.redirect.with_code(call.engine.issuer.as_str(), code.expose());
    Ok(Outcome::Commit(Answer::Redirect(url)))
}

fn remember_consent(call: &Call, tx: &mut Tx<'_>, request: &AuthorizationRequest, user_id: &str) -> Result<()> {
    let before = match consents::find_consent(tx, user_id, &request.client_id)? {
        Some(row) => Granted::of_consent(&row)?,
        None => Granted::default(),
    };
    let row = ConsentRow {
        user_id: user_id.to_owned(),
        client_id: request.client_id.clone(),
        scopes: before.scopes.union(&request.scopes).to_string(),
        resources: before.resources.union(&request.resources).to_json(),
        created_at: call.now,
        updated_at: call.now,
    };
    consents::insert_consent(tx, &row)?;
    let event = Event::done(Actor::User(user_id), "consent.given", &request.client_id);
    record_event(call, tx, event, &json!({"scopes": request.scopes.to_string(), "resources": request.resources}))
}

/// The person said no: the URL that says so.
pub fn refuse_request(
    call: &Call,
    tx: &mut Tx<'_>,
    request: &AuthorizationRequest,
    session: &SignedIn,
) -> Result<Outcome<String>> {
    let event = Event::refused(Actor::User(&session.user_id), "consent.given", &request.client_id);
    record_event(call, tx, event, &json!({"scopes": request.scopes.to_string()}))?;
    let refused = Refused::new(ErrorCode::AccessDenied, "The person did not allow it.");
    Ok(Outcome::Commit(request.refusal_url(call, &refused)))
}
