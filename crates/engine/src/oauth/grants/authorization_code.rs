//! The authorization code grant (OAuth 2.1 §4.1.3).

use gatepost_protocol::error::ErrorCode;
use gatepost_protocol::grant_type::GrantType;
use gatepost_protocol::resource::Resources;
use gatepost_protocol::scope::ScopeSet;
use gatepost_protocol::secret::{Secret, SecretKind, TokenHash};
use gatepost_protocol::token::TokenResponse;
use gatepost_store::oauth::codes::{self, CodeRow};
use gatepost_store::oauth::grants::{self, GrantRow};
use gatepost_store::{Topic, Tx};
use serde_json::json;

use crate::audit::{Actor, Event, record_event};
use crate::kernel::call::Call;
use crate::kernel::error::{Error, Refused, Result, Trouble};
use crate::oauth::granted::Granted;
use crate::oauth::grants::{invalid_grant, narrow_resources};
use crate::oauth::issue::{self, AccessSpec, OnBehalf};
use crate::oauth::oxide::{self, CodeExtensions};
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
    let Some((row, is_owner_enabled)) = codes::consume_code(tx, &code, call.now, MAX_ATTEMPTS)? else {
        return refuse_unusable_code(call, tx, request, &code);
    };
    if row.client_id != request.client().client_id {
        // another client's try does not count against the owner
        return Ok(Decision::Refused(invalid_grant("the code was issued to another client")));
    }
    match check_redemption(request, &row, is_owner_enabled) {
        Ok(redemption) => Ok(Decision::Issued(issue_family(call, tx, request, &redemption)?)),
        Err(Error::Refused(refused)) => {
            codes::release_code(tx, &code)?;
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
    let is_owner = row.client_id == request.client().client_id;
    let carried = CodeExtensions::parse(&row.extensions)?;
    if !is_owner
        || check_redirect_uri(request, &row).is_err()
        || oxide::verify_pkce(request.params(), &carried).is_err()
    {
        return Ok(Decision::Refused(invalid_grant("a used code, without what belongs to it")));
    }
    if grants::revoke_grant(tx, &row.grant_id, "code used twice", call.now)? {
        tx.touch(Topic::Grant(row.grant_id.clone()));
        let event = Event::refused(Actor::Client(&row.client_id), "code.replayed", &row.grant_id);
        record_event(call, tx, event, &json!({"user": row.user_id}))?;
    }
    Ok(Decision::RefusedWithTrace(invalid_grant("the code was used before: its tokens are revoked")))
}

/// T-10: if it is sent it must be the same, byte for byte; oxide-auth would compare parsed URLs.
fn check_redirect_uri(request: &TokenRequest, row: &CodeRow) -> std::result::Result<(), Refused> {
    match request.params().one("redirect_uri") {
        Some(sent) if sent != row.redirect_uri => {
            Err(invalid_grant("redirect_uri is not that of the authorization request"))
        }
        _ => Ok(()),
    }
}

/// nothing is redeemed for somebody whose account is disabled.
fn check_owner(is_enabled: Option<bool>) -> std::result::Result<(), Refused> {
    match is_enabled {
        Some(true) => Ok(()),
        Some(false) => Err(invalid_grant("the account is disabled")),
        None => Err(invalid_grant("the account is gone")),
    }
}

/// A code that is good in every respect, and what comes of it.
struct Redemption<'r> {
    row: &'r CodeRow,
    /// what the whole family may have: as much as was granted, even where less of it may be had now
    granted: Granted,
    /// what the first access token gets
    scopes: ScopeSet,
    audience: Resources,
}

/// Everything that a good code must be, in the order of OAuth 2.1 §4.1.3.
fn check_redemption<'r>(
    request: &TokenRequest,
    row: &'r CodeRow,
    is_owner_enabled: Option<bool>,
) -> Result<Redemption<'r>> {
    check_redirect_uri(request, row)?;
    check_owner(is_owner_enabled)?;
    let carried = CodeExtensions::parse(&row.extensions)?;
    let granted = Granted::of_code(row, &carried)?;
    let present = granted.limit_to_present(request.client(), request.catalogue())?;
    let scopes = oxide::check_code(request, row, &carried, &present.scopes)?;
    let audience = narrow_resources(request.params(), &present.resources)?;
    let scopes = request.catalogue().narrow_to(&scopes, &audience);
    Ok(Redemption { row, granted, scopes, audience })
}

/// Makes the grant and its first tokens.
fn issue_family(
    call: &Call,
    tx: &mut Tx<'_>,
    request: &TokenRequest,
    redemption: &Redemption<'_>,
) -> std::result::Result<TokenResponse, Trouble> {
    let (client, row, granted) = (request.client(), redemption.row, &redemption.granted);
    let absolute = client.refresh_absolute_ttl.unwrap_or(call.policy().refresh_absolute_ttl);
    let refreshable = client.may_use(GrantType::RefreshToken);
    let access_ttl = client.access_ttl.unwrap_or(call.policy().access_ttl);
    let family = GrantRow {
        id: row.grant_id.clone(),
        client_id: row.client_id.clone(),
        user_id: row.user_id.clone(),
        session_id: row.session_id.clone(),
        scopes: granted.scopes.to_string(),
        resources: granted.resources.to_json(),
        auth_time: row.auth_time,
        created_at: call.now,
        last_used_at: call.now,
        // a grant without a refresh token is over with its access token
        expires_at: call.now.saturating_add(if refreshable { absolute } else { access_ttl }),
        revoked_at: None,
        revoked_reason: None,
    };
    let spec = AccessSpec {
        client,
        catalogue: request.catalogue(),
        scopes: redemption.scopes.clone(),
        audience: redemption.audience.clone(),
        on_behalf: Some(OnBehalf::of(&family)),
    };
    issue::issue_family_tokens(call, tx, &spec, (Some(&family), refreshable))
}
