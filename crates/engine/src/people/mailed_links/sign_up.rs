//! New accounts where letters can be sent: the account is made when its address is proven.

use gatepost_store::people::mail_links::{self, MailLinkRow};
use gatepost_store::people::users::{self, ROLE_USER};
use gatepost_store::{Outcome, Tx};

use crate::audit::Actor;
use crate::kernel::call::Call;
use crate::kernel::error::{Error, Result};
use crate::kernel::journey::Journey;
use crate::outbox::{Letter, queue_letter};
use crate::people::email::Email;
use crate::people::mailed_links::kind::{Asking, Kind};
use crate::people::mailed_links::limits::charge_letter;
use crate::people::mailed_links::link::{Check, Draft, Made, NewPerson, Payload, insert_link, open_payload};
use crate::people::mailed_links::used::Used;
use crate::people::sign_in::Method;
use crate::people::sign_in::enter::enter;
use crate::people::sign_up::{NewUser, create_account};

/// Mails a link that makes the account, or that there is one already; the answer is the same. Whether the person may sign up
/// is decided by the link, when the account is made.
pub fn request_sign_up(call: &Call, tx: &mut Tx<'_>, asking: &Asking, new: &NewUser) -> Result<Outcome<Check>> {
    let (kind, email) = (Kind::SignUp, &new.email);
    if !charge_letter(call, tx, &email.key)? {
        return Ok(Outcome::Commit(Check::without_letter(call, asking, kind, email)?));
    }
    let person = NewPerson { name: new.name.clone(), password_hash: new.password_hash.clone() };
    let payload = Payload { person: Some(person), ..Payload::default() };
    let Made { url, code, check } =
        insert_link(call, tx, asking, Draft { kind, email, user_id: None, payload, asked_by: Actor::Nobody })?;
    match users::find_user_by_email(tx, &email.key)? {
        // to the address as the account has it, never to another spelling that somebody typed
        Some(user) => queue_letter(call, tx, &user.email, already_have_one(call), kind.ttl())?,
        None => queue_letter(call, tx, &email.display, Letter::Verify { url, code }, kind.ttl())?,
    }
    Ok(Outcome::Commit(check))
}

/// The letter to an address that has an account.
pub(super) fn already_have_one(call: &Call) -> Letter {
    let issuer = &call.engine.issuer;
    Letter::AlreadyHaveOne { sign_in_url: issuer.url("/login"), reset_url: issuer.url("/reset") }
}

/// The same again, with what was typed then.
pub(super) fn request_again(
    call: &Call,
    tx: &mut Tx<'_>,
    check: &Check,
    asking: &Asking,
) -> Result<Outcome<Option<Check>>> {
    let row = mail_links::find_mail_link(tx, check.id())?.filter(|row| row.browser == asking.browser);
    let Some(row) = row.filter(|row| row.kind == Kind::SignUp.as_str()) else { return Ok(Outcome::Rollback(None)) };
    let person = open_payload(call, &row)?.person;
    let Some(new) = make_new_user(&row, person) else { return Ok(Outcome::Rollback(None)) };
    Ok(match request_sign_up(call, tx, asking, &new)? {
        Outcome::Commit(check) => Outcome::Commit(Some(check)),
        Outcome::Rollback(check) => Outcome::Rollback(Some(check)),
    })
}

fn make_new_user(row: &MailLinkRow, person: Option<NewPerson>) -> Option<NewUser> {
    let NewPerson { name, password_hash } = person?;
    let email = Email { display: row.email.clone(), key: row.email_key.clone() };
    Some(NewUser { email, name, email_verified: true, password_hash, role: ROLE_USER })
}

/// Makes the account whose address was proven, and signs its owner in. A refusal that leaves a
/// trace uses the link up: nothing that it could do later is left.
pub(super) fn finish_sign_up(
    call: &Call,
    tx: &mut Tx<'_>,
    row: &MailLinkRow,
    person: Option<NewPerson>,
    journey: Journey,
) -> Result<Outcome<Used>> {
    let Some(new) = make_new_user(row, person) else { return Ok(Outcome::Commit(Used::Gone)) };
    let user = match create_account(call, tx, &new, journey.invite.as_deref(), Method::Password)? {
        Ok(user) => user,
        Err(refused) => return refused.end(call, tx, Method::Mail, Used::Refused),
    };
    match enter(call, tx, &user, &[Method::Password, Method::Mail])? {
        Some(started) => Ok(Outcome::Commit(Used::Entered { started: Box::new(started), journey: Box::new(journey) })),
        None => Err(Error::Internal("a new account was not there".into())),
    }
}
