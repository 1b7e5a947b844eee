//! What somebody gets who comes back from another provider. The provider's word is checked before ([`UpstreamIdentity`]); here is
//! decided whose account it opens. An account is never opened because of an address alone (SO1, SO2).

pub mod trip;

use gatepost_store::people::identities::{self, IdentityRow};
use gatepost_store::people::users::{self, ROLE_USER};
use gatepost_store::people::{sessions, tickets};
use gatepost_store::{Db, Outcome, Tx};
use serde_json::json;

use crate::audit::{Actor, Event, record_event};
use crate::kernel::call::Call;
use crate::kernel::error::{Error, Result};
use crate::kernel::journey::LinkOffer;
use crate::outbox::{Notice, queue_notice};
use crate::people::email::{Email, normalize_email};
use crate::people::end_access::end_links;
use crate::people::providers::trip::{Intent, Trip};
use crate::people::sessions::SignedIn;
use crate::people::sign_in::enter::{Started, enter};
use crate::people::sign_in::fresh::{FreshSession, NotFresh, hold_fresh_session};
use crate::people::sign_in::method::Method;
use crate::people::sign_up::{NewUser, SignUpRefusal, create_account};
use crate::people::ways_in::{Removal, Ways, count_ways_in, count_ways_left};

/// Longest name of a person, in characters.
const MAX_NAME: usize = 100;

/// Whom a provider has vouched for; its signature or its TLS connection has been checked.
#[derive(Clone, Debug)]
pub struct UpstreamIdentity {
    /// the setting's id of the provider
    pub provider: String,
    /// what people call the provider
    pub provider_name: String,
    /// who vouches
    pub issuer: String,
    /// for whom; unique with this issuer, never used again
    pub subject: String,
    /// the address, if the provider tells it
    pub email: Option<String>,
    /// whether the provider has confirmed the address, if it says
    pub email_verified: Option<bool>,
    /// what the person is called there; may be empty
    pub name: String,
}

/// What a trip led to.
#[derive(Debug)]
pub enum Arrival {
    /// the person is in
    In(Started),
    /// the account there is linked to the one here
    Linked,
    /// the address has an account: its owner signs in first
    SignInFirst(LinkOffer),
    /// nothing came of it
    Refused(ArrivalRefusal),
}

/// Why nothing came of a trip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArrivalRefusal {
    /// the trip was used already
    Used,
    /// the provider does not confirm the address
    EmailNotVerified,
    /// the account here is disabled
    AccountOff,
    /// there is no account, and none can be made
    SignUp(SignUpRefusal),
    /// the account there is linked to another account here
    OwnedByAnother,
    /// the session that wanted to link is over
    SessionOver,
    /// …or its sign-in is too old by now
    NotFresh,
}

/// Ends a trip: a session, a link, or why there is neither. `session` is who is signed in in this browser.
pub fn finish_trip(
    call: &Call,
    tx: &mut Tx<'_>,
    found: &UpstreamIdentity,
    trip: &Trip,
    session: Option<&SignedIn>,
) -> Result<Outcome<Arrival>> {
    if !tickets::consume_ticket(tx, &trip.id, trip.expires_at())? {
        return Ok(Outcome::Rollback(Arrival::Refused(ArrivalRefusal::Used)));
    }
    if found.email_verified == Some(false) {
        return refuse_unverified(call, tx, found);
    }
    match &trip.intent {
        Intent::SignIn => arrive(call, tx, found, trip.journey.invite.as_deref()),
        Intent::Link { user_id, session_id } => {
            match session.filter(|session| session.user_id == *user_id && session.session_id == *session_id) {
                Some(session) => link_to_session(call, tx, found, session),
                None => Ok(Outcome::Rollback(Arrival::Refused(ArrivalRefusal::SessionOver))),
            }
        }
    }
}

fn refuse_unverified(call: &Call, tx: &mut Tx<'_>, found: &UpstreamIdentity) -> Result<Outcome<Arrival>> {
    let detail = json!({"with": Method::Provider.as_str(), "provider": found.provider, "why": "address not confirmed"});
    record_event(call, tx, Event::refused(Actor::Nobody, "session.started", ""), &detail)?;
    Ok(Outcome::Commit(Arrival::Refused(ArrivalRefusal::EmailNotVerified)))
}

