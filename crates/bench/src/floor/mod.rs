//! The floors: what each layer of an introspection or token endpoint costs with nothing else around it.
//!
//! They use the same HTTP library and the same databases as Gatepost and leave out everything that makes an
//! authorization server: what Gatepost costs more is the price of its checks.

mod issue;
mod read;

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use actix_web::error::ErrorInternalServerError;
use actix_web::http::header;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::ValueEnum;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::r2d2::{ConnectionManager, Pool};
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use serde::{Deserialize, Serialize};

use crate::cli::FloorArgs;
use crate::ops::open_random;
use issue::Writer;

/// What a floor does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Mode {
    /// the form is parsed, the answer is fixed; no authentication
    Bare,
    /// and Basic authentication by SHA-256, and the token's SHA-256
    Hash,
    /// and a SQLite look-up by diesel in the worker; writes as in rusqlite-batch-full
    DieselSqlite,
    /// the same by rusqlite; one writer commits in batches, synchronous=FULL
    RusqliteBatchFull,
    /// PostgreSQL through diesel, r2d2 and web::block
    DieselPgPool,
}

/// The one client of every floor.
pub(crate) const CLIENT_ID: &str = "bench-cc";
/// Its secret; a floor holds nothing that is worth one.
pub(crate) const CLIENT_SECRET: &str = "bench-secret-0123456789abcdef0123456789abcdef";
/// Its name for the commits that reached the disk.
pub(crate) const COMMITS: &str = "floor_sqlite_commits_total";

const PRAGMAS: &str = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA busy_timeout=5000; \
                       PRAGMA cache_size=-16000; PRAGMA mmap_size=268435456;";
const TABLE: &str = "CREATE TABLE IF NOT EXISTS tokens (hash BLOB PRIMARY KEY NOT NULL, client_id TEXT NOT NULL, \
                     sub TEXT NOT NULL, scope TEXT NOT NULL, iat BIGINT NOT NULL, exp BIGINT NOT NULL, \
                     revoked BOOLEAN NOT NULL)";
const FIXED_ANSWER: &str = r#"{"active":true,"scope":"api","client_id":"bench-cc","sub":"bench-cc","iss":"http://127.0.0.1","token_type":"Bearer","iat":1700000000,"exp":1800000000}"#;

diesel::table! {
    tokens (hash) {
        hash -> Binary,
        client_id -> Text,
        sub -> Text,
        scope -> Text,
        iat -> BigInt,
        exp -> BigInt,
        revoked -> Bool,
    }
}

type PgPool = Pool<ConnectionManager<PgConnection>>;
type Failure = actix_web::Error;

struct State {
    mode: Mode,
    data: PathBuf,
    secret_hash: [u8; 32],
    random: SystemRandom,
    postgres: Option<PgPool>,
    writer: Option<Writer>,
}

#[derive(Deserialize)]
struct IntrospectForm {
    token: String,
}

#[derive(Deserialize)]
struct TokenForm {
    grant_type: String,
}

#[derive(Serialize)]
struct ActiveAnswer<'a> {
    active: bool,
    scope: &'a str,
    client_id: &'a str,
    sub: &'a str,
    iss: &'a str,
    token_type: &'a str,
    iat: i64,
    exp: i64,
}

#[derive(Serialize)]
struct TokenAnswer<'a> {
    access_token: &'a str,
    token_type: &'a str,
    expires_in: i64,
    scope: &'a str,
}

/// Serves one floor until the process is told to end.
pub(crate) fn run_floor(args: FloorArgs) -> Result<(), String> {
    let fail = |error: std::io::Error| format!("floor: {error}");
    let state = web::Data::new(make_state(&args)?);
    let make_app = move || {
        App::new()
            .app_data(state.clone())
            .route("/introspect", web::post().to(introspect))
            .route("/token", web::post().to(issue_token))
            .route("/metrics", web::get().to(show_metrics))
            .route("/ready", web::get().to(|| async { HttpResponse::Ok().body("ready") }))
    };
    let server = HttpServer::new(make_app).bind(("127.0.0.1", args.port)).map_err(fail)?;
    actix_web::rt::System::new().block_on(server.run()).map_err(fail)
}

