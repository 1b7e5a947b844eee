//! Pages around mailed links: sign-in link, new account, password reset, change of address.

use super::{AccountFrame, Fault, Moment, View};
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

/// What a link does; texts are `link.*`.
#[derive(Serialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum LinkKind {
    /// Signs in.
    SignIn,
    /// Makes an account.
    SignUp,
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

/// "Reset your password", `/reset`; posts `csrf`, `tx`, `email`.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct ResetView {
    /// Token against forged posts.
    pub(crate) csrf: String,
    /// Sealed journey.
    pub(crate) tx: Option<String>,
    /// What was typed.
    pub(crate) email: String,
    /// What is wrong with it.
    pub(crate) fault: Option<Fault>,
}

/// "Choose a new password", `/reset/{token}`; posts `csrf`, `new` to the same address.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct NewPasswordView {
    /// Token against forged posts.
    pub(crate) csrf: String,
    /// Token of the link, or what was sealed when its code was typed.
    pub(crate) token: String,
    /// Whose password, for password managers.
    pub(crate) email: String,
    /// Fewest characters of a password.
    pub(crate) min_password: u32,
    /// What is wrong with the new password.
    pub(crate) fault: Option<Fault>,
}

/// What is to be known about the address of an account.
#[derive(Serialize, Clone, Debug, Default)]
pub(crate) struct EmailState {
    /// It was proven.
    pub(crate) verified: bool,
    /// Letters can be sent, so that it can be proven and changed.
    pub(crate) mail: bool,
    /// A new one that waits to be confirmed.
    pub(crate) pending: Option<String>,
}

/// Change the address, `/account/email`; posts `csrf`, `email`; `csrf` to `…/cancel` and `…/verify`.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct ChangeEmailView {
    /// What stands around the page.
    pub(crate) frame: AccountFrame,
    /// What was typed.
    pub(crate) email: String,
    /// A new one that waits to be confirmed.
    pub(crate) pending: Option<String>,
    /// What is wrong with what was typed.
    pub(crate) fault: Option<Fault>,
}

impl View for CheckMailView {
    const TEMPLATE: &'static str = "check_mail.html";
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
impl View for ResetView {
    const TEMPLATE: &'static str = "reset.html";
}
impl View for NewPasswordView {
    const TEMPLATE: &'static str = "new_password.html";
}
impl View for ChangeEmailView {
    const TEMPLATE: &'static str = "account_email.html";
}
