//! Tries of a second factor: counted before they are looked at, whoever tries, on whichever page.

use gatepost_store::people::{authenticators, passkeys, recovery_codes, sessions, users};
use gatepost_store::{Db, Outcome, Tx};
use serde_json::json;

use crate::audit::{Actor, Event, record_event};
use crate::kernel::call::Call;
use crate::kernel::error::Result;
use crate::outbox::{Notice, queue_notice};
use crate::people::factors::recovery_codes::consume_recovery_code;
use crate::people::factors::second_step::{complete_second_step, complete_step_up};
use crate::people::factors::totp::{Verdict, consume_code};
use crate::people::factors::tries::{Counted, count_try};
use crate::people::sessions::SignedIn;
use crate::people::sign_in::enter::Started;
use crate::people::sign_in::method::Method;
use crate::people::sign_in::password::{VerifiedAttempt, fail_check, finish_check, still_holds};

/// What somebody typed.
#[derive(Clone)]
pub enum Typed {
    /// the code of the app
    Code(String),
    /// a recovery code
    Recovery(String),
}

impl std::fmt::Debug for Typed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Code(_) => "Code(…)",
            Self::Recovery(_) => "Recovery(…)",
        })
    }
}

/// What a try came to.
#[derive(Debug)]
pub enum Tried {
    /// it was right
    Done {
        /// the new session
        started: Box<Started>,
        /// after a recovery code: how many are left
        codes_left: Option<i64>,
    },
    /// it was wrong, or there were too many tries: nobody can tell
    Wrong,
    /// it was right once
    Used,
    /// that was one try too many, or the session has ended otherwise
    Over,
}

/// What an account has to be confirmed with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Factors {
    /// a password
    pub password: bool,
    /// a passkey
    pub passkey: bool,
    /// since when there is an authenticator app, in unix seconds
    pub authenticator: Option<i64>,
    /// how many recovery codes are left
    pub recovery_codes: i64,
    /// every sign-in asks for a second step
    pub second_step: bool,
    /// when the password was last set, in unix seconds
    pub password_changed_at: Option<i64>,
}

impl Factors {
    /// Whether there is a second factor: then nothing less confirms anything.
    pub fn has_second(&self) -> bool {
        self.second_step || self.passkey || self.authenticator.is_some()
    }
}

/// What this account has.
pub fn find_factors(db: &mut Db, user_id: &str) -> Result<Factors> {
    let Some(user) = users::find_user(db, user_id)? else { return Ok(Factors::default()) };
    Ok(Factors {
        password: user.password_hash.is_some(),
        passkey: passkeys::has_passkey(db, user_id)?,
        authenticator: authenticators::find_authenticator(db, user_id)?.map(|row| row.created_at),
        recovery_codes: recovery_codes::count_recovery_codes(db, user_id)?,
        second_step: user.second_step,
        password_changed_at: user.password_changed_at,
    })
}

/// Does the second step of a sign-in with what was typed.
pub fn try_second_step(call: &Call, tx: &mut Tx<'_>, half: &SignedIn, typed: &Typed) -> Result<Outcome<Tried>> {
    try_factor(call, tx, half, typed, |call, tx, method| complete_second_step(call, tx, half, method))
}

/// Confirms that it is them with what was typed. The code is the second factor beside the first one of the session.
pub fn try_step_up(call: &Call, tx: &mut Tx<'_>, session: &SignedIn, typed: &Typed) -> Result<Outcome<Tried>> {
    try_factor(call, tx, session, typed, |call, tx, method| complete_step_up(call, tx, session, &[method]))
}

fn try_factor(
    call: &Call,
    tx: &mut Tx<'_>,
    session: &SignedIn,
    typed: &Typed,
    complete: impl FnOnce(&Call, &mut Tx<'_>, Method) -> Result<Option<Started>>,
) -> Result<Outcome<Tried>> {
    let counted = match count_try(call, tx, session)? {
        Counted::Admitted(counted) => counted,
        Counted::Throttled { last } => return fail(call, tx, session, last, Tried::Wrong),
        Counted::Over => return Ok(Outcome::Commit(Tried::Over)),
    };
    let (method, codes_left) = match typed {
        Typed::Code(code) => match consume_code(call, tx, &counted, code)? {
            Verdict::Good => (Method::Otp, None),
            verdict => {
                note_failure(call, tx, session, Method::Otp)?;
                let tried = if verdict == Verdict::Used { Tried::Used } else { Tried::Wrong };
                return fail(call, tx, session, counted.is_last(), tried);
            }
        },
        Typed::Recovery(code) => match consume_recovery_code(call, tx, &counted, code)? {
            Some(left) => (Method::Recovery, Some(left)),
            None => {
                note_failure(call, tx, session, Method::Recovery)?;
                return fail(call, tx, session, counted.is_last(), Tried::Wrong);
            }
        },
    };
    counted.refund(tx)?;
    // a code that bought nothing is not used up either
    let Some(started) = complete(call, tx, method)? else { return Ok(Outcome::Rollback(Tried::Over)) };
    if let Some(left) = codes_left {
        let event = Event::done(Actor::User(&session.user_id), "recovery_code.used", &session.user_id);
        record_event(call, tx, event, &json!({"left": left}))?;
        queue_notice(call, tx, &session.email, Notice::RecoveryCodeUsed { left })?;
    }
    Ok(Outcome::Commit(Tried::Done { started: Box::new(started), codes_left }))
}

/// What is throttled leaves no trace, as with passwords: nobody can fill the log faster than they may guess.
fn note_failure(call: &Call, tx: &mut Tx<'_>, session: &SignedIn, method: Method) -> Result<()> {
    let event = Event::refused(Actor::User(&session.user_id), "second_factor.checked", &session.user_id);
    record_event(call, tx, event, &json!({"with": method.as_str()}))
}

/// Ends a failed try, and with the last one the session.
fn fail(call: &Call, tx: &mut Tx<'_>, session: &SignedIn, last: bool, tried: Tried) -> Result<Outcome<Tried>> {
    if !last {
        return Ok(Outcome::Commit(tried));
    }
    sessions::revoke_session(tx, &session.user_id, &session.session_id, call.now)?;
    let event = Event::done(Actor::User(&session.user_id), "session.ended", &session.session_id);
    record_event(call, tx, event, &json!({"why": "too many wrong codes"}))?;
    Ok(Outcome::Commit(Tried::Over))
}

/// Ends an attempt that confirms with the password; `None` where it was wrong, or where the account has something stronger.
pub fn finish_password_step_up(
    call: &Call,
    tx: &mut Tx<'_>,
    session: &SignedIn,
    verified: &VerifiedAttempt,
) -> Result<Outcome<Option<Started>>> {
    if !still_holds(tx, verified, &session.user_id)? {
        fail_check(call, tx, verified)?;
        return Ok(Outcome::Commit(None));
    }
    finish_check(call, tx, verified)?;
    Ok(Outcome::Commit(complete_step_up(call, tx, session, &[Method::Password])?))
}
