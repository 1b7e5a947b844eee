//! What is wrong with a field of a form.

use serde::Serialize;

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
