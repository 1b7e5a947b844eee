//! One grant, one file. Each has two halves: a check, which sees no transaction and so cannot write, and the issuing of what
//! the check allowed, which has nothing left to refuse ([`Trouble`](crate::kernel::error::Trouble)).

pub(crate) mod authorization_code;
pub(crate) mod client_credentials;
pub(crate) mod refresh_token;

use gatepost_protocol::error::ErrorCode;
use gatepost_protocol::params::Params;
use gatepost_protocol::resource::Resources;

use crate::kernel::error::Refused;

pub(crate) fn invalid_grant(detail: &'static str) -> Refused {
    // what exactly was wrong is for the log: an answer to a thief would be an oracle
    Refused::new(ErrorCode::InvalidGrant, "The grant is invalid, expired, revoked or already used.").with_detail(detail)
}

/// The resources that this request wants of those that were granted; all of them where it names none (RI-03).
fn narrow_resources(params: &Params, granted: &Resources) -> Result<Resources, Refused> {
    let mut wanted = Resources::default();
    for sent in params.all("resource") {
        let Some(resource) = granted.find_same(sent) else {
            return Err(Refused::new(ErrorCode::InvalidTarget, "A resource was not granted."));
        };
        wanted.insert(resource);
    }
    Ok(if wanted.is_empty() { granted.clone() } else { wanted })
}
