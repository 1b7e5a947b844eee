//! Asking for a sign-in link, and for the proof of an account's own address.

use gatepost_store::users::{self, UserRow};
use gatepost_store::{Db, Outcome, Tx};
use serde_json::json;

use super::limits::charge_letter;
use super::link::{Draft, Made, Payload, insert_link};
use super::stranger::{end_strangers_ways, was_used_unproven};
use super::{Asking, Check, Kind};
use crate::account::end_all_use;
use crate::audit::{Actor, Event, record_event};
use crate::call::Call;
use crate::email::{Email, normalize_email};
use crate::error::Result;
use crate::mail::{Letter, Notice, Whence, queue_letter, queue_notice};
use crate::policy::SignUpMode;
use crate::sign_in::SignedIn;
use crate::sign_in::sign_up::find_sign_up_mode;

/// The account of an address, if it is enabled, and where its letters go: to the address as the account has it, never to another
/// spelling that somebody typed.
pub(super) fn find_recipient(db: &mut Db, typed: &Email) -> Result<(Option<UserRow>, Email)> {
    let user = users::find_user_by_email(db, &typed.key)?;
    let display = user.as_ref().map_or(&typed.display, |user| &user.email).clone();
    Ok((user.filter(|user| user.disabled_at.is_none()), Email { display, key: typed.key.clone() }))
}

/// The letter to an address without an account.
pub(super) fn no_account(call: &Call, db: &mut Db) -> Result<Letter> {
    let open = find_sign_up_mode(call, db)? == SignUpMode::Open;
    Ok(Letter::NoAccount { sign_up_url: open.then(|| call.engine.issuer.url("/signup")) })
}

/// Mails a sign-in link, or that there is no account; the answer is the same.
pub fn request_sign_in(call: &Call, tx: &mut Tx<'_>, asking: &Asking, typed: &Email) -> Result<Outcome<Check>> {
    let kind = Kind::SignIn;
    if !charge_letter(call, tx, &typed.key)? {
        return Ok(Outcome::Commit(Check::without_letter(call, asking, kind, typed)?));
    }
    let (user, email) = find_recipient(tx, typed)?;
    let user_id = user.as_ref().map(|user| user.id.clone());
    let draft = Draft { kind, email: &email, user_id, payload: Payload::default(), asked_by: Actor::Nobody };
    let Made { url, code, check } = insert_link(call, tx, asking, draft)?;
    let letter = match user {
        Some(_) => Letter::SignInLink { url, code, asked: Whence::of(call) },
        None => no_account(call, tx)?,
    };
    queue_letter(call, tx, &email.display, letter, kind.ttl())?;
    Ok(Outcome::Commit(check.named(typed)))
}

/// Mails a link by which somebody who is signed in proves their address; `None` where it is proven.
pub fn request_verify(
    call: &Call,
    tx: &mut Tx<'_>,
    asking: &Asking,
    session: &SignedIn,
) -> Result<Outcome<Option<Check>>> {
    let user = users::find_user(tx, &session.user_id)?.filter(|user| !user.email_verified);
    let Some((user, email)) = user.and_then(|user| normalize_email(&user.email).ok().map(|email| (user, email))) else {
        return Ok(Outcome::Rollback(None));
    };
    let kind = Kind::Verify;
    if !charge_letter(call, tx, &email.key)? {
        return Ok(Outcome::Commit(Some(Check::without_letter(call, asking, kind, &email)?)));
    }
    let draft =
        Draft { kind, email: &email, user_id: Some(user.id), payload: Payload::default(), asked_by: Actor::Nobody };
    let Made { url, code, check } = insert_link(call, tx, asking, draft)?;
    queue_letter(call, tx, &email.display, Letter::Verify { url, code }, kind.ttl())?;
    Ok(Outcome::Commit(Some(check)))
}

/// Notes that the owner of an address has come, by a link that was sent there. Whoever used the account before without proving
/// the address may have been somebody else: what they had ends, and their ways in with it (SO1). An administrator's was
/// given by whoever runs the installation, and stays. `None` where the account has another address by now.
pub(super) fn prove_owner(call: &Call, tx: &mut Tx<'_>, id: &str, email_key: &str) -> Result<Option<UserRow>> {
    let Some(before) = users::find_user(tx, id)?.filter(|user| user.disabled_at.is_none()) else { return Ok(None) };
    if !users::update_user_verified(tx, id, email_key, call.now)? {
        return Ok(None);
    }
    let used_unproven = was_used_unproven(&before);
    if used_unproven {
        // what they had asked for as well: a change of the address goes to a mailbox of theirs
        end_all_use(call, tx, id, "owner of the address came")?;
        if before.password_hash.is_some() {
            users::update_user_no_password(tx, id, call.now)?;
            record_event(call, tx, Event::done(Actor::User(id), "password.removed", id), &json!({"with": "email"}))?;
            queue_notice(call, tx, &before.email, Notice::PasswordChanged)?;
        }
    }
    end_strangers_ways(call, tx, &before)?;
    Ok(users::find_user(tx, id)?)
}
