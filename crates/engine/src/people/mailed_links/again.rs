//! Sending a letter again.

use gatepost_store::people::mail_links;
use gatepost_store::{Db, Outcome, Tx};

use crate::kernel::call::Call;
use crate::kernel::error::Result;
use crate::people::email::normalize_email;
use crate::people::mailed_links::kind::{Asking, Kind};
use crate::people::mailed_links::link::{Check, SameBrowser, open_payload};
use crate::people::mailed_links::reset::request_reset;
use crate::people::mailed_links::sign_in::{request_confirm, request_sign_in, request_verify};
use crate::people::mailed_links::{change_email, limits, sign_up};
use crate::people::sessions::SignedIn;

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
        (Kind::SignIn, _) => request_sign_in(call, tx, asking, &email)?,
        (Kind::Reset, _) => request_reset(call, tx, asking, &email)?,
        (Kind::SignUp, _) => return sign_up::request_again(call, tx, check, asking),
        (Kind::Confirm, Some(session)) => return request_confirm(call, tx, asking, session),
        (Kind::Verify, Some(session)) => return request_verify(call, tx, asking, session),
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
    let row = mail_links::find_mail_link(db, check.id())?.filter(|_| asking.journey.is_empty());
    let here = row.and_then(|row| SameBrowser::check(&row, &asking.browser).map(|proof| (row, proof)));
    let Some((row, proof)) = here else { return Ok(asking.clone()) };
    let browser = asking.browser.clone();
    Ok(match open_payload(call, &row)?.journey {
        Some(journey) => Asking { journey: journey.carry_over(call, &proof, browser.clone()), browser },
        None => asking.clone(),
    })
}
