//! Other providers, as pages offer them.

use serde::Serialize;

/// A button "Continue with …".
#[derive(Serialize, Clone, Debug)]
pub(crate) struct ProviderButton {
    /// What the form sends as `with`.
    pub(crate) id: String,
    /// Name of the provider.
    pub(crate) name: String,
}

/// An account elsewhere that waits for its owner to sign in here.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct OfferView {
    /// Name of the provider.
    pub(crate) provider: String,
    /// The address that has an account here.
    pub(crate) email: String,
}
