//! What the pages show.

use crate::pages::kit::fault::Fault;
use crate::pages::kit::frames::AdminFrame;
use crate::pages::kit::view::{Moment, View};
use gatepost_engine::SignUpMode;
use serde::Serialize;

/// What became of an invitation; texts are `invites.state.*`.
#[derive(Serialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum InviteStateWord {
    /// It works.
    Open,
    /// All uses are taken.
    UsedUp,
    /// Its time is over.
    Expired,
    /// Somebody ended it.
    Revoked,
    /// Whoever made it may not invite any more.
    InviterGone,
}

/// One invitation in lists and on its own page.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct InviteLine {
    /// Its id.
    pub(crate) id: String,
    /// The first letters of its code.
    pub(crate) code_start: String,
    /// The only address that may use it.
    pub(crate) email: Option<String>,
    /// What the inviter wrote.
    pub(crate) note: String,
    /// Accounts that were made with it.
    pub(crate) uses: i64,
    /// Accounts that it is good for.
    pub(crate) max_uses: i64,
    /// When it was made.
    pub(crate) created: Moment,
    /// Until when it is good.
    pub(crate) expires: Moment,
    /// Name of whoever made it; `None` for a command or somebody who is gone.
    pub(crate) by: Option<String>,
    /// Made by a command.
    pub(crate) by_operator: bool,
    /// Whoever uses it becomes an administrator.
    pub(crate) admin: bool,
    /// What became of it.
    pub(crate) state: InviteStateWord,
}

/// The list, `/admin/invites`.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct InvitesView {
    /// Around the page.
    pub(crate) frame: AdminFrame,
    /// Who may create an account.
    pub(crate) mode: SignUpMode,
    /// At most fifty.
    pub(crate) invites: Vec<InviteLine>,
    /// What was searched for.
    pub(crate) q: String,
    /// The word of the state that is shown alone, or empty.
    pub(crate) state: String,
    /// Only one's own.
    pub(crate) mine: bool,
    /// Where the older ones begin, if there are any.
    pub(crate) older: Option<String>,
    /// This is not the beginning of the list.
    pub(crate) is_later_page: bool,
}

/// What was typed for a new invitation.
#[derive(Serialize, Clone, Debug, Default)]
pub(crate) struct NewInvite {
    /// Email address, or empty.
    pub(crate) email: String,
    /// `user` or `admin`.
    pub(crate) role: String,
    /// How many accounts.
    pub(crate) uses: String,
    /// For how many days.
    pub(crate) days: String,
    /// Note.
    pub(crate) note: String,
}

/// Faults of a new invitation.
#[derive(Serialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct NewInviteFaults {
    /// Fault of the email address.
    pub(crate) email: Option<Fault>,
    /// Fault of the number of accounts.
    pub(crate) uses: Option<Fault>,
    /// Fault of the number of days.
    pub(crate) days: Option<Fault>,
    /// Fault of the note.
    pub(crate) note: Option<Fault>,
}

/// A new invitation, `/admin/invites/new`; posts `csrf`, `email`, `role`, `uses`, `days`, `note`.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct InviteNewView {
    /// Around the page.
    pub(crate) frame: AdminFrame,
    /// What was typed.
    pub(crate) typed: NewInvite,
    /// Letters can be sent.
    pub(crate) mail: bool,
    /// What is wrong.
    pub(crate) faults: NewInviteFaults,
}

/// The invitation was made: the only page that ever shows its link.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct InviteMadeView {
    /// Around the page.
    pub(crate) frame: AdminFrame,
    /// What was made.
    pub(crate) invite: InviteLine,
    /// The link; `None` where only the mailbox was sent it.
    pub(crate) link: Option<String>,
    /// A letter is on its way.
    pub(crate) mailed: bool,
}

/// A line of the ledger.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct InviteUse {
    /// Which use, from 1.
    pub(crate) number: i64,
    /// The account's address; `None` once it is deleted.
    pub(crate) email: Option<String>,
    /// The account's name.
    pub(crate) name: String,
    /// The way in; texts are `invites.way.*`.
    pub(crate) way: String,
    /// When.
    pub(crate) at: Moment,
}

/// One invitation, `/admin/invites/{id}`.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct InviteView {
    /// Around the page.
    pub(crate) frame: AdminFrame,
    /// The invitation.
    pub(crate) invite: InviteLine,
    /// When it was revoked.
    pub(crate) revoked: Option<Moment>,
    /// Its link was sent to its address and shown to nobody.
    pub(crate) mailed_only: bool,
    /// Who took which use when.
    pub(crate) uses: Vec<InviteUse>,
}

/// "Revoke?", `/admin/invites/{id}/revoke`; posts `csrf`.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct InviteRevokeView {
    /// Around the page.
    pub(crate) frame: AdminFrame,
    /// The invitation.
    pub(crate) invite: InviteLine,
}

impl View for InvitesView {
    const TEMPLATE: &'static str = "admin_invites.html";
}

impl View for InviteNewView {
    const TEMPLATE: &'static str = "admin_invite_new.html";
}

impl View for InviteMadeView {
    const TEMPLATE: &'static str = "admin_invite_made.html";
}

impl View for InviteView {
    const TEMPLATE: &'static str = "admin_invite.html";
}

impl View for InviteRevokeView {
    const TEMPLATE: &'static str = "admin_invite_revoke.html";
}
