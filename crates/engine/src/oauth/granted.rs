//! What was granted, read from its row once and carried as types from there on.

use gatepost_protocol::error::ErrorCode;
use gatepost_protocol::resource::Resources;
use gatepost_protocol::scope::ScopeSet;
use gatepost_store::StoreError;
use gatepost_store::oauth::codes::CodeRow;
use gatepost_store::oauth::consents::ConsentRow;
use gatepost_store::oauth::grants::GrantRow;

use crate::clients::registry::{Catalogue, Client};
use crate::kernel::error::Refused;
use crate::oauth::oxide::CodeExtensions;

/// Scopes, and the APIs that they are for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Granted {
    pub(crate) scopes: ScopeSet,
    pub(crate) resources: Resources,
}

impl Granted {
    /// What a code was issued for.
    pub(crate) fn of_code(row: &CodeRow, carried: &CodeExtensions) -> Result<Self, StoreError> {
        let scopes =
            parse_scopes(&row.scopes).ok_or_else(|| StoreError::Corrupt(format!("code of {}", row.user_id)))?;
        Ok(Self { scopes, resources: carried.resources().clone() })
    }

    /// What the whole family may have.
    pub(crate) fn of_grant(row: &GrantRow) -> Result<Self, StoreError> {
        Self::parse(&row.scopes, &row.resources).ok_or_else(|| StoreError::Corrupt(format!("grant {}", row.id)))
    }

    /// What a person allowed a client to ask for without being asked again.
    pub(crate) fn of_consent(row: &ConsentRow) -> Result<Self, StoreError> {
        let corrupt = || StoreError::Corrupt(format!("consent of {} to {}", row.user_id, row.client_id));
        Self::parse(&row.scopes, &row.resources).ok_or_else(corrupt)
    }

    fn parse(scopes: &str, resources: &str) -> Option<Self> {
        Some(Self { scopes: parse_scopes(scopes)?, resources: Resources::parse_json(resources)? })
    }

    /// Whether all of the other is in it.
    pub(crate) fn covers(&self, scopes: &ScopeSet, resources: &Resources) -> bool {
        scopes.is_subset(&self.scopes) && resources.is_subset(&self.resources)
    }

    /// what of it may be had now. A scope or an API that was taken from the client since, or switched off, is not issued
    /// any more.
    pub(crate) fn limit_to_present(&self, client: &Client, catalogue: &Catalogue) -> Result<Self, Refused> {
        let may = |resource: &&str| client.may_reach(resource) && catalogue.find_by_resource(resource).is_some();
        let resources: Resources = self.resources.iter().filter(may).map(str::to_owned).collect();
        if resources.is_empty() && !self.resources.is_empty() {
            let public = "The app may not have tokens for this resource any more.";
            return Err(Refused::new(ErrorCode::InvalidTarget, public));
        }
        Ok(Self { scopes: self.scopes.intersection(&client.scopes), resources })
    }
}

fn parse_scopes(text: &str) -> Option<ScopeSet> {
    ScopeSet::parse(text).ok()
}
