//! What the page shows.

use crate::pages::kit::fault::Fault;
use crate::pages::kit::view::View;
use serde::Serialize;

/// "Check your email", `/verify`; posts `csrf`, `tx`, `check`, and `code` with `with=code`, or `with=again`.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct CheckMailView {
    /// Token against forged posts.
    pub(crate) csrf: String,
    /// Sealed journey.
    pub(crate) tx: Option<String>,
    /// What was asked for, sealed.
    pub(crate) check: String,
    /// Where the letter went, as typed.
    pub(crate) email: String,
    /// Seconds until it can be sent again; `None`: now.
    pub(crate) wait: Option<u64>,
    /// Page to use another address on.
    pub(crate) back: &'static str,
    /// What is wrong with the code.
    pub(crate) fault: Option<Fault>,
    /// It lets somebody in, and passkeys work here.
    pub(crate) passkeys: bool,
}

impl View for CheckMailView {
    const TEMPLATE: &'static str = "check_mail.html";
}
