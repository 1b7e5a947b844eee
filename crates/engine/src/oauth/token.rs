//! The token endpoint's decisions (OAuth 2.1 §3.2), after client authentication.

use std::sync::Arc;

use gatepost_protocol::error::ErrorCode;
use gatepost_protocol::grant_type::GrantType;
use gatepost_protocol::params::Params;
use gatepost_protocol::token::TokenResponse;
use gatepost_store::{Outcome, Tx};

use crate::clients::registry::{Catalogue, Client};
use crate::kernel::call::Call;
use crate::kernel::error::{Error, Refused, Result};
use crate::oauth::grants;

/// A request of a proven client for a grant that it may use; only [`check_token_request`] makes one.
#[derive(Clone)]
pub struct TokenRequest {
    grant_type: GrantType,
    params: Arc<Params>,
    client: Arc<Client>,
    catalogue: Arc<Catalogue>,
}

impl TokenRequest {
    /// The form.
    pub(crate) fn params(&self) -> &Params {
        &self.params
    }

    /// Who asks.
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// The APIs.
    pub(crate) fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }
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

/// Checks what needs no database, before a transaction is opened: which grant this is, and whether the client may use it.
pub fn check_token_request(
    params: Arc<Params>,
    client: Arc<Client>,
    catalogue: Arc<Catalogue>,
) -> std::result::Result<TokenRequest, Refused> {
    let Some(word) = params.one("grant_type") else {
        return Err(Refused::new(ErrorCode::InvalidRequest, "grant_type is missing."));
    };
    let Some(grant_type) = GrantType::parse(word) else {
        return Err(Refused::new(ErrorCode::UnsupportedGrantType, "The grant type is not supported."));
    };
    if !client.may_use(grant_type) {
        return Err(Refused::new(ErrorCode::UnauthorizedClient, "The client may not use this grant type."));
    }
    Ok(TokenRequest { grant_type, params, client, catalogue })
}

/// Exchanges a grant for tokens, in one transaction.
pub fn exchange_grant(
    call: &Call,
    tx: &mut Tx<'_>,
    request: &TokenRequest,
) -> Result<Outcome<std::result::Result<TokenResponse, Refused>>> {
    let decided = match request.grant_type {
        GrantType::AuthorizationCode => grants::authorization_code::redeem_code(call, tx, request),
        GrantType::RefreshToken => grants::refresh_token::rotate_token(call, tx, request),
        GrantType::ClientCredentials => grants::client_credentials::issue_to_client(call, tx, request),
    };
    match decided {
        Ok(Decision::Issued(response)) => Ok(Outcome::Commit(Ok(response))),
        Ok(Decision::Refused(refused)) | Err(Error::Refused(refused)) => Ok(Outcome::Rollback(Err(refused))),
        Ok(Decision::RefusedWithTrace(refused)) => Ok(Outcome::Commit(Err(refused))),
        Err(error) => Err(error),
    }
}
