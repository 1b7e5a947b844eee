//! Everything that is done by a mailed link or the code beside it.
//!
//! A request makes one row and one letter, whether or not the address has an account, and its asker sees the same page. Looking
//! at a link changes nothing, because mail scanners look at links; a form uses it up, once, in the browser that asked. In another
//! browser the link only shows the code, to be typed where it was asked for: who opens it never signs a stranger in unseen (ML3).

mod change_email;
mod limits;
mod link;
mod reset;
mod sign_in;
mod sign_up;
mod spend;

pub use change_email::{cancel_change, find_pending_change, request_change};
pub use link::{Check, Found, Opened, find_link, refuse_link};
pub(crate) use reset::send_reset;
pub use reset::{ResetProof, find_reset, finish_reset, request_reset};
pub use sign_in::{can_confirm, request_confirm, request_sign_in, request_verify};
pub use sign_up::request_sign_up;
pub use spend::{Tried, Used, try_code, use_link};

use gatepost_store::people::mail_links;
use gatepost_store::{Db, Outcome, Tx};

use crate::kernel::call::Call;
use crate::kernel::error::Result;
use crate::kernel::journey::Journey;
use crate::people::email::normalize_email;
use crate::people::sessions::SignedIn;

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
    const ENDED: [&'static str; 5] = ["sign-in", "confirm", "verify", "reset", "change-email"];

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

    fn parse(word: &str) -> Option<Self> {
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

/// How long until the same letter can be asked for again, in seconds; 0: now.
pub fn find_wait(call: &Call, db: &mut Db, check: &Check) -> Result<i64> {
    let age = call.now - check.created_at();
    let Ok(email) = normalize_email(check.email()) else { return Ok(limits::RESEND_AFTER) };
    Ok(limits::find_wait(call, db, &email.key)?.max(limits::RESEND_AFTER - age).max(0))
}

/// The same letter again, with a new link; the older one dies. `None` where it is too early, or what was asked for is not there
/// any more.
pub fn request_again(
    call: &Call,
    tx: &mut Tx<'_>,
    check: &Check,
    asking: &Asking,
    session: Option<&SignedIn>,
) -> Result<Outcome<Option<Check>>> {
    if check.browser() != asking.browser || find_wait(call, tx, check)? > 0 {
        return Ok(Outcome::Rollback(None));
    }
    let Ok(email) = normalize_email(check.email()) else { return Ok(Outcome::Rollback(None)) };
    let asking = &recall_journey(call, tx, check, asking)?;
    let made = match (check.kind(), session) {
        (Kind::SignIn, _) => sign_in::request_sign_in(call, tx, asking, &email)?,
        (Kind::Reset, _) => reset::request_reset(call, tx, asking, &email)?,
        (Kind::SignUp, _) => return sign_up::request_again(call, tx, check, asking),
        (Kind::Confirm, Some(session)) => return sign_in::request_confirm(call, tx, asking, session),
        (Kind::Verify, Some(session)) => return sign_in::request_verify(call, tx, asking, session),
        (Kind::ChangeEmail, Some(session)) => return change_email::request_again(call, tx, check, asking, session),
        (Kind::Confirm | Kind::Verify | Kind::ChangeEmail | Kind::StopChange, _) => return Ok(Outcome::Rollback(None)),
    };
    Ok(match made {
        Outcome::Commit(check) => Outcome::Commit(Some(check)),
        Outcome::Rollback(check) => Outcome::Rollback(Some(check)),
    })
}

/// What the older link was asked for, where nothing came along and it was asked for in this browser.
fn recall_journey(call: &Call, db: &mut Db, check: &Check, asking: &Asking) -> Result<Asking> {
    let row = mail_links::find_mail_link(db, check.id())?
        .filter(|row| asking.journey.is_empty() && row.browser == asking.browser);
    let journey = match row {
        Some(row) => link::open_payload(call, &row)?.journey,
        None => None,
    };
    let browser = asking.browser.clone();
    let journey = journey.map_or_else(|| asking.journey.clone(), |journey| journey.carry_over(call, browser.clone()));
    Ok(Asking { browser, journey })
}

/// Ends what was mailed to a person and not used, pending changes of the address included: nothing that was asked for before the
/// account was set anew works afterwards (LG10, LG11).
pub(crate) fn end_links(call: &Call, tx: &mut Tx<'_>, user_id: &str) -> Result<()> {
    mail_links::revoke_user_links(tx, user_id, &Kind::ENDED, 0, call.now)?;
    Ok(())
}
