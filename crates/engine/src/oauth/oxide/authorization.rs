//! The authorization machine: bind, extend, negotiate.

use std::borrow::Cow;

use gatepost_protocol::error::ErrorCode;
use gatepost_protocol::params::Params;
use gatepost_protocol::resource::Resources;
use gatepost_protocol::scope::ScopeSet;
use oxide_auth::code_grant::authorization::{Authorization, Error as MachineError, Input, Output};
use oxide_auth::code_grant::extensions::Pkce;
use oxide_auth::primitives::grant::Extensions;

use super::convert::{agree_on, bind_client, broken, from_oxide_scope};
use super::extensions::CodeExtensions;
use super::request::MachineRequest;
use crate::kernel::error::{Refused, Result};

/// Checks an authorization request for a client and a redirect URI that are verified. `check_scopes` decides what becomes of
/// the scopes that were asked for; the answer is that, and what goes with the code.
pub(crate) fn check_authorization(
    params: &Params,
    (client_id, redirect_uri): (&str, &str),
    resources: &Resources,
    check_scopes: impl Fn(Option<&ScopeSet>) -> std::result::Result<ScopeSet, Refused>,
) -> Result<(ScopeSet, CodeExtensions)> {
    let request = MachineRequest { params, client_id, redirect_uri: Some(redirect_uri) };
    let mut machine = Authorization::new(&request);
    let mut input = Input::None;
    loop {
        input = match machine.advance(input) {
            Output::Bind { client_id, .. } => {
                Input::Bound { request: &request, bound_client: bind_client(&client_id, redirect_uri)? }
            }
            Output::Extend => Input::Extended(make_challenge(params)?),
            Output::Negotiate { bound_client, scope } => {
                let scopes = check_scopes(scope.as_ref().map(from_oxide_scope).as_ref())?;
                Input::Negotiated { pre_grant: agree_on(bound_client, &scopes)?, state: None }
            }
            Output::Ok { pre_grant, extensions, .. } => {
                let carried = CodeExtensions::new(extensions, resources.clone());
                return Ok((from_oxide_scope(&pre_grant.scope), carried));
            }
            // all that it can object to by now: response_type was looked at before
            Output::Err(MachineError::Redirect(_)) => {
                return Err(Refused::new(ErrorCode::InvalidScope, "The scope is malformed.").into());
            }
            Output::Err(_) => return Err(broken("the authorization machine gave up")),
        };
    }
}

fn make_challenge(params: &Params) -> std::result::Result<Extensions, Refused> {
    let mut extensions = Extensions::new();
    let pkce = Pkce::required();
    let method = params.one("code_challenge_method").map(Cow::Borrowed);
    let challenge = params.one("code_challenge").map(Cow::Borrowed);
    match pkce.challenge(method, challenge) {
        Ok(Some(value)) => extensions.set(&pkce, value),
        _ => return Err(Refused::new(ErrorCode::InvalidRequest, "PKCE with S256 is required.")),
    }
    Ok(extensions)
}
