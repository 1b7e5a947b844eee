//! Proving to have a passkey: [`check_assertion`] reads and verifies, outside of any write transaction because signatures are slow;
//! a `finish_…` function uses the challenge up, writes the use down and acts on it.

use gatepost_store::people::identities::lock_user;
use gatepost_store::people::passkeys::{self, PasskeyRow};
use gatepost_store::people::users;
use gatepost_store::{Db, Outcome, Tx};
use serde_json::json;
use uuid::Uuid;
use webauthn_rs::prelude::{Passkey, PublicKeyCredential, WebauthnError};

use crate::audit::{Actor, Event, record_event};
use crate::kernel::call::Call;
use crate::kernel::error::{Error, Result};
use crate::kernel::relying_party::RelyingParty;
use crate::people::factors::passkeys::ceremony::{
    Begun, Ceremony, Challenge, Options, Presented, Ticket, broken, describe_credentials, find_party, take_public_key,
};
use crate::people::factors::passkeys::read::{encode_id, read_assertion};
use crate::people::factors::second_step::{complete_second_step, complete_step_up};
use crate::people::sessions::SignedIn;
use crate::people::sign_in::enter::{Started, enter};
use crate::people::sign_in::method::Method;
use crate::people::sign_in::throttle::charge_address;

/// Options for signing in. They name nobody and are the same for everybody, so there is nothing to learn from them (PK9, R-28);
/// `None` where this issuer has no passkeys.
pub fn begin_sign_in(call: &Call, browser: &str) -> Result<Option<Options>> {
    let Some(party) = find_party(call) else { return Ok(None) };
    begin(call, party, (Ceremony::SignIn, browser, None), &[]).map(Some)
}

/// Options for the second step of a half session, or for confirming a whole one, with the passkeys of its owner; `None` where there
/// are none.
pub fn begin_with_own(
    call: &Call,
    db: &mut Db,
    ceremony: Ceremony,
    browser: &str,
    session: &SignedIn,
) -> Result<Option<Options>> {
    let Some(party) = find_party(call) else { return Ok(None) };
    let mut rows = passkeys::list_passkeys(db, &session.user_id)?;
    rows.retain(|row| row.flagged_at.is_none());
    if rows.is_empty() {
        return Ok(None);
    }
    begin(call, party, (ceremony, browser, Some(session)), &rows).map(Some)
}

fn begin(
    call: &Call,
    party: &RelyingParty,
    place: (Ceremony, &str, Option<&SignedIn>),
    allowed: &[PasskeyRow],
) -> Result<Options> {
    let (response, challenge) = party.webauthn.start_discoverable_authentication().map_err(broken)?;
    let mut options = take_public_key(response)?;
    options["allowCredentials"] = describe_credentials(allowed.iter().map(|row| row.credential_id.as_str()));
    // nothing is read from extensions, so none are asked for
    if let Some(options) = options.as_object_mut() {
        options.remove("extensions");
    }
    let begun = Begun {
        ticket: Ticket::make(call)?,
        user_id: String::new(),
        email_key: String::new(),
        challenge: Challenge::Get(challenge),
    };
    Ok(Options { public_key: options, state: begun.seal(call, place)? })
}

/// What an assertion was found to be; only [`check_assertion`] makes one.
#[derive(Clone)]
pub struct Checked {
    ceremony: Ceremony,
    verdict: Verdict,
}

impl std::fmt::Debug for Checked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Checked({})", self.ceremony.as_str())
    }
}

