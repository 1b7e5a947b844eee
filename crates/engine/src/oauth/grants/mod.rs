//! One grant, one file; each drives the machine of oxide-auth that belongs to it.

pub(crate) mod authorization_code;
pub(crate) mod client_credentials;
pub(crate) mod refresh_token;

use gatepost_protocol::error::ErrorCode;
use gatepost_protocol::params::Params;
use gatepost_protocol::resource::same_resource;
use gatepost_protocol::scope::ScopeSet;
use gatepost_store::people::users;
use gatepost_store::{Db, StoreError};

use crate::kernel::error::{Error, Refused, Result};
use crate::oauth::token::TokenRequest;

pub(crate) fn invalid_grant(detail: &'static str) -> Refused {
    // what exactly was wrong is for the log: an answer to a thief would be an oracle
    Refused::new(ErrorCode::InvalidGrant, "The grant is invalid, expired, revoked or already used.").with_detail(detail)
}

/// what was granted once and may be had now: a scope or an API that was taken from the client since, or switched off, is
/// not issued any more.
pub(crate) fn limit_to_present(
    request: &TokenRequest,
    scopes: &ScopeSet,
    resources: &[String],
) -> Result<(ScopeSet, Vec<String>)> {
    let client = request.client();
    let may = |resource: &&String| {
        (client.resources.is_empty() || client.resources.contains(resource))
            && request.catalogue().find_by_resource(resource).is_some()
    };
    let left: Vec<String> = resources.iter().filter(may).cloned().collect();
    if left.is_empty() && !resources.is_empty() {
        return Err(
            Refused::new(ErrorCode::InvalidTarget, "The app may not have tokens for this resource any more.").into()
        );
    }
    Ok((scopes.intersection(&client.scopes), left))
}

/// The resources that this request wants of those that were granted; all of them where it names none (RI-03).
pub(crate) fn narrow_resources(params: &Params, granted: &[String]) -> Result<Vec<String>> {
    let mut wanted = Vec::new();
    for sent in params.all("resource") {
        let Some(resource) = granted.iter().find(|resource| same_resource(resource, sent)) else {
            return Err(Refused::new(ErrorCode::InvalidTarget, "A resource was not granted.").into());
        };
        if !wanted.contains(resource) {
            wanted.push(resource.clone());
        }
    }
    Ok(if wanted.is_empty() { granted.to_vec() } else { wanted })
}

/// nothing is redeemed for somebody whose account is disabled.
pub(crate) fn check_user_enabled(db: &mut Db, user_id: &str) -> Result<()> {
    match users::find_user(db, user_id)? {
        Some(user) if user.disabled_at.is_none() => Ok(()),
        Some(_) => Err(invalid_grant("the account is disabled").into()),
        None => Err(invalid_grant("the account is gone").into()),
    }
}

pub(crate) fn parse_stored_scopes(text: &str) -> Result<ScopeSet> {
    ScopeSet::parse(text).map_err(|_| Error::from(StoreError::Corrupt("scopes".into())))
}

pub(crate) fn parse_stored_list(text: &str) -> Result<Vec<String>> {
    serde_json::from_str(text).map_err(|_| Error::from(StoreError::Corrupt("a list".into())))
}
