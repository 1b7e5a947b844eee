//! Another address for an account: the new one must be proven, and the old one can stop it for a week (LG11).

use gatepost_store::people::mail_links::{self, MailLinkRow};
use gatepost_store::people::sessions;
use gatepost_store::people::users::{self, UserRow};
use gatepost_store::{Db, Outcome, Topic, Tx};
use serde_json::json;

use crate::audit::{Actor, Event, record_event};
use crate::kernel::call::Call;
use crate::kernel::error::Result;
use crate::outbox::{Letter, queue_letter};
use crate::people::email::{Email, normalize_email};
use crate::people::end_access::{end_all_use, end_links};
use crate::people::mailed_links::kind::{Asking, Kind};
use crate::people::mailed_links::limits::charge_letter;
use crate::people::mailed_links::link::{Change, Check, Draft, Made, Payload, insert_link};
use crate::people::mailed_links::sign_in::{end_squatting, may_be_squatted};
use crate::people::mailed_links::sign_up::already_have_one;
use crate::people::mailed_links::used::Used;
use crate::people::sessions::SignedIn;
use crate::people::sign_in::enter::renew_session;
use crate::people::sign_in::fresh::FreshSession;

impl Change {
    /// What a change of this account begins with.
    fn of(user: &UserRow, old: &Email) -> Self {
        Self { old_email: old.display.clone(), old_key: old.key.clone(), old_verified: user.email_verified }
    }
}

/// The address that waits to be confirmed, if there is one.
pub fn find_pending_change(call: &Call, db: &mut Db, session: &SignedIn) -> Result<Option<String>> {
    let row = mail_links::find_live_user_link(db, &session.user_id, Kind::ChangeEmail.as_str(), call.now)?;
    Ok(row.map(|row| row.email))
}

/// Drops a change that waits.
pub fn cancel_change(call: &Call, tx: &mut Tx<'_>, session: &SignedIn) -> Result<Outcome<()>> {
    let kinds = [Kind::ChangeEmail.as_str()];
    if mail_links::revoke_user_links(tx, &session.user_id, &kinds, 0, call.now)? > 0 {
        let event = Event::done(Actor::User(&session.user_id), "user.email_change_cancelled", &session.user_id);
        record_event(call, tx, event, &json!(null))?;
    }
    Ok(Outcome::Commit(()))
}

/// Mails a link to the new address and tells the old one. An address that has an account gets a letter that says so, and the
/// answer is the same. `None` where it is the present address.
pub fn request_change(
    call: &Call,
    tx: &mut Tx<'_>,
    asking: &Asking,
    session: &FreshSession<'_>,
    new: &Email,
) -> Result<Outcome<Option<Check>>> {
    let user = session.user();
    let Ok(old) = normalize_email(&user.email) else { return Ok(Outcome::Rollback(None)) };
    if old.key == new.key {
        return Ok(Outcome::Rollback(None));
    }
    if !charge_letter(call, tx, &new.key)? {
        return Ok(Outcome::Commit(Some(Check::without_letter(call, asking, Kind::ChangeEmail, new)?)));
    }
    let check = mail_change(call, tx, asking, user, (&old, new))?;
    let payload = Payload { change: Some(Change::of(user, &old)), ..Payload::default() };
    let kind = Kind::StopChange;
    let draft = Draft { kind, email: &old, user_id: Some(user.id.clone()), payload, asked_by: Actor::Nobody };
    let Made { url, .. } = insert_link(call, tx, asking, draft)?;
    let new_masked = mask_address(&new.display);
    let letter = Letter::AddressChanging { new_masked, stop_url: url, stop_ttl: kind.ttl() };
    queue_letter(call, tx, &old.display, letter, kind.ttl())?;
    let event = Event::done(Actor::User(&user.id), "user.email_change_asked", &user.id);
    record_event(call, tx, event, &json!(null))?;
    Ok(Outcome::Commit(Some(check)))
}

/// The link to the new address; older ones of the person die.
fn mail_change(
    call: &Call,
    tx: &mut Tx<'_>,
    asking: &Asking,
    user: &UserRow,
    (old, new): (&Email, &Email),
) -> Result<Check> {
    let kind = Kind::ChangeEmail;
    mail_links::revoke_user_links(tx, &user.id, &[kind.as_str()], 0, call.now)?;
    let payload = Payload { change: Some(Change::of(user, old)), ..Payload::default() };
    let draft = Draft { kind, email: new, user_id: Some(user.id.clone()), payload, asked_by: Actor::Nobody };
    let Made { url, code, check } = insert_link(call, tx, asking, draft)?;
    match users::find_user_by_email(tx, &new.key)? {
        Some(owner) => queue_letter(call, tx, &owner.email, already_have_one(call), kind.ttl())?,
        None => queue_letter(call, tx, &new.display, Letter::ConfirmNewAddress { url, code }, kind.ttl())?,
    }
    Ok(check)
}

