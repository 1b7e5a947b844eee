//! Decisions with a clock that the test moves, on SQLite in memory.
#![expect(clippy::disallowed_methods, reason = "tests draw real random numbers")]

mod audit;
mod cleanup;
mod codes;
mod consent;
mod fresh;
mod invites;
mod keys;
mod last_admin;
mod mail;
mod mailed;
mod modules;
mod passkeys;
mod refresh;
mod revocation;
mod second;
mod secrets;
mod sessions;
mod setup;
mod throttle;
mod trips;

use std::future::Future;
use std::sync::Arc;

use gatepost_protocol::issuer::Issuer;
use gatepost_protocol::params::Params;
use gatepost_protocol::pkce;
use gatepost_protocol::secret::TokenHash;
use gatepost_protocol::token::TokenResponse;
use gatepost_store::people::users;
use gatepost_store::{DatabaseUrl, Db, Outcome, Role, Store, StoreConfig, Tx};
use ring::rand::SystemRandom;

use crate::clients::manage::{ClientSpec, add_client};
use crate::clients::registry::{Catalogue, Client, ClientKind};
use crate::clients::resource_servers::{ResourceServerSpec, ScopeSpec, add_resource_server};
use crate::kernel::seal::MasterKey;
use crate::oauth::authorize::{AuthorizationRequest, Incoming, check_authorization};
use crate::oauth::consent::{Answer, issue_code};
use crate::oauth::introspect;
use crate::oauth::token::{check_token_request, exchange_grant};
use crate::people::email::normalize_email;
use crate::people::sessions::SignedIn;
use crate::people::sign_in::enter::insert_new_session;
use crate::people::sign_in::method::Method;
use crate::people::sign_up::{NewUser, sign_up};
use crate::{Call, Engine, Origin, PasswordPolicy, Policy, Refused, Result, Retention, SignUpMode};

/// When every test begins.
const START: i64 = 1_800_000_000;
const VERIFIER: &str = "a-verifier-of-forty-three-characters-or-more";
const BROWSER: &str = "the-browser";

/// An engine, a database in memory, and a clock.
struct World {
    store: Store,
    engine: Arc<Engine>,
    now: i64,
}

/// What a token request came to.
type Answered = std::result::Result<TokenResponse, Refused>;

/// Waits for a future; the store answers from a thread of its own and has deadlines.
fn block_on<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    runtime.block_on(future)
}

/// The defaults of `config/default.toml`, with a hash that costs nothing.
fn default_policy() -> Policy {
    Policy {
        access_ttl: 600,
        code_ttl: 60,
        refresh_idle_ttl: 30 * 86_400,
        refresh_absolute_ttl: 90 * 86_400,
        refresh_reuse_grace: 10,
        request_ttl: 1800,
        session_idle_ttl: 7 * 86_400,
        session_absolute_ttl: 30 * 86_400,
        secret_overlap: 86_400,
        setup_link_ttl: 86_400,
        key_life: 90 * 86_400,
        key_publish_ahead: 86_400,
        ip_failure_limit: 30,
        free_failures: 5,
        max_delay: 900,
        hard_stop: 100,
        cache_introspection: true,
        sign_up: SignUpMode::Open,
        admin_email: None,
        admin_second_factor: false,
        sudo_age: 300,
        issuers: Vec::new(),
        mail: true,
        password: PasswordPolicy { min_length: 15, m_cost: 8, t_cost: 1, p_cost: 1 },
        retention: Retention {
            codes: 3600,
            access_tokens: 86_400,
            refresh_tokens: 7 * 86_400,
            sessions: 7 * 86_400,
            mail_links: 86_400,
            invites: 30 * 86_400,
            audit: 365 * 86_400,
            batch: 1000,
        },
    }
}

