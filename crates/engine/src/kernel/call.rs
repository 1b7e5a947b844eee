//! What every decision is given: the engine, the time, and who asks.

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, RwLock};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gatepost_protocol::issuer::Issuer;
use gatepost_protocol::secret::{Secret, SecretKind};
use gatepost_store::Epochs;
use ring::rand::SecureRandom;

use crate::clients::registry::Registry;
use crate::kernel::error::Trouble;
use crate::kernel::key_ring::KeyRing;
use crate::kernel::policy::Policy;
use crate::kernel::relying_party::RelyingParty;
use crate::kernel::seal::{MasterKey, SealKey};
use crate::kernel::token_cache::TokenCache;

/// What does not change between requests.
pub struct Engine {
    /// who we are
    pub issuer: Issuer,
    /// the operator's choices
    pub policy: Policy,
    /// clients and APIs, kept in memory while they stand still
    pub registry: Registry,
    /// answers about tokens, kept in memory while they stand still
    pub(crate) tokens: TokenCache,
    pub(crate) keys: RwLock<KeyRing>,
    pub(crate) requests: SealKey,
    pub(crate) forms: SealKey,
    pub(crate) private_keys: SealKey,
    /// what is kept readable in the database for us alone: letters, second factors
    pub(crate) stored: SealKey,
    pub(crate) audit: SealKey,
    /// see [`crate::outbox::count_queued_letters`]
    pub(crate) queued_letters: AtomicU64,
    /// who we are towards authenticators; `None` where this issuer has no passkeys
    pub(crate) passkeys: Option<RelyingParty>,
    /// the numbers of changes, by which what is kept in memory is known to be good
    pub(crate) epochs: Arc<Epochs>,
    random: Box<dyn SecureRandom + Send + Sync>,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Engine({})", self.issuer.as_str())
    }
}

impl Engine {
    /// An engine for this issuer; what it seals can be opened by every node with the same master key.
    pub fn new(
        issuer: Issuer,
        policy: Policy,
        master: &MasterKey,
        epochs: Arc<Epochs>,
        random: Box<dyn SecureRandom + Send + Sync>,
    ) -> Self {
        Self {
            passkeys: RelyingParty::of(&issuer),
            issuer,
            policy,
            registry: Registry::new(Arc::clone(&epochs)),
            epochs,
            tokens: TokenCache::default(),
            keys: RwLock::default(),
            requests: master.derive("authorization-request"),
            forms: master.derive("form"),
            private_keys: master.derive("signing-key"),
            stored: master.derive("stored"),
            audit: master.derive("audit"),
            queued_letters: AtomicU64::new(0),
            random,
        }
    }

    /// Whether people can have passkeys here: an issuer without a host name, or on plain HTTP, has none.
    pub fn has_passkeys(&self) -> bool {
        self.passkeys.is_some()
    }

    /// The source of all randomness.
    pub fn random(&self) -> &dyn SecureRandom {
        self.random.as_ref()
    }

    /// A new secret of this kind: 256 random bits.
    pub fn make_secret(&self, kind: SecretKind) -> Result<Secret, Trouble> {
        Ok(Secret::from_random(kind, self.random_bytes()?))
    }

    /// A new id: 122 random bits, never used again.
    pub fn make_id(&self) -> Result<String, Trouble> {
        Ok(uuid::Builder::from_random_bytes(self.random_bytes()?).into_uuid().simple().to_string())
    }

    /// 256 random bits as base64url, for what another side has to bring back: states, nonces, verifiers of PKCE.
    pub fn make_nonce(&self) -> Result<String, Trouble> {
        Ok(URL_SAFE_NO_PAD.encode(self.random_bytes::<32>()?))
    }

    /// Random bytes.
    pub(crate) fn random_bytes<const N: usize>(&self) -> Result<[u8; N], Trouble> {
        let mut bytes = [0; N];
        self.random.fill(&mut bytes).map_err(|_| Trouble::Internal("the system gives no random bytes".into()))?;
        Ok(bytes)
    }
}

/// From where a request came; for the audit log, throttles and the list of sessions. Never decides by itself.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// the address, canonical; a network of an operator's proxy is looked through
    pub ip: String,
    /// the browser's or client's own words, cut
    pub user_agent: String,
    /// the reference that pages, logs and audit show
    pub request_id: String,
}

/// One request, as the engine sees it.
#[derive(Clone, Debug)]
pub struct Call {
    /// what does not change
    pub engine: Arc<Engine>,
    /// unix seconds; one reading for the whole request
    pub now: i64,
    /// who asks, from where
    pub origin: Origin,
}

impl Call {
    /// The operator's choices.
    pub fn policy(&self) -> &Policy {
        &self.engine.policy
    }
}
