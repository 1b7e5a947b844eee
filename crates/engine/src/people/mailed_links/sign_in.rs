//! Asking for a sign-in link, and for the proof of an account's own address.

use gatepost_store::people::users::{self, ROLE_ADMIN, UserRow};
use gatepost_store::people::{identities, passkeys};
use gatepost_store::{Db, Outcome, Tx};
use serde_json::json;

use crate::audit::{Actor, Event, record_event};
use crate::kernel::call::Call;
use crate::kernel::error::Result;
use crate::kernel::policy::SignUpMode;
use crate::outbox::{Letter, Notice, Whence, queue_letter, queue_notice};
use crate::people::email::{Email, normalize_email};
use crate::people::end_access::end_all_use;
use crate::people::factors::attempt::{Factors, find_factors};
use crate::people::factors::second_step::delete_all_passkeys;
use crate::people::mailed_links::kind::{Asking, Kind};
use crate::people::mailed_links::limits::charge_letter;
use crate::people::mailed_links::link::{Check, Draft, Made, Payload, insert_link};
use crate::people::sessions::SignedIn;
use crate::people::sign_up::find_sign_up_mode;

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

/// Whether a mailed code is what confirms that it is still the owner of a session: for an account with nothing better.
pub fn can_confirm(call: &Call, factors: &Factors) -> bool {
    call.policy().mail && !factors.password && !factors.has_second()
}

/// Mails the link and the code with which somebody who is signed in confirms that it is them; `None` where the account has
/// something better.
pub fn request_confirm(
    call: &Call,
    tx: &mut Tx<'_>,
    asking: &Asking,
    session: &SignedIn,
) -> Result<Outcome<Option<Check>>> {
    let factors = find_factors(tx, &session.user_id)?;
    let user = users::find_user(tx, &session.user_id)?.filter(|_| can_confirm(call, &factors));
    let Some((user, email)) = user.and_then(|user| normalize_email(&user.email).ok().map(|email| (user, email))) else {
        return Ok(Outcome::Rollback(None));
    };
    let kind = Kind::Confirm;
    if !charge_letter(call, tx, &email.key)? {
        return Ok(Outcome::Commit(Some(Check::without_letter(call, asking, kind, &email)?)));
    }
    let (user_id, payload) = (Some(user.id), Payload::default());
    let draft = Draft { kind, email: &email, user_id, payload, asked_by: Actor::User(&session.user_id) };
    let Made { url, code, check } = insert_link(call, tx, asking, draft)?;
    queue_letter(call, tx, &email.display, Letter::ConfirmIdentity { url, code }, kind.ttl())?;
    Ok(Outcome::Commit(Some(check)))
}

/// Notes that the owner of an address has come, by a link that was sent there. Whoever used the account before may have been somebody
/// else ([`may_be_squatted`]): what they had ends, and their password with it (SO1). `None` where the account has another address by now.
pub(super) fn prove_owner(call: &Call, tx: &mut Tx<'_>, id: &str, email_key: &str) -> Result<Option<UserRow>> {
    let Some(before) = users::find_user(tx, id)?.filter(|user| user.disabled_at.is_none()) else { return Ok(None) };
    if !users::update_user_verified(tx, id, email_key, call.now)? {
        return Ok(None);
    }
    if may_be_squatted(&before) {
        end_squatting(call, tx, &before)?;
    }
    Ok(users::find_user(tx, id)?)
}

/// Whether an account was used without anybody proving its address, so that whoever used it need not be its owner. An administrator's
/// was given by whoever runs the installation.
pub(super) fn may_be_squatted(user: &UserRow) -> bool {
    !user.email_verified && user.last_sign_in_at.is_some() && user.role != ROLE_ADMIN
}

/// Ends what somebody had who used the account before its owner came: sessions, apps, pending changes and every way in (SO1).
pub(super) fn end_squatting(call: &Call, tx: &mut Tx<'_>, before: &UserRow) -> Result<()> {
    let id = &before.id;
    // what they had asked for as well: a change of the address goes to a mailbox of theirs
    end_all_use(call, tx, id, "owner of the address came")?;
    if before.password_hash.is_some() {
        users::update_user_no_password(tx, id, call.now)?;
        record_event(call, tx, Event::done(Actor::User(id), "password.removed", id), &json!({"with": "email"}))?;
        queue_notice(call, tx, &before.email, Notice::PasswordChanged)?;
    }
    remove_other_ways(call, tx, before)
}

/// Removes passkeys and accounts at other providers. An authenticator app stays: it lets nobody in by itself, and without it a mailbox
/// alone would pass for two factors.
pub(super) fn remove_other_ways(call: &Call, tx: &mut Tx<'_>, user: &UserRow) -> Result<()> {
    let id = &user.id;
    for passkey in passkeys::list_passkeys(tx, id)? {
        let event = Event::done(Actor::User(id), "passkey.removed", &passkey.id);
        record_event(call, tx, event, &json!({"name": passkey.name, "with": "email"}))?;
        queue_notice(call, tx, &user.email, Notice::PasskeyRemoved { name: passkey.name })?;
    }
    let removed = delete_all_passkeys(tx, id)?;
    for identity in identities::list_identities(tx, id)? {
        identities::delete_identity(tx, id, &identity.issuer, &identity.subject)?;
        let detail = json!({"issuer": identity.issuer, "with": "email"});
        record_event(call, tx, Event::done(Actor::User(id), "identity.unlinked", id), &detail)?;
        queue_notice(call, tx, &user.email, Notice::ProviderUnlinked { provider: identity.provider })?;
    }
    removed.map_or(Ok(()), |removed| removed.settle(call, tx))
}
