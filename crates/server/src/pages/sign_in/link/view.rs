//! What the pages show.

use crate::pages::kit::view::{Moment, View};
use serde::Serialize;

/// What a link does; texts are `link.*`.
#[derive(Serialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum LinkKind {
    /// Signs in.
    SignIn,
    /// Makes an account.
    SignUp,
    /// Confirms that it is still the owner of a session.
    Confirm,
    /// Proves an address.
    Verify,
    /// Lets choose a new password.
    Reset,
    /// Changes the address of an account.
    ChangeEmail,
    /// Stops such a change.
    StopChange,
}

/// A mailed link, `/link/{token}`; posts `csrf` and `with=go|disown` to the same address. In another browser than the one that
/// asked it shows the code and nothing to press.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct LinkView {
    /// Token against forged posts.
    pub(crate) csrf: String,
    /// Token of the link.
    pub(crate) token: String,
    /// What it does.
    pub(crate) kind: LinkKind,
    /// Where it was sent.
    pub(crate) email: String,
    /// When it was asked for.
    pub(crate) asked: Moment,
    /// "Firefox on Linux".
    pub(crate) browser: String,
    /// From where it was asked for.
    pub(crate) place: String,
    /// The code to type where it was asked for; `None` in that browser.
    pub(crate) code: Option<String>,
    /// It lets somebody in, and passkeys work here.
    pub(crate) passkeys: bool,
}

/// A link that was used, replaced or is too old; posts `csrf` and `with=again` to `/link/{token}`.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct LinkGoneView {
    /// Token against forged posts.
    pub(crate) csrf: String,
    /// Token of the link, where a new one can be sent by it.
    pub(crate) token: Option<String>,
    /// Seconds until then; `None`: now.
    pub(crate) wait: Option<u64>,
}

/// What a link's owner did against it; texts are `link-ended.*`.
#[derive(Serialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum LinkEnd {
    /// "This was not me".
    Disowned,
    /// A change of the address was stopped or taken back.
    Stopped,
    /// The same, but somebody else has the old address by now.
    NotRestored,
}

/// The page after that.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct LinkEndedView {
    /// What was done.
    pub(crate) end: LinkEnd,
}

impl View for LinkView {
    const TEMPLATE: &'static str = "link.html";
}

impl View for LinkGoneView {
    const TEMPLATE: &'static str = "link_gone.html";
}

impl View for LinkEndedView {
    const TEMPLATE: &'static str = "link_ended.html";
}
