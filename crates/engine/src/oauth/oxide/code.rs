//! The machine of the authorization code grant, and PKCE.

use std::borrow::Cow;

use gatepost_protocol::params::Params;
use gatepost_protocol::pkce;
use gatepost_protocol::scope::ScopeSet;
use gatepost_store::oauth::codes::CodeRow;
use oxide_auth::code_grant::accesstoken::{AccessToken, Error as MachineError, Input, Output};
use oxide_auth::code_grant::extensions::Pkce;
use oxide_auth::primitives::grant::Extensions;

use super::convert::{StoredGrant, broken, from_oxide_scope, translate_token_error};
use super::extensions::CodeExtensions;
use super::request::MachineRequest;
use crate::kernel::error::{Refused, Result};
use crate::oauth::grants::invalid_grant;
use crate::oauth::token::TokenRequest;

/// Checks a token request against the code that it redeems: client, redirect URI, PKCE. `scopes`: what the code may still
/// give; the answer is what the token gets.
pub(crate) fn check_code(
    request: &TokenRequest,
    row: &CodeRow,
    carried: &CodeExtensions,
    scopes: &ScopeSet,
) -> Result<ScopeSet> {
    let client_id = &request.client().client_id;
    let seen = MachineRequest { params: request.params(), client_id, redirect_uri: Some(&row.redirect_uri) };
    let mut machine = AccessToken::new(&seen);
    let mut input = Input::None;
    loop {
        input = match machine.advance(input) {
            Output::Authenticate { client, .. } if client == client_id => Input::Authenticated,
            Output::Authenticate { .. } => return Err(broken("it asks for another client")),
            Output::Recover { .. } => {
                let stored = StoredGrant {
                    owner_id: &row.user_id,
                    client_id: &row.client_id,
                    scopes,
                    redirect_uri: &row.redirect_uri,
                    extensions: carried.extensions.clone(),
                };
                Input::Recovered(Some(stored.into_grant()?))
            }
            Output::Extend { extensions } => {
                verify_challenge(request.params(), extensions)?;
                Input::Extended { access_extensions: Extensions::new() }
            }
            Output::Issue { grant } => return Ok(from_oxide_scope(&grant.scope)),
            Output::Ok(_) => return Err(broken("the code machine went on without tokens")),
            Output::Err(error) => {
                return Err(match *error {
                    MachineError::Invalid(mut invalid) => {
                        translate_token_error(invalid.description().kind().as_ref()).into()
                    }
                    _ => broken("the code machine gave up"),
                });
            }
        };
    }
}

/// Whether the verifier in the request fits the challenge that goes with the code (RFC 7636 §4.6).
pub(crate) fn verify_pkce(params: &Params, carried: &CodeExtensions) -> std::result::Result<(), Refused> {
    verify_challenge(params, &mut carried.extensions.clone())
}

/// P-02, P-03: RFC 7636 §4.6 answers `invalid_grant`, where oxide-auth would say `invalid_request`.
fn verify_challenge(params: &Params, extensions: &mut Extensions) -> std::result::Result<(), Refused> {
    let verifier = params.one("code_verifier");
    if verifier.is_some_and(|verifier| !pkce::is_verifier(verifier)) {
        return Err(invalid_grant("code_verifier is malformed"));
    }
    let machine = Pkce::required();
    let challenge = extensions.remove(&machine);
    machine.verify(challenge, verifier.map(Cow::Borrowed)).map_err(|()| invalid_grant("code_verifier does not match"))
}