fn make_state(args: &FloorArgs) -> Result<State, String> {
    let mut state = State {
        mode: args.mode,
        data: args.data.clone(),
        secret_hash: hash(CLIENT_SECRET.as_bytes()),
        random: open_random(),
        postgres: None,
        writer: None,
    };
    match args.mode {
        Mode::Bare | Mode::Hash => {}
        Mode::DieselSqlite | Mode::RusqliteBatchFull => {
            let connection = open_sqlite(&args.data).map_err(|error| format!("floor: {error}"))?;
            let table = format!("{TABLE} WITHOUT ROWID");
            connection.execute_batch(&table).map_err(|error| format!("floor: {error}"))?;
            state.writer = Some(Writer::start(connection));
        }
        Mode::DieselPgPool => {
            let manager = ConnectionManager::<PgConnection>::new(&args.postgres);
            let pool = Pool::builder().max_size(4).build(manager).map_err(|error| format!("floor: {error}"))?;
            let mut connection = pool.get().map_err(|error| format!("floor: {error}"))?;
            connection.batch_execute(&TABLE.replace("BLOB", "BYTEA")).map_err(|error| format!("floor: {error}"))?;
            state.postgres = Some(pool);
        }
    }
    Ok(state)
}

fn open_sqlite(file: &Path) -> rusqlite::Result<rusqlite::Connection> {
    let connection = rusqlite::Connection::open(file)?;
    connection.execute_batch(PRAGMAS)?;
    Ok(connection)
}

/// Does a query on a connection of the pool in another thread: the usual way to use diesel in a server.
async fn run_on_pool<T: Send + 'static>(
    state: &State,
    query: impl FnOnce(&mut PgConnection) -> QueryResult<T> + Send + 'static,
) -> Result<T, Failure> {
    let pool = state.postgres.clone().ok_or_else(|| ErrorInternalServerError("no pool"))?;
    let run = move || {
        let mut connection = pool.get().map_err(|error| error.to_string())?;
        query(&mut connection).map_err(|error| error.to_string())
    };
    web::block(run).await?.map_err(ErrorInternalServerError)
}

#[expect(clippy::disallowed_methods, reason = "a floor pays for the clock as the server does")]
fn read_clock() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

fn hash(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest(&SHA256, bytes).as_ref());
    out
}

fn is_authentic(state: &State, request: &HttpRequest) -> bool {
    let header = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let Some(encoded) = header.and_then(|text| text.strip_prefix("Basic ")) else { return false };
    let mut buffer = [0_u8; 256];
    let Ok(length) = STANDARD.decode_slice(encoded, &mut buffer) else { return false };
    let pair = &buffer[..length];
    let Some(colon) = pair.iter().position(|byte| *byte == b':') else { return false };
    let given = hash(&pair[colon + 1..]);
    let difference = given.iter().zip(&state.secret_hash).fold(0, |all, (a, b)| all | (a ^ b));
    &pair[..colon] == CLIENT_ID.as_bytes() && difference == 0
}

async fn introspect(
    state: web::Data<State>,
    request: HttpRequest,
    form: web::Form<IntrospectForm>,
) -> Result<HttpResponse, Failure> {
    if state.mode == Mode::Bare {
        return Ok(HttpResponse::Ok().content_type("application/json").body(FIXED_ANSWER));
    }
    if !is_authentic(&state, &request) {
        return Ok(HttpResponse::Unauthorized().finish());
    }
    let row = read::find_row(&state, hash(form.token.as_bytes())).await?;
    let now = read_clock();
    let body = match &row {
        Some(row) if !row.revoked && row.exp > now => serde_json::to_vec(&ActiveAnswer {
            active: true,
            scope: &row.scope,
            client_id: &row.client_id,
            sub: &row.sub,
            iss: "http://127.0.0.1",
            token_type: "Bearer",
            iat: row.iat,
            exp: row.exp,
        })
        .map_err(ErrorInternalServerError)?,
        _ => br#"{"active":false}"#.to_vec(),
    };
    Ok(answer_json(body))
}

async fn issue_token(
    state: web::Data<State>,
    request: HttpRequest,
    form: web::Form<TokenForm>,
) -> Result<HttpResponse, Failure> {
    if state.mode != Mode::Bare && !is_authentic(&state, &request) {
        return Ok(HttpResponse::Unauthorized().finish());
    }
    if form.grant_type != "client_credentials" {
        return Ok(HttpResponse::BadRequest().body(r#"{"error":"unsupported_grant_type"}"#));
    }
    let token = issue::issue(&state).await?;
    let answer = TokenAnswer { access_token: &token, token_type: "Bearer", expires_in: 3600, scope: "api" };
    Ok(answer_json(serde_json::to_vec(&answer).map_err(ErrorInternalServerError)?))
}

async fn show_metrics(state: web::Data<State>) -> HttpResponse {
    let commits = state.writer.as_ref().map(|writer| format!("{COMMITS} {}\n", writer.count_commits()));
    HttpResponse::Ok().content_type("text/plain").body(commits.unwrap_or_default())
}

fn answer_json(body: Vec<u8>) -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").insert_header((header::CACHE_CONTROL, "no-store")).body(body)
}