#[derive(Clone)]
enum Verdict {
    /// it is nobody's answer to a question of ours
    Nothing,
    /// an answer with a credential, by its id, that nobody has any more
    Unknown(String),
    /// somebody's credential, and not proven
    Bad { ticket: Ticket, row: Box<PasskeyRow>, why: &'static str, copied: bool },
    /// proven; `credential` is what is to be stored
    Good { ticket: Ticket, row: Box<PasskeyRow>, credential: String },
}

/// Verifies an assertion of this ceremony; writes nothing. `session`: whose second step or confirmation it is.
pub fn check_assertion(
    call: &Call,
    db: &mut Db,
    ceremony: Ceremony,
    presented: &Presented,
    session: Option<&SignedIn>,
) -> Result<Checked> {
    Ok(Checked { ceremony, verdict: judge(call, db, ceremony, presented, session)? })
}

fn judge(
    call: &Call,
    db: &mut Db,
    ceremony: Ceremony,
    presented: &Presented,
    session: Option<&SignedIn>,
) -> Result<Verdict> {
    let Some(party) = find_party(call) else { return Ok(Verdict::Nothing) };
    let Some(begun) = Begun::open(call, ceremony, presented, session) else { return Ok(Verdict::Nothing) };
    let Some(assertion) = read_assertion(party, &presented.credential) else { return Ok(Verdict::Nothing) };
    let Begun { ticket, challenge: Challenge::Get(state), .. } = begun else { return Ok(Verdict::Nothing) };
    let credential_id = encode_id(&assertion.raw_id);
    let Some(row) = passkeys::find_passkey_by_credential(db, &credential_id)? else {
        return Ok(Verdict::Unknown(credential_id));
    };
    let row = Box::new(row);
    let bad = |row, why, copied| Ok(Verdict::Bad { ticket: ticket.clone(), row, why, copied });
    if session.is_some_and(|session| session.user_id != row.user_id) {
        return bad(row, "another account's", false);
    }
    if !is_owner(&assertion, &row, ceremony) {
        return bad(row, "user handle", false);
    }
    if row.flagged_at.is_some() {
        return bad(row, "flagged", false);
    }
    let mut passkey: Passkey =
        serde_json::from_str(&row.credential).map_err(|_| Error::Internal(format!("passkey {} is broken", row.id)))?;
    match party.webauthn.finish_discoverable_authentication_v2(&assertion, state, &passkey) {
        // the library has looked at the flag already; that a user was verified is what the strength of the session rests on
        Ok(result) if result.user_verified() => {
            let changed = passkey.update_credential(&result).unwrap_or_default();
            let credential = match changed {
                true => serde_json::to_string(&passkey).map_err(|error| Error::Internal(error.to_string()))?,
                false => row.credential.clone(),
            };
            Ok(Verdict::Good { ticket, row, credential })
        }
        Ok(_) => bad(row, "user verification", false),
        Err(WebauthnError::CredentialPossibleCompromise) => bad(row, "counter", true),
        Err(_) => bad(row, "verification", false),
    }
}

/// Whether the user handle is that of the owner (PK4). Without a list of allowed credentials an authenticator must send one.
fn is_owner(assertion: &PublicKeyCredential, row: &PasskeyRow, ceremony: Ceremony) -> bool {
    match assertion.get_user_unique_id() {
        Some(handle) => Uuid::from_slice(handle).is_ok_and(|id| id.simple().to_string() == row.user_id),
        None => ceremony != Ceremony::SignIn,
    }
}

impl Checked {
    /// The refusal of a credential that belongs to nobody any more.
    fn find_unknown(&self) -> Option<Outcome<Entered>> {
        match &self.verdict {
            Verdict::Unknown(credential_id) => Some(Outcome::Rollback(Entered::Unknown(credential_id.clone()))),
            _ => None,
        }
    }

    /// Uses the challenge up and writes the use of the passkey down, or what was wrong with it; the passkey if it was proven. What
    /// this writes is to be committed either way.
    fn use_up(&self, call: &Call, tx: &mut Tx<'_>, ceremony: Ceremony) -> Result<Option<PasskeyRow>> {
        if self.ceremony != ceremony {
            return Ok(None);
        }
        match &self.verdict {
            Verdict::Nothing | Verdict::Unknown(_) => Ok(None),
            Verdict::Bad { ticket, row, why, copied } => {
                // one trace for each challenge, so that nobody fills the log with one answer; and since challenges cost nothing, no
                // more of them from one network than failures of passwords (DO6). That a passkey was copied is always written down
                let admitted = charge_address(call, tx)?;
                if (admitted || *copied) && ticket.consume(call, tx)? {
                    self.record_refusal(call, tx, row, why, *copied)?;
                }
                Ok(None)
            }
            Verdict::Good { ticket, row, credential } => {
                // the account before its passkey, as whoever removes one does
                lock_user(tx, &row.user_id)?;
                if !ticket.consume(call, tx)? {
                    return Ok(None);
                }
                // another use moved the counter meanwhile, or the passkey was removed: this one comes second and is refused
                let used = passkeys::update_passkey_use(tx, &row.id, &row.credential, credential, call.now)?;
                Ok(used.then(|| row.as_ref().clone()))
            }
        }
    }