fn arrive(call: &Call, tx: &mut Tx<'_>, found: &UpstreamIdentity, invite: Option<&str>) -> Result<Outcome<Arrival>> {
    // a second time where another trip of the same person made the account meanwhile
    for _ in 0..2 {
        let email = found.email.as_deref().filter(|_| found.email_verified == Some(true));
        let email = email.and_then(|email| normalize_email(email).ok());
        // the account before its identity: both are written together, so whoever sees the first also sees the second
        let owner = match &email {
            Some(email) => users::find_user_by_email(tx, &email.key)?,
            None => None,
        };
        if let Some(identity) = identities::find_identity(tx, &found.issuer, &found.subject)? {
            return let_known_in(call, tx, found, &identity);
        }
        let Some(email) = email else { return refuse_unverified(call, tx, found) };
        if let Some(user) = owner {
            let detail = json!({"with": Method::Provider.as_str(), "provider": found.provider, "why": "not linked"});
            record_event(call, tx, Event::refused(Actor::Nobody, "session.started", &user.id), &detail)?;
            return Ok(Outcome::Commit(Arrival::SignInFirst(make_offer(found, &email))));
        }
        match create_account(call, tx, &make_user(found, &email), invite, Method::Provider)? {
            Ok(user) => {
                if !identities::insert_identity(tx, &make_row(call, found, &user.id))? {
                    return Ok(Outcome::Rollback(Arrival::Refused(ArrivalRefusal::Used)));
                }
                record_link(call, tx, &user.id, found)?;
                let started = enter(call, tx, &user, &[Method::Provider])?;
                let started = started.ok_or_else(|| Error::Internal("a new account was not there".into()))?;
                return Ok(Outcome::Commit(Arrival::In(started)));
            }
            Err(refused) if refused.is_taken() => {}
            Err(refused) => {
                let answer = |refusal| Arrival::Refused(ArrivalRefusal::SignUp(refusal));
                return refused.end(call, tx, Method::Provider, answer);
            }
        }
    }
    Ok(Outcome::Rollback(Arrival::Refused(ArrivalRefusal::SignUp(SignUpRefusal::Taken))))
}

pub(crate) fn let_known_in(
    call: &Call,
    tx: &mut Tx<'_>,
    found: &UpstreamIdentity,
    identity: &IdentityRow,
) -> Result<Outcome<Arrival>> {
    let email = found.email.as_deref().unwrap_or_default();
    // the account before its identity, as whoever unlinks one does; what was unlinked meanwhile lets nobody in
    let user = identities::lock_user(tx, &identity.user_id)?;
    let linked = identities::update_identity_use(tx, identity, email, call.now)?;
    let started = match user.filter(|_| linked) {
        Some(user) => enter(call, tx, &user, &[Method::Provider])?,
        None => None,
    };
    let Some(started) = started else {
        let detail = json!({"with": Method::Provider.as_str(), "provider": found.provider});
        record_event(call, tx, Event::refused(Actor::Nobody, "session.started", &identity.user_id), &detail)?;
        return Ok(Outcome::Commit(Arrival::Refused(ArrivalRefusal::AccountOff)));
    };
    Ok(Outcome::Commit(Arrival::In(started)))
}

fn link_to_session(
    call: &Call,
    tx: &mut Tx<'_>,
    found: &UpstreamIdentity,
    session: &SignedIn,
) -> Result<Outcome<Arrival>> {
    let fresh = match hold_fresh_session(call, tx, session)? {
        Ok(fresh) => fresh,
        Err(NotFresh::Over) => return Ok(Outcome::Rollback(Arrival::Refused(ArrivalRefusal::SessionOver))),
        Err(NotFresh::Stale) => return Ok(Outcome::Rollback(Arrival::Refused(ArrivalRefusal::NotFresh))),
    };
    if link(call, tx, &fresh, found)? {
        return Ok(Outcome::Commit(Arrival::Linked));
    }
    let detail = json!({"provider": found.provider, "why": "linked to another account"});
    record_event(
        call,
        tx,
        Event::refused(Actor::User(&session.user_id), "identity.linked", &session.user_id),
        &detail,
    )?;
    Ok(Outcome::Commit(Arrival::Refused(ArrivalRefusal::OwnedByAnother)))
}

/// Links an identity to the account of a session, and tells its owner; `false` where another account has it.
fn link(call: &Call, tx: &mut Tx<'_>, session: &FreshSession<'_>, found: &UpstreamIdentity) -> Result<bool> {
    if !identities::insert_identity(tx, &make_row(call, found, &session.user_id))? {
        let owner = identities::find_identity(tx, &found.issuer, &found.subject)?;
        return Ok(owner.is_some_and(|identity| identity.user_id == session.user_id));
    }
    record_link(call, tx, &session.user_id, found)?;
    queue_notice(call, tx, &session.email, Notice::ProviderLinked { provider: found.provider_name.clone() })?;
    Ok(true)
}

