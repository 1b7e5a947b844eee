//! From settings to a working installation: database, master key, engine, signing keys, declared objects.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use gatepost_engine::PasswordPolicy;
use gatepost_engine::clients::declared::{Declared, DeclaredClient, DeclaredResourceServer};
use gatepost_engine::clients::manage::ClientSpec;
use gatepost_engine::clients::registry::{AuthMethod, ClientKind};
use gatepost_engine::clients::resource_servers::{ResourceServerSpec, ScopeSpec};
use gatepost_engine::kernel::seal::MasterKey;
use gatepost_engine::people::email::normalize_email;
use gatepost_engine::{Call, Engine, Error, Origin, Policy, Retention, SignUpMode, signing_keys};
use gatepost_protocol::issuer::Issuer;
use gatepost_protocol::secret::TokenHash;
use gatepost_store::{DatabaseUrl, OpenError, Role, Store, StoreConfig};

use crate::process::clock::unix_now;
use crate::settings::declared::{ClientDecl, ResourceServerDecl};
use crate::settings::{Settings, SignupMode};

/// A database and the engine over it.
#[derive(Clone)]
pub(crate) struct Installation {
    pub(crate) store: Store,
    pub(crate) engine: Arc<Engine>,
}

/// What was made because it was not there.
#[derive(Debug, Default)]
pub(crate) struct Made {
    pub(crate) database: bool,
    pub(crate) master_key: Option<PathBuf>,
    pub(crate) keys: Vec<&'static str>,
}

/// Why there is no installation, as a sentence for the operator.
#[derive(Debug)]
pub(crate) struct StartFault(pub(crate) String);

impl std::fmt::Display for StartFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<OpenError> for StartFault {
    fn from(error: OpenError) -> Self {
        Self(error.to_string())
    }
}

impl From<Error> for StartFault {
    fn from(error: Error) -> Self {
        Self(error.to_string())
    }
}

impl Installation {
    /// What decisions are given when nobody's request is behind them.
    pub(crate) fn call(&self) -> Call {
        Call { engine: Arc::clone(&self.engine), now: unix_now(), origin: Origin::default() }
    }
}

/// Opens the installation that the settings describe, and makes what is missing of it.
pub(crate) async fn open_installation(settings: &Settings, role: Role) -> Result<(Installation, Made), StartFault> {
    let mut made = Made::default();
    let url = settings.database.url.url();
    made.database = matches!(url, DatabaseUrl::SqliteFile(path) if !path.exists());
    let store = Store::open(StoreConfig {
        pool_size: settings.database.pool_size,
        pool_wait: settings.database.pool_wait.as_duration(),
        statement_timeout: settings.database.statement_timeout.as_duration(),
        lock_timeout: settings.database.lock_timeout.as_duration(),
        ..StoreConfig::new(url.clone(), role)
    })?;
    let master = read_master_key(settings, &mut made)?;
    let issuer = Issuer::parse(&settings.server.public_url)
        .map_err(|fault| StartFault(format!("server.public_url: {fault}")))?;
    let random = Box::new(crate::process::random::make_source());
    let engine = Arc::new(Engine::new(issuer, make_policy(settings), &master, Arc::clone(store.epochs()), random));
    let installation = Installation { store, engine };
    made.keys = prepare_keys(&installation).await?;
    Ok((installation, made))
}

async fn prepare_keys(installation: &Installation) -> Result<Vec<&'static str>, StartFault> {
    let call = installation.call();
    let missing = { installation.store.read(signing_keys::find_missing_algs).await? };
    // an RSA key takes a while to find: not inside a transaction
    let mut fresh = Vec::new();
    for alg in missing {
        fresh.push(Arc::new(signing_keys::make_key(&call, alg)?));
    }
    let made = {
        let call = call.clone();
        installation.store.write(move |tx| signing_keys::insert_missing_keys(&call, tx, &fresh)).await?
    };
    installation.store.read(move |db| signing_keys::load_keys(&call, db)).await?;
    Ok(made)
}

/// What the settings file declares.
pub(crate) fn make_declared(settings: &Settings) -> Declared {
    Declared {
        clients: settings.clients.iter().map(read_client).collect(),
        resource_servers: settings.resource_servers.iter().map(read_resource_server).collect(),
    }
}

fn secret_hash(hash: Option<&String>, secret: Option<&str>) -> Option<TokenHash> {
    secret.map(TokenHash::of_text).or_else(|| hash.and_then(|hash| TokenHash::from_base64(hash)))
}

fn read_client(decl: &ClientDecl) -> DeclaredClient {
    let kind = decl.kind.map_or("web", |kind| kind.as_str());
    let spec = ClientSpec {
        client_id: Some(decl.client_id.clone()),
        auth_method: decl.auth_method.and_then(|method| AuthMethod::parse(method.as_str())),
        redirect_uris: decl.redirect_uris.clone(),
        scopes: decl.scopes.clone(),
        resources: decl.resources.clone(),
        grant_types: decl.grant_types.clone(),
        first_party: decl.first_party,
        show_setup_errors: decl.show_setup_errors,
        access_ttl: decl.access_ttl.map(|ttl| ttl.as_secs()),
        refresh_idle_ttl: decl.refresh_idle_ttl.map(|ttl| ttl.as_secs()),
        refresh_absolute_ttl: decl.refresh_absolute_ttl.map(|ttl| ttl.as_secs()),
        keep_refresh_token: decl.refresh_rotation.as_str() == "keep",
        refresh_replay: decl.refresh_replay,
        require_second_factor: decl.require_second_factor,
        ..ClientSpec::new(&decl.name, ClientKind::parse(kind).unwrap_or(ClientKind::Web))
    };
    DeclaredClient { spec, secret: secret_hash(decl.secret_hash.as_ref(), decl.secret.expose()) }
}

