//! What stands around the pages of an account and of the administration.

use crate::pages::kit::notice::Notice;
use serde::Serialize;

/// What every account page shows around its content.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct AccountFrame {
    /// Email address of the account in use.
    pub(crate) email: String,
    /// Token against forged posts, for the sign-out button and the page's own forms.
    pub(crate) csrf: String,
    /// Message above the page.
    pub(crate) notice: Option<Notice>,
    /// The person may administer: a link leads there.
    pub(crate) admin: bool,
}

/// What every page of the administration shows around its content.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct AdminFrame {
    /// Email address of the account in use.
    pub(crate) email: String,
    /// Token against forged posts.
    pub(crate) csrf: String,
    /// Message above the page.
    pub(crate) notice: Option<Notice>,
}
