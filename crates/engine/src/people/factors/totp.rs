//! Authenticator apps (RFC 6238): six digits of SHA-1, every thirty seconds, one step of tolerance, each step once.
//!
//! A secret that nobody has confirmed yet is not stored: it travels sealed in the form, so that an enrolment that was broken off
//! leaves nothing behind and locks nobody out (TO5). Once it is stored no page shows it again (TO6).

use gatepost_store::people::authenticators::{self, AuthenticatorRow};
use gatepost_store::people::users;
use gatepost_store::{Outcome, StoreError, Tx};
use serde::{Deserialize, Serialize};
use serde_json::json;
use totp_rs::{Algorithm, Builder, Secret, Totp};

use crate::audit::{Actor, Event, record_event};
use crate::kernel::call::Call;
use crate::kernel::error::{Error, Result};
use crate::outbox::{Notice, queue_notice};
use crate::people::factors::recovery_codes::{RecoveryCodes, make_recovery_codes};
use crate::people::factors::second_step::{complete_step_up, delete_authenticator};
use crate::people::factors::tries::CountedTry;
use crate::people::last_admin::Watch;
use crate::people::sessions::SignedIn;
use crate::people::sign_in::enter::Started;
use crate::people::sign_in::fresh::{FreshSession, hold_fresh_session};
use crate::people::sign_in::method::Method;
use crate::people::ways_in::Removal;

/// Seconds for which a code is shown.
const STEP: u64 = 30;
/// Steps before and after the present one whose codes are good as well (TO4).
const SKEW: u16 = 1;
const DIGITS: u8 = 6;
/// How long a secret waits for its first code, in seconds.
const OFFER_TTL: i64 = 600;
const OFFER_AAD: &str = "authenticator offer";

/// A secret on its way into an app.
#[derive(Serialize, Deserialize)]
struct Offer {
    secret: [u8; 20],
    session_id: String,
    expires_at: i64,
}

/// What the enrolment page shows.
pub struct Enrolment {
    /// goes through the form; only the same session can use it, for ten minutes
    pub sealed: String,
    /// the secret as people type it
    pub key: String,
}

impl std::fmt::Debug for Enrolment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Enrolment(…)")
    }
}

impl Enrolment {
    /// The address that an app reads from the picture (Key Uri Format of Google Authenticator).
    pub fn make_uri(&self, issuer: &str, account: &str) -> String {
        // a colon separates the two in the label
        let label = |text: &str| encode(&text.replace(':', " "));
        let (name, account) = (label(issuer), label(account));
        format!(
            "otpauth://totp/{name}:{account}?secret={}&issuer={name}&algorithm=SHA1&digits={DIGITS}&period={STEP}",
            self.key
        )
    }
}

/// Percent-encodes everything but unreserved characters (RFC 3986 §2.3).
fn encode(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// Makes a new secret of 160 bits for this session.
pub fn offer_authenticator(call: &Call, session: &SignedIn) -> Result<Enrolment> {
    let secret = call.engine.random_bytes()?;
    let offer = Offer { secret, session_id: session.session_id.clone(), expires_at: call.now + OFFER_TTL };
    let plain = serde_json::to_vec(&offer).map_err(|error| Error::Internal(error.to_string()))?;
    let sealed = call.engine.requests.seal(call.engine.random(), OFFER_AAD, &plain);
    Ok(Enrolment { sealed, key: Secret::from(secret).to_base32() })
}

fn open_offer(call: &Call, session: &SignedIn, sealed: &str) -> Option<Offer> {
    let plain = call.engine.requests.open(OFFER_AAD, sealed)?;
    let offer: Offer = serde_json::from_slice(&plain).ok()?;
    (offer.session_id == session.session_id && call.now < offer.expires_at).then_some(offer)
}

/// The enrolment that a form brought back, to show it once more after a wrong code.
pub fn read_enrolment(call: &Call, session: &SignedIn, sealed: &str) -> Option<Enrolment> {
    let offer = open_offer(call, session, sealed)?;
    Some(Enrolment { sealed: sealed.to_owned(), key: Secret::from(offer.secret).to_base32() })
}

fn make_totp(secret: &[u8]) -> Result<Totp> {
    let builder = Builder::new().with_algorithm(Algorithm::SHA1).with_digits(DIGITS).with_skew(SKEW);
    let totp = builder.with_step_duration(STEP).with_secret(secret).build();
    totp.map_err(|error| Error::Internal(format!("an authenticator's secret: {error}")))
}

/// The step whose code this is, if it is one of the present ones.
fn find_step(call: &Call, secret: &[u8], code: &str) -> Result<Option<i64>> {
    let code: String = code.chars().filter(|letter| !letter.is_whitespace()).collect();
    if code.len() != usize::from(DIGITS) || !code.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(None);
    }
    let now = u64::try_from(call.now).unwrap_or_default();
    let step = make_totp(secret)?.check(&code, now);
    Ok(step.and_then(|step| i64::try_from(step).ok()))
}

