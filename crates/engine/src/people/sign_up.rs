//! New accounts.

pub mod mode;

use gatepost_store::people::users::{self, ROLE_USER, UserRow};
use gatepost_store::{Db, Outcome, Tx, instance_settings};
use serde_json::json;

use crate::audit::{Actor, Event, record_event};
use crate::kernel::call::Call;
use crate::kernel::error::{Error, Result};
use crate::kernel::policy::SignUpMode;
use crate::people::email::Email;
use crate::people::invites::{InviteRefusal, Taker, claim_invite};
use crate::people::sign_in::enter::{Started, enter};
use crate::people::sign_in::method::Method;

/// A person to add; the password is hashed already.
#[derive(Clone)]
pub struct NewUser {
    /// where to reach the person
    pub email: Email,
    /// what to call the person
    pub name: String,
    /// whether the person has proven to own the address: by a mailed link, or by a provider's word
    pub email_verified: bool,
    /// PHC string
    pub password_hash: Option<String>,
    /// the role
    pub role: &'static str,
}

impl std::fmt::Debug for NewUser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewUser").field("role", &self.role).finish_non_exhaustive()
    }
}

/// The row of a new person.
pub(crate) fn make_user_row(call: &Call, new: &NewUser) -> Result<UserRow> {
    Ok(UserRow {
        id: call.engine.make_id()?,
        email: new.email.display.clone(),
        email_key: new.email.key.clone(),
        email_verified: new.email_verified,
        name: new.name.clone(),
        password_hash: new.password_hash.clone(),
        role: new.role.to_owned(),
        created_at: call.now,
        updated_at: call.now,
        disabled_at: None,
        second_step: false,
        password_changed_at: new.password_hash.as_ref().map(|_| call.now),
        last_sign_in_at: None,
        passkey_offered_at: None,
    })
}

/// Who may create an account now: what an administrator chose while running, else the settings file.
pub fn find_sign_up_mode(call: &Call, db: &mut Db) -> Result<SignUpMode> {
    let chosen = instance_settings::find_instance_setting(db, instance_settings::SIGNUP_MODE)?;
    Ok(chosen.as_deref().and_then(SignUpMode::parse).unwrap_or(call.policy().sign_up))
}

/// Why somebody could not sign up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignUpRefusal {
    /// accounts are made by an administrator
    Closed,
    /// an account needs an invitation, and none came along
    InviteRequired,
    /// the invitation that came along cannot be used
    Invite(InviteRefusal),
    /// the address has an account
    Taken,
}

/// A sign-up that was refused in a transaction, which ends with [`Self::end`]: no part of an account was written, but a failure may
/// have been counted, and then it is committed.
#[derive(Debug)]
#[must_use]
pub(crate) struct RefusedSignUp(SignUpRefusal);

impl RefusedSignUp {
    /// Whether the address has an account.
    pub(crate) fn is_taken(&self) -> bool {
        self.0 == SignUpRefusal::Taken
    }

    /// Ends the transaction in which no account was made; `with` is the way in.
    pub(crate) fn end<T>(
        self,
        call: &Call,
        tx: &mut Tx<'_>,
        with: Method,
        answer: impl FnOnce(SignUpRefusal) -> T,
    ) -> Result<Outcome<T>> {
        if self.is_taken() {
            let event = Event::refused(Actor::Nobody, "user.created", "");
            record_event(call, tx, event, &json!({"with": with.as_str()}))?;
        }
        let leaves_trace = matches!(self.0, SignUpRefusal::Invite(_) | SignUpRefusal::Taken);
        let answer = answer(self.0);
        Ok(if leaves_trace { Outcome::Commit(answer) } else { Outcome::Rollback(answer) })
    }
}

/// Adds a person as the sign-up mode allows, whatever the way in; the database decides who is first with an address. `invite` is the
/// code that came along, `with` the way in, for the ledger and the audit log.
///
/// A bad code is refused before anything is said about the address.
pub(crate) fn create_account(
    call: &Call,
    tx: &mut Tx<'_>,
    new: &NewUser,
    invite: Option<&str>,
    with: Method,
) -> Result<std::result::Result<UserRow, RefusedSignUp>> {
    create_account_as(call, tx, new, invite, (with, None))
}

/// The same under an id that was drawn before and that nobody has: a passkey is made for it before the account is.
pub(crate) fn create_account_as(
    call: &Call,
    tx: &mut Tx<'_>,
    new: &NewUser,
    invite: Option<&str>,
    (with, id): (Method, Option<String>),
) -> Result<std::result::Result<UserRow, RefusedSignUp>> {
    let invite = invite.filter(|code| !code.trim().is_empty());
    let claimed = match (is_first_admin(call, tx, new)?, find_sign_up_mode(call, tx)?, invite) {
        (true, _, _) | (false, SignUpMode::Open, None) => None,
        (false, SignUpMode::Closed, _) => return Ok(Err(RefusedSignUp(SignUpRefusal::Closed))),
        (false, SignUpMode::Invite, None) => return Ok(Err(RefusedSignUp(SignUpRefusal::InviteRequired))),
        (false, SignUpMode::Open | SignUpMode::Invite, Some(code)) => {
            let taker = Taker { email: &new.email, proven: new.email_verified };
            match claim_invite(call, tx, code, &taker)? {
                Ok(claimed) => Some(claimed),
                Err(refusal) => return Ok(Err(RefusedSignUp(SignUpRefusal::Invite(refusal)))),
            }
        }
    };
    let role = claimed.as_ref().map_or(ROLE_USER, |claimed| claimed.role());
    // whoever has a code that only this mailbox was sent reads mail there
    let email_verified = new.email_verified || claimed.as_ref().is_some_and(|claimed| claimed.row.mailed_only);
    let mut row = make_user_row(call, &NewUser { role, email_verified, ..new.clone() })?;
    row.id = id.unwrap_or(row.id);
    if !users::insert_user(tx, &row)? {
        if let Some(claimed) = claimed {
            claimed.give_back(tx)?;
        }
        return Ok(Err(RefusedSignUp(SignUpRefusal::Taken)));
    }
    let event = Event::done(Actor::User(&row.id), "user.created", &row.id);
    let invite_id = claimed.as_ref().map(|claimed| claimed.row.id.as_str());
    record_event(call, tx, event, &json!({"with": with.as_str(), "invite": invite_id, "role": role}))?;
    if let Some(claimed) = &claimed {
        claimed.note_user(call, tx, &row.id, with)?;
    }
    Ok(Ok(row))
}

/// The proven owner of the settings' address may come in whatever the mode, while nobody could invite them.
fn is_first_admin(call: &Call, db: &mut Db, new: &NewUser) -> Result<bool> {
    let chosen = call.policy().admin_email.as_deref() == Some(new.email.key.as_str());
    Ok(chosen && new.email_verified && users::count_enabled_admins(db)? == 0)
}

/// Adds a person with a password and signs them in.
pub fn sign_up(
    call: &Call,
    tx: &mut Tx<'_>,
    new: &NewUser,
    invite: Option<&str>,
) -> Result<Outcome<std::result::Result<Started, SignUpRefusal>>> {
    let row = match create_account(call, tx, new, invite, Method::Password)? {
        Ok(row) => row,
        Err(refused) => return refused.end(call, tx, Method::Password, Err),
    };
    match enter(call, tx, &row, &[Method::Password])? {
        Some(started) => Ok(Outcome::Commit(Ok(started))),
        None => Err(Error::Internal("a new account was not there".into())),
    }
}
