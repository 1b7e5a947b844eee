//! The signing keys in use, opened.

use std::sync::Arc;

use crate::kernel::signing::{SigningAlg, SigningKey};

/// The keys in use, opened.
#[derive(Default)]
pub(crate) struct KeyRing {
    keys: Vec<HeldKey>,
    jwks: Arc<str>,
}

/// A key, and when it signs.
pub(crate) struct HeldKey {
    pub(crate) key: SigningKey,
    /// unix seconds
    pub(crate) active_from: i64,
    /// unix seconds
    pub(crate) retired_at: Option<i64>,
}

impl std::fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KeyRing({} keys)", self.keys.len())
    }
}

impl KeyRing {
    /// The opened keys, and the document that publishes their public halves.
    pub(crate) fn new(keys: Vec<HeldKey>, jwks: Arc<str>) -> Self {
        Self { keys, jwks }
    }

    /// The public keys (RFC 7517).
    pub(crate) fn jwks(&self) -> Arc<str> {
        Arc::clone(&self.jwks)
    }

    /// The key that signs now: ES256 by default.
    pub(crate) fn signer(&self, now: i64) -> Option<&SigningKey> {
        let live = |held: &&HeldKey| {
            held.key.alg() == SigningAlg::Es256 && held.active_from <= now && held.retired_at.is_none_or(|at| now < at)
        };
        self.keys.iter().filter(live).max_by_key(|held| held.active_from).map(|held| &held.key)
    }
}
