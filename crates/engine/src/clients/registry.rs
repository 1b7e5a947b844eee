//! Clients and APIs as the engine uses them: parsed once, kept in memory while nothing about them changes.

use std::sync::{Arc, RwLock};

use gatepost_protocol::grant_type::GrantType;
use gatepost_protocol::redirect_uri;
use gatepost_protocol::resource::{Resources, same_resource};
use gatepost_protocol::scope::ScopeSet;
use gatepost_protocol::secret::TokenHash;
use gatepost_store::clients::resource_servers::{self, ResourceServerRow, ScopeRow};
use gatepost_store::clients::{self, ClientRow};
use gatepost_store::{Db, Epochs, Stamp, StoreError, Topic};
use moka::sync::Cache;

/// The scope with which a client says that it wants a refresh token; known to the server itself.
pub const OFFLINE_ACCESS: &str = "offline_access";

/// What kind of program a client is; decides which fields make sense and how far it is believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientKind {
    /// a web app with a server, which keeps a secret
    Web,
    /// a program on people's computers (RFC 8252)
    Native,
    /// a phone or browser app without a secret
    Browser,
    /// a service without people
    Service,
}

impl ClientKind {
    /// All kinds, as settings and commands write them.
    pub const ALL: [(&'static str, Self); 4] =
        [("web", Self::Web), ("native", Self::Native), ("browser", Self::Browser), ("service", Self::Service)];

    /// The kind's name.
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(_, kind)| *kind == self).map_or("web", |(name, _)| name)
    }

    /// The kind of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind)
    }
}

/// How a client authenticates at the token endpoint (OAuth 2.1 §2.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthMethod {
    /// it has no secret: a public client
    None,
    /// `client_secret_basic`
    Basic,
    /// `client_secret_post`
    Post,
    /// either of the two
    AnySecret,
}

impl AuthMethod {
    /// All methods, as settings and commands write them.
    pub const ALL: [(&'static str, Self); 4] = [
        ("none", Self::None),
        ("client_secret_basic", Self::Basic),
        ("client_secret_post", Self::Post),
        ("client_secret_any", Self::AnySecret),
    ];

    /// The method's name.
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(_, method)| *method == self).map_or("none", |(name, _)| name)
    }

    /// The method of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, method)| *method)
    }
}

/// A stored secret: the current one and, for a while after a rotation, the one before.
#[derive(Clone, Debug)]
pub struct StoredSecret {
    current: Option<TokenHash>,
    previous: Option<(TokenHash, i64)>,
}

impl StoredSecret {
    fn read(current: Option<&str>, previous: Option<&str>, previous_until: Option<i64>) -> Self {
        Self {
            current: current.and_then(TokenHash::from_base64),
            previous: previous.and_then(TokenHash::from_base64).zip(previous_until),
        }
    }

    /// Whether this is the secret, compared in constant time (RU-06).
    pub fn verify(&self, presented: &str, now: i64) -> bool {
        let presented = TokenHash::of_text(presented);
        let current = self.current.as_ref().is_some_and(|hash| hash.verify(&presented));
        let previous = self.previous.as_ref().is_some_and(|(hash, until)| hash.verify(&presented) && now < *until);
        current || previous
    }
}

/// A client.
#[derive(Clone, Debug)]
pub struct Client {
    /// its id
    pub client_id: String,
    /// what people see
    pub name: String,
    /// what kind of program it is
    pub kind: ClientKind,
    /// how it authenticates
    pub auth_method: AuthMethod,
    /// its secret, if it has one
    pub secret: StoredSecret,
    /// where answers may be sent, byte for byte
    pub redirect_uris: Vec<String>,
    /// what it may ask for
    pub scopes: ScopeSet,
    resources: Resources,
    grant_types: Vec<GrantType>,
    /// skips consent
    pub first_party: bool,
    /// the operator has checked who makes it
    pub verified: bool,
    /// its developers are shown registered values
    pub show_setup_errors: bool,
    /// seconds, in place of the server's setting
    pub access_ttl: Option<i64>,
    /// seconds, in place of the server's setting
    pub refresh_idle_ttl: Option<i64>,
    /// seconds, in place of the server's setting
    pub refresh_absolute_ttl: Option<i64>,
    /// a confidential client keeps its refresh token
    pub keeps_refresh_token: bool,
    /// repeats the answer to a refresh once within the grace
    pub refresh_replay: bool,
    /// nothing of it works
    pub disabled: bool,
    /// people must have signed in with two factors
    pub require_second_factor: bool,
}

