//! The sample API: keeps notes, and asks Gatepost about every token.

use std::collections::HashMap;
use std::io;
use std::net::TcpListener;
use std::sync::{Mutex, MutexGuard, PoisonError};

use actix_web::dev::Server;
use actix_web::http::StatusCode;
use actix_web::{App, HttpResponse, HttpServer, web};
use gatepost_client::actix::{Authorized, BearerSettings, RequiredScopes};
use gatepost_client::{ActiveToken, ClientIdentity, IntrospectionOptions, Introspector, SecretText};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{escape_html, render_page};

const MAX_PEOPLE: usize = 1000;
const MAX_NOTES: usize = 100;
const MAX_NOTE_CHARS: usize = 500;
const MAX_BODY_BYTES: usize = 16 * 1024;

/// How the sample API reaches Gatepost.
#[derive(Clone, Debug)]
pub(crate) struct SampleApi {
    /// The server that is asked.
    pub(crate) issuer: String,
    /// This API's own identifier; its address without path.
    pub(crate) resource: String,
    /// With what it asks.
    pub(crate) client_id: String,
    /// With what it asks.
    pub(crate) client_secret: SecretText,
}

struct ReadNotes;

impl RequiredScopes for ReadNotes {
    const SCOPES: &'static [&'static str] = &["notes:read"];
}

struct WriteNotes;

impl RequiredScopes for WriteNotes {
    const SCOPES: &'static [&'static str] = &["notes:write"];
}

#[derive(Clone, Serialize)]
struct Note {
    id: u64,
    text: String,
}

#[derive(Deserialize)]
struct NewNote {
    text: String,
}

/// Everybody's notes, until the process ends.
#[derive(Default)]
struct Notes {
    by_person: Mutex<HashMap<String, Vec<Note>>>,
}

/// Serves the sample API on this socket with one worker; await the result to run it.
///
/// # Errors
/// When the socket cannot be used.
pub(crate) fn run_sample_api(listener: TcpListener, config: SampleApi) -> io::Result<Server> {
    let me = ClientIdentity::confidential(&config.client_id, config.client_secret.clone());
    let options = IntrospectionOptions::new(&config.issuer, me, &config.resource);
    let introspector = Introspector::new(options).map_err(io::Error::other)?;
    let metadata_url = format!("{}/.well-known/oauth-protected-resource", config.resource.trim_end_matches('/'));
    let bearer = BearerSettings::new(introspector).with_realm("notes").with_resource_metadata(metadata_url);
    let (bearer, notes, config) = (web::Data::new(bearer), web::Data::new(Notes::default()), web::Data::new(config));
    let server = HttpServer::new(move || {
        App::new()
            .app_data(bearer.clone())
            .app_data(notes.clone())
            .app_data(config.clone())
            .app_data(web::JsonConfig::default().limit(MAX_BODY_BYTES).error_handler(|_, _| {
                let body = json!({"error": "invalid_request", "error_description": "Send JSON: {\"text\": \"…\"}"});
                actix_web::error::InternalError::from_response("not a note", HttpResponse::BadRequest().json(body))
                    .into()
            }))
            .route("/", web::get().to(show_start))
            .route("/.well-known/oauth-protected-resource", web::get().to(show_metadata))
            .route("/notes", web::get().to(list_notes))
            .route("/notes", web::post().to(add_note))
            .route("/notes/{id}", web::delete().to(delete_note))
    });
    Ok(server.workers(1).disable_signals().listen(listener)?.run())
}

async fn list_notes(caller: Authorized<ReadNotes>, notes: web::Data<Notes>) -> HttpResponse {
    let list = notes.lock().entry(caller.subject.clone()).or_insert_with(write_first_notes).clone();
    notes.forget_some();
    HttpResponse::Ok().json(json!({ "notes_of": name_caller(&caller), "notes": list }))
}

