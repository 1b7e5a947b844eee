//! The sample web app: has no passwords of its own, signs people in through Gatepost, and keeps their tokens on its server.

use std::collections::HashMap;
use std::io;
use std::net::TcpListener;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use actix_web::dev::Server;
use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, COOKIE, HeaderValue, LOCATION, SET_COOKIE};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use gatepost_client::{
    ClientIdentity, LoginError, PendingLogin, SecretText, Session, SessionError, TokenStore, Wanted, WhoAmI, discover,
    reqwest,
};
use serde::Deserialize;
use serde_json::json;

use super::{draw_random_id, escape_html, render_page};

const COOKIE_NAME: &str = "sample_app";
const MAX_VISITORS: usize = 1000;
const SIGN_IN_TIMEOUT: Duration = Duration::from_secs(30 * 60);
const SESSION_TIMEOUT: Duration = Duration::from_secs(12 * 60 * 60);

/// How the sample web app reaches Gatepost and the sample API.
#[derive(Clone, Debug)]
pub(crate) struct SampleWebApp {
    /// The server that signs people in.
    pub(crate) issuer: String,
    /// The registration there.
    pub(crate) client_id: String,
    /// The registration there.
    pub(crate) client_secret: SecretText,
    /// This app's own address for answers; its path is `/callback`.
    pub(crate) redirect_uri: String,
    /// Where the notes are, such as `http://localhost:8482/notes`.
    pub(crate) api_url: String,
    /// The API's identifier, for which tokens are asked.
    pub(crate) resource: String,
}

struct State {
    config: SampleWebApp,
    api: reqwest::Client,
    visitors: Mutex<HashMap<String, (Visitor, Instant)>>,
}

/// What the app knows of a browser. The browser itself holds a random number, never a token.
enum Visitor {
    SigningIn(PendingLogin),
    SignedIn(Box<SignedIn>),
}

#[derive(Clone)]
struct SignedIn {
    session: Session,
    who: WhoAmI,
    /// proves that a form came from this app's own page
    csrf: String,
}

#[derive(Deserialize)]
struct NoteForm {
    csrf: String,
    #[serde(default)]
    text: String,
}

#[derive(Deserialize)]
struct NoteList {
    notes: Vec<Note>,
}

#[derive(Deserialize)]
struct Note {
    id: u64,
    text: String,
}

/// Serves the sample web app on this socket with one worker; await the result to run it.
///
/// # Errors
/// When the socket cannot be used.
pub(crate) fn run_sample_web_app(listener: TcpListener, config: SampleWebApp) -> io::Result<Server> {
    let api = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(Duration::from_secs(10))
        .no_proxy()
        .build()
        .map_err(io::Error::other)?;
    let state = web::Data::new(State { config, api, visitors: Mutex::default() });
    let server = HttpServer::new(move || {
        App::new()
            .app_data(state.clone())
            .app_data(web::FormConfig::default().limit(16 * 1024))
            .route("/", web::get().to(show_start))
            .route("/login", web::get().to(begin_sign_in))
            .route("/callback", web::get().to(finish_sign_in))
            .route("/notes", web::post().to(add_note))
            .route("/notes/{id}/delete", web::post().to(delete_note))
            .route("/sign-out", web::post().to(sign_out))
    });
    Ok(server.workers(1).disable_signals().listen(listener)?.run())
}

async fn show_start(state: web::Data<State>, request: HttpRequest) -> HttpResponse {
    let Some((id, visitor)) = state.find_signed_in(&request) else {
        return show_welcome(&state, StatusCode::OK, "");
    };
    match visitor.session.send(state.api.get(&state.config.api_url)).await {
        Ok(response) if response.status() == reqwest::StatusCode::OK => match response.json::<NoteList>().await {
            Ok(list) => show_notes(&state, &visitor, &list.notes, ""),
            Err(_) => show_notes(&state, &visitor, &[], &write_banner("bad", "The API sent no list of notes.")),
        },
        Ok(response) if response.status() == reqwest::StatusCode::UNAUTHORIZED => state.end_visit(&id),
        Ok(response) if response.status() == reqwest::StatusCode::FORBIDDEN => {
            show_notes(&state, &visitor, &[], &write_banner("bad", "You did not allow this app to read your notes."))
        }
        Ok(_) => show_notes(
            &state,
            &visitor,
            &[],
            &write_banner("bad", "The notes cannot be reached now. Nothing is lost; try again."),
        ),
        Err(error) if error.needs_login() => state.end_visit(&id),
        Err(_) => show_notes(
            &state,
            &visitor,
            &[],
            &write_banner("bad", "The notes cannot be reached now. Nothing is lost; try again."),
        ),
    }
}

