//! What the page shows.

use serde::Serialize;

use crate::pages::kit::frames::AdminFrame;
use crate::pages::kit::view::View;

/// A scope of an API.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct ApiScopeRow {
    /// Name of the API.
    pub(crate) api: String,
    /// The API is refused at present.
    pub(crate) disabled: bool,
    /// The scope, `notes:read`.
    pub(crate) name: String,
    /// The sentence of the consent page; may be empty.
    pub(crate) description: String,
    /// Writes, administers or costs money.
    pub(crate) sensitive: bool,
}

/// API scopes, `/admin/api-scopes`.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct ApiScopesView {
    /// What stands around the page.
    pub(crate) frame: AdminFrame,
    /// By API, then by name.
    pub(crate) scopes: Vec<ApiScopeRow>,
}

impl View for ApiScopesView {
    const TEMPLATE: &'static str = "admin_api_scopes.html";
}
