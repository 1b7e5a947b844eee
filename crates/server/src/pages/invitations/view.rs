//! What the page shows.

use crate::pages::kit::view::View;
use serde::Serialize;

/// An invitation opened by somebody who is signed in; posts `csrf` and `tx` to `/invite`.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct InviteSignedInView {
    /// Token against forged posts.
    pub(crate) csrf: String,
    /// Sealed journey with the invitation.
    pub(crate) tx: Option<String>,
    /// Email address of the account in use.
    pub(crate) email: String,
}

impl View for InviteSignedInView {
    const TEMPLATE: &'static str = "invite_signed_in.html";
}
