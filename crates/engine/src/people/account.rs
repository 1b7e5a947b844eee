//! What a signed-in person sees and changes of the account: its name and its sessions.

use std::net::IpAddr;

use gatepost_store::people::identities::lock_user;
use gatepost_store::people::sessions::{self, SessionRow};
use gatepost_store::people::users;
use gatepost_store::{Db, Outcome, Topic, Tx};
use serde_json::json;

use crate::audit::query::{AuditFilter, list_events};
use crate::audit::{Actor, Event, record_event};
use crate::kernel::call::Call;
use crate::kernel::error::Result;
use crate::people::end_access::end_links;
use crate::people::sessions::SignedIn;

/// Changes what the person is called.
pub fn change_name(call: &Call, tx: &mut Tx<'_>, session: &SignedIn, name: &str) -> Result<Outcome<()>> {
    users::update_user_name(tx, &session.user_id, name, call.now)?;
    tx.touch(Topic::User(session.user_id.clone()));
    record_event(call, tx, Event::done(Actor::User(&session.user_id), "user.renamed", &session.user_id), &json!(null))?;
    Ok(Outcome::Commit(()))
}

/// The person's live sessions, newest use first.
pub fn list_sessions(call: &Call, db: &mut Db, session: &SignedIn) -> Result<Vec<SessionRow>> {
    Ok(sessions::list_live_sessions(db, &session.user_id, call.now)?)
}

/// How long a place is new, in seconds.
const NEW_PLACE: i64 = 7 * 86_400;
/// How far back sign-ins are looked at, in seconds, and how many of them.
const KNOWN_PLACES: (i64, i64) = (90 * 86_400, 500);

/// Which of these sessions were started in the last seven days from a network from which this person had not signed in before. A
/// first sign-in ever is at home.
pub fn find_new_places(
    call: &Call,
    db: &mut Db,
    session: &SignedIn,
    rows: &[SessionRow],
) -> Result<std::collections::BTreeSet<String>> {
    let filter = AuditFilter {
        actor: Some(session.user_id.clone()),
        action_prefix: Some("session.started".into()),
        result: Some("done".into()),
        since: Some(call.now - KNOWN_PLACES.0),
        ..AuditFilter::default()
    };
    let started = list_events(call, db, &filter, None, KNOWN_PLACES.1)?.events;
    let is_new = |row: &&SessionRow| {
        let before: Vec<_> = started.iter().filter(|event| event.at < row.created_at).collect();
        let known = before.iter().any(|event| name_place(&event.ip) == name_place(&row.ip));
        call.now - row.created_at < NEW_PLACE && !before.is_empty() && !known
    };
    Ok(rows.iter().filter(is_new).map(|row| row.id.clone()).collect())
}

/// What counts as one place: the network that an address is in, as providers give them out.
fn name_place(ip: &str) -> String {
    match ip.parse() {
        Ok(IpAddr::V4(address)) => format!("{:?}", &address.octets()[..3]),
        Ok(IpAddr::V6(address)) => format!("{:x?}", &address.segments()[..3]),
        Err(_) => ip.to_owned(),
    }
}

/// Ends a session of this person, by the id that the list shows.
pub fn end_session(call: &Call, tx: &mut Tx<'_>, session: &SignedIn, id: &str) -> Result<Outcome<bool>> {
    let ended = sessions::revoke_session(tx, &session.user_id, id, call.now)?;
    if ended {
        record_event(call, tx, Event::done(Actor::User(&session.user_id), "session.ended", id), &json!(null))?;
    }
    Ok(Outcome::Commit(ended))
}

/// Ends all sessions of this person but the present one.
pub fn end_other_sessions(call: &Call, tx: &mut Tx<'_>, session: &SignedIn) -> Result<Outcome<usize>> {
    // the lock of whoever else sets the account anew
    lock_user(tx, &session.user_id)?;
    let count = sessions::revoke_user_sessions(tx, &session.user_id, Some(&session.session_id), call.now)?;
    end_links(call, tx, &session.user_id)?;
    let event = Event::done(Actor::User(&session.user_id), "session.others_ended", &session.user_id);
    record_event(call, tx, event, &json!({"count": count}))?;
    Ok(Outcome::Commit(count))
}
