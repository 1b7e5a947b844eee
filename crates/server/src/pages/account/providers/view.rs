//! What the page shows.

use crate::pages::kit::frames::AccountFrame;
use crate::pages::kit::providers::ProviderButton;
use crate::pages::kit::view::{Moment, View};
use serde::Serialize;

/// One linked account.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct LinkedRow {
    /// Who vouches, for the form.
    pub(crate) issuer: String,
    /// For whom, for the form.
    pub(crate) subject: String,
    /// Name of the provider.
    pub(crate) provider: String,
    /// The address there; may be empty.
    pub(crate) email: String,
    /// Since when.
    pub(crate) since: Moment,
    /// Last sign-in with it.
    pub(crate) last_used: Moment,
    /// Nobody could get in without it.
    pub(crate) last_way: bool,
}

/// Linked accounts, `/account/providers`; posts `csrf`, `provider` to `…/link` and `csrf`, `issuer`, `subject` to `…/unlink`.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct ProvidersView {
    /// What stands around the page.
    pub(crate) frame: AccountFrame,
    /// What is linked.
    pub(crate) linked: Vec<LinkedRow>,
    /// What can be linked.
    pub(crate) others: Vec<ProviderButton>,
    /// Name of the provider that was connected just now.
    pub(crate) connected: Option<String>,
    /// …or disconnected.
    pub(crate) disconnected: bool,
    /// The last way in was to be removed.
    pub(crate) refused: bool,
}

impl View for ProvidersView {
    const TEMPLATE: &'static str = "account_providers.html";
}
