//! The refresh token grant (OAuth 2.1 §4.3): rotation, reuse detection, families.

use gatepost_protocol::error::ErrorCode;
use gatepost_protocol::resource::Resources;
use gatepost_protocol::scope::ScopeSet;
use gatepost_protocol::secret::{Secret, SecretKind, TokenHash};
use gatepost_protocol::token::TokenResponse;
use gatepost_store::oauth::grants::{self, GrantRow};
use gatepost_store::oauth::refresh_tokens::{self, RefreshTokenRow};
use gatepost_store::{Topic, Tx};
use serde_json::json;

use crate::audit::{Actor, Event, record_event};
use crate::kernel::call::Call;
use crate::kernel::error::{Error, Refused, Result, Trouble};
use crate::kernel::seal;
use crate::oauth::granted::Granted;
use crate::oauth::grants::{invalid_grant, narrow_resources};
use crate::oauth::issue::{self, AccessSpec, OnBehalf};
use crate::oauth::oxide;
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
    let Some((family, disabled_at)) = taken else { return refuse_unusable_token(call, tx, request, &token) };
    if disabled_at.is_some() {
        return Ok(Decision::Refused(invalid_grant("the account is disabled")));
    }
    if family.revoked_at.is_some() || family.expires_at <= call.now {
        return Ok(Decision::Refused(invalid_grant("the family is revoked or over")));
    }
    let response = issue_successor(call, tx, request, check_renewal(request, &family)?)?;
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
) -> Result<Option<(GrantRow, Option<i64>)>> {
    let Some(row) = refresh_tokens::find_refresh_token(tx, hash)? else { return Ok(None) };
    let Some(found) = grants::find_grant_and_owner(tx, &row.grant_id)? else { return Ok(None) };
    let expires_at = issue::refresh_expiry(call, request.client(), found.0.expires_at);
    let extended = refresh_tokens::update_refresh_expiry(tx, hash, call.now, expires_at)?;
    Ok(extended.then_some(found))
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

/// What the next access token of the family gets.
struct Renewal<'r> {
    family: &'r GrantRow,
    scopes: ScopeSet,
    audience: Resources,
}

/// What this request may have of what the family was granted.
fn check_renewal<'r>(request: &TokenRequest, family: &'r GrantRow) -> Result<Renewal<'r>> {
    let present = Granted::of_grant(family)?.limit_to_present(request.client(), request.catalogue())?;
    let audience = narrow_resources(request.params(), &present.resources)?;
    let scopes = oxide::check_refresh(request, family, &present.scopes)?;
    let scopes = request.catalogue().narrow_to(&scopes, &audience);
    Ok(Renewal { family, scopes, audience })
}

/// The next tokens of the family. A narrowed access token does not narrow the family (F-02): the row keeps all of it.
fn issue_successor(
    call: &Call,
    tx: &mut Tx<'_>,
    request: &TokenRequest,
    renewal: Renewal<'_>,
) -> std::result::Result<TokenResponse, Trouble> {
    let (client, on_behalf) = (request.client(), OnBehalf::of(renewal.family));
    let Renewal { scopes, audience, .. } = renewal;
    let spec = AccessSpec { client, catalogue: request.catalogue(), scopes, audience, on_behalf: Some(on_behalf) };
    issue::issue_family_tokens(call, tx, &spec, (None, !client.keeps_refresh_token))
}