impl Client {
    /// Parses a row; one that no command of ours can have written is an error, not a guess.
    pub fn from_row(row: &ClientRow) -> Result<Self, StoreError> {
        let corrupt = |what: &str| StoreError::Corrupt(format!("client {}: {what}", row.client_id));
        let list = |text: &str, what: &str| -> Result<Vec<String>, StoreError> {
            serde_json::from_str(text).map_err(|_| corrupt(what))
        };
        let auth_method = AuthMethod::parse(&row.auth_method).ok_or_else(|| corrupt("auth_method"))?;
        Ok(Self {
            client_id: row.client_id.clone(),
            name: row.name.clone(),
            kind: ClientKind::parse(&row.kind).ok_or_else(|| corrupt("kind"))?,
            auth_method,
            secret: StoredSecret::read(
                row.secret_hash.as_deref(),
                row.previous_secret_hash.as_deref(),
                row.previous_secret_expires_at,
            ),
            redirect_uris: list(&row.redirect_uris, "redirect_uris")?,
            scopes: ScopeSet::parse(&row.scopes).map_err(|_| corrupt("scopes"))?,
            resources: Resources::parse_json(&row.resources).ok_or_else(|| corrupt("resources"))?,
            grant_types: serde_json::from_str(&row.grant_types).map_err(|_| corrupt("grant_types"))?,
            first_party: row.first_party,
            verified: row.verified,
            show_setup_errors: row.show_setup_errors,
            access_ttl: row.access_ttl,
            refresh_idle_ttl: row.refresh_idle_ttl,
            refresh_absolute_ttl: row.refresh_absolute_ttl,
            // rotation is a MUST for public clients, whatever the row says (OAuth 2.1 §4.3.1)
            keeps_refresh_token: row.refresh_rotation == "keep" && auth_method != AuthMethod::None,
            refresh_replay: row.refresh_replay,
            disabled: row.disabled_at.is_some(),
            require_second_factor: row.require_second_factor,
        })
    }

    /// Whether it has no secret.
    pub fn is_public(&self) -> bool {
        self.auth_method == AuthMethod::None
    }

    /// Whether it may use this grant: its registration says so, and the grant is one for its kind.
    pub fn may_use(&self, grant_type: GrantType) -> bool {
        let fits = match grant_type {
            GrantType::AuthorizationCode | GrantType::RefreshToken => true,
            // OAuth 2.1 §4.2: MUST only be used by confidential clients
            GrantType::ClientCredentials => !self.is_public(),
        };
        fits && self.grant_types.contains(&grant_type)
    }

    /// Whether it may have tokens for this API; one whose registration names none may, for every API that owns a scope of its.
    pub fn may_reach(&self, resource: &str) -> bool {
        self.resources.is_empty() || self.resources.contains(resource)
    }

    /// Whether nothing about its redirect URIs proves who it is: any program on the computer can take its place.
    pub fn is_impersonable(&self) -> bool {
        self.is_public()
            && self
                .redirect_uris
                .iter()
                .all(|uri| !matches!(redirect_uri::describe_target(uri), redirect_uri::Target::Https { .. }))
    }
}

/// An API.
#[derive(Clone, Debug)]
pub struct ResourceServer {
    /// what it authenticates with
    pub id: String,
    /// what people see
    pub name: String,
    /// the audience of its tokens
    pub resource: String,
    /// its secret
    pub secret: StoredSecret,
    /// gets JWTs (RFC 9068) instead of opaque tokens
    pub wants_jwt: bool,
    /// refused
    pub disabled: bool,
}

impl ResourceServer {
    fn from_row(row: &ResourceServerRow) -> Self {
        Self {
            id: row.id.clone(),
            name: row.name.clone(),
            resource: row.resource.clone(),
            secret: StoredSecret::read(
                Some(&row.secret_hash),
                row.previous_secret_hash.as_deref(),
                row.previous_secret_expires_at,
            ),
            wants_jwt: row.access_token_format == "jwt",
            disabled: row.disabled_at.is_some(),
        }
    }
}

/// All APIs and their scopes.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    /// the APIs, by id
    pub servers: Vec<ResourceServer>,
    /// their scopes, by name
    pub scopes: Vec<ScopeRow>,
}

impl Catalogue {
    /// The API that a client names by its identifier (RI-06).
    pub fn find_by_resource(&self, resource: &str) -> Option<&ResourceServer> {
        self.servers.iter().find(|server| !server.disabled && same_resource(&server.resource, resource))
    }

