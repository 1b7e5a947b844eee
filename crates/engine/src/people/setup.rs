//! The first administrator, by a link that works once.

use gatepost_protocol::secret::{Secret, SecretKind, TokenHash};
use gatepost_store::people::setup_links;
use gatepost_store::people::users::{self, ROLE_ADMIN};
use gatepost_store::sweep::take_global_lock;
use gatepost_store::{Db, Outcome, Tx};
use serde_json::json;

use crate::audit::{Actor, Event, record_event};
use crate::kernel::call::Call;
use crate::kernel::error::{Error, Result};
use crate::people::sign_in::enter::{Started, enter};
use crate::people::sign_in::method::Method;
use crate::people::sign_up::{NewUser, make_user_row};

/// Makes a link if there is no administrator yet; older links die.
pub fn make_setup_link(call: &Call, tx: &mut Tx<'_>) -> Result<Outcome<Option<String>>> {
    take_global_lock(tx)?;
    if users::count_enabled_admins(tx)? > 0 {
        return Ok(Outcome::Rollback(None));
    }
    let secret = call.engine.make_secret(SecretKind::SetupLink)?;
    let expires_at = call.now + call.policy().setup_link_ttl;
    setup_links::insert_setup_link(tx, &TokenHash::of(&secret), call.now, expires_at)?;
    record_event(call, tx, Event::done(Actor::Operator, "setup_link.made", ""), &json!(null))?;
    Ok(Outcome::Commit(Some(call.engine.issuer.url(&format!("/setup/{}", secret.expose())))))
}

/// Whether a link would work now; looking does not use it up.
pub fn check_setup_link(call: &Call, db: &mut Db, presented: &str) -> Result<bool> {
    let Some(secret) = Secret::parse(SecretKind::SetupLink, presented) else { return Ok(false) };
    Ok(setup_links::find_live_setup_link(db, &TokenHash::of(&secret), call.now)?
        && users::count_enabled_admins(db)? == 0)
}

/// What became of an attempt to make the first administrator.
#[derive(Debug)]
pub enum SetUp {
    /// made and signed in
    Done(Box<Started>),
    /// the link is unknown, used or too old, or there is an administrator
    Gone,
    /// the address has an account
    Taken,
}

/// Makes the first administrator: exactly one, however many try at once, because only one consumes the link.
pub fn create_first_admin(call: &Call, tx: &mut Tx<'_>, presented: &str, new: &NewUser) -> Result<Outcome<SetUp>> {
    let Some(secret) = Secret::parse(SecretKind::SetupLink, presented) else {
        return Ok(Outcome::Rollback(SetUp::Gone));
    };
    take_global_lock(tx)?;
    if !setup_links::consume_setup_link(tx, &TokenHash::of(&secret), call.now)? || users::count_enabled_admins(tx)? > 0
    {
        return Ok(Outcome::Rollback(SetUp::Gone));
    }
    let row = make_user_row(call, &NewUser { role: ROLE_ADMIN, ..new.clone() })?;
    if !users::insert_user(tx, &row)? {
        return Ok(Outcome::Rollback(SetUp::Taken));
    }
    record_event(
        call,
        tx,
        Event::done(Actor::User(&row.id), "user.created", &row.id),
        &json!({"with": "set-up link"}),
    )?;
    match enter(call, tx, &row, &[Method::Password])? {
        Some(started) => Ok(Outcome::Commit(SetUp::Done(Box::new(started)))),
        None => Err(Error::Internal("a new account was not there".into())),
    }
}
