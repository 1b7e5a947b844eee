//! Pages of the administration about people: the overview, the list, one person, and what can be done to them.

use super::{AccountFaults, AdminFrame, LogRow, Moment, SessionRow, View};
use serde::Serialize;

/// What an account is good for; texts are `people.status.*`.
#[derive(Serialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum PersonStatus {
    /// Enabled, with a proven address.
    Active,
    /// Enabled, and nobody proved to own the address.
    Unverified,
    /// Nothing of it works.
    Disabled,
}

/// How somebody can sign in, as words.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct WaysView {
    /// A password is set.
    pub(crate) password: bool,
    /// Names of the passkeys.
    pub(crate) passkeys: Vec<String>,
    /// An authenticator app asks for codes.
    pub(crate) authenticator: bool,
    /// Recovery codes that are left.
    pub(crate) recovery_codes: i64,
    /// Accounts at other providers.
    pub(crate) providers: Vec<ProviderView>,
}

/// An account at another provider.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct ProviderView {
    /// The provider, as the settings call it.
    pub(crate) name: String,
    /// The address there.
    pub(crate) email: String,
}

/// One person in the list.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct PersonRow {
    /// Id, for the link.
    pub(crate) id: String,
    /// What to call the person.
    pub(crate) name: String,
    /// Email address.
    pub(crate) email: String,
    /// What the account is good for.
    pub(crate) status: PersonStatus,
    /// May administer.
    pub(crate) admin: bool,
    /// How the person can sign in.
    pub(crate) ways: WaysView,
    /// Last sign-in, if there was one.
    pub(crate) seen: Option<Moment>,
}

/// Users, `/admin/users`; the address is the state: `q`, `status`, `role`, `older`, `newer`.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct UsersView {
    /// What stands around the page.
    pub(crate) frame: AdminFrame,
    /// What was searched for.
    pub(crate) q: String,
    /// Chosen status: a word of [`PersonStatus`].
    pub(crate) status: Option<&'static str>,
    /// Chosen role: `admin` or `user`.
    pub(crate) role: Option<&'static str>,
    /// How many people the filter lets through.
    pub(crate) total: u64,
    /// Who may create an account, as a word.
    pub(crate) signup: &'static str,
    /// The people of this page.
    pub(crate) people: Vec<PersonRow>,
    /// Place for the page of those who signed in more recently.
    pub(crate) newer: Option<String>,
    /// Place for the page of those who signed in longer ago.
    pub(crate) older: Option<String>,
}

/// Add a user, `/admin/users/new`; posts `csrf`, `name`, `email`, `role`.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct NewUserView {
    /// What stands around the page.
    pub(crate) frame: AdminFrame,
    /// What was typed.
    pub(crate) name: String,
    /// What was typed.
    pub(crate) email: String,
    /// The role of an administrator was chosen.
    pub(crate) admin: bool,
    /// What is wrong.
    pub(crate) faults: AccountFaults,
    /// Letters can be sent: the person gets a link instead of a password.
    pub(crate) mail: bool,
}

/// The person was added: what to tell them, once.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct UserAddedView {
    /// What stands around the page.
    pub(crate) frame: AdminFrame,
    /// Id, for the link.
    pub(crate) id: String,
    /// What to call the person.
    pub(crate) name: String,
    /// Email address.
    pub(crate) email: String,
    /// The password, which is shown once; `None` where a letter is on its way.
    pub(crate) password: Option<String>,
    /// Where the person signs in.
    pub(crate) sign_in: String,
}

/// An app that can act for a person.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct PersonApp {
    /// Name of the app.
    pub(crate) name: String,
    /// Its id.
    pub(crate) client_id: String,
    /// When it was allowed first.
    pub(crate) since: Moment,
    /// When it last got a token.
    pub(crate) last_used: Moment,
}

/// One person, `/admin/users/{id}`; posts `csrf` to `…/enable`.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct PersonView {
    /// What stands around the page.
    pub(crate) frame: AdminFrame,
    /// Id.
    pub(crate) id: String,
    /// What to call the person.
    pub(crate) name: String,
    /// Email address.
    pub(crate) email: String,
    /// Whether the address was proven.
    pub(crate) verified: bool,
    /// What the account is good for.
    pub(crate) status: PersonStatus,
    /// May administer.
    pub(crate) admin: bool,
    /// It is the account in use.
    pub(crate) own: bool,
    /// Since when there is the account.
    pub(crate) created: Moment,
    /// Last sign-in, if there was one.
    pub(crate) seen: Option<Moment>,
    /// Since when it is disabled, if it is.
    pub(crate) disabled: Option<Moment>,
    /// How the person can sign in.
    pub(crate) ways: WaysView,
    /// Where the person is signed in.
    pub(crate) sessions: Vec<SessionRow>,
    /// Apps that can act for the person.
    pub(crate) apps: Vec<PersonApp>,
    /// Without this person nobody could administer: what would take that away is not offered.
    pub(crate) last_administrator: bool,
    /// The same about the second factors.
    pub(crate) needs_factors: bool,
    /// There are second factors.
    pub(crate) has_factors: bool,
    /// Letters can be sent.
    pub(crate) mail: bool,
    /// What the person did and what was done to the person, newest first.
    pub(crate) events: Vec<LogRow>,
}