fn record_link(call: &Call, tx: &mut Tx<'_>, user_id: &str, found: &UpstreamIdentity) -> Result<()> {
    let detail = json!({"provider": found.provider, "issuer": found.issuer});
    record_event(call, tx, Event::done(Actor::User(user_id), "identity.linked", user_id), &detail)
}

/// Links what was offered before a sign-in to the account that the person has proven now: only where it has the very address that
/// the provider confirmed. `false` where nothing was linked.
pub fn link_offered_identity(
    call: &Call,
    tx: &mut Tx<'_>,
    session: &SignedIn,
    offer: &LinkOffer,
    provider_name: &str,
) -> Result<Outcome<bool>> {
    let same = |mine: &Email| normalize_email(&offer.email).is_ok_and(|there| there.key == mine.key);
    if !normalize_email(&session.email).is_ok_and(|mine| same(&mine)) {
        return Ok(Outcome::Rollback(false));
    }
    // a password alone adds no way in to an account that has something stronger
    let Ok(fresh) = hold_fresh_session(call, tx, session)? else { return Ok(Outcome::Rollback(false)) };
    let found = UpstreamIdentity {
        provider: offer.provider.clone(),
        provider_name: provider_name.to_owned(),
        issuer: offer.issuer.clone(),
        subject: offer.subject.clone(),
        email: Some(offer.email.clone()),
        email_verified: Some(true),
        name: String::new(),
    };
    Ok(if link(call, tx, &fresh, &found)? { Outcome::Commit(true) } else { Outcome::Rollback(false) })
}

/// What a person sees of linked accounts.
#[derive(Debug)]
pub struct Linked {
    /// the accounts, oldest first
    pub identities: Vec<IdentityRow>,
    /// all ways in of this person
    pub ways: Ways,
}

/// The accounts at other providers that let this person in.
pub fn list_linked(call: &Call, db: &mut Db, session: &SignedIn) -> Result<Linked> {
    let identities = identities::list_identities(db, &session.user_id)?;
    let user = users::find_user(db, &session.user_id)?;
    let ways = user.map_or(Ok(Ways::default()), |user| count_ways_in(call, db, &user))?;
    Ok(Linked { identities, ways })
}

/// Takes a way in from an account, unless it is the last one: so an administrator keeps one as well. What came in by it elsewhere is signed out, and what
/// was asked for by mail ends.
pub fn unlink_identity(
    call: &Call,
    tx: &mut Tx<'_>,
    session: &FreshSession<'_>,
    (issuer, subject): (&str, &str),
    provider_name: &str,
) -> Result<Outcome<Removal>> {
    let user = session.user();
    if !identities::delete_identity(tx, &user.id, issuer, subject)? {
        return Ok(Outcome::Rollback(Removal::Refused));
    }
    if count_ways_left(call, tx, session)?.count() == 0 {
        return Ok(Outcome::Rollback(Removal::LastWayIn));
    }
    sessions::revoke_user_sessions(tx, &user.id, Some(&session.session_id), call.now)?;
    end_links(call, tx, &user.id)?;
    let detail = json!({"issuer": issuer});
    record_event(call, tx, Event::done(Actor::User(&user.id), "identity.unlinked", &user.id), &detail)?;
    queue_notice(call, tx, &user.email, Notice::ProviderUnlinked { provider: provider_name.to_owned() })?;
    Ok(Outcome::Commit(Removal::Done))
}

fn make_offer(found: &UpstreamIdentity, email: &Email) -> LinkOffer {
    LinkOffer {
        provider: found.provider.clone(),
        issuer: found.issuer.clone(),
        subject: found.subject.clone(),
        email: email.display.clone(),
    }
}

fn make_row(call: &Call, found: &UpstreamIdentity, user_id: &str) -> IdentityRow {
    IdentityRow {
        issuer: found.issuer.clone(),
        subject: found.subject.clone(),
        provider: found.provider.clone(),
        user_id: user_id.to_owned(),
        email: found.email.clone().unwrap_or_default(),
        created_at: call.now,
        last_used_at: call.now,
    }
}

fn make_user(found: &UpstreamIdentity, email: &Email) -> NewUser {
    let plain: String = found.name.chars().filter(|c| !c.is_control()).take(MAX_NAME).collect();
    let name = match plain.trim() {
        "" => email.display.split('@').next().unwrap_or_default().to_owned(),
        name => name.to_owned(),
    };
    NewUser { email: email.clone(), name, email_verified: true, password_hash: None, role: ROLE_USER }
}
