//! The token endpoint's decisions (OAuth 2.1 §3.2), after client authentication.

use std::sync::Arc;

use gatepost_protocol::error::ErrorCode;
use gatepost_protocol::params::Params;
use gatepost_protocol::token::TokenResponse;
use gatepost_store::{Outcome, Tx};

use crate::clients::registry::{Catalogue, Client};
use crate::kernel::call::Call;
use crate::kernel::error::{Error, Refused, Result};
use crate::oauth::grants;

/// A token request whose client is proven.
#[derive(Clone)]
pub struct TokenRequest {
    /// the form
    pub params: Arc<Params>,
    /// who asks
    pub client: Arc<Client>,
    /// the APIs
    pub catalogue: Arc<Catalogue>,
}

impl std::fmt::Debug for TokenRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenRequest").field("client", &self.client.client_id).finish_non_exhaustive()
    }
}

/// What a grant decided: tokens, or a refusal that knows whether it must leave a trace.
pub(crate) enum Decision {
    Issued(TokenResponse),
    /// undo everything
    Refused(Refused),
    /// keep what was written: a replay was seen, an attempt was counted
    RefusedWithTrace(Refused),
}

/// The grants that exist, for metadata and the check of `grant_type`.
pub const GRANT_TYPES: [&str; 3] = ["authorization_code", "refresh_token", "client_credentials"];

/// Checks the parts of the form that need no database, before a transaction is opened.
pub fn check_token_request(request: &TokenRequest) -> std::result::Result<(), Refused> {
    let Some(grant_type) = request.params.one("grant_type") else {
        return Err(Refused::new(ErrorCode::InvalidRequest, "grant_type is missing."));
    };
    if !GRANT_TYPES.contains(&grant_type) {
        return Err(Refused::new(ErrorCode::UnsupportedGrantType, "The grant type is not supported."));
    }
    let may = request.client.may_use(grant_type) && !(grant_type == "client_credentials" && request.client.is_public());
    if !may {
        return Err(Refused::new(ErrorCode::UnauthorizedClient, "The client may not use this grant type."));
    }
    Ok(())
}

/// Exchanges a grant for tokens, in one transaction.
pub fn exchange_grant(
    call: &Call,
    tx: &mut Tx<'_>,
    request: &TokenRequest,
) -> Result<Outcome<std::result::Result<TokenResponse, Refused>>> {
    let decided = match request.params.one("grant_type") {
        Some("authorization_code") => grants::authorization_code::redeem_code(call, tx, request),
        Some("refresh_token") => grants::refresh_token::rotate_token(call, tx, request),
        _ => grants::client_credentials::issue_to_client(call, tx, request),
    };
    match decided {
        Ok(Decision::Issued(response)) => Ok(Outcome::Commit(Ok(response))),
        Ok(Decision::Refused(refused)) | Err(Error::Refused(refused)) => Ok(Outcome::Rollback(Err(refused))),
        Ok(Decision::RefusedWithTrace(refused)) => Ok(Outcome::Commit(Err(refused))),
        Err(error) => Err(error),
    }
}