async fn begin_sign_in(state: web::Data<State>) -> HttpResponse {
    let config = &state.config;
    let wanted = Wanted {
        scopes: vec!["notes:read".to_owned(), "notes:write".to_owned()],
        resources: vec![config.resource.clone()],
        login_hint: None,
    };
    let begun = match discover(&config.issuer).await {
        Ok(server) => PendingLogin::begin(&server, &config.identity(), &config.redirect_uri, &wanted),
        Err(error) => Err(error),
    };
    let pending = match begun {
        Ok(pending) => pending,
        Err(error) => return state.show_trouble(&error.to_string()),
    };
    let url = pending.url().to_string();
    match state.admit(Visitor::SigningIn(pending)) {
        Some(id) => send_to(&url, Some(&id)),
        None => state.show_trouble("this computer gives no random numbers"),
    }
}

async fn finish_sign_in(state: web::Data<State>, request: HttpRequest) -> HttpResponse {
    let Some(id) = read_cookie(&request) else {
        return state.show_trouble("this browser did not begin a sign-in here");
    };
    let Some(pending) = state.take_pending(&id) else {
        // a reload of the callback, as a rule
        return send_to("/", None);
    };
    let server = match discover(&state.config.issuer).await {
        Ok(server) => server,
        Err(error) => return state.show_trouble(&error.to_string()),
    };
    let code = match pending.read_answer(&server, request.query_string()) {
        Ok(code) => code,
        Err(error @ (LoginError::StateMismatch | LoginError::Malformed(_))) => {
            state.put_back(&id, pending);
            return state.show_trouble(&error.to_string());
        }
        Err(LoginError::Denied) => {
            let banner = write_banner("bad", "You chose not to allow this app. Nothing was stored.");
            return show_welcome(&state, StatusCode::OK, &banner);
        }
        Err(error) => return state.show_trouble(&error.to_string()),
    };
    let tokens = match pending.redeem_code(&server, &state.config.identity(), &code).await {
        Ok(tokens) => tokens,
        Err(error) => return state.show_trouble(&error.to_string()),
    };
    match state.sign_in(tokens).await {
        Ok(visitor) => match state.admit(Visitor::SignedIn(Box::new(visitor))) {
            // a new number, so that one from before the sign-in is worth nothing
            Some(new_id) => send_to("/", Some(&new_id)),
            None => state.show_trouble("this computer gives no random numbers"),
        },
        Err(error) => state.show_trouble(&error.to_string()),
    }
}

async fn add_note(state: web::Data<State>, request: HttpRequest, form: web::Form<NoteForm>) -> HttpResponse {
    let call = |state: &State| state.api.post(&state.config.api_url).json(&json!({ "text": form.text }));
    change_notes(&state, &request, &form.csrf, call).await
}

async fn delete_note(
    state: web::Data<State>,
    request: HttpRequest,
    note: web::Path<u64>,
    form: web::Form<NoteForm>,
) -> HttpResponse {
    let call = |state: &State| state.api.delete(format!("{}/{note}", state.config.api_url));
    change_notes(&state, &request, &form.csrf, call).await
}

