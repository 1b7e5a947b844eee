//! The authorization code grant (OAuth 2.1 §4.1.3).

use std::borrow::Cow;

use gatepost_protocol::error::ErrorCode;
use gatepost_protocol::grant_type::GrantType;
use gatepost_protocol::pkce;
use gatepost_protocol::secret::{Secret, SecretKind, TokenHash};
use gatepost_protocol::token::TokenResponse;
use gatepost_store::oauth::codes::{self, CodeRow};
use gatepost_store::oauth::grants::{self, GrantRow};
use gatepost_store::{Topic, Tx};
use oxide_auth::code_grant::accesstoken::{AccessToken, Error as MachineError, Input, Output};
use oxide_auth::code_grant::extensions::Pkce;
use oxide_auth::primitives::issuer::{IssuedToken, TokenType};
use serde_json::json;

use crate::audit::{Actor, Event, record_event};
use crate::kernel::call::Call;
use crate::kernel::error::{Error, Refused, Result};
use crate::oauth::grants::{
    check_user_enabled, invalid_grant, limit_to_present, narrow_resources, parse_stored_scopes,
};
use crate::oauth::issue::{self, AccessSpec, OnBehalf};
use crate::oauth::oxide::{self, MachineRequest, StoredGrant};
use crate::oauth::token::{Decision, TokenRequest};

/// Wrong tries that a code survives (R-5, P-04): not one, so that nobody can burn it with a bad request.
const MAX_ATTEMPTS: i64 = 5;

/// Redeems a code: exactly once, by its client, with the verifier.
pub(crate) fn redeem_code(call: &Call, tx: &mut Tx<'_>, request: &TokenRequest) -> Result<Decision> {
    let Some(sent) = request.params().one("code") else {
        return Ok(Decision::Refused(Refused::new(ErrorCode::InvalidRequest, "code is missing.")));
    };
    let Some(code) = Secret::parse(SecretKind::AuthorizationCode, sent) else {
        return Ok(Decision::Refused(invalid_grant("not a code of ours")));
    };
    let code = TokenHash::of(&code);
    let Some(row) = codes::consume_code(tx, &code, call.now, MAX_ATTEMPTS)? else {
        return refuse_unusable_code(call, tx, request, &code);
    };
    if row.client_id != request.client().client_id {
        // another client's try does not count against the owner
        return Ok(Decision::Refused(invalid_grant("the code was issued to another client")));
    }
    match exchange(call, tx, request, &row) {
        Ok(response) => Ok(Decision::Issued(response)),
        Err(Error::Refused(refused)) => {
            codes::update_code_attempts(tx, &code)?;
            Ok(Decision::RefusedWithTrace(refused))
        }
        Err(error) => Err(error),
    }
}

/// The code is unknown, expired, or was used. A second use that is valid in all else is a theft: of this code or of the
/// one before, so everything issued from it dies (OAuth 2.1 §4.1.3). A use without the verifier proves nothing (TK6).
fn refuse_unusable_code(call: &Call, tx: &mut Tx<'_>, request: &TokenRequest, code: &TokenHash) -> Result<Decision> {
    let Some(row) = codes::find_code(tx, code)? else {
        return Ok(Decision::Refused(invalid_grant("unknown code")));
    };
    if row.used_at.is_none() {
        return Ok(Decision::Refused(invalid_grant("the code is too old or was tried too often")));
    }
    if row.client_id != request.client().client_id || verify_request(request, &row).is_err() {
        return Ok(Decision::Refused(invalid_grant("a used code, without what belongs to it")));
    }
    if grants::revoke_grant(tx, &row.grant_id, "code used twice", call.now)? {
        tx.touch(Topic::Grant(row.grant_id.clone()));
        let event = Event::refused(Actor::Client(&row.client_id), "code.replayed", &row.grant_id);
        record_event(call, tx, event, &json!({"user": row.user_id}))?;
    }
    Ok(Decision::RefusedWithTrace(invalid_grant("the code was used before: its tokens are revoked")))
}

/// Redirect URI and verifier fit the code.
fn verify_request(request: &TokenRequest, row: &CodeRow) -> Result<()> {
    check_redirect_uri(request, row)?;
    let extensions = oxide::parse_extensions(&row.extensions)?;
    verify_pkce(request, &mut extensions.clone())
}

/// T-10: if it is sent it must be the same, byte for byte; oxide-auth would compare parsed URLs.
fn check_redirect_uri(request: &TokenRequest, row: &CodeRow) -> Result<()> {
    match request.params().one("redirect_uri") {
        Some(sent) if sent != row.redirect_uri => {
            Err(invalid_grant("redirect_uri is not that of the authorization request").into())
        }
        _ => Ok(()),
    }
}

