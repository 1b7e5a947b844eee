//! What the pages show.

use crate::pages::kit::fault::Fault;
use crate::pages::kit::passkey::PasskeyOffer;
use crate::pages::kit::view::View;
use serde::Serialize;

/// The second step of a sign-in, `/login/second`; posts `csrf`, `tx`, `with=code|recovery`, `code`.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct SecondStepView {
    /// Token against forged posts.
    pub(crate) csrf: String,
    /// Sealed journey that waits for this sign-in.
    pub(crate) tx: Option<String>,
    /// Ask for a recovery code instead.
    pub(crate) recovery: bool,
    /// The account has an authenticator app.
    pub(crate) authenticator: bool,
    /// The account has a passkey.
    pub(crate) passkey: bool,
    /// The account has recovery codes left.
    pub(crate) codes: bool,
    /// What is wrong with the code.
    pub(crate) fault: Option<Fault>,
    /// The second step with a passkey.
    pub(crate) passkeys: PasskeyOffer,
}

/// After a recovery code: how many are left.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct CodesLeftView {
    /// Sealed journey that goes on.
    pub(crate) tx: Option<String>,
    /// Codes left.
    pub(crate) left: i64,
}

impl View for SecondStepView {
    const TEMPLATE: &'static str = "second.html";
}

impl View for CodesLeftView {
    const TEMPLATE: &'static str = "codes_left.html";
}
