//! Making a passkey: for the account of a session, or together with a new account.

use gatepost_store::people::passkeys::{self, PasskeyRow};
use gatepost_store::people::users::UserRow;
use gatepost_store::{Db, Outcome, Tx};
use serde_json::json;
use uuid::Uuid;

use crate::audit::{Actor, Event, record_event};
use crate::kernel::call::Call;
use crate::kernel::error::{Error, Result};
use crate::outbox::{Notice, queue_notice};
use crate::people::email::Email;
use crate::people::factors::passkeys::ceremony::{
    Begun, Ceremony, Challenge, Options, Presented, Ticket, broken, describe_credentials, find_party, take_public_key,
};
use crate::people::factors::passkeys::names::name_passkey;
use crate::people::factors::passkeys::read::{encode_id, read_attestation};
use crate::people::sessions::SignedIn;
use crate::people::sign_in::enter::{Started, enter};
use crate::people::sign_in::fresh::{FreshSession, NotFresh, hold_fresh_session, is_fresh};
use crate::people::sign_in::method::Method;
use crate::people::sign_up::{NewUser, SignUpRefusal, create_account_as};

/// More passkeys than this nobody needs; each makes the lists in the options longer.
const MAX_PASSKEYS: usize = 20;

/// Whom a passkey is made for, as its maker shows it.
struct Owner<'a> {
    id: &'a str,
    email: &'a str,
    name: &'a str,
    /// set where the address is part of what is begun: a new account
    email_key: &'a str,
}

/// Options for a further passkey of the session's owner; `brand` is what authenticators call us. `None` where this issuer has no
/// passkeys or the owner has too many; [`EnrolRefusal::Stale`] where the sign-in is not fresh (PK8).
pub fn begin_enrolment(
    call: &Call,
    db: &mut Db,
    browser: &str,
    session: &SignedIn,
    brand: &str,
) -> Result<std::result::Result<Option<Options>, EnrolRefusal>> {
    if !is_fresh(call, db, session)? {
        return Ok(Err(EnrolRefusal::Stale));
    }
    let known = passkeys::list_passkeys(db, &session.user_id)?;
    if known.len() >= MAX_PASSKEYS {
        return Ok(Ok(None));
    }
    let owner = Owner { id: &session.user_id, email: &session.email, name: &session.name, email_key: "" };
    begin(call, (Ceremony::Enrol, browser, Some(session)), &owner, &known, brand).map(Ok)
}

/// Options for the passkey of a new account; the same whether or not the address has one already.
pub fn begin_sign_up(call: &Call, browser: &str, email: &Email, name: &str, brand: &str) -> Result<Option<Options>> {
    let id = call.engine.make_id()?;
    let owner = Owner { id: &id, email: &email.display, name, email_key: &email.key };
    begin(call, (Ceremony::SignUp, browser, None), &owner, &[], brand)
}

fn begin(
    call: &Call,
    place: (Ceremony, &str, Option<&SignedIn>),
    owner: &Owner<'_>,
    known: &[PasskeyRow],
    brand: &str,
) -> Result<Option<Options>> {
    let Some(party) = find_party(call) else { return Ok(None) };
    let handle = Uuid::parse_str(owner.id).map_err(|_| Error::Internal("an account's id is no UUID".into()))?;
    let shown = if owner.name.is_empty() { owner.email } else { owner.name };
    let (response, challenge) =
        party.webauthn.start_passkey_registration(handle, owner.email, shown, None).map_err(broken)?;
    let mut options = take_public_key(response)?;
    options["rp"] = json!({"id": party.id, "name": brand});
    // known ones are listed here and checked by the database; the library would carry them through the browser a second time
    options["excludeCredentials"] = describe_credentials(known.iter().map(|row| row.credential_id.as_str()));
    // without an address on the sign-in page only a passkey that the authenticator can find by itself is of use
    options["authenticatorSelection"] =
        json!({"residentKey": "required", "requireResidentKey": true, "userVerification": "required"});
    options["extensions"] = json!({
        "credProps": true,
        "credentialProtectionPolicy": "userVerificationRequired",
        "enforceCredentialProtectionPolicy": false,
    });
    let ticket = Ticket::make(call)?;
    let begun = Begun {
        ticket,
        user_id: owner.id.to_owned(),
        email_key: owner.email_key.to_owned(),
        challenge: Challenge::Create(challenge),
    };
    Ok(Some(Options { public_key: options, state: begun.seal(call, place)? }))
}

/// A verified new credential that nobody has yet, as far as is known.
struct Made {
    ticket: Ticket,
    user_id: String,
    email_key: String,
    row: PasskeyRow,
}

