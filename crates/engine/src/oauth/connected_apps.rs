//! The apps that can act for a person: shown to their owner, and ended by them.

use gatepost_protocol::scope::ScopeSet;
use gatepost_store::oauth::{codes, consents, grants};
use gatepost_store::{Db, Outcome, Topic, Tx, clients};
use serde_json::json;

use crate::audit::{Actor, Event, record_event};
use crate::clients::registry::Client;
use crate::kernel::call::Call;
use crate::kernel::error::Result;
use crate::oauth::granted::Granted;
use crate::people::sessions::SignedIn;

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
