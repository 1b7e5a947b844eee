//! What each page shows, as plain data: no HTTP types, times as unix seconds, names as they came (the templates clean them).

mod account;
mod admin;
mod audit_log;
mod compare;
mod errors;
mod events;
mod invites;
mod mailed;
mod names;
mod passkeys;
mod people;
mod personal;
mod providers;
mod second;

use super::render::{HAND_OVER_HEADERS, PAGE_HEADERS};
use gatepost_engine::SignUpMode;
use serde::Serialize;
use url::{Host, Url};

pub(crate) use account::{
    AccountFrame, AppRow, AppsView, EndAccessView, PasswordView, ProfileView, SessionRow, SessionsView,
};
pub(crate) use admin::AdminFrame;
pub(crate) use audit_log::{AuditView, ChainState, LogRow, Party};
pub(crate) use errors::{DeveloperErrorView, ErrorKind, ErrorView, Occasion, Rule};
pub(crate) use events::{EventView, describe_event};
pub(crate) use invites::{
    GivenInvite, InviteLine, InviteMadeView, InviteNewView, InvitePart, InviteRevokeView, InviteSignedInView,
    InviteStateWord, InviteUse, InviteView, InvitesView, NewInvite, NewInviteFaults, SignupModeView,
};
pub(crate) use mailed::{
    ChangeEmailView, CheckMailView, EmailState, LinkEnd, LinkEndedView, LinkGoneView, LinkKind, LinkView,
    NewPasswordView, ResetView,
};
pub(crate) use names::{clean_name, clean_text, describe_browser};
pub(crate) use passkeys::{
    PasskeyNameView, PasskeyNewView, PasskeyOffer, PasskeyRemoveView, PasskeyRow, PasskeySection, PasskeyTrouble,
    PasskeysView, UnknownPasskey,
};
pub(crate) use people::{
    FirstStep, NewUserView, OverviewView, PersonAct, PersonActView, PersonApp, PersonRow, PersonStatus, PersonView,
    ProviderView, ToDo, UserAddedView, UsersView, WaysView,
};
pub(crate) use personal::{ActivityRow, ActivityShow, ActivityView, DataView, DeleteView, DeletedView};
pub(crate) use providers::{
    LinkedRow, OfferView, ProviderButton, ProviderGoView, ProviderTrouble, ProviderTroubleView, ProvidersView,
};
pub(crate) use second::{
    AuthenticatorGoneView, AuthenticatorView, CodesLeftView, ConfirmView, ConfirmWay, FirstPasswordView,
    RecoveryCodesView, RenewCodesView, SecondStepView, SecurityView, ToggleView,
};

/// A page: the data, the template that shows it, and the headers that go with it.
pub(crate) trait View: Serialize {
    /// Name of the template, also the file name in an override folder.
    const TEMPLATE: &'static str;

    /// Response headers of this page, the content security policy included.
    fn headers() -> &'static [(&'static str, &'static str)] {
        PAGE_HEADERS
    }
}

/// A time to be shown: "4 minutes ago" under a day, then the date; the full time stands in the tooltip.
#[derive(Serialize, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    /// The time itself, unix seconds.
    pub(crate) at: i64,
    /// The time at which the page is made, unix seconds.
    pub(crate) now: i64,
}

impl Moment {
    /// A moment `at`, seen from `now`; both unix seconds.
    pub(crate) fn new(at: i64, now: i64) -> Self {
        Self { at, now }
    }
}

