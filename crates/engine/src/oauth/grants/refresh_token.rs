//! The refresh token grant (OAuth 2.1 §4.3): rotation, reuse detection, families.

use std::borrow::Cow;

use gatepost_protocol::error::ErrorCode;
use gatepost_protocol::secret::{Secret, SecretKind, TokenHash};
use gatepost_protocol::token::TokenResponse;
use gatepost_store::oauth::grants::{self, GrantRow};
use gatepost_store::oauth::refresh_tokens::{self, RefreshTokenRow};
use gatepost_store::{Topic, Tx};
use oxide_auth::code_grant::refresh::{Error as MachineError, Input, Output, Refresh};
use oxide_auth::primitives::grant::Grant;
use oxide_auth::primitives::issuer::{RefreshedToken, TokenType};
use serde_json::json;

use crate::audit::{Actor, Event, record_event};
use crate::kernel::call::Call;
use crate::kernel::error::{Error, Refused, Result};
use crate::kernel::seal;
use crate::oauth::grants::{invalid_grant, limit_to_present, narrow_resources, parse_stored_list, parse_stored_scopes};
use crate::oauth::issue::{self, AccessSpec, OnBehalf};
use crate::oauth::oxide::{self, MachineRequest, StoredGrant};
use crate::oauth::token::{Decision, TokenRequest};

/// The use of a family is written down only when the last note is older than this.
const USE_NOTE_SECONDS: i64 = 60;

const REPLAY_PURPOSE: &str = "refresh-replay";

/// Exchanges a refresh token; a public client's is rotated, exactly once.
pub(crate) fn rotate_token(call: &Call, tx: &mut Tx<'_>, request: &TokenRequest) -> Result<Decision> {
    let Some(sent) = request.params().one("refresh_token") else {
        return Ok(Decision::Refused(Refused::new(ErrorCode::InvalidRequest, "refresh_token is missing.")));
    };
    let Some(token) = Secret::parse(SecretKind::RefreshToken, sent) else {
        return Ok(Decision::Refused(invalid_grant("not a refresh token of ours")));
    };
    let hash = TokenHash::of(&token);
    let taken = match request.client().keeps_refresh_token {
        true => extend_token(call, tx, request, &hash)?,
        false => refresh_tokens::consume_refresh_token(tx, &hash, call.now)?,
    };
    let Some(row) = taken else { return refuse_unusable_token(call, tx, request, &token) };
    let Some((family, disabled_at)) = grants::find_grant_and_owner(tx, &row.grant_id)? else {
        return Ok(Decision::Refused(invalid_grant("the family is gone")));
    };
    if disabled_at.is_some() {
        return Ok(Decision::Refused(invalid_grant("the account is disabled")));
    }
    if family.revoked_at.is_some() || family.expires_at <= call.now {
        return Ok(Decision::Refused(invalid_grant("the family is revoked or over")));
    }
    let response = exchange(call, tx, request, &family)?;
    if call.now - family.last_used_at >= USE_NOTE_SECONDS {
        grants::update_grant_use(tx, &family.id, call.now)?;
    }
    if request.client().refresh_replay && !request.client().keeps_refresh_token {
        let plain = serde_json::to_vec(&response).map_err(|error| Error::Internal(error.to_string()))?;
        // sealed under the old token itself: only who presents that again can read the answer
        let sealed = seal::seal_with_secret(
            call.engine.random(),
            token.expose(),
            (REPLAY_PURPOSE, &fingerprint(request)),
            &plain,
        );
        refresh_tokens::update_refresh_replay(tx, &hash, &sealed)?;
    }
    Ok(Decision::Issued(response))
}

/// The token of a confidential client that keeps it: its idle end moves.
fn extend_token(
    call: &Call,
    tx: &mut Tx<'_>,
    request: &TokenRequest,
    hash: &TokenHash,
) -> Result<Option<RefreshTokenRow>> {
    let Some(row) = refresh_tokens::find_refresh_token(tx, hash)? else { return Ok(None) };
    let Some(family) = grants::find_grant(tx, &row.grant_id)? else { return Ok(None) };
    let expires_at = issue::refresh_expiry(call, request.client(), family.expires_at);
    Ok(refresh_tokens::update_refresh_expiry(tx, hash, call.now, expires_at)?)
}

/// The same request as before, for the repeated answer: what could change it is part of the seal.
fn fingerprint(request: &TokenRequest) -> String {
    let resources: Vec<&str> = request.params().all("resource").collect();
    json!([request.client().client_id, request.params().one("scope"), resources]).to_string()
}

