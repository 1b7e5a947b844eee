//! `FakeServer`: an authorization server of one file, and a browser made of one TCP connection.

use std::collections::HashMap;
use std::net::TcpListener;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use actix_web::http::header::{AUTHORIZATION, RETRY_AFTER};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gatepost_client::{ClientIdentity, Session, TokenStore, Tokens};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// What the server knows, and how it shall misbehave.
pub(crate) struct Behaviour {
    pub(crate) issuer: String,
    pub(crate) claimed_issuer: Option<String>,
    pub(crate) metadata_only_appended: bool,
    pub(crate) challenge: Option<String>,
    pub(crate) code: &'static str,
    pub(crate) refresh_token: String,
    pub(crate) access_token: String,
    pub(crate) refreshes: u32,
    pub(crate) refresh_delay: Duration,
    pub(crate) expires_in: u64,
    pub(crate) down: bool,
    pub(crate) revoked: Vec<String>,
    pub(crate) introspection: Value,
    pub(crate) introspections: u32,
    pub(crate) last_authorization: Option<String>,
    pub(crate) api_accepts_nothing: bool,
}

pub(crate) struct FakeServer {
    pub(crate) issuer: String,
    behaviour: Arc<Mutex<Behaviour>>,
}

type Shared = web::Data<Mutex<Behaviour>>;

impl FakeServer {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let behaviour = Arc::new(Mutex::new(Behaviour {
            issuer: issuer.clone(),
            claimed_issuer: None,
            metadata_only_appended: false,
            challenge: None,
            code: "gp_ac_1",
            refresh_token: "gp_rt_0".to_owned(),
            access_token: "gp_at_0".to_owned(),
            refreshes: 0,
            refresh_delay: Duration::ZERO,
            expires_in: 3600,
            down: false,
            revoked: Vec::new(),
            introspection: json!({"active": false}),
            introspections: 0,
            last_authorization: None,
            api_accepts_nothing: false,
        }));
        let shared = web::Data::from(Arc::clone(&behaviour));
        std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let app = move || {
                    App::new()
                        .app_data(shared.clone())
                        .route("/.well-known/{name}", web::get().to(metadata))
                        .route("/token", web::post().to(token))
                        .route("/revoke", web::post().to(revoke))
                        .route("/introspect", web::post().to(introspect))
                        .route("/api/v1/whoami", web::get().to(whoami))
                        .route("/big", web::get().to(|| async { HttpResponse::Ok().body("x".repeat(100_000)) }))
                };
                HttpServer::new(app).workers(1).disable_signals().listen(listener).unwrap().run().await.unwrap();
            });
        });
        Self { issuer, behaviour }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Behaviour> {
        self.behaviour.lock().unwrap()
    }

    pub(crate) fn session(&self, store: TokenStore) -> Session {
        Session::new(&self.issuer, ClientIdentity::public("cli"), store)
    }

    /// A session whose access token was good for an hour and has `seconds_left` of it.
    pub(crate) async fn signed_in(&self, store: TokenStore, seconds_left: i64) -> Session {
        let session = self.session(store);
        session.keep(tokens(seconds_left)).await.unwrap();
        session
    }
}

pub(crate) fn tokens(seconds_left: i64) -> Tokens {
    let now = i64::try_from(std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs()).unwrap();
    Tokens {
        access_token: "gp_at_0".into(),
        refresh_token: Some("gp_rt_0".into()),
        scopes: vec!["notes:read".to_owned()],
        received_at: now + seconds_left - 3600,
        expires_at: Some(now + seconds_left),
    }
}

/// A browser that follows one redirect; the final status line, headers and body.
pub(crate) async fn browse(url: &str) -> String {
    let first = fetch(url).await;
    match first.lines().find_map(|line| line.strip_prefix("Location: ")) {
        Some(path) if path.starts_with('/') => {
            let origin = &url[..url[7..].find('/').unwrap() + 7];
            fetch(&format!("{origin}{path}")).await
        }
        _ => first,
    }
}