fn read_resource_server(decl: &ResourceServerDecl) -> DeclaredResourceServer {
    let scope = |scope: &crate::settings::declared::ScopeDecl| ScopeSpec {
        name: scope.name.clone(),
        description: scope.description.clone(),
        sensitive: scope.sensitive,
    };
    let spec = ResourceServerSpec {
        id: decl.id.clone(),
        name: decl.name.clone(),
        resource: decl.resource.clone(),
        scopes: decl.scopes.iter().map(scope).collect(),
        jwt: decl.access_token_format.as_str() == "jwt",
    };
    let secret = secret_hash(decl.secret_hash.as_ref(), decl.secret.expose());
    // the settings have refused an API without a secret; of no text is this the hash
    DeclaredResourceServer { spec, secret: secret.unwrap_or_else(|| TokenHash::from_bytes([0; 32])) }
}

fn make_policy(settings: &Settings) -> Policy {
    let tokens = &settings.tokens;
    Policy {
        access_ttl: tokens.access_ttl.as_secs(),
        code_ttl: tokens.code_ttl.as_secs(),
        refresh_idle_ttl: tokens.refresh_idle_ttl.as_secs(),
        refresh_absolute_ttl: tokens.refresh_absolute_ttl.as_secs(),
        refresh_reuse_grace: tokens.reuse_grace.as_secs(),
        request_ttl: tokens.sign_in_ttl.as_secs(),
        session_idle_ttl: settings.session.idle_ttl.as_secs(),
        session_absolute_ttl: settings.session.absolute_ttl.as_secs(),
        secret_overlap: 86_400,
        setup_link_ttl: 86_400,
        key_life: 90 * 86_400,
        key_publish_ahead: 86_400,
        ip_failure_limit: i64::from(settings.limits.sign_in_failures_per_address),
        free_failures: i64::from(settings.limits.sign_in_free_failures),
        max_delay: settings.limits.sign_in_max_delay.as_secs(),
        hard_stop: i64::from(settings.limits.sign_in_hard_stop),
        cache_introspection: settings.cache.introspection,
        sign_up: match settings.signup.mode {
            SignupMode::Open => SignUpMode::Open,
            SignupMode::Invite => SignUpMode::Invite,
            SignupMode::Closed => SignUpMode::Closed,
        },
        admin_email: settings.admin.email.as_ref().and_then(|email| normalize_email(email).ok()).map(|email| email.key),
        admin_second_factor: settings.admin.second_factor,
        sudo_age: 300,
        mail: settings.mail.smtp_url.is_some(),
        issuers: settings.providers.iter().map(|provider| provider.issuer_url().to_owned()).collect(),
        password: make_password_policy(settings),
        retention: Retention {
            codes: settings.sweep.keep_codes.as_secs(),
            access_tokens: settings.sweep.keep_access_tokens.as_secs(),
            refresh_tokens: settings.sweep.keep_refresh_tokens.as_secs(),
            sessions: settings.sweep.keep_sessions.as_secs(),
            mail_links: 86_400,
            invites: 30 * 86_400,
            audit: settings.sweep.keep_audit.as_secs(),
            batch: i64::from(settings.sweep.batch_size),
        },
    }
}

/// The rules for passwords.
pub(crate) fn make_password_policy(settings: &Settings) -> PasswordPolicy {
    PasswordPolicy {
        min_length: usize::from(settings.password.min_length),
        m_cost: settings.password.argon2_memory_kib,
        t_cost: settings.password.argon2_passes,
        p_cost: settings.password.argon2_lanes,
    }
}

/// The master key of the settings, or of its file, which is made at the first start.
fn read_master_key(settings: &Settings, made: &mut Made) -> Result<MasterKey, StartFault> {
    if let Some(bytes) = settings.security.decode_master_key() {
        return MasterKey::from_bytes(bytes).map_err(|fault| StartFault(format!("security.master_key: {fault}")));
    }
    let path = Path::new(&settings.security.master_key_path);
    let failed = |what: &str, error: &dyn std::fmt::Display| StartFault(format!("{what} {}: {error}", path.display()));
    match fs::read_to_string(path) {
        Ok(text) => MasterKey::parse(text.trim()).map_err(|fault| failed("unusable master key in", &fault)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let key = MasterKey::generate(crate::process::random::source())
                .map_err(|_| StartFault("no random bytes".into()))?;
            write_private_file(path, key.to_text().as_bytes()).map_err(|error| failed("cannot write", &error))?;
            made.master_key = Some(path.to_owned());
            // another process may have been first: what the file holds is the key
            let text = fs::read_to_string(path).map_err(|error| failed("cannot read", &error))?;
            MasterKey::parse(text.trim()).map_err(|fault| failed("unusable master key in", &fault))
        }
        Err(error) => Err(failed("cannot read the master key", &error)),
    }
}

/// Writes a new file that only its owner can read; one that exists already stays as it is. Others see all of it or nothing:
/// it is written under another name and linked when it is complete.
pub(crate) fn write_private_file(path: &Path, content: &[u8]) -> std::io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    make_private_folder(folder)?;
    let draft = path.with_extension(format!("new-{}", std::process::id()));
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let mut file = options.open(&draft)?;
    let written = file.write_all(content).and_then(|()| file.sync_all()).and_then(|()| fs::hard_link(&draft, path));
    fs::remove_file(&draft)?;
    match written {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    }
}

fn make_private_folder(folder: &Path) -> std::io::Result<()> {
    if folder.exists() {
        return Ok(());
    }
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(0o700);
    }
    builder.create(folder)
}
