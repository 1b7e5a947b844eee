//! Letters to people. A letter is written down in the transaction of what it tells, and sent later by the server: nobody waits
//! for a mail server, and whether one was written changes no answer.

use std::sync::atomic::Ordering;

use gatepost_store::outbox::{self, MailRow};
use gatepost_store::{Db, Outcome, Tx};
use serde::{Deserialize, Serialize};

use crate::kernel::call::{Call, Engine};
use crate::kernel::error::{Error, Result};

/// Where and when something was asked for or done, as people read it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Whence {
    /// unix seconds
    pub at: i64,
    /// network address
    pub ip: String,
    /// the browser's own words
    pub user_agent: String,
}

impl Whence {
    /// Here and now.
    pub fn of(call: &Call) -> Self {
        Self { at: call.now, ip: call.origin.ip.clone(), user_agent: call.origin.user_agent.clone() }
    }
}

/// What an owner is told about, so that somebody else's act does not stay unseen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Notice {
    /// a sign-in from a browser that was not seen before
    NewSignIn,
    /// a passkey was added
    PasskeyAdded {
        /// what the person called it
        name: String,
    },
    /// a passkey was removed
    PasskeyRemoved {
        /// what the person called it
        name: String,
    },
    /// the password was changed or set anew
    PasswordChanged,
    /// an authenticator app was added
    SecondStepOn,
    /// the second step was turned off
    SecondStepOff,
    /// a recovery code was used
    RecoveryCodeUsed {
        /// how many are left
        left: i64,
    },
    /// an account at another provider was linked
    ProviderLinked {
        /// its name
        provider: String,
    },
    /// an account at another provider was unlinked
    ProviderUnlinked {
        /// its name
        provider: String,
    },
    /// an administrator reset the second factors
    FactorsReset,
}

/// A letter, with all that its text needs but the brand (ux §8).
#[derive(Clone, Serialize, Deserialize)]
#[serde(tag = "letter", rename_all = "kebab-case")]
pub enum Letter {
    /// confirm the address of a new account
    Verify {
        /// the page with the button
        url: String,
        /// the eight digits for another device
        code: String,
    },
    /// somebody asked for a new account with an address that has one
    AlreadyHaveOne {
        /// the sign-in page
        sign_in_url: String,
        /// the page that asks for a reset
        reset_url: String,
    },
    /// sign in without a password
    SignInLink {
        /// the page with the button
        url: String,
        /// the eight digits for another device
        code: String,
        /// where it was asked for
        asked: Whence,
    },
    /// confirm that it is still the owner of a session
    ConfirmIdentity {
        /// the page with the button
        url: String,
        /// the eight digits for the page that waits
        code: String,
    },
    /// choose a new password
    Reset {
        /// the page with the button
        url: String,
    },
    /// choose a new password, because an administrator says so
    ResetByAdministrator {
        /// the page with the form
        url: String,
    },
    /// choose a first password for an account that an administrator made
    Welcome {
        /// the page with the form
        url: String,
    },
    /// somebody asked for a link, and there is no account
    NoAccount {
        /// where an account can be made; `None` where one needs an invitation
        sign_up_url: Option<String>,
    },
    /// an invitation
    Invite {
        /// who invites
        inviter: String,
        /// what the inviter wrote
        note: String,
        /// the page
        url: String,
        /// unix seconds
        until: i64,
    },
    /// confirm a new address, sent there
    ConfirmNewAddress {
        /// the page with the button
        url: String,
        /// the eight digits for another device
        code: String,
    },
    /// the address is being changed, sent to the old one
    AddressChanging {
        /// the new address, masked
        new_masked: String,
        /// the page with the button that stops it
        stop_url: String,
        /// how long that works, in seconds
        stop_ttl: i64,
    },
    /// something happened to the account
    Notice {
        /// what
        notice: Notice,
        /// where and when
        whence: Whence,
        /// the page on which the owner can end it all
        secure_url: String,
    },
}

impl std::fmt::Debug for Letter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Letter(…)")
    }
}

/// A letter and whom it is for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Envelope {
    /// the address, as the person wrote it
    pub to: String,
    /// what it says
    pub letter: Letter,
}

/// What a letter's seal is bound to: a row of another table or id does not open.
pub(crate) fn mail_aad(id: &str) -> String {
    format!("mails/sealed/{id}")
}

