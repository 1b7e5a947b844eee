//! Who looks at a page: which browser, who is signed in there, and whether a form came from our own page.

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::web::Payload;
use actix_web::{HttpMessage, HttpRequest, HttpResponse};
use gatepost_engine::kernel::csrf::{check_form_token, make_form_token};
use gatepost_engine::people::sessions::SignedIn;
use gatepost_engine::people::sessions::{Found, find_cookie, note_session_use};
use gatepost_engine::{Call, Error};
use gatepost_protocol::issuer::Issuer;
use gatepost_protocol::params::Params;
use gatepost_protocol::redirect_uri::append_params;
use gatepost_protocol::secret::{Secret, SecretKind, TokenHash};
use gatepost_store::Outcome;

use crate::http::extract::{FormFault, read_cookie, read_form, read_json};
use crate::http::respond;
use crate::http::state::State;
use crate::pages::kit::errors::view::ErrorKind;
use crate::pages::kit::frames::AccountFrame;
use crate::pages::kit::gate::{Admitted, Sent};
use crate::pages::kit::notice::Notice;
use crate::pages::kit::passkey::{Wish, json_refusal};
use crate::pages::kit::view::View;

/// Name of the cookie of a signed-in browser. `__Host-` needs TLS, so plain HTTP on this computer goes without (LG8).
fn session_cookie(issuer: &Issuer) -> &'static str {
    if issuer.is_https() { "__Host-gp_session" } else { "gp_session" }
}

/// Name of the cookie that tells one browser from another.
fn browser_cookie(issuer: &Issuer) -> &'static str {
    if issuer.is_https() { "__Host-gp_browser" } else { "gp_browser" }
}

/// What the address of a page says to which a form redirects.
pub(crate) const AFTER_FORM: (&str, &str) = ("after", "form");

/// Who looks at a page.
pub(crate) struct Visitor {
    pub(crate) call: Call,
    pub(crate) session: Option<SignedIn>,
    /// who has done the first step of a sign-in and not the second: nobody is signed in
    pub(crate) half: Option<SignedIn>,
    browser: Secret,
    /// the browser has no cookie of ours yet
    is_new: bool,
}

impl Visitor {
    /// Who was let through to this page, with nothing sent.
    pub(crate) fn of(state: &State, request: &HttpRequest) -> Result<Self, HttpResponse> {
        take_admitted(state, request).map(|admitted| admitted.visitor)
    }

    /// Who was let through to this page, and the form that they sent from a page of ours.
    pub(crate) fn of_form(state: &State, request: &HttpRequest) -> Result<(Self, Params), HttpResponse> {
        match take_admitted(state, request)? {
            Admitted { visitor, sent: Sent::Form(params) } => Ok((visitor, params)),
            Admitted { visitor, .. } => Err(respond::error_page(state, &visitor.call, ErrorKind::BadRequest)),
        }
    }

    /// Who was let through, and what a script of ours asks for.
    pub(crate) fn of_wish(state: &State, request: &HttpRequest) -> Result<(Self, Wish), HttpResponse> {
        match take_admitted(state, request)? {
            Admitted { visitor, sent: Sent::Wish(wish) } => Ok((visitor, wish)),
            _ => Err(json_refusal(StatusCode::BAD_REQUEST, "malformed")),
        }
    }

    /// Finds out who asks; one read of the database if there is a session cookie.
    pub(super) async fn recognise(state: &State, request: &HttpRequest) -> Result<Self, HttpResponse> {
        let call = state.call(request);
        let (mut visitor, cookie) = Self::without_session(call, request)
            .map_err(|(call, error)| respond::engine_error_page(state, &call, &error))?;
        if let Some(cookie) = cookie {
            let found = state.read(&visitor.call, move |call, db| find_cookie(call, db, &cookie)).await;
            match found.map_err(|error| respond::engine_error_page(state, &visitor.call, &error))? {
                Some(Found::SignedIn(session)) => visitor.session = Some(session),
                Some(Found::Pending(half)) => visitor.half = Some(half),
                None => {}
            }
            visitor.note_use(state).await;
        }
        Ok(visitor)
    }