/// The token is unknown, over, or was rotated before. R-8: at once after its rotation the answer may just have been
/// lost; later somebody else has it, and the whole family dies.
fn refuse_unusable_token(call: &Call, tx: &mut Tx<'_>, request: &TokenRequest, token: &Secret) -> Result<Decision> {
    let hash = TokenHash::of(token);
    let Some(row) = refresh_tokens::find_refresh_token(tx, &hash)? else {
        return Ok(Decision::Refused(invalid_grant("unknown refresh token")));
    };
    let Some(used_at) = row.used_at else {
        return Ok(Decision::Refused(invalid_grant("the refresh token is over")));
    };
    let Some(family) = grants::find_grant(tx, &row.grant_id)? else {
        return Ok(Decision::Refused(invalid_grant("the family is gone")));
    };
    if family.client_id != request.client().client_id {
        // F-04: another client's try must not be a way to end the owner's session
        return Ok(Decision::Refused(invalid_grant("the refresh token was issued to another client")));
    }
    if family.revoked_at.is_some() {
        return Ok(Decision::Refused(invalid_grant("the family is revoked")));
    }
    if call.now - used_at < call.policy().refresh_reuse_grace {
        return repeat_answer(call, tx, request, &row, token);
    }
    if grants::revoke_grant(tx, &family.id, "refresh token used twice", call.now)? {
        tx.touch(Topic::Grant(family.id.clone()));
        let event = Event::refused(Actor::Client(&family.client_id), "refresh_token.reused", &family.id);
        record_event(call, tx, event, &json!({"user": family.user_id}))?;
    }
    Ok(Decision::RefusedWithTrace(invalid_grant("the refresh token was used before: its family is revoked")))
}

/// Within the grace: the same answer once more if the client may have that, else a plain refusal.
fn repeat_answer(
    call: &Call,
    tx: &mut Tx<'_>,
    request: &TokenRequest,
    row: &RefreshTokenRow,
    token: &Secret,
) -> Result<Decision> {
    let refused = || Ok(Decision::Refused(invalid_grant("the refresh token was rotated a moment ago")));
    let Some(sealed) = row.replay.as_deref().filter(|_| request.client().refresh_replay) else { return refused() };
    let Some(plain) = seal::open_with_secret(token.expose(), (REPLAY_PURPOSE, &fingerprint(request)), sealed) else {
        return refused();
    };
    if !refresh_tokens::consume_refresh_replay(tx, &TokenHash::of(token), sealed)? {
        return refused();
    }
    let mut response: TokenResponse =
        serde_json::from_slice(&plain).map_err(|_| Error::Internal("a kept answer does not parse".into()))?;
    response.expires_in -= row.used_at.map_or(0, |used_at| call.now - used_at);
    Ok(Decision::Issued(response))
}

fn exchange(call: &Call, tx: &mut Tx<'_>, request: &TokenRequest, family: &GrantRow) -> Result<TokenResponse> {
    let (scopes, granted) =
        limit_to_present(request, &parse_stored_scopes(&family.scopes)?, &parse_stored_list(&family.resources)?)?;
    let audience = narrow_resources(request.params(), &granted)?;
    let seen = MachineRequest { params: request.params(), client_id: request.client().client_id, redirect_uri: None };
    let scope = || request.params().one("scope").map(Cow::Borrowed);
    let mut machine = Refresh::new(&seen);
    let mut input = Input::None;
    let mut issued = None;
    loop {
        input = match machine.advance(input) {
            Output::Unauthenticated { client, .. } if client == request.client().client_id => {
                Input::Authenticated { scope: scope() }
            }
            Output::Unauthenticated { .. } => return Err(Error::Internal("oxide-auth asks for another client".into())),
            Output::RecoverRefresh { .. } => {
                let stored = StoredGrant {
                    owner_id: &family.user_id,
                    client_id: &family.client_id,
                    scopes: &scopes,
                    redirect_uri: oxide::NO_REDIRECT,
                    extensions: oxide::make_extensions(&audience),
                };
                Input::Recovered { scope: scope(), grant: Some(Box::new(stored.to_grant()?)) }
            }
            Output::Refresh { grant, .. } => {
                let response = issue_successor(call, tx, request, family, &grant)?;
                let token = RefreshedToken {
                    token: response.access_token.clone(),
                    refresh: response.refresh_token.clone(),
                    until: grant.until,
                    token_type: TokenType::Bearer,
                };
                issued = Some(response);
                Input::Refreshed(token)
            }
            Output::Ok(_) => return issued.ok_or_else(|| Error::Internal("oxide-auth issued nothing".into())),
            Output::Err(MachineError::Invalid(mut invalid)) => {
                return Err(oxide::translate_token_error(invalid.description().kind().as_ref()).into());
            }
            Output::Err(MachineError::Unauthorized(_, _)) => {
                return Err(invalid_grant("the refresh token was issued to another client").into());
            }
            Output::Err(_) => return Err(Error::Internal("oxide-auth: the refresh machine gave up".into())),
        };
    }
}

/// The next tokens of the family. A narrowed access token does not narrow the family (F-02): the row keeps all of it.
fn issue_successor(
    call: &Call,
    tx: &mut Tx<'_>,
    request: &TokenRequest,
    family: &GrantRow,
    grant: &Grant,
) -> Result<TokenResponse> {
    let on_behalf = OnBehalf {
        grant_id: &family.id,
        user_id: &family.user_id,
        auth_time: family.auth_time,
        expires_at: family.expires_at,
    };
    let audience = oxide::read_resources(&grant.extensions);
    let scopes = request.catalogue().narrow_to(&oxide::from_oxide_scope(&grant.scope), &audience);
    let spec = AccessSpec {
        client: request.client(),
        catalogue: request.catalogue(),
        scopes,
        audience,
        on_behalf: Some(on_behalf),
    };
    let mut response = issue::issue_access_token(call, tx, &spec)?;
    if !request.client().keeps_refresh_token {
        response.refresh_token = Some(issue::issue_refresh_token(call, tx, request.client(), on_behalf)?);
    }
    Ok(response)
}
