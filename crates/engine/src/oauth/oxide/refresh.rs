//! The machine of the refresh token grant.

use std::borrow::Cow;

use gatepost_protocol::scope::ScopeSet;
use gatepost_store::oauth::grants::GrantRow;
use oxide_auth::code_grant::refresh::{Error as MachineError, Input, Output, Refresh};
use oxide_auth::primitives::grant::Extensions;

use super::convert::{NO_REDIRECT, StoredGrant, broken, from_oxide_scope, translate_token_error};
use super::request::MachineRequest;
use crate::kernel::error::Result;
use crate::oauth::grants::invalid_grant;
use crate::oauth::token::TokenRequest;

/// Checks a token request against the family whose refresh token it brings: client and scope. `scopes`: what the family may
/// still have; the answer is what the next access token gets.
pub(crate) fn check_refresh(request: &TokenRequest, family: &GrantRow, scopes: &ScopeSet) -> Result<ScopeSet> {
    let client_id = &request.client().client_id;
    let seen = MachineRequest { params: request.params(), client_id, redirect_uri: None };
    let scope = || request.params().one("scope").map(Cow::Borrowed);
    let mut machine = Refresh::new(&seen);
    let mut input = Input::None;
    loop {
        input = match machine.advance(input) {
            Output::Unauthenticated { client, .. } if client == client_id => Input::Authenticated { scope: scope() },
            Output::Unauthenticated { .. } => return Err(broken("it asks for another client")),
            Output::RecoverRefresh { .. } => {
                let stored = StoredGrant {
                    owner_id: &family.user_id,
                    client_id: &family.client_id,
                    scopes,
                    redirect_uri: NO_REDIRECT,
                    extensions: Extensions::new(),
                };
                Input::Recovered { scope: scope(), grant: Some(stored.into_grant()?) }
            }
            Output::Refresh { grant, .. } => return Ok(from_oxide_scope(&grant.scope)),
            Output::Ok(_) => return Err(broken("the refresh machine went on without tokens")),
            Output::Err(MachineError::Invalid(mut invalid)) => {
                return Err(translate_token_error(invalid.description().kind().as_ref()).into());
            }
            Output::Err(MachineError::Unauthorized(_, _)) => {
                return Err(invalid_grant("the refresh token was issued to another client").into());
            }
            Output::Err(_) => return Err(broken("the refresh machine gave up")),
        };
    }
}
