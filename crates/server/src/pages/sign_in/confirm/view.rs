//! What the page shows.

use crate::pages::kit::fault::Fault;
use crate::pages::kit::passkey::PasskeyOffer;
use crate::pages::kit::view::View;
use serde::Serialize;

/// What "Confirm that it's you" asks for.
#[derive(Serialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ConfirmWay {
    /// The password.
    Password,
    /// The code of the authenticator app.
    Code,
    /// A recovery code.
    Recovery,
    /// A passkey and nothing else.
    Passkey,
    /// To sign in again: there is nothing to type.
    Again,
}

/// "Confirm that it's you", `/confirm`; posts `csrf`, `tx`, `with`, `code` or `password`.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct ConfirmView {
    /// Token against forged posts.
    pub(crate) csrf: String,
    /// Sealed journey with what comes next.
    pub(crate) tx: Option<String>,
    /// Email address of the account in use.
    pub(crate) email: String,
    /// What the person is about to do; texts are `confirm.act.*`.
    pub(crate) act: Option<gatepost_engine::kernel::journey::Act>,
    /// Seconds since the last sign-in; `None` where that is not the reason.
    pub(crate) age: Option<u64>,
    /// What is asked for.
    pub(crate) way: ConfirmWay,
    /// The account has an authenticator app.
    pub(crate) authenticator: bool,
    /// The account has a passkey.
    pub(crate) passkey: bool,
    /// The account has a second factor and recovery codes left.
    pub(crate) codes: bool,
    /// Where "Cancel" leads, a path of ours.
    pub(crate) cancel: &'static str,
    /// What is wrong.
    pub(crate) fault: Option<Fault>,
    /// A code can be mailed, for want of anything better.
    pub(crate) mail: bool,
    /// Confirming with a passkey.
    pub(crate) passkeys: PasskeyOffer,
}

impl View for ConfirmView {
    const TEMPLATE: &'static str = "confirm.html";
}
