//! What the pages show.

use crate::pages::kit::fault::Fault;
use crate::pages::kit::frames::AccountFrame;
use crate::pages::kit::view::View;
use serde::Serialize;

/// "Save your recovery codes", shown once; posts `csrf`, `tx`, `codes`, `saved` to `/account/recovery-codes/done`.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct RecoveryCodesView {
    /// What stands around the page.
    pub(crate) frame: AccountFrame,
    /// Sealed journey that goes on afterwards.
    pub(crate) tx: Option<String>,
    /// The codes, in groups of four.
    pub(crate) codes: Vec<String>,
    /// What the notice afterwards is about.
    pub(crate) done: &'static str,
    /// The box is empty.
    pub(crate) fault: Option<Fault>,
}

/// "Make new recovery codes?", `/account/recovery-codes`; posts `csrf`.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct RenewCodesView {
    /// What stands around the page.
    pub(crate) frame: AccountFrame,
    /// Recovery codes left.
    pub(crate) left: i64,
}

impl View for RecoveryCodesView {
    const TEMPLATE: &'static str = "account_codes.html";
}

impl View for RenewCodesView {
    const TEMPLATE: &'static str = "account_codes_new.html";
}
