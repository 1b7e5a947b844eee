//! Where every way in ends: a proven person gets a session, or the page of the second step.

use gatepost_protocol::secret::{Secret, SecretKind, TokenHash};
use gatepost_store::Tx;
use gatepost_store::people::sessions::{self, SessionRow};
use gatepost_store::people::users::{self, ROLE_ADMIN, UserRow};
use gatepost_store::sweep::take_global_lock;
use serde_json::json;

use crate::audit::{Actor, Event, record_event};
use crate::kernel::call::Call;
use crate::kernel::error::Result;
use crate::outbox::{Notice, queue_notice};
use crate::people::sessions::SignedIn;
use crate::people::sign_in::method::{Method, measure_strength};

/// How long a first step waits for the second, in seconds.
const PENDING_TTL: i64 = 600;

/// A successful sign-in.
pub struct Started {
    /// for the cookie
    pub cookie: Secret,
    /// who it is
    pub signed_in: SignedIn,
    /// the second step is still to come: the session is good for nothing else
    pub pending: bool,
}

impl std::fmt::Debug for Started {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Started({})", self.signed_in.user_id)
    }
}

/// Lets a proven person in; `None` where the account was disabled or deleted meanwhile. `methods` are all that were used, the first
/// one first.
pub(crate) fn enter(call: &Call, tx: &mut Tx<'_>, user: &UserRow, methods: &[Method]) -> Result<Option<Started>> {
    if !users::update_user_sign_in(tx, &user.id, call.now)? {
        return Ok(None);
    }
    let user = promote_first_admin(call, tx, user)?;
    let pending = user.second_step && measure_strength(methods) < 2;
    let is_new = !pending && !sessions::has_known_browser(tx, &user.id, &call.origin.user_agent)?;
    let started = insert_new_session(call, tx, &user, methods, pending)?;
    let action = if pending { "session.first_step" } else { "session.started" };
    let words: Vec<_> = methods.iter().map(|method| method.as_str()).collect();
    let event = Event::done(Actor::User(&user.id), action, &started.signed_in.session_id);
    record_event(call, tx, event, &json!({"with": words.join(" ")}))?;
    // nobody is surprised by the sign-in that made the account
    if is_new && user.last_sign_in_at.is_some() {
        queue_notice(call, tx, &user.email, Notice::NewSignIn)?;
    }
    Ok(Some(started))
}

/// A session with a new id: an old one is never carried over a sign-in, a second step or a step-up (LG4, R-29).
pub(crate) fn insert_new_session(
    call: &Call,
    tx: &mut Tx<'_>,
    user: &UserRow,
    methods: &[Method],
    pending: bool,
) -> Result<Started> {
    insert_proven_session(call, tx, user, &Proof { methods, pending, auth_time: call.now })
}

/// What a session stands on.
struct Proof<'a> {
    /// how the person proved who they are, the first method first
    methods: &'a [Method],
    /// the second step is still to come
    pending: bool,
    /// when it was proven
    auth_time: i64,
}

fn insert_proven_session(call: &Call, tx: &mut Tx<'_>, user: &UserRow, proof: &Proof<'_>) -> Result<Started> {
    let &Proof { methods, pending, auth_time } = proof;
    let secret = call.engine.make_secret(SecretKind::Session)?;
    let life = if pending { PENDING_TTL } else { call.policy().session_absolute_ttl };
    let expires_at = call.now + life;
    let row = SessionRow {
        id: call.engine.make_id()?,
        token_hash: TokenHash::of(&secret).to_base64(),
        user_id: user.id.clone(),
        auth_time,
        created_at: call.now,
        last_used_at: call.now,
        idle_expires_at: (call.now + call.policy().session_idle_ttl).min(expires_at),
        expires_at,
        ip: call.origin.ip.clone(),
        user_agent: call.origin.user_agent.clone(),
        revoked_at: None,
        methods: methods.iter().map(|method| method.as_str()).collect::<Vec<_>>().join(" "),
        strength: measure_strength(methods),
        pending,
        attempts: 0,
    };
    sessions::insert_session(tx, &row)?;
    let signed_in = SignedIn::new(&row, user);
    Ok(Started { cookie: secret, signed_in, pending })
}

/// The address of the settings makes the first administrator, once it is proven and while there is none.
fn promote_first_admin(call: &Call, tx: &mut Tx<'_>, user: &UserRow) -> Result<UserRow> {
    let chosen = call.policy().admin_email.as_deref() == Some(user.email_key.as_str());
    if !chosen || !user.email_verified || user.role == ROLE_ADMIN {
        return Ok(user.clone());
    }
    // looked at before the lock as well: whoever administers people takes the lock first and their rows then
    if users::count_enabled_admins(tx)? > 0 {
        return Ok(user.clone());
    }
    take_global_lock(tx)?;
    if users::count_enabled_admins(tx)? > 0 {
        return Ok(user.clone());
    }
    // no session lives across a change of the role
    sessions::revoke_user_sessions(tx, &user.id, None, call.now)?;
    users::update_user_role(tx, &user.id, ROLE_ADMIN, call.now)?;
    let event = Event::done(Actor::Operator, "user.role_changed", &user.id);
    record_event(call, tx, event, &json!({"from": user.role, "to": ROLE_ADMIN, "with": "admin.email"}))?;
    Ok(UserRow { role: ROLE_ADMIN.to_owned(), ..user.clone() })
}

/// The session of somebody who changed what lets them in, under a new id; it is as strong as before, and its proof as old.
pub(crate) fn renew_session(call: &Call, tx: &mut Tx<'_>, user: &UserRow, session: &SignedIn) -> Result<Started> {
    let methods = session.list_methods();
    insert_proven_session(call, tx, user, &Proof { methods: &methods, pending: false, auth_time: session.auth_time })
}
