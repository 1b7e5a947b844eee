//! Browser sessions.

use gatepost_protocol::secret::{Secret, SecretKind, TokenHash};
use gatepost_store::sessions::{self, SessionRow};
use gatepost_store::users::{ROLE_ADMIN, UserRow};
use gatepost_store::{Db, Tx};

use crate::call::Call;
use crate::error::Result;

/// A use is written down only when the last note is older than this, so that reading a page does not write.
const USE_NOTE_SECONDS: i64 = 300;

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
    /// when the use of the session was last written down
    last_used_at: i64,
}

impl SignedIn {
    fn new(session: &SessionRow, user: &UserRow) -> Self {
        Self {
            session_id: session.id.clone(),
            user_id: user.id.clone(),
            email: user.email.clone(),
            name: user.name.clone(),
            is_admin: user.role == ROLE_ADMIN,
            auth_time: session.auth_time,
            last_used_at: session.last_used_at,
        }
    }

    /// Whether the use of the session ought to be written down again.
    pub fn needs_note(&self, call: &Call) -> bool {
        call.now - self.last_used_at >= USE_NOTE_SECONDS
    }
}

/// Who is signed in with this cookie.
pub fn find_session(call: &Call, db: &mut Db, cookie: &str) -> Result<Option<SignedIn>> {
    let Some(secret) = Secret::parse(SecretKind::Session, cookie) else { return Ok(None) };
    let found = sessions::find_live_session(db, &TokenHash::of(&secret), call.now)?;
    Ok(found.map(|(session, user)| SignedIn::new(&session, &user)))
}

/// Starts a session with a new id: an old one is never carried over a sign-in (LG4). The secret is for the cookie.
pub(crate) fn start_session(call: &Call, tx: &mut Tx<'_>, user: &UserRow) -> Result<(Secret, SignedIn)> {
    let secret = call.engine.make_secret(SecretKind::Session)?;
    let expires_at = call.now + call.policy().session_absolute_ttl;
    let row = SessionRow {
        id: call.engine.make_id()?,
        token_hash: TokenHash::of(&secret).to_base64(),
        user_id: user.id.clone(),
        auth_time: call.now,
        created_at: call.now,
        last_used_at: call.now,
        idle_expires_at: (call.now + call.policy().session_idle_ttl).min(expires_at),
        expires_at,
        ip: call.origin.ip.clone(),
        user_agent: call.origin.user_agent.clone(),
        revoked_at: None,
    };
    sessions::insert_session(tx, &row)?;
    let signed_in = SignedIn::new(&row, user);
    Ok((secret, signed_in))
}

/// Writes a use down and moves the idle end; `false` where the session is over.
pub fn note_session_use(call: &Call, tx: &mut Tx<'_>, session: &SignedIn) -> Result<bool> {
    Ok(sessions::update_session_use(tx, &session.session_id, call.now, call.now + call.policy().session_idle_ttl)?)
}