async fn change_notes(
    state: &State,
    request: &HttpRequest,
    csrf: &str,
    call: impl FnOnce(&State) -> reqwest::RequestBuilder,
) -> HttpResponse {
    let Some((id, visitor)) = state.find_signed_in(request) else { return send_to("/", None) };
    if csrf != visitor.csrf {
        return state.show_trouble("the form did not come from this page");
    }
    match visitor.session.send(call(state)).await {
        Ok(response) if response.status().is_success() => send_to("/", None),
        Ok(response) if response.status() == reqwest::StatusCode::UNAUTHORIZED => state.end_visit(&id),
        Ok(response) if response.status() == reqwest::StatusCode::FORBIDDEN => {
            state.show_trouble("you did not allow this app to change your notes")
        }
        Ok(response) if response.status().is_client_error() => state
            .show_trouble("the API did not take the note: it needs 1 to 500 characters, and 100 notes are the limit"),
        Ok(_) => state.show_trouble("the API cannot be reached now"),
        Err(error) if error.needs_login() => state.end_visit(&id),
        Err(error) => state.show_trouble(&error.to_string()),
    }
}

async fn sign_out(state: web::Data<State>, request: HttpRequest, form: web::Form<NoteForm>) -> HttpResponse {
    let Some((id, visitor)) = state.find_signed_in(&request) else { return send_to("/", None) };
    if form.csrf != visitor.csrf {
        return state.show_trouble("the form did not come from this page");
    }
    // gives the tokens back; if the server cannot be told, this app has forgotten them anyway
    let _ = visitor.session.logout().await;
    state.lock().remove(&id);
    let issuer = escape_html(&state.config.issuer);
    let banner = format!(
        "<p class=\"banner good\" role=\"status\"><strong>You are signed out of this app.</strong> \
         You may still be signed in at <a href=\"{issuer}/account\">{issuer}</a>.</p>"
    );
    drop_cookie(show_welcome(&state, StatusCode::OK, &banner))
}

impl SampleWebApp {
    fn identity(&self) -> ClientIdentity {
        ClientIdentity::confidential(&self.client_id, self.client_secret.clone())
    }
}

impl State {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, (Visitor, Instant)>> {
        self.visitors.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers a visitor under a new random number.
    fn admit(&self, visitor: Visitor) -> Option<String> {
        let id = draw_random_id()?;
        let mut visitors = self.lock();
        visitors.retain(|_, (visitor, since)| match visitor {
            Visitor::SigningIn(_) => since.elapsed() < SIGN_IN_TIMEOUT,
            Visitor::SignedIn(_) => since.elapsed() < SESSION_TIMEOUT,
        });
        if visitors.len() >= MAX_VISITORS {
            visitors.retain(|_, (visitor, _)| matches!(visitor, Visitor::SignedIn(_)));
        }
        if visitors.len() >= MAX_VISITORS {
            visitors.clear();
        }
        visitors.insert(id.clone(), (visitor, Instant::now()));
        Some(id)
    }

    fn take_pending(&self, id: &str) -> Option<PendingLogin> {
        let mut visitors = self.lock();
        match visitors.remove(id)? {
            (Visitor::SigningIn(pending), since) if since.elapsed() < SIGN_IN_TIMEOUT => Some(pending),
            (Visitor::SigningIn(_), _) => None,
            signed_in => {
                visitors.insert(id.to_owned(), signed_in);
                None
            }
        }
    }

    fn put_back(&self, id: &str, pending: PendingLogin) {
        self.lock().insert(id.to_owned(), (Visitor::SigningIn(pending), Instant::now()));
    }

    fn find_signed_in(&self, request: &HttpRequest) -> Option<(String, SignedIn)> {
        let id = read_cookie(request)?;
        match self.lock().get(&id) {
            Some((Visitor::SignedIn(visitor), since)) if since.elapsed() < SESSION_TIMEOUT => {
                Some((id.clone(), SignedIn::clone(visitor)))
            }
            _ => None,
        }
    }

    async fn sign_in(&self, tokens: gatepost_client::Tokens) -> Result<SignedIn, SessionError> {
        let session = Session::new(&self.config.issuer, self.config.identity(), TokenStore::in_memory());
        session.keep(tokens).await?;
        let who = session.whoami().await?;
        let csrf = draw_random_id().ok_or(gatepost_client::ServerError::NoRandomness)?;
        Ok(SignedIn { session, who, csrf })
    }

    fn end_visit(&self, id: &str) -> HttpResponse {
        self.lock().remove(id);
        let banner = write_banner("bad", "Your sign-in ended. Sign in again to go on.");
        drop_cookie(show_welcome(self, StatusCode::OK, &banner))
    }

