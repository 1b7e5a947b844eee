//! The machine of the client credentials grant.

use gatepost_protocol::scope::ScopeSet;
use oxide_auth::code_grant::client_credentials::{ClientCredentials, Error as MachineError, Input, Output};
use oxide_auth::primitives::grant::Extensions;

use super::convert::{NO_REDIRECT, agree_on, bind_client, broken, from_oxide_scope, translate_token_error};
use super::request::MachineRequest;
use crate::kernel::error::{Refused, Result};
use crate::oauth::token::TokenRequest;

/// Checks a client's request for tokens of its own. `check_scopes` decides what becomes of the scopes that were asked for.
pub(crate) fn check_client_credentials(
    request: &TokenRequest,
    check_scopes: impl Fn(Option<&ScopeSet>) -> std::result::Result<ScopeSet, Refused>,
) -> Result<ScopeSet> {
    let proven = &request.client().client_id;
    let seen = MachineRequest { params: request.params(), client_id: proven, redirect_uri: None };
    let mut machine = ClientCredentials::new(&seen);
    let mut input = Input::None;
    loop {
        input = match machine.advance(input) {
            Output::Authenticate { client, .. } if client == proven => Input::Authenticated,
            Output::Authenticate { .. } => return Err(broken("it asks for another client")),
            // the machine wants a redirect URI to bind; there is none here
            Output::Binding { client_id } => Input::Bound { bound_client: bind_client(client_id, NO_REDIRECT)? },
            Output::Extend => Input::Extended { extensions: Extensions::new() },
            Output::Negotiate { bound_client, scope } => {
                let scopes = check_scopes(scope.as_ref().map(from_oxide_scope).as_ref())?;
                Input::Negotiated { pre_grant: agree_on(bound_client, &scopes)? }
            }
            Output::Ok { pre_grant, .. } => return Ok(from_oxide_scope(&pre_grant.scope)),
            Output::Err(error) => {
                return Err(match *error {
                    MachineError::Invalid(mut invalid) => {
                        translate_token_error(invalid.description().kind().as_ref()).into()
                    }
                    _ => broken("the client credentials machine gave up"),
                });
            }
        };
    }
}
