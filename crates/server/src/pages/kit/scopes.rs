//! A permission as pages show it.

use serde::Serialize;

/// One permission on the consent page and under Connected apps.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct ScopeView {
    /// The scope, `notes:read`.
    pub(crate) name: String,
    /// Sentence of the API's registration; without one a standard sentence is used.
    pub(crate) sentence: Option<String>,
    /// Name of the API that the scope belongs to; `None` for `openid` and the like.
    pub(crate) api: Option<String>,
    /// Writes, administers or costs money: shown last, with the caution sign.
    pub(crate) sensitive: bool,
    /// Allowed earlier; any such scope turns the page into "asks for more".
    pub(crate) already: bool,
}
