//! The client credentials grant (OAuth 2.1 §4.2): a service's own token, without a refresh token.

use std::borrow::Cow;

use gatepost_protocol::error::ErrorCode;
use gatepost_protocol::scope::ScopeSet;
use gatepost_store::Tx;
use oxide_auth::code_grant::client_credentials::{ClientCredentials, Error as MachineError, Input, Output};
use oxide_auth::primitives::grant::Extensions;
use oxide_auth::primitives::registrar::{BoundClient, ExactUrl, PreGrant, RegisteredUrl};

use crate::kernel::call::Call;
use crate::kernel::error::{Error, Refused, Result};
use crate::oauth::authorize::{check_resources, check_scopes, choose_resources};
use crate::oauth::issue::{self, AccessSpec};
use crate::oauth::oxide::{self, MachineRequest};
use crate::oauth::token::{Decision, TokenRequest};

/// Issues a token to the client itself.
pub(crate) fn issue_to_client(call: &Call, tx: &mut Tx<'_>, request: &TokenRequest) -> Result<Decision> {
    let client = request.client();
    let resources = check_resources(request.params(), client, request.catalogue())?;
    if let Some(scope) = request.params().one("scope")
        && ScopeSet::parse(scope).is_err()
    {
        // oxide-auth would call it invalid_request
        return Err(Refused::new(ErrorCode::InvalidScope, "The scope is malformed.").into());
    }
    let seen = MachineRequest { params: request.params(), client_id: &client.client_id, redirect_uri: None };
    let mut machine = ClientCredentials::new(&seen);
    let mut input = Input::None;
    loop {
        input = match machine.advance(input) {
            Output::Authenticate { client: asked, .. } if asked == client.client_id => Input::Authenticated,
            Output::Authenticate { .. } => return Err(Error::Internal("oxide-auth asks for another client".into())),
            Output::Binding { client_id } => {
                // the machine wants a redirect URI to bind; there is none here
                let url: ExactUrl = oxide::NO_REDIRECT
                    .parse()
                    .map_err(|_| Error::Internal("the placeholder URI does not parse".into()))?;
                let bound_client = BoundClient {
                    client_id: Cow::Owned(client_id.to_owned()),
                    redirect_uri: Cow::Owned(RegisteredUrl::Exact(url)),
                };
                Input::Bound { bound_client }
            }
            Output::Extend => Input::Extended { extensions: Extensions::new() },
            Output::Negotiate { bound_client, scope } => {
                let asked = scope.as_ref().map(oxide::from_oxide_scope);
                let scopes = check_scopes(asked.as_ref(), client, request.catalogue(), &resources)?;
                Input::Negotiated {
                    pre_grant: PreGrant {
                        client_id: bound_client.client_id.to_string(),
                        redirect_uri: bound_client.redirect_uri.clone().into_owned(),
                        scope: oxide::to_oxide_scope(&scopes)?,
                    },
                }
            }
            Output::Ok { pre_grant, .. } => {
                let scopes = oxide::from_oxide_scope(&pre_grant.scope);
                let audience = match resources.is_empty() {
                    true => choose_resources(client, request.catalogue(), &scopes),
                    false => resources,
                };
                // when the audience was chosen for it, the client may still not reach every API that its scopes belong to (RI-05)
                let asked_for_none = scopes.is_empty();
                let scopes = match audience.is_empty() {
                    true => scopes,
                    false => request.catalogue().narrow_to(&scopes, &audience),
                };
                if scopes.is_empty() && !asked_for_none {
                    let public = "None of the scopes belongs to a resource that the app may reach.";
                    return Err(Refused::new(ErrorCode::InvalidScope, public).into());
                }
                let spec = AccessSpec { client, catalogue: request.catalogue(), scopes, audience, on_behalf: None };
                return issue::issue_access_token(call, tx, &spec).map(Decision::Issued);
            }
            Output::Err(error) => {
                return Err(match *error {
                    MachineError::Invalid(mut invalid) => {
                        oxide::translate_token_error(invalid.description().kind().as_ref()).into()
                    }
                    _ => Error::Internal("oxide-auth: the client credentials machine gave up".into()),
                });
            }
        };
    }
}
