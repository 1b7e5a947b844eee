//! Answers about tokens, kept in memory while they stand still.

use std::collections::HashMap;
use std::sync::{Arc, RwLock};

use gatepost_protocol::introspect::IntrospectionResponse;
use gatepost_protocol::resource::Resources;
use gatepost_protocol::secret::TokenHash;
use gatepost_store::{Epochs, Stamp};

use crate::kernel::error::Trouble;

/// A live token and the answer about it.
#[derive(Debug)]
pub struct KnownToken {
    /// the answer as JSON, the same for every API that may have it
    pub body: String,
    /// who may have it
    audience: Resources,
    /// unix seconds
    expires_at: i64,
    /// what the answer says
    pub answer: IntrospectionResponse,
}

impl KnownToken {
    /// What the answer says of a token that is live until `expires_at`, for these audiences.
    pub(crate) fn new(
        answer: IntrospectionResponse,
        audience: Resources,
        expires_at: i64,
    ) -> std::result::Result<Self, Trouble> {
        let body = serde_json::to_string(&answer).map_err(|error| Trouble::Internal(error.to_string()))?;
        Ok(Self { body, audience, expires_at, answer })
    }

    /// Whether the API of this identifier may have the answer now (IN-06).
    pub(crate) fn is_for(&self, resource: &str, now: i64) -> bool {
        now < self.expires_at && self.audience.contains(resource)
    }

    /// When the token ends, in unix seconds.
    pub fn expires_at(&self) -> i64 {
        self.expires_at
    }
}

/// Answers about live tokens, each good until something it depends on changes. Tokens that are unknown are never
/// kept: anybody could fill the memory with them.
///
/// A small map of our own and not a general cache: a look-up is on the hottest path there is, and which of the old answers
/// makes room for a new one hardly matters.
#[derive(Debug)]
pub(crate) struct TokenCache(Vec<RwLock<Shard>>);

type Shard = HashMap<TokenHash, (Arc<KnownToken>, Stamp)>;

/// Parts that are locked one by one.
const SHARDS: usize = 64;
/// Answers in one part; about a kilobyte each, so some 16 MB in all.
const SHARD_CAPACITY: usize = 256;

impl Default for TokenCache {
    fn default() -> Self {
        Self((0..SHARDS).map(|_| RwLock::default()).collect())
    }
}

impl TokenCache {
    fn shard(&self, token: &TokenHash) -> &RwLock<Shard> {
        &self.0[usize::from(token.as_bytes()[0]) % SHARDS]
    }

    pub(crate) fn get(&self, epochs: &Epochs, token: &TokenHash) -> Option<Arc<KnownToken>> {
        let shard = self.shard(token).read().ok()?;
        let (known, stamp) = shard.get(token)?;
        epochs.is_current(stamp).then(|| Arc::clone(known))
    }

    pub(crate) fn keep(&self, token: TokenHash, known: Arc<KnownToken>, stamp: Stamp) {
        let Ok(mut shard) = self.shard(&token).write() else { return };
        if shard.len() >= SHARD_CAPACITY
            && let Some(any) = shard.keys().next().copied()
        {
            shard.remove(&any);
        }
        shard.insert(token, (known, stamp));
    }
}
