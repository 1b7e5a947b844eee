//! What a person may take along and leave behind: everything that is stored about them, and the end of the account.

use gatepost_store::oauth::{consents, grants};
use gatepost_store::people::{authenticators, identities, passkeys, personal_data, sessions, users};
use gatepost_store::{Db, Outcome, Tx, clients};
use serde_json::{Value, json};

use crate::audit::{Actor, Event, record_event};
use crate::kernel::call::Call;
use crate::kernel::error::Result;
use crate::kernel::manage::{ManageFault, Managed, not_found};
use crate::oauth::connected_apps::list_apps;
use crate::people::last_admin::{is_last_admin, take_people_lock};
use crate::people::sessions::SignedIn;
use crate::people::sign_in::fresh::{NotFresh, hold_fresh_session};
use crate::people::users::{Ended, delete_account};

/// What goes when an account is deleted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Belongings {
    /// browsers that are signed in
    pub sessions: usize,
    /// apps that may use the account
    pub apps: usize,
    /// passkeys
    pub passkeys: usize,
    /// linked accounts at other providers
    pub identities: usize,
    /// this is the only administrator, who must stay
    pub last_admin: bool,
}

/// Counts what goes with the account.
pub fn count_belongings(call: &Call, db: &mut Db, session: &SignedIn) -> Result<Belongings> {
    let user = users::find_user(db, &session.user_id)?;
    Ok(Belongings {
        sessions: sessions::list_live_sessions(db, &session.user_id, call.now)?.len(),
        apps: list_apps(call, db, session)?.len(),
        passkeys: passkeys::list_passkeys(db, &session.user_id)?.len(),
        identities: identities::list_identities(db, &session.user_id)?.len(),
        last_admin: match user {
            Some(user) => is_last_admin(call, db, &user)?,
            None => false,
        },
    })
}

/// Deletes the account of the session, for a fresh sign-in; the last administrator stays. A session that was ended
/// meanwhile deletes nothing.
pub fn delete_own_account(call: &Call, tx: &mut Tx<'_>, session: &SignedIn) -> Managed<Ended> {
    let lock = take_people_lock(tx)?;
    match hold_fresh_session(call, tx, session)? {
        Ok(fresh) => delete_account(call, tx, &lock, Actor::User(&session.user_id), fresh.user()),
        Err(NotFresh::Stale) => {
            Ok(Outcome::Rollback(Err(ManageFault::Forbidden("the sign-in is too old or too weak for this".into()))))
        }
        Err(NotFresh::Over) => not_found("there is no such person"),
    }
}

/// Writes down that the person took a copy of what is stored.
pub fn note_download(call: &Call, tx: &mut Tx<'_>, session: &SignedIn) -> Result<Outcome<()>> {
    let event = Event::done(Actor::User(&session.user_id), "data.downloaded", &session.user_id);
    record_event(call, tx, event, &json!(null))?;
    Ok(Outcome::Commit(()))
}

