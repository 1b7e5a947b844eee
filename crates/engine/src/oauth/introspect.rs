//! Introspection (RFC 7662): inactive until proven active, and only for the API that the token is meant for.

use std::sync::Arc;

use gatepost_protocol::introspect::IntrospectionResponse;
use gatepost_protocol::jwt::IntrospectionClaims;
use gatepost_protocol::resource::Resources;
use gatepost_protocol::secret::{Secret, SecretKind, TokenHash};
use gatepost_store::oauth::access_tokens::{self, AccessTokenRow, TokenOwner};
use gatepost_store::{Db, Stamp, StoreError, Topic};

use crate::clients::registry::ResourceServer;
use crate::kernel::call::Call;
use crate::kernel::error::{Error, Result};
use crate::kernel::token_cache::KnownToken;
use crate::oauth::issue::client_subject;

/// What was presented, if it can be an access token at all; anything else is inactive without a look.
pub fn read_presented_token(presented: &str) -> Option<TokenHash> {
    if let Some(secret) = Secret::parse(SecretKind::AccessToken, presented) {
        return Some(TokenHash::of(&secret));
    }
    // a JWT access token (RFC 9068): found by its hash as well, so its signature need not be asked
    let is_jwt = presented.len() <= 8192 && presented.split('.').count() == 3 && presented.starts_with("eyJ");
    is_jwt.then(|| TokenHash::of_text(presented))
}

/// The answer from memory; `None` where the database must be asked.
pub fn recall_token(call: &Call, server: &ResourceServer, token: &TokenHash) -> Option<Arc<KnownToken>> {
    if !call.policy().cache_introspection {
        return None;
    }
    let known = call.engine.tokens.get(&call.engine.epochs, token)?;
    known.is_for(&server.resource, call.now).then_some(known)
}

/// The answer from the database; `None` is inactive.
pub fn find_token(
    call: &Call,
    db: &mut Db,
    server: &ResourceServer,
    token: &TokenHash,
) -> Result<Option<Arc<KnownToken>>> {
    Ok(find_live_token(call, db, token)?.filter(|known| known.is_for(&server.resource, call.now)))
}

/// The live token, whoever it is meant for: for its owner and for the operator. Not inside a write, which may see what is
/// not committed yet.
pub fn find_live_token(call: &Call, db: &mut Db, token: &TokenHash) -> Result<Option<Arc<KnownToken>>> {
    let as_of = call.engine.epochs.now();
    let Some((row, owner)) = access_tokens::find_access_token(db, token)? else { return Ok(None) };
    if !is_live(call, &row, owner.as_ref()) || !is_client_enabled(call, db, &row.client_id)? {
        return Ok(None);
    }
    let known = Arc::new(describe_token(call, &row, owner.as_ref())?);
    if call.policy().cache_introspection {
        let mut topics = vec![Topic::Token(row.token_hash), Topic::Client(row.client_id)];
        topics.extend(row.grant_id.map(Topic::Grant));
        topics.extend(owner.map(|owner| Topic::User(owner.user_id)));
        call.engine.tokens.keep(*token, Arc::clone(&known), Stamp::new(as_of, &topics));
    }
    Ok(Some(known))
}

/// Everything that must hold for a token to be good; whatever is missing means that it is not.
fn is_live(call: &Call, row: &AccessTokenRow, owner: Option<&TokenOwner>) -> bool {
    let itself = row.revoked_at.is_none() && call.now < row.expires_at;
    let family = match (&row.grant_id, owner) {
        (None, _) => true,
        (Some(_), Some(owner)) => owner.grant_revoked_at.is_none() && owner.disabled_at.is_none(),
        (Some(_), None) => false,
    };
    itself && family
}

fn is_client_enabled(call: &Call, db: &mut Db, client_id: &str) -> Result<bool> {
    let registry = &call.engine.registry;
    let client = match registry.recall_client(client_id) {
        Some(client) => Some(client),
        None => registry.load_client(db, client_id)?,
    };
    Ok(client.is_some_and(|client| !client.disabled))
}

fn describe_token(call: &Call, row: &AccessTokenRow, owner: Option<&TokenOwner>) -> Result<KnownToken> {
    let audience = Resources::parse_json(&row.audience)
        .ok_or_else(|| StoreError::Corrupt(format!("audience of a token of {}", row.client_id)))?;
    let answer = IntrospectionResponse {
        active: true,
        scope: Some(row.scopes.clone()),
        client_id: Some(row.client_id.clone()),
        username: owner.map(|owner| owner.email.clone()),
        token_type: Some("Bearer".into()),
        exp: Some(row.expires_at),
        iat: Some(row.issued_at),
        sub: Some(owner.map_or_else(|| client_subject(&row.client_id), |owner| owner.user_id.clone())),
        aud: Some(Vec::from(audience.clone()).into()),
        iss: Some(call.engine.issuer.as_str().to_owned()),
        auth_time: owner.map(|owner| owner.auth_time),
        ..IntrospectionResponse::default()
    };
    Ok(KnownToken::new(answer, audience, row.expires_at)?)
}

/// The answer as a signed JWT (RFC 9701 §5), for an API that asks for one; an inactive token gets one too.
pub fn sign_answer(call: &Call, server: &ResourceServer, known: Option<&KnownToken>) -> Result<String> {
    let claims = IntrospectionClaims {
        iss: call.engine.issuer.as_str().to_owned(),
        aud: server.id.clone(),
        iat: call.now,
        token_introspection: known.map_or_else(IntrospectionResponse::default, |known| known.answer.clone()),
    };
    let keys = call.engine.keys.read().map_err(|_| Error::Internal("the key ring is poisoned".into()))?;
    let key = keys.signer(call.now).ok_or_else(|| Error::Internal("there is no signing key".into()))?;
    key.sign_jwt("token-introspection+jwt", &claims).map_err(|error| Error::Internal(error.to_string()))
}
