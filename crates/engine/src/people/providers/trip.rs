//! A trip to another provider: what is remembered of it travels sealed in a cookie of the browser that makes it (SO3, SO5).

use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

use crate::kernel::call::Call;
use crate::kernel::error::{Error, Result};
use crate::kernel::journey::Journey;

/// How long somebody may take to sign in at the other provider, in seconds.
pub const TRIP_TTL: i64 = 600;

/// What somebody makes a trip for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Intent {
    /// to get in
    SignIn,
    /// to link the account there to the one here
    Link {
        /// whose account
        user_id: String,
        /// in this session alone
        session_id: String,
    },
}

/// A trip that is under way.
#[derive(Serialize, Deserialize)]
pub struct Trip {
    /// also the beginning of the state; works once
    pub id: String,
    /// the setting's id of the provider
    pub provider: String,
    /// what the provider must bring back
    pub state: String,
    /// what the ID token must say
    pub nonce: String,
    /// the secret of PKCE (RFC 7636)
    pub verifier: String,
    /// what goes on afterwards
    pub journey: Journey,
    /// what for
    pub intent: Intent,
    created_at: i64,
}

impl std::fmt::Debug for Trip {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Trip({} to {})", self.id, self.provider)
    }
}

impl Trip {
    /// A trip that begins now.
    pub fn begin(call: &Call, provider: &str, journey: Journey, intent: Intent) -> Result<Self> {
        let id = call.engine.make_id()?;
        let state = format!("{id}.{}", call.engine.make_nonce()?);
        Ok(Self {
            id,
            provider: provider.to_owned(),
            state,
            nonce: call.engine.make_nonce()?,
            verifier: call.engine.make_nonce()?,
            journey,
            intent,
            created_at: call.now,
        })
    }

    /// The letters that tell the cookies of parallel trips apart.
    pub fn mark(&self) -> &str {
        self.id.get(..8).unwrap_or_default()
    }

    /// The same letters out of a state that came back; `None` where it is none of ours.
    pub fn read_mark(state: &str) -> Option<&str> {
        let (id, _) = state.split_once('.')?;
        let plain = id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit());
        id.get(..8).filter(|_| plain)
    }

    /// The form in which it travels: for this provider and this browser alone.
    pub fn seal(&self, call: &Call, browser: &str) -> Result<String> {
        let plain = serde_json::to_vec(self).map_err(|error| Error::Internal(error.to_string()))?;
        Ok(call.engine.requests.seal(call.engine.random(), &bind(&self.provider, browser), &plain))
    }

    /// What the browser brings back from `provider`; `None` where the trip went elsewhere, is over or another browser's.
    pub fn open(call: &Call, sealed: &str, (provider, browser): (&str, &str), state: &str) -> Option<Self> {
        let plain = call.engine.requests.open(&bind(provider, browser), sealed)?;
        let trip: Self = serde_json::from_slice(&plain).ok()?;
        let age = call.now - trip.created_at;
        let same = bool::from(trip.state.as_bytes().ct_eq(state.as_bytes()));
        ((0..=TRIP_TTL).contains(&age) && same && trip.provider == provider).then_some(trip)
    }

    /// When nobody accepts it any more, in unix seconds.
    pub(crate) fn expires_at(&self) -> i64 {
        self.created_at + TRIP_TTL + 1
    }
}

/// The place of a trip's seal. An id of a provider has no slash.
fn bind(provider: &str, browser: &str) -> String {
    format!("trip/{provider}/{browser}")
}