    /// Who asks, and the session cookie for a read that the caller does together with others.
    pub(crate) fn without_session(call: Call, request: &HttpRequest) -> Result<(Self, Option<String>), (Call, Error)> {
        let issuer = &call.engine.issuer;
        let cookie = read_cookie(request, session_cookie(issuer)).map(str::to_owned);
        let known = read_cookie(request, browser_cookie(issuer))
            .and_then(|value| Secret::parse(SecretKind::BrowserBinding, value));
        let is_new = known.is_none();
        let browser = match known {
            Some(browser) => browser,
            None => match call.engine.make_secret(SecretKind::BrowserBinding) {
                Ok(browser) => browser,
                Err(error) => return Err((call, error.into())),
            },
        };
        Ok((Self { call, session: None, half: None, browser, is_new }, cookie))
    }

    /// Now and then writes down that the session is used. If that fails the page is still right.
    pub(crate) async fn note_use(&self, state: &State) {
        let Some(session) = self.session.clone().filter(|session| session.needs_note(&self.call)) else { return };
        let noted = state.write(&self.call, move |call, tx| {
            note_session_use(call, tx, &session)?;
            Ok(Outcome::Commit(()))
        });
        if let Err(error) = noted.await {
            crate::http::state::log_error(&self.call, &error);
        }
    }

    /// Reads a form and makes sure that it is ours: Origin, Sec-Fetch-Site, and the token of this browser and session.
    pub(super) async fn read_form(
        state: &State,
        request: &HttpRequest,
        payload: Payload,
    ) -> Result<(Self, Params), HttpResponse> {
        let form = read_form(state, request, payload).await;
        let visitor = Self::recognise(state, request).await?;
        let params = match form {
            Ok(params) => params,
            Err(fault) => return Err(visitor.form_fault(state, fault)),
        };
        if !is_from_here(request, &visitor.call.engine.issuer) {
            return Err(respond::error_page(state, &visitor.call, ErrorKind::FormExpired));
        }
        if visitor.is_new {
            return Err(visitor.greet(respond::error_page(state, &visitor.call, ErrorKind::CookiesOff)));
        }
        let session_id = visitor.form_session();
        let presented = params.one("csrf").unwrap_or_default();
        if !check_form_token(&visitor.call, visitor.browser.expose(), session_id, presented) {
            if session_id.is_some() && check_form_token(&visitor.call, visitor.browser.expose(), None, presented) {
                // somebody signed in in another tab meanwhile: go on with what this tab was for (SE-03)
                return Err(respond::see_other(&visitor.resume_url(&params)));
            }
            return Err(respond::error_page(state, &visitor.call, ErrorKind::FormExpired));
        }
        Ok((visitor, params))
    }

    /// Reads what a script of ours asks for, with the same proofs as a form: Origin, Sec-Fetch-Site and the token, and
    /// `application/json`, which no form of another site can send.
    pub(super) async fn read_wish(
        state: &State,
        request: &HttpRequest,
        payload: Payload,
    ) -> Result<(Self, Wish), HttpResponse> {
        let wish = read_json::<Wish>(state, request, payload).await;
        let visitor = Self::recognise(state, request).await?;
        let wish = wish.map_err(|fault| json_refusal(fault.status(), "malformed"))?;
        let good = check_form_token(&visitor.call, visitor.browser.expose(), visitor.form_session(), &wish.csrf);
        if visitor.is_new || !good || !is_from_here(request, &visitor.call.engine.issuer) {
            return Err(json_refusal(StatusCode::FORBIDDEN, "expired"));
        }
        Ok((visitor, wish))
    }

    fn form_fault(&self, state: &State, fault: FormFault) -> HttpResponse {
        let mut response = respond::error_page(state, &self.call, ErrorKind::BadRequest);
        *response.status_mut() = fault.status();
        response
    }

    /// The token for forms of this page.
    pub(crate) fn csrf(&self) -> String {
        make_form_token(&self.call, self.browser.expose(), self.form_session())
    }

    /// The session that forms are bound to, whole or half.
    fn form_session(&self) -> Option<&str> {
        self.session.as_ref().or(self.half.as_ref()).map(|session| session.session_id.as_str())
    }