    fn show_trouble(&self, reason: &str) -> HttpResponse {
        tracing::warn!(reason, "the sample web app could not go on");
        let banner = format!(
            "<p class=\"banner bad\" role=\"alert\"><strong>That did not work.</strong> The reason: {}.</p>",
            escape_html(reason.trim_end_matches('.'))
        );
        show_welcome(self, StatusCode::BAD_REQUEST, &banner)
    }
}

fn show_welcome(state: &State, status: StatusCode, banner: &str) -> HttpResponse {
    let issuer = escape_html(&state.config.issuer);
    let body = format!(
        "<header><strong>Sample app</strong></header>\n<main>\n{banner}<h1>Keep your notes here</h1>\n\
         <p class=\"muted\">This app has no passwords of its own. It sends you to <code>{issuer}</code> to sign in, and asks there \
         whether it may use your notes.</p>\n\
         <p class=\"action\"><a class=\"button primary\" href=\"/login\">Sign in</a></p>\n</main>\n\
         <footer>Comes with <code>gatepost serve --dev</code></footer>"
    );
    render_page(status, "Sample app", &body)
}

fn show_notes(state: &State, visitor: &SignedIn, notes: &[Note], banner: &str) -> HttpResponse {
    let csrf = format!("<input type=\"hidden\" name=\"csrf\" value=\"{}\">", escape_html(&visitor.csrf));
    let mut items = String::new();
    for Note { id, text } in notes {
        items.push_str(&format!(
            "<li><span id=\"note-{id}\">{}</span><form method=\"post\" action=\"/notes/{id}/delete\">{csrf}\
             <button class=\"button quiet\" aria-describedby=\"note-{id}\">Delete note</button></form></li>\n",
            escape_html(text)
        ));
    }
    let list = if items.is_empty() {
        "<p class=\"muted\">No notes to show.</p>".to_owned()
    } else {
        format!("<ul class=\"notes\">\n{items}</ul>")
    };
    let body = format!(
        "<header><strong>Sample app</strong><form method=\"post\" action=\"/sign-out\">{csrf}<bdi>{who}</bdi>\
         <button class=\"button quiet\">Sign out</button></form></header>\n\
         <main>\n{banner}<h1>Your notes</h1>\n{list}\n\
         <form class=\"add\" method=\"post\" action=\"/notes\">{csrf}<label>New note\
         <input name=\"text\" required maxlength=\"500\" autocomplete=\"off\"></label>\
         <button class=\"button primary\">Add note</button></form>\n</main>\n\
         <footer>The notes come from <code>{api}</code>, with a token that never reaches your browser. \
         <a href=\"{issuer}/account/apps\">See what this app may do</a></footer>",
        who = escape_html(visitor.who.label()),
        api = escape_html(&state.config.api_url),
        issuer = escape_html(&state.config.issuer)
    );
    render_page(StatusCode::OK, "Your notes – Sample app", &body)
}

fn write_banner(kind: &str, words: &str) -> String {
    format!("<p class=\"banner {kind}\" role=\"status\">{}</p>\n", escape_html(words))
}

/// `new_id` becomes the browser's number.
fn send_to(location: &str, new_id: Option<&str>) -> HttpResponse {
    let mut response = HttpResponse::SeeOther();
    response.insert_header((LOCATION, location)).insert_header((CACHE_CONTROL, "no-store"));
    if let Some(id) = new_id {
        // Lax: the callback comes from another site and must bring it along
        response.insert_header((SET_COOKIE, format!("{COOKIE_NAME}={id}; Path=/; HttpOnly; SameSite=Lax")));
    }
    response.finish()
}

/// Takes the number from the browser, where it is worth nothing any more.
fn drop_cookie(mut response: HttpResponse) -> HttpResponse {
    let cookie = HeaderValue::from_static("sample_app=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0");
    response.headers_mut().append(SET_COOKIE, cookie);
    response
}

fn read_cookie(request: &HttpRequest) -> Option<String> {
    let headers = request.headers().get_all(COOKIE);
    headers
        .filter_map(|header| header.to_str().ok())
        .flat_map(|text| text.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == COOKIE_NAME)
        .map(|(_, value)| value.to_owned())
}
