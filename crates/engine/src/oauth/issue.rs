//! The one place where tokens are made. Nothing is refused here: that was done before ([`Trouble`]).

use gatepost_protocol::jwt::AccessTokenClaims;
use gatepost_protocol::resource::Resources;
use gatepost_protocol::scope::ScopeSet;
use gatepost_protocol::secret::{SecretKind, TokenHash};
use gatepost_protocol::token::TokenResponse;
use gatepost_store::Db;
use gatepost_store::oauth::access_tokens::AccessTokenRow;
use gatepost_store::oauth::grants::GrantRow;
use gatepost_store::oauth::issued::{Issued, insert_issued};
use gatepost_store::oauth::refresh_tokens::RefreshTokenRow;

use crate::clients::registry::{Catalogue, Client};
use crate::kernel::call::Call;
use crate::kernel::error::Trouble;

/// The person and the family behind a token; a client's own token has neither.
#[derive(Clone, Copy)]
pub(crate) struct OnBehalf<'a> {
    pub(crate) grant_id: &'a str,
    pub(crate) user_id: &'a str,
    pub(crate) auth_time: i64,
    /// no token of the family outlives this
    pub(crate) expires_at: i64,
}

impl<'a> OnBehalf<'a> {
    /// The person and the family of this row.
    pub(crate) fn of(family: &'a GrantRow) -> Self {
        Self {
            grant_id: &family.id,
            user_id: &family.user_id,
            auth_time: family.auth_time,
            expires_at: family.expires_at,
        }
    }
}

type Result<T> = std::result::Result<T, Trouble>;

/// What an access token is for.
pub(crate) struct AccessSpec<'a> {
    pub(crate) client: &'a Client,
    pub(crate) catalogue: &'a Catalogue,
    pub(crate) scopes: ScopeSet,
    pub(crate) audience: Resources,
    pub(crate) on_behalf: Option<OnBehalf<'a>>,
}

/// Makes and keeps an access token without more.
pub(crate) fn issue_access_token(call: &Call, db: &mut Db, spec: &AccessSpec<'_>) -> Result<TokenResponse> {
    let (response, access) = make_access_token(call, spec)?;
    insert_issued(db, Issued { family: None, access: &access, refresh: None })?;
    Ok(response)
}

/// Makes and keeps the tokens of a family: the first ones of a `new_family`, or the next ones of a family that is there.
pub(crate) fn issue_family_tokens(
    call: &Call,
    db: &mut Db,
    spec: &AccessSpec<'_>,
    (new_family, refreshable): (Option<&GrantRow>, bool),
) -> Result<TokenResponse> {
    let (mut response, access) = make_access_token(call, spec)?;
    let refresh = match spec.on_behalf.filter(|_| refreshable) {
        None => None,
        Some(on_behalf) => {
            let (token, row) = make_refresh_token(call, spec.client, on_behalf)?;
            response.refresh_token = Some(token);
            Some(row)
        }
    };
    insert_issued(db, Issued { family: new_family, access: &access, refresh: refresh.as_ref() })?;
    Ok(response)
}

fn make_access_token(call: &Call, spec: &AccessSpec<'_>) -> Result<(TokenResponse, AccessTokenRow)> {
    let ttl = spec.client.access_ttl.unwrap_or(call.policy().access_ttl);
    let family_end = spec.on_behalf.map_or(i64::MAX, |on_behalf| on_behalf.expires_at);
    let expires_at = call.now.saturating_add(ttl).min(family_end);
    // a token that belongs to no API yet is for the server itself (its own account API)
    let audience = match spec.audience.is_empty() {
        true => Resources::from(vec![call.engine.issuer.as_str().to_owned()]),
        false => spec.audience.clone(),
    };
    let scopes = spec.scopes.to_string();
    let (token, hash) = match wants_jwt(spec.catalogue, &audience) {
        true => make_jwt(call, spec, &audience, expires_at)?,
        false => {
            let secret = call.engine.make_secret(SecretKind::AccessToken)?;
            (secret.expose().to_owned(), TokenHash::of(&secret))
        }
    };
    let row = AccessTokenRow {
        token_hash: hash.to_base64(),
        grant_id: spec.on_behalf.map(|on_behalf| on_behalf.grant_id.to_owned()),
        client_id: spec.client.client_id.clone(),
        scopes: scopes.clone(),
        audience: audience.to_json(),
        issued_at: call.now,
        expires_at,
        revoked_at: None,
    };
    let response = TokenResponse {
        access_token: token,
        token_type: "Bearer".into(),
        expires_in: expires_at - call.now,
        scope: scopes,
        refresh_token: None,
    };
    Ok((response, row))
}

/// Only where every audience asked for JWTs: one that introspects needs no readable token.
fn wants_jwt(catalogue: &Catalogue, audience: &Resources) -> bool {
    audience.iter().all(|resource| catalogue.find_by_resource(resource).is_some_and(|server| server.wants_jwt))
}

/// A JWT access token (RFC 9068). It is kept by hash like an opaque one, so that it can be revoked and introspected.
fn make_jwt(call: &Call, spec: &AccessSpec<'_>, audience: &Resources, expires_at: i64) -> Result<(String, TokenHash)> {
    let claims = AccessTokenClaims {
        iss: call.engine.issuer.as_str().to_owned(),
        sub: spec.on_behalf.map_or_else(|| client_subject(&spec.client.client_id), |on| on.user_id.to_owned()),
        aud: Vec::from(audience.clone()).into(),
        client_id: spec.client.client_id.clone(),
        iat: call.now,
        exp: expires_at,
        jti: call.engine.make_id()?,
        scope: Some(spec.scopes.to_string()).filter(|scopes| !scopes.is_empty()),
        auth_time: spec.on_behalf.map(|on_behalf| on_behalf.auth_time),
    };
    let keys = call.engine.keys.read().map_err(|_| Trouble::Internal("the key ring is poisoned".into()))?;
    let key = keys.signer(call.now).ok_or_else(|| Trouble::Internal("there is no signing key".into()))?;
    let token = key.sign_jwt("at+jwt", &claims).map_err(|error| Trouble::Internal(error.to_string()))?;
    let hash = TokenHash::of_text(&token);
    Ok((token, hash))
}

/// The subject of a client's own tokens: marked, so that it is never a person's id (JT-04).
pub(crate) fn client_subject(client_id: &str) -> String {
    format!("client:{client_id}")
}

fn make_refresh_token(call: &Call, client: &Client, on_behalf: OnBehalf<'_>) -> Result<(String, RefreshTokenRow)> {
    let secret = call.engine.make_secret(SecretKind::RefreshToken)?;
    let row = RefreshTokenRow {
        token_hash: TokenHash::of(&secret).to_base64(),
        grant_id: on_behalf.grant_id.to_owned(),
        issued_at: call.now,
        expires_at: refresh_expiry(call, client, on_behalf.expires_at),
        used_at: None,
        replay: None,
    };
    Ok((secret.expose().to_owned(), row))
}

/// When a refresh token that is not used ends; a rotated one never outlives the first (RFC 10017 §6.3.2.3).
pub(crate) fn refresh_expiry(call: &Call, client: &Client, family_end: i64) -> i64 {
    let idle = client.refresh_idle_ttl.unwrap_or(call.policy().refresh_idle_ttl);
    call.now.saturating_add(idle).min(family_end)
}