pub(crate) async fn fetch(url: &str) -> String {
    let rest = url.strip_prefix("http://").unwrap();
    let (host, path) = rest.split_at(rest.find('/').unwrap());
    let mut stream = TcpStream::connect(host).await.unwrap();
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n").as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

async fn metadata(state: Shared, name: web::Path<String>) -> HttpResponse {
    let state = state.lock().unwrap();
    if state.metadata_only_appended && name.as_str() == "oauth-authorization-server" {
        return HttpResponse::NotFound().finish();
    }
    let issuer = &state.issuer;
    HttpResponse::Ok().json(json!({
        "issuer": state.claimed_issuer.as_ref().unwrap_or(issuer),
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/jwks"),
        "introspection_endpoint": format!("{issuer}/introspect"),
        "revocation_endpoint": format!("{issuer}/revoke"),
        "response_types_supported": ["code"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["none", "client_secret_basic"],
        "authorization_response_iss_parameter_supported": true,
    }))
}

async fn token(state: Shared, form: web::Form<HashMap<String, String>>, request: HttpRequest) -> HttpResponse {
    let delay = state.lock().unwrap().refresh_delay;
    tokio::time::sleep(delay).await;
    let mut state = state.lock().unwrap();
    state.last_authorization = request.headers().get(AUTHORIZATION).map(|value| value.to_str().unwrap().to_owned());
    if state.down {
        return HttpResponse::ServiceUnavailable().finish();
    }
    let refused = |error: &str| {
        HttpResponse::BadRequest()
            .json(json!({"error": error, "error_description": "an administrator ended this session"}))
    };
    match form["grant_type"].as_str() {
        "authorization_code" => {
            let digest = ring::digest::digest(&ring::digest::SHA256, form["code_verifier"].as_bytes());
            if form["code"] != state.code || state.challenge.as_deref() != Some(&URL_SAFE_NO_PAD.encode(digest)) {
                return refused("invalid_grant");
            }
        }
        "refresh_token" => {
            if form["refresh_token"] != state.refresh_token {
                // a second use ends the sign-in, as at the real server
                state.refresh_token.clear();
                return refused("invalid_grant");
            }
            state.refreshes += 1;
            state.refresh_token = format!("gp_rt_{}", state.refreshes);
            state.access_token = format!("gp_at_{}", state.refreshes);
        }
        _ => return refused("unsupported_grant_type"),
    }
    HttpResponse::Ok().json(json!({
        "access_token": state.access_token,
        "token_type": "Bearer",
        "expires_in": state.expires_in,
        "refresh_token": state.refresh_token,
        "scope": "notes:read notes:write",
    }))
}

async fn revoke(state: Shared, form: web::Form<HashMap<String, String>>) -> HttpResponse {
    let mut state = state.lock().unwrap();
    if state.down {
        return HttpResponse::ServiceUnavailable().finish();
    }
    state.revoked.push(form["token"].clone());
    HttpResponse::Ok().finish()
}

async fn introspect(state: Shared, request: HttpRequest) -> HttpResponse {
    let mut state = state.lock().unwrap();
    state.last_authorization = request.headers().get(AUTHORIZATION).map(|value| value.to_str().unwrap().to_owned());
    state.introspections += 1;
    if state.down {
        return HttpResponse::ServiceUnavailable().insert_header((RETRY_AFTER, "7")).finish();
    }
    HttpResponse::Ok().json(&state.introspection)
}

async fn whoami(state: Shared, request: HttpRequest) -> HttpResponse {
    let state = state.lock().unwrap();
    let expected = format!("Bearer {}", state.access_token);
    let header = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    if state.api_accepts_nothing || header != Some(&expected) {
        return HttpResponse::Unauthorized().finish();
    }
    HttpResponse::Ok()
        .json(json!({"sub": "u1", "email": "ada@example.com", "scope": "notes:read", "client_id": "cli", "exp": 1}))
}