async fn add_note(caller: Authorized<WriteNotes>, note: web::Json<NewNote>, notes: web::Data<Notes>) -> HttpResponse {
    let text = note.text.trim();
    if text.is_empty() || text.chars().count() > MAX_NOTE_CHARS {
        return refuse(StatusCode::BAD_REQUEST, "A note has 1 to 500 characters.");
    }
    let mut by_person = notes.lock();
    let list = by_person.entry(caller.subject.clone()).or_insert_with(write_first_notes);
    if list.len() >= MAX_NOTES {
        return refuse(StatusCode::CONFLICT, "100 notes are enough for a sample; delete one first.");
    }
    let id = list.iter().map(|note| note.id).max().unwrap_or(0) + 1;
    let note = Note { id, text: text.to_owned() };
    list.push(note.clone());
    drop(by_person);
    notes.forget_some();
    HttpResponse::Created().json(note)
}

async fn delete_note(caller: Authorized<WriteNotes>, id: web::Path<u64>, notes: web::Data<Notes>) -> HttpResponse {
    let mut by_person = notes.lock();
    let list = by_person.entry(caller.subject.clone()).or_insert_with(write_first_notes);
    let before = list.len();
    list.retain(|note| note.id != *id);
    if list.len() == before {
        refuse(StatusCode::NOT_FOUND, "There is no such note.")
    } else {
        HttpResponse::NoContent().finish()
    }
}

/// RFC 9728: where a client that knows only this API learns which server to ask.
async fn show_metadata(config: web::Data<SampleApi>) -> HttpResponse {
    HttpResponse::Ok().json(json!({
        "resource": config.resource,
        "resource_name": "Sample API",
        "authorization_servers": [config.issuer],
        "scopes_supported": ["notes:read", "notes:write"],
        "bearer_methods_supported": ["header"],
    }))
}

async fn show_start(config: web::Data<SampleApi>) -> HttpResponse {
    let resource = escape_html(config.resource.trim_end_matches('/'));
    let body = format!(
        "<header><strong>Sample API</strong></header>\n<main>\n<h1>An API that keeps notes</h1>\n\
         <p class=\"muted\">It has no passwords and no keys to check tokens with. For every request it asks \
         <a href=\"{issuer}\">{issuer}</a> whether the token is good here, and for what.</p>\n\
         <h2>Read your notes</h2>\n<pre>gatepost login\ncurl -H \"Authorization: Bearer $(gatepost token)\" {resource}/notes</pre>\n\
         <h2>Write one</h2>\n<pre>curl -H \"Authorization: Bearer $(gatepost token)\" \\\n  --json '{{\"text\": \"Buy milk\"}}' {resource}/notes</pre>\n\
         <h2>See it refuse</h2>\n<pre>gatepost logout\ncurl -i {resource}/notes</pre>\n</main>\n\
         <footer>Comes with <code>gatepost serve --dev</code>. The notes are gone when it stops.</footer>",
        issuer = escape_html(&config.issuer)
    );
    render_page(StatusCode::OK, "Sample API", &body)
}

impl Notes {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Vec<Note>>> {
        self.by_person.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A sample that runs for weeks must not eat the machine.
    fn forget_some(&self) {
        let mut by_person = self.lock();
        if by_person.len() > MAX_PEOPLE {
            by_person.clear();
        }
    }
}

fn name_caller(caller: &ActiveToken) -> &str {
    caller.username.as_deref().unwrap_or(&caller.subject)
}

fn write_first_notes() -> Vec<Note> {
    let texts = [
        "Before it showed you this, the sample API asked Gatepost about the token.",
        "End the sign-in in your account, and the next request is refused at once.",
    ];
    texts.into_iter().zip(1..).map(|(text, id)| Note { id, text: text.to_owned() }).collect()
}

fn refuse(status: StatusCode, words: &str) -> HttpResponse {
    HttpResponse::build(status).json(json!({ "error": "invalid_request", "error_description": words }))
}