/// A short message above the page after something was done; texts are `notice.*`.
#[derive(Serialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Notice {
    /// The name was saved.
    ProfileSaved,
    /// The password was changed and the other sessions ended.
    PasswordChanged,
    /// One other session was ended.
    SessionEnded,
    /// All other sessions were ended.
    OthersEnded,
    /// An app lost its access.
    AccessEnded,
    /// The first administrator was made and can sign in now.
    SetupDone,
    /// Somebody else's session was ended; shown on the security page.
    NotYou,
    /// An invitation was ended.
    InviteRevoked,
    /// Who may create an account was changed.
    SignupModeChanged,
    /// The address was proven.
    EmailConfirmed,
    /// The account has another address.
    EmailChanged,
    /// A change of the address was cancelled.
    ChangeCancelled,
    /// The session of this browser ended; shown on the sign-in page.
    SignInAgain,
    /// An administrator disabled an account.
    UserDisabled,
    /// An administrator enabled an account.
    UserEnabled,
    /// An administrator deleted an account.
    UserDeleted,
    /// An administrator ended all sessions of a person.
    UserSessionsEnded,
    /// An administrator removed somebody's second factors.
    FactorsReset,
    /// An administrator had a reset link mailed.
    ResetLinkSent,
    /// …but too many letters went there already.
    ResetLinkLimit,
    /// An administrator changed a role.
    RoleChanged,
    /// Nothing was done, because nobody would be left to administer.
    LastAdministrator,
    /// Every sign-in asks for a second step from now on.
    SecondStepOn,
    /// No sign-in asks for a second step any more.
    SecondStepOff,
    /// The authenticator app was removed, and passkeys are still asked for.
    AuthenticatorRemoved,
    /// There is a new set of recovery codes.
    CodesRenewed,
    /// A first password was set.
    PasswordSet,
    /// A passkey was added.
    PasskeyAdded,
    /// A passkey got another name.
    PasskeyRenamed,
    /// A passkey was removed.
    PasskeyRemoved,
    /// The person said no at another provider; shown on the sign-in page.
    ProviderCancelled,
}

/// What is wrong with one field; texts are `fault.*`.
#[derive(Serialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(tag = "key", rename_all = "kebab-case")]
pub(crate) enum Fault {
    /// No email address was typed.
    EmailMissing,
    /// The text is no email address.
    EmailInvalid,
    /// No account can be made with this address.
    EmailUnavailable,
    /// There is an account with this address; for administrators, who may know.
    EmailTaken,
    /// An account needs an invitation, and no code was typed.
    InviteMissing,
    /// The code is unknown, used up, too old or revoked.
    InviteNotGood,
    /// The invitation of this proven address was revoked.
    InviteRevoked,
    /// The invitation of this proven address was used.
    InviteUsedUp,
    /// The invitation of this proven address is too old.
    InviteExpired,
    /// The invitation is for another address.
    InviteOtherAddress,
    /// The invitation is for this address, which is not proven.
    InviteUnproven,
    /// An invitation for 1 to `max` accounts.
    InviteUses {
        /// Most accounts.
        max: u32,
    },
    /// An invitation for one address is good for one account.
    InviteUsesBound,
    /// An invitation for 1 to `max` days.
    InviteDays {
        /// Most days.
        max: u32,
    },
    /// The note has more than `max` characters.
    InviteNoteLong {
        /// Most characters.
        max: u32,
    },
    /// No name was typed.
    NameMissing,
    /// The name has more than `max` characters.
    NameLong {
        /// Most characters allowed.
        max: u32,
    },
    /// No password was typed.
    PasswordMissing,
    /// The password has `n` characters, fewer than `min`.
    PasswordShort {
        /// Fewest characters allowed.
        min: u32,
        /// Characters typed.
        n: u32,
    },
    /// The password has more than `max` characters.
    PasswordLong {
        /// Most characters allowed.
        max: u32,
    },
    /// The password is in the list of stolen passwords.
    PasswordCommon,
    /// The password is made of the person's own name or address.
    PasswordGuessable,
    /// The current password is not the one typed.
    PasswordWrong,
    /// The new password equals the current one.
    PasswordSame,
    /// The code of the authenticator app is not one of the present ones.
    CodeWrong,
    /// The code of the authenticator app was used before.
    CodeUsed,
    /// There is no such recovery code, or it was used.
    RecoveryCodeWrong,
    /// The box that says the codes are saved is empty.
    NotSaved,
    /// The new address is the present one.
    EmailSame,
    /// The code of a letter is wrong.
    MailedCodeWrong {
        /// Tries left.
        n: u32,
    },
    /// The code of a letter works no more.
    CodeOld,
    /// The same, and a new one was sent.
    CodeRenewed,
}

/// Faults of the fields of sign-up and set-up.
#[derive(Serialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct AccountFaults {
    /// Fault of the email address.
    pub(crate) email: Option<Fault>,
    /// Fault of the name.
    pub(crate) name: Option<Fault>,
    /// Fault of the password.
    pub(crate) password: Option<Fault>,
}

