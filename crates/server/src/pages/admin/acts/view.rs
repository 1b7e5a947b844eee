//! What the page shows.

use crate::pages::kit::frames::AdminFrame;
use crate::pages::kit::view::View;
use serde::Serialize;

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

impl View for PersonActView {
    const TEMPLATE: &'static str = "admin_user_act.html";
}
