//! Pages of an administrator under `/admin`.

use super::Notice;
use serde::Serialize;

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
