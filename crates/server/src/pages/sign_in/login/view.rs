//! What the page shows.

use crate::pages::kit::fault::Fault;
use crate::pages::kit::notice::Notice;
use crate::pages::kit::passkey::PasskeyOffer;
use crate::pages::kit::providers::{OfferView, ProviderButton};
use crate::pages::kit::view::View;
use gatepost_engine::SignUpMode;
use serde::Serialize;

/// Sign in, `/login`; posts `csrf`, `tx`, `email`, `password`, `with=password`.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct LoginView {
    /// Token against forged posts.
    pub(crate) csrf: String,
    /// Sealed authorization request that waits for this sign-in.
    pub(crate) tx: Option<String>,
    /// Name of the app that asked, inside an authorization only.
    pub(crate) app: Option<String>,
    /// What was typed, or the `login_hint`.
    pub(crate) email: String,
    /// The last try was wrong or throttled: the same page for both.
    pub(crate) failed: bool,
    /// Who may create an account.
    pub(crate) signup: SignUpMode,
    /// Message above the form.
    pub(crate) notice: Option<Notice>,
    /// Signing in with a passkey.
    pub(crate) passkeys: PasskeyOffer,
    /// Other ways in.
    pub(crate) providers: Vec<ProviderButton>,
    /// What is connected after this sign-in.
    pub(crate) offer: Option<OfferView>,
    /// Letters can be sent: sign-in links and resets.
    pub(crate) mail: bool,
    /// What is wrong with the address that a link was to go to.
    pub(crate) email_fault: Option<Fault>,
}

impl View for LoginView {
    const TEMPLATE: &'static str = "login.html";
}