/// What can be done to a person; texts are `person-act.*`.
#[derive(Serialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum PersonAct {
    /// Mail a link to choose a new password.
    SendReset,
    /// End every session and every app's access.
    EndSessions,
    /// Remove passkeys, authenticator app and recovery codes.
    ResetFactors,
    /// Make an administrator.
    Promote,
    /// Take the role of an administrator.
    Demote,
    /// Nothing of the account works.
    Disable,
    /// All of it works again.
    Enable,
    /// Remove the account.
    Delete,
}

impl PersonAct {
    /// All of them.
    pub(crate) const ALL: [Self; 8] = [
        Self::SendReset,
        Self::EndSessions,
        Self::ResetFactors,
        Self::Promote,
        Self::Demote,
        Self::Disable,
        Self::Enable,
        Self::Delete,
    ];

    /// The word in addresses and texts.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::SendReset => "send-reset",
            Self::EndSessions => "end-sessions",
            Self::ResetFactors => "reset-factors",
            Self::Promote => "promote",
            Self::Demote => "demote",
            Self::Disable => "disable",
            Self::Enable => "enable",
            Self::Delete => "delete",
        }
    }

    /// Whether it takes something away, which makes its button red.
    pub(crate) fn is_dangerous(self) -> bool {
        !matches!(self, Self::SendReset | Self::Promote | Self::Enable)
    }

    /// Whether the person is signed out by it.
    pub(crate) fn ends_sessions(self) -> bool {
        !matches!(self, Self::SendReset | Self::Promote | Self::Enable)
    }
}

/// The page before an act, `/admin/users/{id}/{act}`, which names what will happen; posts `csrf` to the same address.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct PersonActView {
    /// What stands around the page.
    pub(crate) frame: AdminFrame,
    /// What is about to be done.
    pub(crate) act: PersonAct,
    /// Whether it takes something away.
    pub(crate) dangerous: bool,
    /// Id.
    pub(crate) id: String,
    /// What to call the person.
    pub(crate) name: String,
    /// Email address.
    pub(crate) email: String,
    /// Live sessions, which will end.
    pub(crate) sessions: u64,
    /// Apps that will lose access; `None` where they keep it.
    pub(crate) apps: Option<u64>,
    /// It is the account in use: whoever does this is signed out by it.
    pub(crate) own: bool,
    /// Not possible: it would leave nobody to administer.
    pub(crate) refused: bool,
}

/// Something that needs a person; texts are `to-do.*`.
#[derive(Serialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(tag = "key", rename_all = "kebab-case")]
pub(crate) enum ToDo {
    /// Letters cannot be sent.
    NoMail,
    /// Administrators who sign in with one factor.
    OneFactor {
        /// How many.
        n: u64,
    },
    /// There is one administrator.
    OneAdministrator,
    /// A signing key ends soon, and nothing follows it.
    KeyEnds {
        /// In how many days.
        n: u64,
    },
}

/// A step after the installation; texts are `first-step.*`.
#[derive(Serialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum FirstStep {
    /// Name and logo.
    Brand,
    /// A mail server.
    Mail,
    /// The first app.
    App,
    /// Other people.
    People,
}

/// Overview, `/admin`.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct OverviewView {
    /// What stands around the page.
    pub(crate) frame: AdminFrame,
    /// What needs a person, first things first.
    pub(crate) to_do: Vec<ToDo>,
    /// Steps after the installation that are not done.
    pub(crate) steps: Vec<FirstStep>,
    /// Accounts.
    pub(crate) people: u64,
    /// Sign-ins since midnight, UTC.
    pub(crate) sign_ins: u64,
    /// Live sessions.
    pub(crate) sessions: u64,
    /// Failed sign-ins since midnight, UTC.
    pub(crate) failed: u64,
    /// Failed sign-ins a day, on average of the seven days before.
    pub(crate) failed_usual: u64,
    /// The last events of everybody, newest first.
    pub(crate) events: Vec<LogRow>,
}

impl View for OverviewView {
    const TEMPLATE: &'static str = "admin_overview.html";
}
impl View for UsersView {
    const TEMPLATE: &'static str = "admin_users.html";
}
impl View for NewUserView {
    const TEMPLATE: &'static str = "admin_user_new.html";
}
impl View for UserAddedView {
    const TEMPLATE: &'static str = "admin_user_added.html";
}
impl View for PersonView {
    const TEMPLATE: &'static str = "admin_user.html";
}
impl View for PersonActView {
    const TEMPLATE: &'static str = "admin_user_act.html";
}