    fn record_refusal(&self, call: &Call, tx: &mut Tx<'_>, row: &PasskeyRow, why: &str, copied: bool) -> Result<()> {
        if copied && passkeys::update_passkey_flag(tx, &row.id, call.now)? {
            let event = Event::refused(Actor::User(&row.user_id), "passkey.cloned", &row.id);
            record_event(call, tx, event, &json!({"name": row.name}))?;
        }
        let action = match self.ceremony {
            Ceremony::Second => "session.second_step",
            Ceremony::Confirm => "session.confirmed",
            _ => "session.started",
        };
        let detail = json!({"with": Method::Passkey.as_str(), "passkey": row.id, "why": why});
        record_event(call, tx, Event::refused(Actor::Nobody, action, &row.user_id), &detail)
    }
}

/// What a sign-in with a passkey came to.
#[derive(Debug)]
pub enum Entered {
    /// in
    Started(Started),
    /// not proven, whatever the reason
    Refused,
    /// nobody has the passkey of this credential id any more; the browser may forget it
    Unknown(String),
}

/// Lets the owner of a proven passkey in. It is two factors by itself: what one has, and what one is or knows. Failures of other
/// ways in stay counted.
pub fn finish_sign_in(call: &Call, tx: &mut Tx<'_>, checked: &Checked) -> Result<Outcome<Entered>> {
    if let Some(unknown) = checked.find_unknown() {
        return Ok(unknown);
    }
    let Some(row) = checked.use_up(call, tx, Ceremony::SignIn)? else {
        return Ok(Outcome::Commit(Entered::Refused));
    };
    let started = match users::find_user(tx, &row.user_id)? {
        Some(user) => enter(call, tx, &user, &[Method::Passkey])?,
        None => None,
    };
    if started.is_none() {
        let detail = json!({"with": Method::Passkey.as_str(), "passkey": row.id, "why": "disabled"});
        record_event(call, tx, Event::refused(Actor::Nobody, "session.started", &row.user_id), &detail)?;
    }
    Ok(Outcome::Commit(started.map_or(Entered::Refused, Entered::Started)))
}

/// Ends the second step of a half session with a passkey of its owner. The half session is over, and the new one has both methods.
pub fn finish_second_step_with_passkey(
    call: &Call,
    tx: &mut Tx<'_>,
    half: &SignedIn,
    checked: &Checked,
) -> Result<Outcome<Entered>> {
    finish_own(call, tx, (Ceremony::Second, half), checked, |call, tx| {
        complete_second_step(call, tx, half, Method::Passkey)
    })
}

/// Confirms with a passkey that it is still the owner of the session. The session is over, and a young one stands in its place.
pub fn finish_step_up_with_passkey(
    call: &Call,
    tx: &mut Tx<'_>,
    session: &SignedIn,
    checked: &Checked,
) -> Result<Outcome<Entered>> {
    finish_own(call, tx, (Ceremony::Confirm, session), checked, |call, tx| {
        complete_step_up(call, tx, session, &[Method::Passkey])
    })
}

fn finish_own(
    call: &Call,
    tx: &mut Tx<'_>,
    (ceremony, session): (Ceremony, &SignedIn),
    checked: &Checked,
    complete: impl FnOnce(&Call, &mut Tx<'_>) -> Result<Option<Started>>,
) -> Result<Outcome<Entered>> {
    if let Some(unknown) = checked.find_unknown() {
        return Ok(unknown);
    }
    let started = match checked.use_up(call, tx, ceremony)? {
        // the seal of the challenge has bound it to this session already
        Some(row) if row.user_id == session.user_id => complete(call, tx)?,
        _ => None,
    };
    Ok(Outcome::Commit(started.map_or(Entered::Refused, Entered::Started)))
}