/// Verifies a new credential; `None` for whatever is wrong with it. `otherwise`: what it is called if its maker is not known.
fn verify(
    call: &Call,
    ceremony: Ceremony,
    presented: &Presented,
    session: Option<&SignedIn>,
    otherwise: &str,
) -> Result<Option<Made>> {
    let Some(party) = find_party(call) else { return Ok(None) };
    let Some(begun) = Begun::open(call, ceremony, presented, session) else { return Ok(None) };
    let Some((credential, aaguid)) = read_attestation(party, &presented.credential) else { return Ok(None) };
    let Begun { ticket, user_id, email_key, challenge: Challenge::Create(state) } = begun else { return Ok(None) };
    let Ok(passkey) = party.webauthn.finish_passkey_registration(&credential, &state) else { return Ok(None) };
    let row = PasskeyRow {
        id: call.engine.make_id()?,
        credential_id: encode_id(passkey.cred_id()),
        user_id: user_id.clone(),
        name: name_passkey(aaguid, otherwise),
        credential: serde_json::to_string(&passkey).map_err(|error| Error::Internal(error.to_string()))?,
        created_at: call.now,
        last_used_at: None,
        flagged_at: None,
    };
    Ok(Some(Made { ticket, user_id, email_key, row }))
}

/// Adds the row with its trace; `false` where somebody has the credential (PK6).
fn insert(call: &Call, tx: &mut Tx<'_>, user: &UserRow, row: &PasskeyRow) -> Result<bool> {
    if !passkeys::insert_passkey(tx, row)? {
        return Ok(false);
    }
    let event = Event::done(Actor::User(&user.id), "passkey.added", &row.id);
    record_event(call, tx, event, &json!({"name": row.name}))?;
    queue_notice(call, tx, &user.email, Notice::PasskeyAdded { name: row.name.clone() })?;
    Ok(true)
}

/// Why no passkey was added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EnrolRefusal {
    /// the answer of the authenticator is not good, or came too late or twice
    Failed,
    /// the credential is known already
    Taken,
    /// the sign-in is not young or strong enough (PK8)
    Stale,
}

/// Adds a passkey to the account of the session. `otherwise`: what it is called if its maker is not known.
pub fn finish_enrolment(
    call: &Call,
    tx: &mut Tx<'_>,
    presented: &Presented,
    session: &SignedIn,
    otherwise: &str,
) -> Result<Outcome<std::result::Result<PasskeyRow, EnrolRefusal>>> {
    // with the account's lock: two that come at once see each other's passkey, and factors that were reset meanwhile stay so
    match hold_fresh_session(call, tx, session)? {
        Ok(fresh) => enrol(call, tx, presented, &fresh, otherwise),
        Err(NotFresh::Stale) => Ok(Outcome::Rollback(Err(EnrolRefusal::Stale))),
        Err(NotFresh::Over) => Ok(Outcome::Rollback(Err(EnrolRefusal::Failed))),
    }
}

fn enrol(
    call: &Call,
    tx: &mut Tx<'_>,
    presented: &Presented,
    session: &FreshSession<'_>,
    otherwise: &str,
) -> Result<Outcome<std::result::Result<PasskeyRow, EnrolRefusal>>> {
    let refused = Ok(Outcome::Rollback(Err(EnrolRefusal::Failed)));
    let Some(made) = verify(call, Ceremony::Enrol, presented, Some(session), otherwise)? else { return refused };
    let user = session.user();
    if user.id != made.user_id || !made.ticket.consume(call, tx)? {
        return refused;
    }
    if passkeys::list_passkeys(tx, &user.id)?.len() >= MAX_PASSKEYS {
        return refused;
    }
    if !insert(call, tx, user, &made.row)? {
        let event = Event::refused(Actor::User(&user.id), "passkey.added", &user.id);
        record_event(call, tx, event, &json!({"why": "known"}))?;
        return Ok(Outcome::Commit(Err(EnrolRefusal::Taken)));
    }
    Ok(Outcome::Commit(Ok(made.row)))
}

/// What creating an account with a passkey came to.
#[derive(Debug)]
pub enum PasskeySignUp {
    /// the account is there, and its owner signed in
    Started(Started),
    /// the answer of the authenticator is not good, or came too late or twice
    Failed,
    /// no account can be made
    Refused(SignUpRefusal),
}

/// Creates an account without a password and with this passkey, and signs its owner in. The address stays unproven.
pub fn finish_sign_up(
    call: &Call,
    tx: &mut Tx<'_>,
    presented: &Presented,
    new: (&NewUser, Option<&str>),
    otherwise: &str,
) -> Result<Outcome<PasskeySignUp>> {
    let (new, invite) = new;
    let made = verify(call, Ceremony::SignUp, presented, None, otherwise)?;
    let Some(made) = made.filter(|made| made.email_key == new.email.key) else {
        return Ok(Outcome::Rollback(PasskeySignUp::Failed));
    };
    if !made.ticket.consume(call, tx)? {
        return Ok(Outcome::Rollback(PasskeySignUp::Failed));
    }
    let user = match create_account_as(call, tx, new, invite, (Method::Passkey, Some(made.user_id)))? {
        Ok(user) => user,
        Err(refused) => return refused.end(call, tx, Method::Passkey, PasskeySignUp::Refused),
    };
    if !insert(call, tx, &user, &made.row)? {
        return Ok(Outcome::Rollback(PasskeySignUp::Failed));
    }
    match enter(call, tx, &user, &[Method::Passkey])? {
        Some(started) => Ok(Outcome::Commit(PasskeySignUp::Started(started))),
        None => Err(Error::Internal("a new account was not there".into())),
    }
}
