//! The client credentials grant (OAuth 2.1 §4.2): a service's own token, without a refresh token.

use gatepost_protocol::error::ErrorCode;
use gatepost_protocol::scope::ScopeSet;
use gatepost_store::Tx;

use crate::kernel::call::Call;
use crate::kernel::error::{Refused, Result};
use crate::oauth::authorize::{check_resources, check_scopes, choose_resources};
use crate::oauth::issue::{self, AccessSpec};
use crate::oauth::oxide;
use crate::oauth::token::{Decision, TokenRequest};

/// Issues a token to the client itself.
pub(crate) fn issue_to_client(call: &Call, tx: &mut Tx<'_>, request: &TokenRequest) -> Result<Decision> {
    let spec = check_request(request)?;
    Ok(Decision::Issued(issue::issue_access_token(call, tx, &spec)?))
}

/// What the client may have of what it asks for.
fn check_request(request: &TokenRequest) -> Result<AccessSpec<'_>> {
    let (client, catalogue) = (request.client(), request.catalogue());
    let resources = check_resources(request.params(), client, catalogue)?;
    if let Some(scope) = request.params().one("scope")
        && ScopeSet::parse(scope).is_err()
    {
        // oxide-auth would call it invalid_request
        return Err(Refused::new(ErrorCode::InvalidScope, "The scope is malformed.").into());
    }
    let decide = |asked: Option<&ScopeSet>| check_scopes(asked, client, catalogue, &resources);
    let scopes = oxide::check_client_credentials(request, decide)?;
    let audience = match resources.is_empty() {
        true => choose_resources(client, catalogue, &scopes),
        false => resources,
    };
    // when the audience was chosen for it, the client may still not reach every API that its scopes belong to (RI-05)
    let asked_for_none = scopes.is_empty();
    let scopes = match audience.is_empty() {
        true => scopes,
        false => catalogue.narrow_to(&scopes, &audience),
    };
    if scopes.is_empty() && !asked_for_none {
        let public = "None of the scopes belongs to a resource that the app may reach.";
        return Err(Refused::new(ErrorCode::InvalidScope, public).into());
    }
    Ok(AccessSpec { client, catalogue, scopes, audience, on_behalf: None })
}