/// P-02, P-03: RFC 7636 §4.6 answers `invalid_grant`, where oxide-auth would say `invalid_request`.
fn verify_pkce(request: &TokenRequest, extensions: &mut oxide_auth::primitives::grant::Extensions) -> Result<()> {
    let verifier = request.params().one("code_verifier");
    if verifier.is_some_and(|verifier| !pkce::is_verifier(verifier)) {
        return Err(invalid_grant("code_verifier is malformed").into());
    }
    let machine = Pkce::required();
    let challenge = extensions.remove(&machine);
    machine
        .verify(challenge, verifier.map(Cow::Borrowed))
        .map_err(|()| invalid_grant("code_verifier does not match").into())
}

fn exchange(call: &Call, tx: &mut Tx<'_>, request: &TokenRequest, row: &CodeRow) -> Result<TokenResponse> {
    check_redirect_uri(request, row)?;
    check_user_enabled(tx, &row.user_id)?;
    let extensions = oxide::parse_extensions(&row.extensions)?;
    let (scopes, resources) =
        limit_to_present(request, &parse_stored_scopes(&row.scopes)?, &oxide::read_resources(&extensions))?;
    let seen = MachineRequest {
        params: request.params(),
        client_id: request.client().client_id,
        redirect_uri: Some(&row.redirect_uri),
    };
    let mut machine = AccessToken::new(&seen);
    let mut input = Input::None;
    let mut issued = None;
    loop {
        input = match machine.advance(input) {
            Output::Authenticate { client, .. } if client == request.client().client_id => Input::Authenticated,
            Output::Authenticate { .. } => return Err(Error::Internal("oxide-auth asks for another client".into())),
            Output::Recover { .. } => {
                let stored = StoredGrant {
                    owner_id: &row.user_id,
                    client_id: &row.client_id,
                    scopes: &scopes,
                    redirect_uri: &row.redirect_uri,
                    extensions: extensions.clone(),
                };
                Input::Recovered(Some(Box::new(stored.to_grant()?)))
            }
            Output::Extend { extensions } => {
                verify_pkce(request, extensions)?;
                let audience = narrow_resources(request.params(), &resources)?;
                let mut access_extensions = extensions.clone();
                oxide::set_resources(&mut access_extensions, &audience);
                Input::Extended { access_extensions }
            }
            Output::Issue { grant } => {
                let response = issue_family(call, tx, request, row, grant)?;
                let token = IssuedToken {
                    token: response.access_token.clone(),
                    refresh: response.refresh_token.clone(),
                    until: grant.until,
                    token_type: TokenType::Bearer,
                };
                issued = Some(response);
                Input::Issued(token)
            }
            Output::Ok(_) => return issued.ok_or_else(|| Error::Internal("oxide-auth issued nothing".into())),
            Output::Err(error) => {
                return Err(match *error {
                    MachineError::Invalid(mut invalid) => {
                        oxide::translate_token_error(invalid.description().kind().as_ref()).into()
                    }
                    _ => Error::Internal("oxide-auth: the code machine gave up".into()),
                });
            }
        };
    }
}

/// Makes the grant and its first tokens.
fn issue_family(
    call: &Call,
    tx: &mut Tx<'_>,
    request: &TokenRequest,
    row: &CodeRow,
    grant: &oxide_auth::primitives::grant::Grant,
) -> Result<TokenResponse> {
    let client = request.client();
    let granted = oxide::parse_extensions(&row.extensions)?;
    let absolute = client.refresh_absolute_ttl.unwrap_or(call.policy().refresh_absolute_ttl);
    let refreshable = client.may_use(GrantType::RefreshToken);
    let access_ttl = client.access_ttl.unwrap_or(call.policy().access_ttl);
    let family = GrantRow {
        id: row.grant_id.clone(),
        client_id: row.client_id.clone(),
        user_id: row.user_id.clone(),
        session_id: row.session_id.clone(),
        scopes: row.scopes.clone(),
        resources: json!(oxide::read_resources(&granted)).to_string(),
        auth_time: row.auth_time,
        created_at: call.now,
        last_used_at: call.now,
        // a grant without a refresh token is over with its access token
        expires_at: call.now.saturating_add(if refreshable { absolute } else { access_ttl }),
        revoked_at: None,
        revoked_reason: None,
    };
    grants::insert_grant(tx, &family)?;
    let on_behalf = OnBehalf {
        grant_id: &family.id,
        user_id: &family.user_id,
        auth_time: family.auth_time,
        expires_at: family.expires_at,
    };
    let audience = oxide::read_resources(&grant.extensions);
    let scopes = request.catalogue().narrow_to(&oxide::from_oxide_scope(&grant.scope), &audience);
    let spec = AccessSpec { client, catalogue: request.catalogue(), scopes, audience, on_behalf: Some(on_behalf) };
    let mut response = issue::issue_access_token(call, tx, &spec)?;
    if refreshable {
        response.refresh_token = Some(issue::issue_refresh_token(call, tx, client, on_behalf)?);
    }
    Ok(response)
}
