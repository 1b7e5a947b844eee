//! The kinds of mailed links, and who asks for one.

use crate::kernel::journey::Journey;

/// What a mailed link does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// signs in
    SignIn,
    /// makes the account that was asked for
    SignUp,
    /// confirms that it is still the owner of a session
    Confirm,
    /// proves the address of an account
    Verify,
    /// lets choose a new password
    Reset,
    /// changes the address of an account to the one it was sent to
    ChangeEmail,
    /// stops or takes back a change of the address it was sent to
    StopChange,
}

impl Kind {
    const ALL: [Self; 7] =
        [Self::SignIn, Self::SignUp, Self::Confirm, Self::Verify, Self::Reset, Self::ChangeEmail, Self::StopChange];

    /// The kinds that end when the account's password, sessions or address are set anew. A stop link does not: whoever took an
    /// account over could end it with a password of their own.
    pub(crate) const ENDED: [&'static str; 5] = ["sign-in", "confirm", "verify", "reset", "change-email"];

    /// The word that is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SignIn => "sign-in",
            Self::SignUp => "sign-up",
            Self::Confirm => "confirm",
            Self::Verify => "verify",
            Self::Reset => "reset",
            Self::ChangeEmail => "change-email",
            Self::StopChange => "stop-change",
        }
    }

    pub(super) fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// How long it works, in seconds.
    pub fn ttl(self) -> i64 {
        match self {
            Self::SignIn | Self::SignUp | Self::Confirm | Self::Verify | Self::ChangeEmail => 600,
            Self::Reset => 1800,
            Self::StopChange => 7 * 86_400,
        }
    }
}

/// Who asks for a link, and what for.
#[derive(Clone, Debug)]
pub struct Asking {
    /// hash of the browser; the link works there and nowhere else
    pub browser: String,
    /// what goes on afterwards
    pub journey: Journey,
}