/// The letter to the new address again, while the change waits; the old one was told.
pub(super) fn request_again(
    call: &Call,
    tx: &mut Tx<'_>,
    check: &Check,
    asking: &Asking,
    session: &SignedIn,
) -> Result<Outcome<Option<Check>>> {
    let row = mail_links::find_mail_link(tx, check.id())?
        .filter(|row| row.user_id.as_deref() == Some(&session.user_id) && row.used_at.is_none());
    let user = users::find_user(tx, &session.user_id)?;
    let (Some(_), Some(user)) = (row, user) else { return Ok(Outcome::Rollback(None)) };
    let (Ok(old), Ok(new)) = (normalize_email(&user.email), normalize_email(check.email())) else {
        return Ok(Outcome::Rollback(None));
    };
    if !charge_letter(call, tx, &new.key)? {
        return Ok(Outcome::Rollback(None));
    }
    Ok(Outcome::Commit(Some(mail_change(call, tx, asking, &user, (&old, &new))?)))
}

/// "a…@e….com": enough for the owner to know it, not enough for somebody else to write there.
fn mask_address(address: &str) -> String {
    let (local, domain) = address.split_once('@').unwrap_or((address, ""));
    let first = |text: &str| text.chars().next().map(String::from).unwrap_or_default();
    let end = domain.rsplit_once('.').map(|(_, end)| format!(".{end}")).unwrap_or_default();
    format!("{}…@{}…{end}", first(local), first(domain))
}

/// The new address was proven: it is the account's from now on. All other sessions end, and what was mailed to the old
/// address works no more. `session`: whoever is signed in here keeps a session, under a new id.
pub(super) fn finish_change(
    call: &Call,
    tx: &mut Tx<'_>,
    row: &MailLinkRow,
    change: Option<Change>,
    session: Option<&SignedIn>,
) -> Result<Outcome<Used>> {
    let (Some(id), Some(change)) = (&row.user_id, change) else { return Ok(Outcome::Commit(Used::Gone)) };
    let enabled = users::find_user(tx, id)?.is_some_and(|user| user.disabled_at.is_none());
    let new = (row.email.as_str(), row.email_key.as_str());
    if !enabled || !users::update_user_email(tx, id, &change.old_key, new, call.now)? {
        return Ok(Outcome::Commit(Used::Gone));
    }
    end_links(call, tx, id)?;
    // a session that has just been ended elsewhere is not renewed
    let session = match session.filter(|session| session.user_id == *id) {
        Some(session) if sessions::revoke_session(tx, id, &session.session_id, call.now)? => Some(session),
        _ => None,
    };
    sessions::revoke_user_sessions(tx, id, None, call.now)?;
    tx.touch(Topic::User(id.clone()));
    record_event(call, tx, Event::done(Actor::User(id), "user.email_changed", id), &json!(null))?;
    let Some(session) = session else { return Ok(Outcome::Commit(Used::Changed(None))) };
    let Some(user) = users::find_user(tx, id)? else { return Ok(Outcome::Commit(Used::Gone)) };
    let started = renew_session(call, tx, &user, session)?;
    Ok(Outcome::Commit(Used::Changed(Some(Box::new(started)))))
}

/// The owner of the old address says no: the account has that address again, and whoever asked for the change is out. Stop links
/// that were mailed later went to addresses of theirs, and die; an earlier one stays its owner's.
pub(super) fn stop_change(
    call: &Call,
    tx: &mut Tx<'_>,
    row: &MailLinkRow,
    change: Option<Change>,
) -> Result<Outcome<Used>> {
    let (Some(id), Some(change)) = (&row.user_id, change) else { return Ok(Outcome::Commit(Used::Gone)) };
    let Some(user) = users::find_user(tx, id)? else { return Ok(Outcome::Commit(Used::Gone)) };
    let old = (change.old_email.as_str(), change.old_key.as_str());
    let restored =
        user.email_key == change.old_key || users::update_user_email(tx, id, &user.email_key, old, call.now)?;
    let before = UserRow { email: change.old_email.clone(), email_verified: change.old_verified, ..user.clone() };
    if restored && user.email_key != change.old_key && may_be_squatted(&before) {
        end_squatting(call, tx, &before)?;
    }
    end_all_use(call, tx, id, "change of address stopped")?;
    mail_links::revoke_user_links(tx, id, &[Kind::StopChange.as_str()], row.created_at, call.now)?;
    let event = Event::done(Actor::User(id), "user.email_change_stopped", id);
    record_event(call, tx, event, &json!({"restored": restored}))?;
    Ok(Outcome::Commit(Used::Stopped { restored }))
}

#[cfg(test)]
mod tests {
    use super::mask_address;

    #[test]
    fn a_masked_address_keeps_first_letters_and_the_end() {
        for (address, masked) in [
            ("ada@example.com", "a…@e….com"),
            ("ünal@bücher.example", "ü…@b….example"),
            ("dev@localhost", "d…@l…"),
            ("", "…@…"),
        ] {
            assert_eq!(mask_address(address), masked);
        }
    }
}