    /// The API that authenticates with this id.
    pub fn find_by_id(&self, id: &str) -> Option<&ResourceServer> {
        self.servers.iter().find(|server| server.id == id)
    }

    /// What is known about a scope of an API.
    pub fn find_scope(&self, name: &str) -> Option<&ScopeRow> {
        self.scopes.binary_search_by(|scope| scope.name.as_str().cmp(name)).ok().map(|index| &self.scopes[index])
    }

    /// Whether anybody defines this scope.
    pub fn knows_scope(&self, name: &str) -> bool {
        name == OFFLINE_ACCESS || self.find_scope(name).is_some()
    }

    /// The APIs that own at least one of the scopes.
    pub fn owners_of(&self, scopes: &ScopeSet) -> Vec<&ResourceServer> {
        let owns = |server: &&ResourceServer| {
            !server.disabled
                && scopes.iter().any(|name| self.find_scope(name).is_some_and(|s| s.resource_server_id == server.id))
        };
        self.servers.iter().filter(owns).collect()
    }

    /// The scopes that mean something to these audiences; what the server itself defines always does (RI-05).
    pub fn narrow_to(&self, scopes: &ScopeSet, audience: &Resources) -> ScopeSet {
        let meant = |name: &str| match self.find_scope(name) {
            None => name == OFFLINE_ACCESS,
            Some(scope) => {
                self.find_by_id(&scope.resource_server_id).is_some_and(|server| audience.contains(&server.resource))
            }
        };
        scopes.iter().filter(|name| meant(name)).map(str::to_owned).collect()
    }
}

/// Clients and the catalogue in memory, each good until something about it changes.
#[derive(Debug)]
pub struct Registry {
    epochs: Arc<Epochs>,
    clients: Cache<String, (Arc<Client>, Stamp)>,
    catalogue: RwLock<Option<(Arc<Catalogue>, Stamp)>>,
}

/// Whatever changes any API or scope touches this.
pub(crate) fn catalogue_topic() -> Topic {
    Topic::ResourceServer("*".into())
}

impl Registry {
    pub(crate) fn new(epochs: Arc<Epochs>) -> Self {
        Self { epochs, clients: Cache::builder().max_capacity(10_000).build(), catalogue: RwLock::new(None) }
    }

    /// The client, without asking the database.
    pub fn recall_client(&self, client_id: &str) -> Option<Arc<Client>> {
        let (client, stamp) = self.clients.get(client_id)?;
        self.epochs.is_current(&stamp).then_some(client)
    }

    /// The catalogue, without asking the database.
    pub fn recall_catalogue(&self) -> Option<Arc<Catalogue>> {
        let kept = self.catalogue.read().ok()?;
        let (catalogue, stamp) = kept.as_ref()?;
        self.epochs.is_current(stamp).then(|| Arc::clone(catalogue))
    }

    /// The catalogue as it last was, good or not: for metadata while the database is away.
    pub fn last_catalogue(&self) -> Option<Arc<Catalogue>> {
        let kept = self.catalogue.read().ok()?;
        kept.as_ref().map(|(catalogue, _)| Arc::clone(catalogue))
    }

    /// Reads a client and keeps it. Not inside a write, which may see what is not committed yet.
    pub fn load_client(&self, db: &mut Db, client_id: &str) -> Result<Option<Arc<Client>>, StoreError> {
        let as_of = self.epochs.now();
        let Some(row) = clients::find_client(db, client_id)? else { return Ok(None) };
        let client = Arc::new(Client::from_row(&row)?);
        let stamp = Stamp::new(as_of, &[Topic::Client(client_id.to_owned())]);
        self.clients.insert(client_id.to_owned(), (Arc::clone(&client), stamp));
        Ok(Some(client))
    }

    /// Reads the catalogue and keeps it. Not inside a write, which may see what is not committed yet.
    pub fn load_catalogue(&self, db: &mut Db) -> Result<Arc<Catalogue>, StoreError> {
        let as_of = self.epochs.now();
        let servers = resource_servers::list_resource_servers(db)?.iter().map(ResourceServer::from_row).collect();
        let mut scopes = resource_servers::list_scopes(db)?;
        // the database's collation is not ours
        scopes.sort_by(|a, b| a.name.cmp(&b.name));
        let catalogue = Arc::new(Catalogue { servers, scopes });
        if let Ok(mut kept) = self.catalogue.write() {
            *kept = Some((Arc::clone(&catalogue), Stamp::new(as_of, &[catalogue_topic()])));
        }
        Ok(catalogue)
    }
}