impl World {
    /// The APIs `notes` (scopes notes:read, notes:write) and `files` (files:read), and the web client `web`.
    fn new(adjust: impl FnOnce(&mut Policy)) -> Self {
        let mut policy = default_policy();
        adjust(&mut policy);
        let store = Store::open(StoreConfig::new(DatabaseUrl::SqliteMemory, Role::Server)).expect("a database");
        let issuer = Issuer::parse("https://id.example").expect("an issuer");
        let random = SystemRandom::new();
        let master = MasterKey::generate(&random).expect("randomness");
        let engine = Arc::new(Engine::new(issuer, policy, &master, Arc::clone(store.epochs()), Box::new(random)));
        let world = Self { store, engine, now: START };
        world.add_api("notes", &["notes:read", "notes:write"]);
        world.add_api("files", &["files:read"]);
        world.add_client("web", ClientKind::Web, "https://app.example/callback", |_| {});
        world
    }

    fn call_from(&self, ip: &str) -> Call {
        let origin = Origin { ip: ip.into(), ..Origin::default() };
        Call { engine: Arc::clone(&self.engine), now: self.now, origin }
    }

    fn call(&self) -> Call {
        self.call_from("192.0.2.1")
    }

    fn read<T: Send + 'static>(&self, mut read: impl FnMut(&Call, &mut Db) -> Result<T> + Send + 'static) -> T {
        let call = self.call();
        block_on(self.store.read(move |db| read(&call, db))).expect("a read")
    }

    fn write<T: Send + 'static>(
        &self,
        mut write: impl FnMut(&Call, &mut Tx<'_>) -> Result<Outcome<T>> + Send + 'static,
    ) -> T {
        let call = self.call();
        block_on(self.store.write(move |tx| write(&call, tx))).expect("a write")
    }

    fn add_api(&self, id: &'static str, scopes: &'static [&'static str]) {
        let scope = |name: &&'static str| ScopeSpec {
            name: (*name).into(),
            description: format!("Do {name}"),
            sensitive: false,
        };
        let spec = ResourceServerSpec {
            id: id.into(),
            name: id.into(),
            resource: format!("https://{id}.example"),
            scopes: scopes.iter().map(scope).collect(),
            jwt: false,
        };
        drop(self.write(move |call, tx| add_resource_server(call, tx, &spec)).expect("an API"));
    }

    fn add_client(&self, id: &str, kind: ClientKind, redirect: &str, adjust: impl FnOnce(&mut ClientSpec)) {
        let mut spec = ClientSpec::new(id, kind);
        spec.client_id = Some(id.into());
        spec.redirect_uris = vec![redirect.into()];
        spec.scopes = ["notes:read", "notes:write", "files:read", "offline_access"].map(str::to_owned).to_vec();
        adjust(&mut spec);
        self.write(move |call, tx| add_client(call, tx, &spec)).expect("a client");
    }

    fn client(&self, id: &'static str) -> Arc<Client> {
        self.read(move |call, db| Ok(call.engine.registry.load_client(db, id)?)).expect("the client")
    }

    fn catalogue(&self) -> Arc<Catalogue> {
        self.read(|call, db| Ok(call.engine.registry.load_catalogue(db)?))
    }

    /// Adds a person, who is signed in from then on; the cookie and the session.
    fn add_person(&self, email: &str) -> (String, SignedIn) {
        let new = NewUser {
            email: normalize_email(email).expect("an address"),
            name: "Ada".into(),
            email_verified: false,
            password_hash: Some("a hash".into()),
            role: "user",
        };
        let started = self.write(move |call, tx| sign_up(call, tx, &new, None)).expect("a new account");
        (started.cookie.expose().to_owned(), started.signed_in)
    }

    /// The same person in another browser, signed in now; the cookie and the session.
    fn sign_in_again(&self, session: &SignedIn) -> (String, SignedIn) {
        let id = session.user_id.clone();
        self.write(move |call, tx| {
            let user = users::find_user(tx, &id)?.expect("the person");
            let started = insert_new_session(call, tx, &user, &[Method::Password], false)?;
            let (cookie, session) = (started.cookie, started.signed_in);
            Ok(Outcome::Commit((cookie.expose().to_owned(), session)))
        })
    }

    /// A checked request of the web client; `more` overrides and adds parameters.
    fn request(&self, client: &'static str, more: &[(&str, &str)]) -> AuthorizationRequest {
        let client = self.client(client);
        let challenge = pkce::s256(VERIFIER);
        let mut pairs = vec![
            ("response_type", "code"),
            ("client_id", &client.client_id),
            ("redirect_uri", &client.redirect_uris[0]),
            ("scope", "notes:read offline_access"),
            ("state", "s"),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ];
        pairs.retain(|(name, _)| !more.iter().any(|(other, _)| other == name));
        pairs.extend_from_slice(more);
        let params = Params::from_pairs(pairs);
        let incoming = Incoming { params: &params, client: Some(&client), catalogue: &self.catalogue() };
        check_authorization(&self.call(), &incoming).expect("a good request")
    }

    /// Answers the request with a code; `None` where it had its answer already.
    fn answer(&self, request: &AuthorizationRequest, session: &SignedIn, asked: bool) -> Option<String> {
        let (request, session) = (request.clone(), session.clone());
        match self.write(move |call, tx| issue_code(call, tx, &request, &session, asked)) {
            Answer::Redirect(url) => {
                let (_, query) = url.split_once('?').expect("a query");
                Some(Params::parse(query.as_bytes()).expect("parameters").one("code").expect("a code").to_owned())
            }
            Answer::AlreadyAnswered | Answer::SignedOut => None,
        }
    }

    fn code(&self, client: &'static str, session: &SignedIn) -> String {
        self.answer(&self.request(client, &[]), session, true).expect("a code")
    }

    /// Asks the token endpoint's decision.
    fn exchange(&self, client: &'static str, pairs: &[(&str, &str)]) -> Answered {
        let params = Arc::new(Params::from_pairs(pairs.iter().copied()));
        let request = check_token_request(params, self.client(client), self.catalogue())?;
        self.write(move |call, tx| exchange_grant(call, tx, &request))
    }

    fn redeem(&self, client: &'static str, code: &str) -> Answered {
        self.redeem_with(client, code, VERIFIER)
    }

    fn redeem_with(&self, client: &'static str, code: &str, verifier: &str) -> Answered {
        self.exchange(client, &[("grant_type", "authorization_code"), ("code", code), ("code_verifier", verifier)])
    }

    fn refresh(&self, client: &'static str, token: &str) -> Answered {
        self.exchange(client, &[("grant_type", "refresh_token"), ("refresh_token", token)])
    }

    /// The first tokens of somebody who has just signed up.
    fn first_tokens(&self, client: &'static str) -> TokenResponse {
        let (_, session) = self.add_person("ada@example.com");
        self.redeem(client, &self.code(client, &session)).expect("tokens")
    }

    /// Whether the API `notes` would be told that the token is active, from memory or from the database.
    fn is_active(&self, token: &str) -> bool {
        let hash = introspect::read_presented_token(token).expect("a token");
        let catalogue = self.catalogue();
        let call = self.call();
        let server = catalogue.find_by_id("notes").expect("the API");
        if introspect::recall_token(&call, server, &hash).is_some() {
            return true;
        }
        self.is_active_in_database(hash)
    }

    fn is_active_in_database(&self, hash: TokenHash) -> bool {
        let catalogue = self.catalogue();
        self.read(move |call, db| {
            let server = catalogue.find_by_id("notes").expect("the API");
            Ok(introspect::find_token(call, db, server, &hash)?.is_some())
        })
    }
}

fn refresh_token(response: &TokenResponse) -> &str {
    response.refresh_token.as_deref().expect("a refresh token")
}

/// The refusal is `invalid_grant`, with a detail that names the reason.
#[track_caller]
fn assert_invalid_grant(answered: &Answered, why: &str) {
    let refused = answered.as_ref().expect_err("must be refused");
    assert_eq!(refused.code.as_str(), "invalid_grant");
    assert!(refused.detail.contains(why), "expected {why:?} in {:?}", refused.detail);
}
