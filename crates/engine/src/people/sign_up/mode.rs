//! Who may create an account, changed while the server runs. It is read from the database whenever it is used, so that a change holds
//! on every node at once.

use gatepost_store::sweep::take_global_lock;
use gatepost_store::{Db, Outcome, Tx, instance_settings};
use serde_json::json;

use crate::audit::{Actor, Event, record_event};
use crate::kernel::call::Call;
use crate::kernel::error::Result;
use crate::kernel::manage::Managed;
use crate::kernel::policy::SignUpMode;
use crate::people::acting::check_actor;

/// The mode, and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignUpChoice {
    /// what holds now
    pub mode: SignUpMode,
    /// what the settings file says
    pub settings: SignUpMode,
    /// when an administrator chose otherwise, in unix seconds, and the person's id, empty for a command; `None`: the settings file
    /// decides
    pub chosen: Option<(i64, String)>,
}

/// The mode now.
pub fn find(call: &Call, db: &mut Db) -> Result<SignUpChoice> {
    let settings = call.policy().sign_up;
    let entry = instance_settings::find_instance_setting_entry(db, instance_settings::SIGNUP_MODE)?;
    let chosen = entry.and_then(|(value, at, by)| Some((SignUpMode::parse(&value)?, at, by)));
    Ok(match chosen {
        Some((mode, at, by)) => SignUpChoice { mode, settings, chosen: Some((at, by)) },
        None => SignUpChoice { mode: settings, settings, chosen: None },
    })
}

/// Chooses the mode; `None` gives it back to the settings file.
pub fn set(call: &Call, tx: &mut Tx<'_>, actor: Actor<'_>, mode: Option<SignUpMode>) -> Managed<SignUpChoice> {
    // of two administrators at once one comes second, and both are in the audit log in that order
    take_global_lock(tx)?;
    if let Err(fault) = check_actor(tx, actor)? {
        return Ok(Outcome::Rollback(Err(fault)));
    }
    let before = find(call, tx)?;
    let by = if let Actor::User(id) = actor { id } else { "" };
    let value = mode.map(SignUpMode::as_str);
    instance_settings::update_instance_setting(tx, instance_settings::SIGNUP_MODE, value, by, call.now)?;
    let after = find(call, tx)?;
    let detail = json!({
        "key": instance_settings::SIGNUP_MODE,
        "from": before.mode.as_str(),
        "to": after.mode.as_str(),
        "by_settings": after.chosen.is_none(),
    });
    record_event(call, tx, Event::done(actor, "settings.changed", instance_settings::SIGNUP_MODE), &detail)?;
    Ok(Outcome::Commit(Ok(after)))
}