impl AccountFaults {
    /// True if nothing is wrong.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Sign in, `/login`; posts `csrf`, `tx`, `email`, `password`, `with=password`.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct LoginView {
    /// Token against forged posts.
    pub(crate) csrf: String,
    /// Sealed authorization request that waits for this sign-in.
    pub(crate) tx: Option<String>,
    /// Name of the app that asked, inside an authorization only.
    pub(crate) app: Option<String>,
    /// What was typed, or the `login_hint`.
    pub(crate) email: String,
    /// The last try was wrong or throttled: the same page for both.
    pub(crate) failed: bool,
    /// Who may create an account.
    pub(crate) signup: SignUpMode,
    /// Message above the form.
    pub(crate) notice: Option<Notice>,
    /// Signing in with a passkey.
    pub(crate) passkeys: PasskeyOffer,
    /// Other ways in.
    pub(crate) providers: Vec<ProviderButton>,
    /// What is connected after this sign-in.
    pub(crate) offer: Option<OfferView>,
    /// Letters can be sent: sign-in links and resets.
    pub(crate) mail: bool,
    /// What is wrong with the address that a link was to go to.
    pub(crate) email_fault: Option<Fault>,
}

/// Create your account, `/signup`; posts `csrf`, `tx`, `email`, `name`, `password`, and `invite` if the page asks for it.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct SignupView {
    /// Token against forged posts.
    pub(crate) csrf: String,
    /// Sealed authorization request that goes on after sign-up.
    pub(crate) tx: Option<String>,
    /// Name of the app that asked.
    pub(crate) app: Option<String>,
    /// What was typed.
    pub(crate) email: String,
    /// What was typed.
    pub(crate) name: String,
    /// Fewest characters of a password.
    pub(crate) min_password: u32,
    /// The invitation that came along, or the field for one.
    pub(crate) invite: InvitePart,
    /// What is wrong.
    pub(crate) faults: AccountFaults,
    /// An account without a password.
    pub(crate) passkeys: PasskeyOffer,
    /// Ways in without a password.
    pub(crate) providers: Vec<ProviderButton>,
}

/// Whether the operator vouches for an app.
#[derive(Serialize, Clone, Debug)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub(crate) enum Trust {
    /// Registered by the operator.
    Verified {
        /// Who makes the app, shown as "Made by …".
        publisher: Option<String>,
    },
    /// Registered by itself: a warning is shown, and no logo.
    Unverified {
        /// Host of the client metadata document; `None` for dynamic registration.
        host: Option<String>,
    },
}

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

/// An API that the access is for.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct ApiView {
    /// Name from the registration.
    pub(crate) name: String,
    /// Resource URI (RFC 8707).
    pub(crate) uri: String,
}

/// Where the browser goes after the decision.
#[derive(Serialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ReturnKind {
    /// A web address.
    Web,
    /// A program that listens on this computer (RFC 8252 §7.3).
    Loopback,
    /// A private scheme, which any app on the device could have taken (RFC 8252 §7.1).
    Scheme,
}

/// The redirect URI in words.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct ReturnTo {
    /// Which wording to use.
    pub(crate) kind: ReturnKind,
    /// Host with port, or the scheme with its colon.
    pub(crate) host: String,
    /// The URI as sent.
    pub(crate) uri: String,
}

impl ReturnTo {
    /// Reads a redirect URI; one that cannot be read counts as a private scheme, the most careful wording.
    pub(crate) fn new(uri: &str) -> Self {
        let (kind, host) = match Url::parse(uri) {
            Ok(url) if matches!(url.scheme(), "http" | "https") => {
                let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
                let host = format!("{}{port}", url.host_str().unwrap_or_default());
                (if is_loopback(&url) { ReturnKind::Loopback } else { ReturnKind::Web }, host)
            }
            Ok(url) => (ReturnKind::Scheme, format!("{}:", url.scheme())),
            Err(_) => (ReturnKind::Scheme, uri.split_inclusive(':').next().unwrap_or_default().to_owned()),
        };
        Self { kind, host, uri: uri.to_owned() }
    }
}