/// Everything that is stored about the person but the audit log, which is read page by page; `None` where the account is gone. Of
/// what proves who somebody is, it says that it is there, and nothing by which it could be used or guessed (AD8).
pub fn collect_data(call: &Call, db: &mut Db, session: &SignedIn) -> Result<Option<Value>> {
    let id = &session.user_id;
    let Some(user) = users::find_user(db, id)? else { return Ok(None) };
    let ways_in = json!({
        "password": {"set": user.password_hash.is_some(), "changed_at": user.password_changed_at},
        "second_step": user.second_step,
        "passkeys": passkeys::list_passkeys(db, id)?.into_iter()
            .map(|row| json!({
                "name": row.name, "created_at": row.created_at, "last_used_at": row.last_used_at,
            }))
            .collect::<Vec<_>>(),
        "authenticator_app": authenticators::find_authenticator(db, id)?
            .map(|row| json!({"created_at": row.created_at})),
        "recovery_codes": personal_data::list_recovery_facts(db, id)?.into_iter()
            .map(|(created_at, used_at)| json!({"created_at": created_at, "used_at": used_at}))
            .collect::<Vec<_>>(),
        "linked_accounts": identities::list_identities(db, id)?.into_iter()
            .map(|row| json!({
                "provider": row.provider, "issuer": row.issuer, "subject": row.subject, "email": row.email,
                "created_at": row.created_at, "last_used_at": row.last_used_at,
            }))
            .collect::<Vec<_>>(),
    });
    let mails = personal_data::list_mail_link_facts(db, id)?.into_iter().map(
        |(kind, email, created_at, expires_at, used_at, ip, user_agent)| {
            json!({
                "kind": kind, "email": email, "created_at": created_at, "expires_at": expires_at, "used_at": used_at,
                "ip": ip, "user_agent": user_agent,
            })
        },
    );
    let mails: Vec<Value> = mails.collect();
    let (sessions, apps, invites) = (list_sessions(db, id)?, list_grants(db, id)?, list_invites(db, id)?);
    Ok(Some(json!({
        "made_at": call.now,
        "issuer": call.engine.issuer.as_str(),
        "times": "unix seconds",
        "account": {
            "id": user.id, "email": user.email, "email_verified": user.email_verified, "name": user.name,
            "role": user.role, "created_at": user.created_at, "updated_at": user.updated_at,
            "last_sign_in_at": user.last_sign_in_at, "passkey_offered_at": user.passkey_offered_at,
        },
        "ways_in": ways_in,
        "sessions": sessions,
        "apps": apps,
        "invites": invites,
        "mailed_links": mails,
    })))
}

fn list_sessions(db: &mut Db, user_id: &str) -> Result<Vec<Value>> {
    let rows = sessions::list_sessions(db, user_id)?;
    let show = |row: &sessions::SessionRow| {
        json!({
            "id": row.id, "signed_in_at": row.auth_time, "created_at": row.created_at, "last_used_at": row.last_used_at,
            "expires_at": row.expires_at, "ended_at": row.revoked_at, "ip": row.ip, "user_agent": row.user_agent,
            "methods": row.methods,
        })
    };
    Ok(rows.iter().map(show).collect())
}

fn list_grants(db: &mut Db, user_id: &str) -> Result<Value> {
    let name = |db: &mut Db, client_id: &str| -> Result<Option<String>> {
        Ok(clients::find_client(db, client_id)?.map(|client| client.name))
    };
    let mut allowed = Vec::new();
    for consent in consents::list_consents(db, user_id)? {
        allowed.push(json!({
            "app": consent.client_id, "name": name(db, &consent.client_id)?, "scopes": consent.scopes,
            "created_at": consent.created_at, "updated_at": consent.updated_at,
        }));
    }
    let mut access = Vec::new();
    for grant in grants::list_user_grants(db, user_id)? {
        access.push(json!({
            "app": grant.client_id, "name": name(db, &grant.client_id)?, "scopes": grant.scopes,
            "created_at": grant.created_at, "last_used_at": grant.last_used_at, "expires_at": grant.expires_at,
            "ended_at": grant.revoked_at,
        }));
    }
    Ok(json!({"allowed": allowed, "access": access}))
}

fn list_invites(db: &mut Db, user_id: &str) -> Result<Value> {
    let made = personal_data::list_invite_facts(db, user_id)?.into_iter().map(
        |(note, email, role, created_at, expires_at, max_uses, uses, revoked_at)| {
            json!({
                "note": note, "email": email, "role": role, "created_at": created_at, "expires_at": expires_at,
                "max_uses": max_uses, "uses": uses, "revoked_at": revoked_at,
            })
        },
    );
    let made: Vec<Value> = made.collect();
    let used = personal_data::list_invite_use_facts(db, user_id)?.into_iter();
    let used: Vec<Value> = used.map(|(method, used_at)| json!({"method": method, "used_at": used_at})).collect();
    Ok(json!({"made": made, "used": used}))
}