/// What a stored secret's seal is bound to.
fn secret_aad(user_id: &str) -> String {
    format!("authenticators/sealed_secret/{user_id}")
}

/// What a code is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// it is right, and used up now
    Good,
    /// it, or a later one, was used before
    Used,
    /// it is not one of the present ones
    Wrong,
}

/// Looks at a code and uses it up. Of all who bring the same code one gets [`Verdict::Good`].
pub(crate) fn consume_code(call: &Call, tx: &mut Tx<'_>, counted: &CountedTry<'_>, code: &str) -> Result<Verdict> {
    let user_id = counted.user_id();
    let Some(row) = authenticators::find_authenticator(tx, user_id)? else { return Ok(Verdict::Wrong) };
    let corrupt = || Error::from(StoreError::Corrupt(format!("the authenticator of {user_id} does not open")));
    let secret = call.engine.stored.open(&secret_aad(user_id), &row.sealed_secret).ok_or_else(corrupt)?;
    let Some(step) = find_step(call, &secret, code)? else { return Ok(Verdict::Wrong) };
    Ok(match authenticators::update_authenticator_step(tx, user_id, step)? {
        true => Verdict::Good,
        false => Verdict::Used,
    })
}

/// What an enrolment came to.
#[derive(Debug)]
pub enum Enrolled {
    /// the app is on, every sign-in asks for it from now on
    Done {
        /// the session, as strong as what was proven now
        started: Box<Started>,
        /// to be shown once
        codes: RecoveryCodes,
    },
    /// that was not the code of this secret
    WrongCode,
    /// it took too long, another session began it, or there is an app already
    Gone,
}

/// Stores the secret of an enrolment after its first code, turns the second step on and makes recovery codes.
pub fn confirm_authenticator(
    call: &Call,
    tx: &mut Tx<'_>,
    session: &FreshSession<'_>,
    sealed: &str,
    code: &str,
) -> Result<Outcome<Enrolled>> {
    let Some(offer) = open_offer(call, session, sealed) else { return Ok(Outcome::Rollback(Enrolled::Gone)) };
    let Some(step) = find_step(call, &offer.secret, code)? else {
        return Ok(Outcome::Rollback(Enrolled::WrongCode));
    };
    let user_id = &session.user_id;
    users::update_user_second_step(tx, user_id, true, call.now)?;
    let row = AuthenticatorRow {
        user_id: user_id.clone(),
        sealed_secret: call.engine.stored.seal(call.engine.random(), &secret_aad(user_id), &offer.secret),
        // the code of the enrolment is used up as well
        last_step: step,
        created_at: call.now,
    };
    if !authenticators::insert_authenticator(tx, &row)? {
        return Ok(Outcome::Rollback(Enrolled::Gone));
    }
    let codes = make_recovery_codes(call, tx, user_id)?;
    let Some(started) = complete_step_up(call, tx, session, &[Method::Otp])? else {
        return Ok(Outcome::Rollback(Enrolled::Gone));
    };
    record_event(call, tx, Event::done(Actor::User(user_id), "authenticator.added", user_id), &json!(null))?;
    queue_notice(call, tx, &session.email, Notice::SecondStepOn)?;
    Ok(Outcome::Commit(Enrolled::Done { started: Box::new(started), codes }))
}

/// Removes the app, for a fresh sign-in (TO8). Without a passkey there is nothing left to ask for, and the second step goes off with
/// it.
pub fn remove_authenticator(call: &Call, tx: &mut Tx<'_>, session: &SignedIn) -> Result<Outcome<Removal>> {
    let watch = Watch::begin(call, tx, &session.user_id)?;
    match hold_fresh_session(call, tx, session)? {
        Ok(fresh) => remove_held(call, tx, &fresh, &watch),
        Err(_) => Ok(Outcome::Rollback(Removal::Refused)),
    }
}

fn remove_held(call: &Call, tx: &mut Tx<'_>, session: &FreshSession<'_>, watch: &Watch) -> Result<Outcome<Removal>> {
    let user_id = &session.user_id;
    let Some(removed) = delete_authenticator(tx, user_id)? else { return Ok(Outcome::Rollback(Removal::Refused)) };
    if watch.has_lost(call, tx)? {
        return Ok(Outcome::Rollback(Removal::LastAdministrator));
    }
    record_event(call, tx, Event::done(Actor::User(user_id), "authenticator.removed", user_id), &json!(null))?;
    removed.settle(call, tx)?;
    Ok(Outcome::Commit(Removal::Done))
}

#[cfg(test)]
pub(crate) fn make_code_at(key: &str, at: i64) -> String {
    let secret = Secret::try_from_base32(key).expect("base32");
    let totp = make_totp(secret.as_bytes()).expect("a secret");
    totp.generate(u64::try_from(at).expect("after 1970")).to_string()
}
