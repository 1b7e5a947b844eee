//! What the pages show.

use crate::pages::kit::fault::Fault;
use crate::pages::kit::frames::AccountFrame;
use crate::pages::kit::view::View;
use serde::Serialize;

/// Add an authenticator app, `/account/authenticator/new`; posts `csrf`, `tx`, `enrolment`, `code`.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct AuthenticatorView {
    /// What stands around the page.
    pub(crate) frame: AccountFrame,
    /// Sealed journey that goes on afterwards.
    pub(crate) tx: Option<String>,
    /// Sealed secret, for the form.
    pub(crate) enrolment: String,
    /// The secret as people type it, in groups of four.
    pub(crate) key: String,
    /// The dark squares of the picture, as the path of an SVG.
    pub(crate) qr_path: String,
    /// Squares of the picture in a row, its quiet zone included.
    pub(crate) qr_size: usize,
    /// What is wrong with the code.
    pub(crate) fault: Option<Fault>,
}

/// "Remove the authenticator app?", `/account/authenticator/remove`; posts `csrf`.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct AuthenticatorGoneView {
    /// What stands around the page.
    pub(crate) frame: AccountFrame,
    /// A passkey stays as the second step.
    pub(crate) passkey: bool,
    /// The last administrator with a second factor needs it: there is no button.
    pub(crate) last_admin: bool,
}

impl View for AuthenticatorView {
    const TEMPLATE: &'static str = "account_authenticator.html";
}

impl View for AuthenticatorGoneView {
    const TEMPLATE: &'static str = "account_authenticator_gone.html";
}