/// Writes a letter down, to be sent as soon as this transaction is committed; after `ttl` seconds nobody needs it any more.
/// Without a mail server there is nothing to do.
pub(crate) fn queue_letter(call: &Call, tx: &mut Tx<'_>, to: &str, letter: Letter, ttl: i64) -> Result<()> {
    if !call.policy().mail {
        return Ok(());
    }
    let envelope = Envelope { to: to.to_owned(), letter };
    let plain = serde_json::to_vec(&envelope).map_err(|error| Error::Internal(error.to_string()))?;
    let id = call.engine.make_id()?;
    let sealed = call.engine.stored.seal(call.engine.random(), &mail_aad(&id), &plain);
    let row =
        MailRow { id, sealed, created_at: call.now, expires_at: call.now + ttl, next_try_at: call.now, attempts: 0 };
    outbox::insert_mail(tx, &row)?;
    call.engine.queued_letters.fetch_add(1, Ordering::Relaxed);
    Ok(())
}

/// How long a notice is worth sending, in seconds.
const NOTICE_TTL: i64 = 2 * 86_400;

/// Tells the owner of an account what happened to it.
pub(crate) fn queue_notice(call: &Call, tx: &mut Tx<'_>, to: &str, notice: Notice) -> Result<()> {
    let secure_url = call.engine.issuer.url("/account/security");
    let letter = Letter::Notice { notice, whence: Whence::of(call), secure_url };
    queue_letter(call, tx, to, letter, NOTICE_TTL)
}

/// How long a letter belongs to the node that took it, in seconds; whoever sends it must have given up before.
pub const LEASE: i64 = 60;

/// Seconds until the next try, after the first, second, … failure; the last one repeats.
const BACK_OFF: [i64; 5] = [5, 30, 120, 600, 1800];

/// A letter that this node alone may send now.
#[derive(Clone, Debug)]
pub struct TakenLetter {
    /// of its row; the same in every try
    pub id: String,
    /// this try included
    pub attempts: i64,
    /// after this time nobody needs it any more, unix seconds
    pub expires_at: i64,
    /// to whom and what
    pub envelope: Envelope,
}

impl TakenLetter {
    /// When it is tried again after this try failed; `None` where nobody would need it any more.
    pub fn next_try(&self, now: i64) -> Option<i64> {
        let failures = usize::try_from(self.attempts - 1).unwrap_or_default();
        let next = now + BACK_OFF[failures.min(BACK_OFF.len() - 1)];
        (next < self.expires_at).then_some(next)
    }
}

/// What was taken, and how many letters were dropped because their seal does not open.
#[derive(Debug, Default)]
pub struct Taken {
    /// to be sent
    pub letters: Vec<TakenLetter>,
    /// gone: sealed with another master key, or changed in the database
    pub unreadable: usize,
}

/// Whether there is anything to take; a look that costs no transaction.
pub fn has_due_letters(call: &Call, db: &mut Db) -> Result<bool> {
    Ok(outbox::has_due_mail(db, call.now)?)
}

/// Takes letters whose time has come; for [`LEASE`] seconds no other node gets them.
pub fn take_due_letters(call: &Call, tx: &mut Tx<'_>, limit: i64) -> Result<Outcome<Taken>> {
    let mut taken = Taken::default();
    for row in outbox::update_mails_taken(tx, call.now, call.now + LEASE, limit)? {
        let plain = call.engine.stored.open(&mail_aad(&row.id), &row.sealed);
        match plain.and_then(|plain| serde_json::from_slice(&plain).ok()) {
            Some(envelope) => taken.letters.push(TakenLetter {
                id: row.id,
                attempts: row.attempts,
                expires_at: row.expires_at,
                envelope,
            }),
            None => {
                outbox::delete_mail(tx, &row.id)?;
                taken.unreadable += 1;
            }
        }
    }
    Ok(Outcome::Commit(taken))
}

/// Forgets a letter that a mail server took, or that it will never take.
pub fn finish_letter(tx: &mut Tx<'_>, id: &str) -> Result<Outcome<()>> {
    Ok(Outcome::Commit(outbox::delete_mail(tx, id)?))
}

/// Lets a letter wait for its next try; `false` where there is none, and the letter is forgotten.
pub fn postpone_letter(call: &Call, tx: &mut Tx<'_>, letter: &TakenLetter) -> Result<Outcome<bool>> {
    let next = letter.next_try(call.now);
    match next {
        Some(next) => outbox::update_mail_retry(tx, &letter.id, letter.attempts, next)?,
        None => outbox::delete_mail(tx, &letter.id)?,
    }
    Ok(Outcome::Commit(next.is_some()))
}

/// Goes up with each letter that is written down in this process: whoever sees it move knows that there is something to send.
pub fn count_queued_letters(engine: &Engine) -> u64 {
    engine.queued_letters.load(Ordering::Relaxed)
}
