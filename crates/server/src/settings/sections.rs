//! The sections of the settings. What each key means stands once, in `config/default.toml`; a test holds the two equal.

use serde::{Deserialize, Serialize};

use super::declared::{ClientDecl, ResourceServerDecl};
use super::mail::MailSettings;
use super::providers::ProviderDecl;
use super::types::{Address, ByteSize, Database, Network, Seconds, SecretText};
use crate::pages::kit::brand::Brand;

/// All settings, after every layer and check.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Settings {
    /// Addresses and the end of the process.
    pub(crate) server: ServerSettings,
    /// Limits of the HTTP edge.
    pub(crate) http: HttpSettings,
    /// Where the rows are.
    pub(crate) database: DatabaseSettings,
    /// The master key.
    pub(crate) security: SecuritySettings,
    /// Password rules and their hash.
    pub(crate) password: PasswordSettings,
    /// Browser sessions.
    pub(crate) session: SessionSettings,
    /// Lives of codes and tokens.
    pub(crate) tokens: TokenSettings,
    /// Answers that are kept in memory.
    pub(crate) cache: CacheSettings,
    /// Who may create an account.
    pub(crate) signup: SignupSettings,
    /// Administrators.
    pub(crate) admin: AdminSettings,
    /// Rates.
    pub(crate) limits: LimitSettings,
    /// How long ended rows stay.
    pub(crate) sweep: SweepSettings,
    /// Letters to people.
    pub(crate) mail: MailSettings,
    /// What is written about the work.
    pub(crate) log: LogSettings,
    /// Metrics.
    pub(crate) observability: ObservabilitySettings,
    /// The face that people see.
    pub(crate) brand: Brand,
    /// Apps that are reconciled at start.
    #[serde(default)]
    pub(crate) clients: Vec<ClientDecl>,
    /// APIs that are reconciled at start.
    #[serde(default)]
    pub(crate) resource_servers: Vec<ResourceServerDecl>,
    /// Who else may vouch for people.
    #[serde(default)]
    pub(crate) providers: Vec<ProviderDecl>,
}

/// `[server]`
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct ServerSettings {
    /// The issuer. Always set after loading: development makes it from `listen`, production refuses to start without.
    pub(crate) public_url: String,
    pub(crate) listen: Address,
    pub(crate) trusted_proxies: Vec<Network>,
    pub(crate) shutdown_delay: Seconds,
    pub(crate) shutdown_timeout: Seconds,
}

/// `[http]`
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct HttpSettings {
    /// 0 means one for each core.
    pub(crate) workers: u16,
    pub(crate) max_connections: u32,
    pub(crate) form_limit: ByteSize,
    pub(crate) url_limit: ByteSize,
    pub(crate) header_timeout: Seconds,
    pub(crate) body_timeout: Seconds,
    pub(crate) handler_timeout: Seconds,
    pub(crate) keep_alive: Seconds,
}

/// `[database]`
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct DatabaseSettings {
    pub(crate) url: Database,
    pub(crate) pool_size: u32,
    pub(crate) pool_wait: Seconds,
    pub(crate) statement_timeout: Seconds,
    pub(crate) lock_timeout: Seconds,
}

/// `[security]`
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct SecuritySettings {
    pub(crate) master_key: SecretText,
    /// Read, or made, only while `master_key` is not set.
    pub(crate) master_key_path: String,
}

impl SecuritySettings {
    /// The 32 bytes of `master_key`; `None` when it is not set and the file decides.
    pub(crate) fn decode_master_key(&self) -> Option<[u8; 32]> {
        self.master_key.expose().and_then(|text| super::validate::decode_key(text).ok())
    }
}

/// `[password]`
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct PasswordSettings {
    /// In code points.
    pub(crate) min_length: u16,
    pub(crate) argon2_memory_kib: u32,
    pub(crate) argon2_passes: u32,
    pub(crate) argon2_lanes: u32,
    /// 0 means one for each core, at least 2.
    pub(crate) hash_threads: u16,
    pub(crate) hash_queue: u16,
    pub(crate) hash_wait: Seconds,
}

/// `[session]`
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct SessionSettings {
    pub(crate) idle_ttl: Seconds,
    pub(crate) absolute_ttl: Seconds,
}

/// `[tokens]`
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct TokenSettings {
    pub(crate) access_ttl: Seconds,
    pub(crate) code_ttl: Seconds,
    pub(crate) refresh_idle_ttl: Seconds,
    pub(crate) refresh_absolute_ttl: Seconds,
    pub(crate) reuse_grace: Seconds,
    /// Life of a sealed authorization request.
    pub(crate) sign_in_ttl: Seconds,
}

/// `[cache]`
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct CacheSettings {
    pub(crate) introspection: bool,
}

/// `[signup]`
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct SignupSettings {
    pub(crate) mode: SignupMode,
}

/// Who may create an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum SignupMode {
    /// everybody
    Open,
    /// whoever has an invitation
    Invite,
    /// nobody; an operator adds people
    Closed,
}

/// `[admin]`
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct AdminSettings {
    pub(crate) email: Option<String>,
    pub(crate) second_factor: bool,
}

/// `[limits]`
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct LimitSettings {
    pub(crate) token_failures_per_minute: u32,
    pub(crate) introspection_failures_per_minute: u32,
    pub(crate) authorize_per_minute: u32,
    pub(crate) signups_per_hour: u32,
    /// In 10 minutes.
    pub(crate) sign_in_failures_per_address: u32,
    pub(crate) sign_in_free_failures: u32,
    pub(crate) sign_in_max_delay: Seconds,
    pub(crate) sign_in_hard_stop: u32,
    pub(crate) max_tracked: u32,
}

/// `[sweep]`
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct SweepSettings {
    pub(crate) interval: Seconds,
    pub(crate) batch_size: u32,
    pub(crate) keep_codes: Seconds,
    pub(crate) keep_access_tokens: Seconds,
    pub(crate) keep_refresh_tokens: Seconds,
    pub(crate) keep_sessions: Seconds,
    pub(crate) keep_audit: Seconds,
}

/// `[log]`
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct LogSettings {
    /// Directives of `tracing_subscriber::EnvFilter`, of the plain form `[target=]level`, separated by commas.
    pub(crate) level: String,
    pub(crate) format: LogFormat,
}

/// How a log line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    /// text on a terminal, else JSON
    Auto,
    /// for people
    Text,
    /// one document a line
    Json,
}

/// `[observability]`
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct ObservabilitySettings {
    pub(crate) metrics: MetricsPlace,
    /// Used only with [`MetricsPlace::Own`].
    pub(crate) metrics_listen: Address,
}

/// Where `/metrics` is (LO3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum MetricsPlace {
    /// nowhere
    Off,
    /// on a listener of its own
    Own,
    /// beside everything else
    Main,
}
