//! Browser sessions.

use gatepost_protocol::secret::{Secret, SecretKind, TokenHash};
use gatepost_store::people::identities::lock_user;
use gatepost_store::people::sessions::{self, SessionRow};
use gatepost_store::people::users::{ROLE_ADMIN, UserRow};
use gatepost_store::{Db, Tx};

use crate::kernel::call::Call;
use crate::kernel::error::Result;
use crate::people::sign_in::method::Method;

/// A use is written down only when the last note is older than this, so that reading a page does not write.
const USE_NOTE_SECONDS: i64 = 300;

/// An administrator's sign-in is good for this long in the administration, in seconds.
pub(crate) const ADMIN_ABSOLUTE: i64 = 12 * 3600;
/// …and for this long without use. Uses are noted every five minutes.
const ADMIN_IDLE: i64 = 30 * 60;

/// Whether an administrator's session was left alone for too long.
pub(crate) fn was_idle_for_admin(call: &Call, session: &SignedIn) -> bool {
    session.is_admin && call.now - session.last_used_at > ADMIN_IDLE
}

/// What needs the session to be live and locked, such as a code, writes its use down no more often than this.
const LEAST_NOTE_SECONDS: i64 = 60;

/// Who is signed in, in which session.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// the session's id
    pub session_id: String,
    /// the person's id
    pub user_id: String,
    /// the person's address
    pub email: String,
    /// the person's name
    pub name: String,
    /// may administer
    pub is_admin: bool,
    /// when the person last proved who they are
    pub auth_time: i64,
    /// 1: one factor; 2: two
    pub strength: i64,
    /// how the person proved who they are, as words
    pub methods: String,
    /// every sign-in of this account needs a second step
    pub second_step: bool,
    /// when the session began, in unix seconds
    pub created_at: i64,
    /// when the use of the session was last written down
    pub last_used_at: i64,
}

impl SignedIn {
    pub(crate) fn new(session: &SessionRow, user: &UserRow) -> Self {
        Self {
            session_id: session.id.clone(),
            user_id: user.id.clone(),
            email: user.email.clone(),
            name: user.name.clone(),
            is_admin: user.role == ROLE_ADMIN,
            auth_time: session.auth_time,
            strength: session.strength,
            methods: session.methods.clone(),
            second_step: user.second_step,
            created_at: session.created_at,
            last_used_at: session.last_used_at,
        }
    }

    /// How the person proved who they are, the first method first.
    pub fn list_methods(&self) -> Vec<Method> {
        self.methods.split(' ').filter_map(Method::parse).collect()
    }

    /// Whether the use of the session ought to be written down again.
    pub fn needs_note(&self, call: &Call) -> bool {
        call.now - self.last_used_at >= USE_NOTE_SECONDS
    }
}

/// What the cookie of a browser stands for.
#[derive(Clone, Debug)]
pub enum Found {
    /// somebody is signed in
    SignedIn(SignedIn),
    /// the first step is done and the second is not: nobody is signed in
    Pending(SignedIn),
}

/// Who has this cookie.
pub fn find_cookie(call: &Call, db: &mut Db, cookie: &str) -> Result<Option<Found>> {
    let Some(secret) = Secret::parse(SecretKind::Session, cookie) else { return Ok(None) };
    let found = sessions::find_live_session(db, &TokenHash::of(&secret), call.now)?;
    Ok(found.map(|(session, user)| match session.pending {
        true => Found::Pending(SignedIn::new(&session, &user)),
        false => Found::SignedIn(SignedIn::new(&session, &user)),
    }))
}

/// Who is signed in with this cookie.
pub fn find_session(call: &Call, db: &mut Db, cookie: &str) -> Result<Option<SignedIn>> {
    Ok(match find_cookie(call, db, cookie)? {
        Some(Found::SignedIn(session)) => Some(session),
        Some(Found::Pending(_)) | None => None,
    })
}

/// Locks the session against whoever would end it, and, unless that was done a moment ago, writes the use down and moves the idle
/// end; `false` where the session is over.
///
/// A use after too long ends an administrator's pause, and would end what the pause meant: so the sign-in counts as too old for the
/// administration from then on, until it is confirmed.
pub fn note_session_use(call: &Call, tx: &mut Tx<'_>, session: &SignedIn) -> Result<bool> {
    if was_idle_for_admin(call, session) {
        let old = session.auth_time.min(call.now - ADMIN_ABSOLUTE - 1);
        sessions::update_session_auth_time(tx, &session.session_id, old)?;
    }
    if call.now - session.last_used_at < LEAST_NOTE_SECONDS {
        return Ok(sessions::lock_live_session(tx, &session.session_id, call.now)?);
    }
    Ok(sessions::update_session_use(tx, &session.session_id, call.now, call.now + call.policy().session_idle_ttl)?)
}

/// Takes the lock of the account and then of the session, in the order of everybody who ends sessions: whoever ended this one came
/// before, and is seen, or waits. The account as it is then; `None` where the session is over or the account disabled.
pub(crate) fn hold_session(call: &Call, tx: &mut Tx<'_>, session: &SignedIn) -> Result<Option<UserRow>> {
    let user = lock_user(tx, &session.user_id)?.filter(|user| user.disabled_at.is_none());
    Ok(if user.is_some() && note_session_use(call, tx, session)? { user } else { None })
}
