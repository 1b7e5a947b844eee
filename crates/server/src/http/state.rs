//! What every handler has: the installation, the pages, the pools and limits.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use actix_web::HttpRequest;
use actix_web::http::header;
use gatepost_engine::clients::registry::{Catalogue, Client};
use gatepost_engine::outbox::count_queued_letters;
use gatepost_engine::{Call, Error, Origin, Result};
use gatepost_store::{Db, Outcome, Tx};

use crate::http::limits::Limits;
use crate::operations::metrics::Metrics;
use crate::outbox::email::MailRoom;
use crate::pages::kit::render::Pages;
use crate::process::clock::unix_now;
use crate::process::hashing::HashPool;
use crate::process::startup::Installation;
use crate::providers::Upstream;
use crate::settings::Settings;

/// Shared by all workers.
pub(crate) struct State {
    pub(crate) installation: Installation,
    pub(crate) settings: Settings,
    pub(crate) pages: Pages,
    pub(crate) hashing: HashPool,
    pub(crate) limits: Limits,
    pub(crate) metrics: Metrics,
    pub(crate) mail: MailRoom,
    pub(crate) upstream: Upstream,
    pub(crate) dev: bool,
    /// false from SIGTERM on, so that balancers stop sending
    pub(crate) ready: AtomicBool,
    references: AtomicU64,
}

impl State {
    /// A sentence says what is wrong with the providers.
    pub(crate) fn new(
        installation: Installation,
        settings: Settings,
        pages: Pages,
        dev: bool,
    ) -> std::result::Result<Self, String> {
        let mut seed = [0; 8];
        // only so that references of two runs differ; they decide nothing
        let _ = crate::process::random::source().fill(&mut seed);
        Ok(Self {
            upstream: Upstream::new(&settings.providers, &installation.engine.issuer)?,
            hashing: HashPool::new(&settings.password, installation.engine.policy.password),
            limits: Limits::new(&settings.limits),
            metrics: Metrics::default(),
            mail: MailRoom::default(),
            installation,
            pages,
            dev,
            ready: AtomicBool::new(true),
            references: AtomicU64::new(u64::from_le_bytes(seed)),
            settings,
        })
    }

    /// The engine's view of a request whose sender does not matter: nothing is written about it.
    pub(crate) fn plain_call(&self) -> Call {
        Call { engine: Arc::clone(&self.installation.engine), now: unix_now(), origin: Origin::default() }
    }

    /// The same with a reference, for an answer that must be found in the log.
    pub(crate) fn named_call(&self) -> Call {
        let mut call = self.plain_call();
        call.origin.request_id = self.make_reference();
        call
    }

    /// The engine's view of a request.
    pub(crate) fn call(&self, request: &HttpRequest) -> Call {
        let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let user_agent: String = header(header::USER_AGENT).chars().take(300).collect();
        let origin = Origin { ip: self.client_ip(request), user_agent, request_id: self.make_reference() };
        Call { origin, ..self.plain_call() }
    }

    /// Who sent it: the peer, or whom a trusted proxy speaks for. Never `ConnectionInfo`, which believes anybody.
    pub(crate) fn client_ip(&self, request: &HttpRequest) -> String {
        let Some(peer) = request.peer_addr().map(|address| canonical(address.ip())) else { return String::new() };
        let trusted = |ip: IpAddr| self.settings.server.trusted_proxies.iter().any(|network| network.contains(ip));
        if !trusted(peer) {
            return peer.to_string();
        }
        let mut hops: Vec<&str> = Vec::new();
        for value in request.headers().get_all(header::X_FORWARDED_FOR) {
            hops.extend(value.to_str().unwrap_or_default().split(',').map(str::trim));
        }
        for hop in hops.iter().rev() {
            match hop.parse::<IpAddr>().map(canonical) {
                Ok(ip) if trusted(ip) => {}
                Ok(ip) => return ip.to_string(),
                // what cannot be read is not believed; the proxy itself is all that is known
                Err(_) => break,
            }
        }
        peer.to_string()
    }

    /// A short name for this request, the same on the page, in the log and in the audit log.
    fn make_reference(&self) -> String {
        const ALPHABET: &[u8; 32] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";
        let count = self.references.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let letter = |at: u32| char::from(ALPHABET[(count >> (64 - 5 * (at + 1))) as usize & 31]);
        format!("req_{}", (0..8).map(letter).collect::<String>())
    }

    /// Reads from the database.
    pub(crate) async fn read<T, F>(&self, call: &Call, mut read: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnMut(&Call, &mut Db) -> Result<T> + Send + 'static,
    {
        let call = call.clone();
        self.installation.store.read(move |db| read(&call, db)).await
    }

    /// Writes to the database: one request, one transaction. Where it wrote a letter down, the letter is sent at once.
    pub(crate) async fn write<T, F>(&self, call: &Call, mut write: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnMut(&Call, &mut Tx<'_>) -> Result<Outcome<T>> + Send + 'static,
    {
        let call = call.clone();
        // counted before and after: a letter of this transaction is seen when it is committed, one of another is looked for in vain
        let queued = count_queued_letters(&self.installation.engine);
        let outcome = self.installation.store.write(move |tx| write(&call, tx)).await;
        if count_queued_letters(&self.installation.engine) != queued {
            self.mail.wake();
        }
        outcome
    }

    /// The client of this id, from memory where nothing about it has changed.
    pub(crate) async fn find_client(&self, call: &Call, client_id: &str) -> Result<Option<Arc<Client>>> {
        if let Some(client) = call.engine.registry.recall_client(client_id) {
            return Ok(Some(client));
        }
        // none is longer, and whoever invents one need not cost a look-up of kilobytes
        if client_id.len() > 64 {
            return Ok(None);
        }
        let client_id = client_id.to_owned();
        self.read(call, move |call, db| Ok(call.engine.registry.load_client(db, &client_id)?)).await
    }

    /// All APIs and scopes, from memory where nothing about them has changed.
    pub(crate) async fn find_catalogue(&self, call: &Call) -> Result<Arc<Catalogue>> {
        if let Some(catalogue) = call.engine.registry.recall_catalogue() {
            return Ok(catalogue);
        }
        self.read(call, move |call, db| Ok(call.engine.registry.load_catalogue(db)?)).await
    }
}

/// An IPv4 address in IPv6 clothes is an IPv4 address.
fn canonical(ip: IpAddr) -> IpAddr {
    ip.to_canonical()
}

/// Writes down what was refused and why; the reference leads from the page to here.
pub(crate) fn log_error(call: &Call, error: &Error) {
    let reference = &call.origin.request_id;
    match error {
        Error::Refused(refused) => {
            tracing::info!(%reference, ip = %call.origin.ip, code = refused.code.as_str(), detail = %refused.detail, "refused")
        }
        Error::Store(error) => tracing::warn!(%reference, %error, "the database did not answer"),
        Error::Internal(why) => tracing::error!(%reference, %why, "internal error"),
    }
}
