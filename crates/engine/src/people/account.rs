//! What a signed-in person sees and ends: sessions and connected apps.

use std::net::IpAddr;

use gatepost_protocol::scope::ScopeSet;
use gatepost_store::oauth::{codes, consents, grants};
use gatepost_store::people::identities::lock_user;
use gatepost_store::people::sessions::{self, SessionRow};
use gatepost_store::people::users;
use gatepost_store::{Db, Outcome, Topic, Tx, clients};
use serde_json::json;

use crate::audit::query::{AuditFilter, list_events};
use crate::audit::{Actor, Event, record_event};
use crate::clients::registry::Client;
use crate::kernel::call::Call;
use crate::kernel::error::Result;
use crate::oauth::granted::Granted;
use crate::people::mailed_links;
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
    mailed_links::end_links(call, tx, &session.user_id)?;
    let event = Event::done(Actor::User(&session.user_id), "session.others_ended", &session.user_id);
    record_event(call, tx, event, &json!({"count": count}))?;
    Ok(Outcome::Commit(count))
}

/// An app that can act for the person, or that was allowed to once.
#[derive(Clone, Debug)]
pub struct ConnectedApp {
    /// its id
    pub client_id: String,
    /// what people see
    pub name: String,
    /// the operator has checked who makes it
    pub verified: bool,
    /// where it sends people back to
    pub redirect_uris: Vec<String>,
    /// what it may do
    pub scopes: ScopeSet,
    /// since when, in unix seconds
    pub since: i64,
    /// when it last got a token, in unix seconds
    pub last_used: i64,
}

/// The apps with a live grant or a remembered consent.
pub fn list_apps(call: &Call, db: &mut Db, session: &SignedIn) -> Result<Vec<ConnectedApp>> {
    let mut apps: Vec<ConnectedApp> = Vec::new();
    let mut add = |client_id: &str, scopes: ScopeSet, since: i64, last_used: i64| match apps
        .iter_mut()
        .find(|app| app.client_id == client_id)
    {
        Some(app) => {
            app.scopes = app.scopes.union(&scopes);
            app.since = app.since.min(since);
            app.last_used = app.last_used.max(last_used);
        }
        None => apps.push(ConnectedApp {
            client_id: client_id.to_owned(),
            name: client_id.to_owned(),
            verified: false,
            redirect_uris: Vec::new(),
            scopes,
            since,
            last_used,
        }),
    };
    for grant in grants::list_live_grants(db, &session.user_id, call.now)? {
        add(&grant.client_id, Granted::of_grant(&grant)?.scopes, grant.created_at, grant.last_used_at);
    }
    for consent in consents::list_consents(db, &session.user_id)? {
        add(&consent.client_id, Granted::of_consent(&consent)?.scopes, consent.created_at, consent.updated_at);
    }
    for app in &mut apps {
        if let Some(row) = clients::find_client(db, &app.client_id)? {
            let client = Client::from_row(&row)?;
            app.name = client.name;
            app.verified = client.verified;
            app.redirect_uris = client.redirect_uris;
        }
    }
    apps.sort_by_key(|app| -app.last_used);
    Ok(apps)
}

/// Ends everything one app may do for this person, at once; it can ask again.
pub fn end_app_access(call: &Call, tx: &mut Tx<'_>, session: &SignedIn, client_id: &str) -> Result<Outcome<bool>> {
    // codes first: an exchange that is under way holds its code's row, so this waits for it, and the next statement sees
    // the grant that it made
    codes::delete_user_codes(tx, &session.user_id, Some(client_id))?;
    let ended = grants::revoke_user_grants(tx, &session.user_id, Some(client_id), "ended by its owner", call.now)?;
    let forgotten = consents::delete_consent(tx, &session.user_id, client_id)?;
    let any = forgotten || ended > 0;
    if any {
        tx.touch(Topic::User(session.user_id.clone()));
        record_event(
            call,
            tx,
            Event::done(Actor::User(&session.user_id), "app.access_ended", client_id),
            &json!(null),
        )?;
    }
    Ok(Outcome::Commit(any))
}

/// Ends every session and half sign-in of this person, what was mailed to them and what every app may do for them: for an account
/// that is set anew or closed. A stop link survives, see [`mailed_links::end_links`].
pub(crate) fn end_all_use(call: &Call, tx: &mut Tx<'_>, user_id: &str, reason: &str) -> Result<()> {
    sessions::revoke_user_sessions(tx, user_id, None, call.now)?;
    mailed_links::end_links(call, tx, user_id)?;
    end_all_access(call, tx, user_id, reason)
}

/// Ends what every app may do for this person.
pub(crate) fn end_all_access(call: &Call, tx: &mut Tx<'_>, user_id: &str, reason: &str) -> Result<()> {
    // codes first, for the same reason
    codes::delete_user_codes(tx, user_id, None)?;
    grants::revoke_user_grants(tx, user_id, None, reason, call.now)?;
    tx.touch(Topic::User(user_id.to_owned()));
    Ok(())
}