    /// What an authorization request is bound to.
    pub(crate) fn browser_hash(&self) -> String {
        TokenHash::of(&self.browser).to_base64()
    }

    /// A page; a new browser gets its cookie with it.
    pub(crate) fn page<V: View>(&self, state: &State, status: StatusCode, view: &V) -> HttpResponse {
        self.greet(respond::page(state, status, view))
    }

    /// Any answer; a new browser gets its cookie with it.
    pub(crate) fn greet(&self, mut response: HttpResponse) -> HttpResponse {
        if self.is_new {
            let issuer = &self.call.engine.issuer;
            // as long as a session, so that a restored form still finds it
            let age = self.call.engine.policy.session_absolute_ttl;
            set_cookie(&mut response, issuer, browser_cookie(issuer), self.browser.expose(), age);
        }
        response
    }

    /// The same answer with the cookie of a new session.
    pub(crate) fn with_session(&self, mut response: HttpResponse, cookie: &Secret) -> HttpResponse {
        let issuer = &self.call.engine.issuer;
        let age = self.call.engine.policy.session_absolute_ttl;
        set_cookie(&mut response, issuer, session_cookie(issuer), cookie.expose(), age);
        response
    }

    /// The same answer without a session any more.
    pub(crate) fn without_cookie(&self, mut response: HttpResponse) -> HttpResponse {
        let issuer = &self.call.engine.issuer;
        set_cookie(&mut response, issuer, session_cookie(issuer), "", 0);
        response
    }

    /// What every account page shows, or the way to the sign-in page.
    pub(crate) fn frame(&self, notice: Option<Notice>) -> Result<(&SignedIn, AccountFrame), HttpResponse> {
        match &self.session {
            Some(session) => {
                let (email, admin) = (session.email.clone(), session.is_admin);
                Ok((session, AccountFrame { email, csrf: self.csrf(), notice, admin }))
            }
            None => Err(self.greet(respond::see_other(&self.call.engine.issuer.url("/login")))),
        }
    }

    /// The sign-in page, which goes on with the request that a form was about. It may have an answer for the app at once, and must
    /// know then that this browser still follows a form.
    fn resume_url(&self, params: &Params) -> String {
        match params.one("tx") {
            Some(tx) => append_params(&self.own("/login"), &[("tx", tx), AFTER_FORM]),
            None => self.own("/account"),
        }
    }

    /// A link or redirect to one of our own pages.
    pub(crate) fn own(&self, path: &str) -> String {
        self.call.engine.issuer.url(path)
    }
}

/// What the gate found out about this request. There is always one before a page; without it nobody is let in.
fn take_admitted(state: &State, request: &HttpRequest) -> Result<Admitted, HttpResponse> {
    let admitted = request.extensions_mut().remove::<Admitted>();
    admitted.ok_or_else(|| {
        tracing::error!(path = request.path(), "a page has no gate before it");
        respond::error_page(state, &state.call(request), ErrorKind::Broken)
    })
}

/// Whether this browser has been here before and sends its cookies along.
pub(crate) fn has_browser_cookie(state: &State, request: &HttpRequest) -> bool {
    read_cookie(request, browser_cookie(&state.installation.engine.issuer)).is_some()
}

/// A browser that says where a form comes from must say that it comes from here. `Origin: null` says nothing: browsers
/// send it from pages with `Referrer-Policy: no-referrer`, as ours are; then Sec-Fetch-Site and the token decide.
fn is_from_here(request: &HttpRequest, issuer: &Issuer) -> bool {
    let text = |name: &str| request.headers().get(name).map(|value| value.to_str().unwrap_or("?"));
    let origin = text("origin").is_none_or(|origin| origin == "null" || origin == issuer.origin());
    let site = text("sec-fetch-site").is_none_or(|site| matches!(site, "same-origin" | "none"));
    origin && site
}

/// Adds a cookie of this browser; a life of 0 removes it.
pub(crate) fn set_cookie(response: &mut HttpResponse, issuer: &Issuer, name: &str, value: &str, max_age: i64) {
    let secure = if issuer.is_https() { "; Secure" } else { "" };
    let cookie = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}; Max-Age={max_age}");
    if let Ok(value) = HeaderValue::from_str(&cookie) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}
