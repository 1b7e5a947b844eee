//! Using a link up: by the form behind it, or by its code, in the browser that asked.

use gatepost_store::people::mail_links::{self, MailLinkRow};
use gatepost_store::people::users;
use gatepost_store::{Outcome, Tx};
use serde_json::json;

use crate::audit::{Actor, Event, record_event};
use crate::kernel::call::Call;
use crate::kernel::error::{Error, Result};
use crate::kernel::journey::Journey;
use crate::people::factors::second_step::complete_step_up;
use crate::people::mailed_links::change_email::{finish_change, stop_change};
use crate::people::mailed_links::kind::Kind;
use crate::people::mailed_links::link::{
    Check, Payload, check_code, find_row, is_live, lock_owner, open_payload, use_up,
};
use crate::people::mailed_links::sign_in::prove_owner;
use crate::people::mailed_links::sign_up::finish_sign_up;
use crate::people::mailed_links::used::Used;
use crate::people::sessions::SignedIn;
use crate::people::sign_in::Method;
use crate::people::sign_in::enter::enter;

/// A code is good for five tries.
const MOST_TRIES: i64 = 5;

/// What became of a code that was typed.
#[derive(Debug)]
pub enum Tried {
    /// it was right
    Used(Used),
    /// it was right, and entitles to choose a new password
    Proved(Check),
    /// it was wrong
    Wrong {
        /// how many tries are left
        left: i64,
    },
    /// too old, or tried too often: a new one may be sent
    Stale,
    /// used, replaced, or never sent
    Gone,
}

/// Uses a link up: once, and in the browser that asked. Only a stop works everywhere, because whoever asked for what it stops may
/// be somebody else. A reset needs the new password: [`finish_reset`](super::reset::finish_reset).
pub fn use_link(
    call: &Call,
    tx: &mut Tx<'_>,
    presented: &str,
    browser: &str,
    session: Option<&SignedIn>,
) -> Result<Outcome<Used>> {
    let Some(row) = find_row(tx, presented)? else { return Ok(Outcome::Rollback(Used::Gone)) };
    let everywhere = row.kind == Kind::StopChange.as_str();
    if row.kind == Kind::Reset.as_str() || !(everywhere || row.browser == browser) {
        return Ok(Outcome::Rollback(Used::Gone));
    }
    lock_owner(tx, &row)?;
    spend_link(call, tx, &row.id, session)
}

/// Tries a code in the browser that asked. The try is counted before anybody looks at it, and stays counted.
pub fn try_code(
    call: &Call,
    tx: &mut Tx<'_>,
    check: &Check,
    typed: &str,
    session: Option<&SignedIn>,
) -> Result<Outcome<Tried>> {
    let Some(row) = mail_links::update_mail_link_attempts(tx, check.id(), call.now, MOST_TRIES)? else {
        let row = mail_links::find_mail_link(tx, check.id())?.filter(|row| row.used_at.is_none());
        return Ok(Outcome::Rollback(if row.is_some() { Tried::Stale } else { Tried::Gone }));
    };
    if row.browser != check.browser() || row.kind != check.kind().as_str() {
        return Ok(Outcome::Commit(Tried::Gone));
    }
    if !check_code(call, &row, typed) {
        let subject = row.user_id.as_deref().unwrap_or_default();
        record_event(call, tx, Event::refused(Actor::Nobody, "mail_link.used", subject), &json!({"kind": row.kind}))?;
        return Ok(Outcome::Commit(match MOST_TRIES - row.attempts {
            left @ 1.. => Tried::Wrong { left },
            _ => Tried::Stale,
        }));
    }
    if check.kind() == Kind::Reset {
        return Ok(Outcome::Commit(if is_live(call, &row) { Tried::Proved(check.proved()) } else { Tried::Gone }));
    }
    Ok(match spend_link(call, tx, &row.id, session)? {
        Outcome::Commit(used) => Outcome::Commit(Tried::Used(used)),
        Outcome::Rollback(used) => Outcome::Rollback(Tried::Used(used)),
    })
}

/// Only who uses the link up goes on.
fn spend_link(call: &Call, tx: &mut Tx<'_>, id: &str, session: Option<&SignedIn>) -> Result<Outcome<Used>> {
    let Some(row) = use_up(call, tx, id)? else { return Ok(Outcome::Rollback(Used::Gone)) };
    let Payload { journey, person, change, .. } = open_payload(call, &row)?;
    let journey = journey.ok_or_else(|| Error::Internal(format!("mailed link {id} has no journey")))?;
    let journey = journey.carry_over(call, &row, row.browser.clone());
    match Kind::parse(&row.kind) {
        Some(Kind::SignIn) => finish_sign_in(call, tx, &row, journey),
        Some(Kind::SignUp) => finish_sign_up(call, tx, &row, person, journey),
        Some(Kind::Confirm) => finish_confirm(call, tx, &row, session, journey),
        Some(Kind::Verify) => finish_verify(call, tx, &row),
        Some(Kind::ChangeEmail) => finish_change(call, tx, &row, change, session),
        Some(Kind::StopChange) => stop_change(call, tx, &row, change),
        Some(Kind::Reset) | None => Ok(Outcome::Rollback(Used::Gone)),
    }
}

fn finish_sign_in(call: &Call, tx: &mut Tx<'_>, row: &MailLinkRow, journey: Journey) -> Result<Outcome<Used>> {
    let Some(id) = &row.user_id else { return Ok(Outcome::Commit(Used::Gone)) };
    let Some(user) = prove_owner(call, tx, id, &row.email_key)? else { return Ok(Outcome::Commit(Used::Gone)) };
    let used = match enter(call, tx, &user, &[Method::Mail])? {
        Some(started) => Used::Entered { started: Box::new(started), journey: Box::new(journey) },
        None => Used::Gone,
    };
    Ok(Outcome::Commit(used))
}

/// The mailbox is one factor: where the account has got a second one meanwhile it does not suffice.
fn finish_confirm(
    call: &Call,
    tx: &mut Tx<'_>,
    row: &MailLinkRow,
    session: Option<&SignedIn>,
    journey: Journey,
) -> Result<Outcome<Used>> {
    let Some(session) = session.filter(|session| row.user_id.as_deref() == Some(&session.user_id)) else {
        return Ok(Outcome::Commit(Used::Gone));
    };
    let user = users::find_user(tx, &session.user_id)?.filter(|user| user.email_key == row.email_key);
    let started = match user {
        Some(_) => complete_step_up(call, tx, session, &[Method::Mail])?,
        None => None,
    };
    Ok(Outcome::Commit(match started {
        Some(started) => Used::Entered { started: Box::new(started), journey: Box::new(journey) },
        None => Used::Gone,
    }))
}

fn finish_verify(call: &Call, tx: &mut Tx<'_>, row: &MailLinkRow) -> Result<Outcome<Used>> {
    let Some(id) = &row.user_id else { return Ok(Outcome::Commit(Used::Gone)) };
    if !users::update_user_verified(tx, id, &row.email_key, call.now)? {
        return Ok(Outcome::Commit(Used::Gone));
    }
    tx.touch(gatepost_store::Topic::User(id.clone()));
    record_event(call, tx, Event::done(Actor::User(id), "user.email_verified", id), &json!(null))?;
    Ok(Outcome::Commit(Used::Verified))
}
