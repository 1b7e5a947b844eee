//! Revocation (RFC 7009): whatever is sent, the answer is 200, and it takes effect at once.

use gatepost_protocol::secret::{Secret, SecretKind, TokenHash};
use gatepost_store::oauth::{access_tokens, grants, refresh_tokens};
use gatepost_store::{Outcome, Topic, Tx};
use serde_json::json;

use crate::audit::{Actor, Event, record_event};
use crate::clients::registry::Client;
use crate::kernel::call::Call;
use crate::kernel::error::Result;
use crate::oauth::introspect::read_presented_token;

/// What a revocation did; for the log, never for the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revoked {
    /// one access token
    AccessToken,
    /// a refresh token and with it its whole family
    Family,
    /// nothing: unknown, over, or another client's (RV-04)
    Nothing,
}

/// Revokes what this client presents. The hint is not needed: a token says itself what it is.
pub fn revoke_token(call: &Call, tx: &mut Tx<'_>, client: &Client, presented: &str) -> Result<Outcome<Revoked>> {
    if let Some(secret) = Secret::parse(SecretKind::RefreshToken, presented) {
        return revoke_family(call, tx, client, &TokenHash::of(&secret));
    }
    let Some(hash) = read_presented_token(presented) else { return Ok(Outcome::Rollback(Revoked::Nothing)) };
    match access_tokens::find_access_token(tx, &hash)? {
        Some((row, _)) if row.client_id == client.client_id => {
            let done = access_tokens::revoke_access_token(tx, &hash, call.now)?;
            tx.touch(Topic::Token(row.token_hash));
            Ok(Outcome::Commit(if done { Revoked::AccessToken } else { Revoked::Nothing }))
        }
        _ => Ok(Outcome::Rollback(Revoked::Nothing)),
    }
}

/// Also an old, rotated token ends its family (RV-09).
fn revoke_family(call: &Call, tx: &mut Tx<'_>, client: &Client, hash: &TokenHash) -> Result<Outcome<Revoked>> {
    let Some(row) = refresh_tokens::find_refresh_token(tx, hash)? else {
        return Ok(Outcome::Rollback(Revoked::Nothing));
    };
    let Some(family) = grants::find_grant(tx, &row.grant_id)? else { return Ok(Outcome::Rollback(Revoked::Nothing)) };
    if family.client_id != client.client_id || !grants::revoke_grant(tx, &family.id, "revoked by its client", call.now)?
    {
        return Ok(Outcome::Rollback(Revoked::Nothing));
    }
    tx.touch(Topic::Grant(family.id.clone()));
    let event = Event::done(Actor::Client(&client.client_id), "grant.revoked", &family.id);
    record_event(call, tx, event, &json!({"user": family.user_id}))?;
    Ok(Outcome::Commit(Revoked::Family))
}

/// Revokes whatever an operator presents, whoever it was issued to.
pub fn revoke_as_operator(call: &Call, tx: &mut Tx<'_>, presented: &str) -> Result<Outcome<Revoked>> {
    let (done, subject) = if let Some(secret) = Secret::parse(SecretKind::RefreshToken, presented) {
        let Some(row) = refresh_tokens::find_refresh_token(tx, &TokenHash::of(&secret))? else {
            return Ok(Outcome::Rollback(Revoked::Nothing));
        };
        let done = grants::revoke_grant(tx, &row.grant_id, "revoked by the operator", call.now)?;
        tx.touch(Topic::Grant(row.grant_id.clone()));
        (if done { Revoked::Family } else { Revoked::Nothing }, row.grant_id)
    } else {
        let Some(hash) = read_presented_token(presented) else { return Ok(Outcome::Rollback(Revoked::Nothing)) };
        let done = access_tokens::revoke_access_token(tx, &hash, call.now)?;
        tx.touch(Topic::Token(hash.to_base64()));
        (if done { Revoked::AccessToken } else { Revoked::Nothing }, hash.to_base64())
    };
    if done != Revoked::Nothing {
        record_event(call, tx, Event::done(Actor::Operator, "token.revoked", &subject), &json!(null))?;
    }
    Ok(Outcome::Commit(done))
}
