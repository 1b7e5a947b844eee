//! A new password for whoever can read the account's mail (LG10).

use gatepost_store::people::mail_links::{self, MailLinkRow};
use gatepost_store::people::users;
use gatepost_store::people::users::UserRow;
use gatepost_store::{Db, Outcome, Tx};
use serde_json::json;

use crate::audit::{Actor, Event, record_event};
use crate::kernel::call::Call;
use crate::kernel::error::Result;
use crate::kernel::journey::Journey;
use crate::outbox::{Letter, Notice, queue_letter, queue_notice};
use crate::people::email::{Email, normalize_email};
use crate::people::end_access::end_all_use;
use crate::people::mailed_links::kind::{Asking, Kind};
use crate::people::mailed_links::limits::{charge_address, charge_letter};
use crate::people::mailed_links::link::{
    Check, Draft, Made, NO_BROWSER, Payload, find_row, insert_link, is_live, lock_owner, open_payload, use_up,
};
use crate::people::mailed_links::sign_in::{find_recipient, may_be_squatted, no_account, remove_other_ways};
use crate::people::mailed_links::used::Used;
use crate::people::sign_in::enter::enter;
use crate::people::sign_in::{Method, throttle};

/// Mails a link to choose a new password, or that there is no account; the answer is the same.
pub fn request_reset(call: &Call, tx: &mut Tx<'_>, asking: &Asking, typed: &Email) -> Result<Outcome<Check>> {
    let kind = Kind::Reset;
    if !charge_letter(call, tx, &typed.key)? {
        return Ok(Outcome::Commit(Check::without_letter(call, asking, kind, typed)?));
    }
    let (user, email) = find_recipient(tx, typed)?;
    let user_id = user.as_ref().map(|user| user.id.clone());
    let draft = Draft { kind, email: &email, user_id, payload: Payload::default(), asked_by: Actor::Nobody };
    let Made { url, check, .. } = insert_link(call, tx, asking, draft)?;
    let letter = if user.is_some() { Letter::Reset { url } } else { no_account(call, tx)? };
    queue_letter(call, tx, &email.display, letter, kind.ttl())?;
    Ok(Outcome::Commit(check.named(typed)))
}

/// Mails such a link because an administrator asks for it, who has no part in what follows: no browser has asked, so it works in
/// the one that opens it, for whoever reads the mail. `welcome`: the account is new. `false` where a limit forbids the letter.
pub(crate) fn send_reset(
    call: &Call,
    tx: &mut Tx<'_>,
    asked_by: Actor<'_>,
    user: &UserRow,
    welcome: bool,
) -> Result<bool> {
    let kind = Kind::Reset;
    let Ok(email) = normalize_email(&user.email) else { return Ok(false) };
    if !welcome && !charge_address(call, tx, &email.key)? {
        return Ok(false);
    }
    let browser = NO_BROWSER.to_owned();
    let asking = Asking { journey: Journey::begin(call, browser.clone()), browser };
    let draft = Draft { kind, email: &email, user_id: Some(user.id.clone()), payload: Payload::default(), asked_by };
    let Made { url, .. } = insert_link(call, tx, &asking, draft)?;
    let letter = if welcome { Letter::Welcome { url } } else { Letter::ResetByAdministrator { url } };
    queue_letter(call, tx, &user.email, letter, kind.ttl())?;
    Ok(true)
}

/// What entitles to choose a new password.
#[derive(Clone)]
pub enum ResetProof {
    /// the token of the link
    Token(String),
    /// the code was typed in the browser that asked
    Check(Check),
}

impl std::fmt::Debug for ResetProof {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ResetProof(…)")
    }
}

/// The row behind a proof, if it is for this browser.
fn find_proved(db: &mut Db, proof: &ResetProof, browser: &str) -> Result<Option<MailLinkRow>> {
    let row = match proof {
        ResetProof::Token(token) => {
            find_row(db, token)?.filter(|row| row.browser == browser || row.browser == NO_BROWSER)
        }
        ResetProof::Check(check) if check.is_proved() => {
            mail_links::find_mail_link(db, check.id())?.filter(|row| row.browser == browser)
        }
        ResetProof::Check(_) => None,
    };
    Ok(row.filter(|row| row.kind == Kind::Reset.as_str()))
}

/// Address and name of the account whose password would be set; `None` where the proof is not good any more, or not here.
pub fn find_reset(call: &Call, db: &mut Db, proof: &ResetProof, browser: &str) -> Result<Option<(String, String)>> {
    let Some(row) = find_proved(db, proof, browser)?.filter(|row| is_live(call, row)) else { return Ok(None) };
    let Some(id) = &row.user_id else { return Ok(None) };
    let user = users::find_user(db, id)?.filter(|user| user.disabled_at.is_none() && user.email_key == row.email_key);
    Ok(user.map(|user| (user.email, user.name)))
}

/// Sets the password and lets its owner in, who is asked for the second step all the same. Every session, every app's access and
/// everything else that was mailed ends (R-29, LG10, LG11).
pub fn finish_reset(
    call: &Call,
    tx: &mut Tx<'_>,
    proof: &ResetProof,
    browser: &str,
    new_hash: &str,
) -> Result<Outcome<Used>> {
    let Some(row) = find_proved(tx, proof, browser)? else { return Ok(Outcome::Rollback(Used::Gone)) };
    lock_owner(tx, &row)?;
    let Some(row) = use_up(call, tx, &row.id)? else { return Ok(Outcome::Rollback(Used::Gone)) };
    let Some(id) = row.user_id.clone() else { return Ok(Outcome::Commit(Used::Gone)) };
    let before = users::find_user(tx, &id)?.filter(|user| user.disabled_at.is_none());
    let Some(before) = before else { return Ok(Outcome::Commit(Used::Gone)) };
    if !users::update_user_verified(tx, &id, &row.email_key, call.now)? {
        return Ok(Outcome::Commit(Used::Gone));
    }
    if may_be_squatted(&before) {
        remove_other_ways(call, tx, &before)?;
    }
    users::update_user_password(tx, &id, new_hash, call.now)?;
    end_all_use(call, tx, &id, "password reset")?;
    throttle::forgive_account(tx, &row.email_key)?;
    let Some(user) = users::find_user(tx, &id)? else { return Ok(Outcome::Rollback(Used::Gone)) };
    record_event(call, tx, Event::done(Actor::User(&id), "password.reset", &id), &json!({"with": "email"}))?;
    queue_notice(call, tx, &user.email, Notice::PasswordChanged)?;
    let Some(mut journey) =
        open_payload(call, &row)?.journey.map(|journey| journey.carry_over(call, &row, browser.to_owned()))
    else {
        return Ok(Outcome::Rollback(Used::Gone));
    };
    if journey.request.is_none() && journey.back.is_none() {
        journey.back = Some("/account/security?done=password-changed".to_owned());
    }
    Ok(match enter(call, tx, &user, &[Method::Mail])? {
        Some(started) => Outcome::Commit(Used::Entered { started: Box::new(started), journey: Box::new(journey) }),
        None => Outcome::Rollback(Used::Gone),
    })
}