/// True for `127.0.0.0/8`, `[::1]` and `localhost`.
fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// Allow an app, `/consent`; posts `csrf`, `tx`, `decision=deny|allow`.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct ConsentView {
    /// Token against forged posts.
    pub(crate) csrf: String,
    /// Sealed authorization request.
    pub(crate) tx: String,
    /// Name of the app.
    pub(crate) app: String,
    /// Email address of the account in use.
    pub(crate) email: String,
    /// Whether the operator vouches for the app.
    pub(crate) trust: Trust,
    /// What is asked, in any order: the page puts sensitive ones last.
    pub(crate) scopes: Vec<ScopeView>,
    /// Days that `offline_access` lasts.
    pub(crate) away_days: u32,
    /// Where the answer goes.
    pub(crate) returns_to: ReturnTo,
    /// The APIs that the tokens will be for; may be empty.
    pub(crate) apis: Vec<ApiView>,
}

/// "Taking you back": the 200 answer of a post that ends at a client, because `form-action` stops a redirect.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct HandOverView {
    /// Name of the app.
    pub(crate) app: Option<String>,
    /// Where to, with the answer in it; this page must never be stored.
    pub(crate) uri: String,
    /// The redirect URI in words; its `uri` is left empty, since the answer is in it.
    pub(crate) returns_to: ReturnTo,
}

impl HandOverView {
    /// Hands over to `uri`, the redirect URI with the answer's parameters.
    pub(crate) fn new(app: Option<String>, uri: String) -> Self {
        let mut returns_to = ReturnTo::new(&uri);
        returns_to.uri.clear();
        Self { app, uri, returns_to }
    }
}

/// "Sign out?", `/logout`; posts `csrf` and `tx`.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct LogoutView {
    /// Token against forged posts.
    pub(crate) csrf: String,
    /// Sealed sign-out request of an app.
    pub(crate) tx: Option<String>,
    /// Name of the app that asked.
    pub(crate) app: Option<String>,
    /// Email address of the account in use.
    pub(crate) email: String,
}

/// An app that keeps its own session after sign-out.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct StillSignedIn {
    /// Name of the app.
    pub(crate) app: String,
    /// When its access ends at the latest.
    pub(crate) until: Moment,
}

/// "You are signed out".
#[derive(Serialize, Clone, Debug)]
pub(crate) struct SignedOutView {
    /// Name of the app that `return_to` belongs to.
    pub(crate) app: Option<String>,
    /// Registered address to go back to.
    pub(crate) return_to: Option<String>,
    /// Apps that stay signed in.
    pub(crate) still: Vec<StillSignedIn>,
}

/// First administrator, `/setup/{token}`; posts `csrf`, `email`, `name`, `password` to the same address.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct SetupView {
    /// Token against forged posts.
    pub(crate) csrf: String,
    /// Token of the link.
    pub(crate) token: String,
    /// What was typed.
    pub(crate) email: String,
    /// What was typed.
    pub(crate) name: String,
    /// Fewest characters of a password.
    pub(crate) min_password: u32,
    /// What is wrong.
    pub(crate) faults: AccountFaults,
}

/// A set-up link that was used, is too old or was never made.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct SetupGoneView {
    /// An administrator exists, so signing in is the next step; else a new link is.
    pub(crate) has_administrator: bool,
}

/// Front page, `/`.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct HomeView {
    /// Email address of the account in use, `None` when nobody is signed in.
    pub(crate) email: Option<String>,
    /// Token against forged posts, for the sign-out button.
    pub(crate) csrf: String,
    /// Who may create an account.
    pub(crate) signup: SignUpMode,
}

impl View for LoginView {
    const TEMPLATE: &'static str = "login.html";
}
impl View for SignupView {
    const TEMPLATE: &'static str = "signup.html";
}
impl View for ConsentView {
    const TEMPLATE: &'static str = "consent.html";
}
impl View for HandOverView {
    const TEMPLATE: &'static str = "hand_over.html";

    fn headers() -> &'static [(&'static str, &'static str)] {
        HAND_OVER_HEADERS
    }
}
impl View for LogoutView {
    const TEMPLATE: &'static str = "logout.html";
}
impl View for SignedOutView {
    const TEMPLATE: &'static str = "signed_out.html";
}
impl View for SetupView {
    const TEMPLATE: &'static str = "setup.html";
}
impl View for SetupGoneView {
    const TEMPLATE: &'static str = "setup_gone.html";
}
impl View for HomeView {
    const TEMPLATE: &'static str = "home.html";
}
