//! New accounts.

use gatepost_store::users::{self, ROLE_USER, UserRow};
use gatepost_store::{Outcome, Tx};
use serde_json::json;

use super::password::Started;
use super::session::start_session;
use crate::audit::{Actor, Event, record_event};
use crate::call::Call;
use crate::email::Email;
use crate::error::Result;
use crate::policy::SignUpMode;

/// A person to add; the password is hashed already.
#[derive(Clone)]
pub struct NewUser {
    /// where to reach the person
    pub email: Email,
    /// what to call the person
    pub name: String,
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
        // nobody has proven it yet: there is no mail in this version
        email_verified: false,
        name: new.name.clone(),
        password_hash: new.password_hash.clone(),
        role: new.role.to_owned(),
        created_at: call.now,
        updated_at: call.now,
        disabled_at: None,
    })
}

/// Why somebody could not sign up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignUpRefusal {
    /// accounts are made by an administrator
    Closed,
    /// the address has an account
    Taken,
}

/// Adds a person and signs them in; the database decides who is first with an address.
pub fn sign_up(
    call: &Call,
    tx: &mut Tx<'_>,
    new: &NewUser,
) -> Result<Outcome<std::result::Result<Started, SignUpRefusal>>> {
    if call.policy().sign_up == SignUpMode::Closed {
        return Ok(Outcome::Rollback(Err(SignUpRefusal::Closed)));
    }
    let row = make_user_row(call, &NewUser { role: ROLE_USER, ..new.clone() })?;
    if !users::insert_user(tx, &row)? {
        record_event(call, tx, Event::refused(Actor::Nobody, "user.created", ""), &json!({"with": "sign-up"}))?;
        return Ok(Outcome::Commit(Err(SignUpRefusal::Taken)));
    }
    let (cookie, signed_in) = start_session(call, tx, &row)?;
    record_event(call, tx, Event::done(Actor::User(&row.id), "user.created", &row.id), &json!({"with": "sign-up"}))?;
    Ok(Outcome::Commit(Ok(Started { cookie, signed_in })))
}
