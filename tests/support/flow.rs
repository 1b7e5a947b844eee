//! People and their browsers: sign-in, consent, and where they are sent.

use super::app::TestApp;
use super::declared::{Person, TestClient};
use super::html::{Form, find_forms, find_refresh};
use super::http::{Request, Response, decode_form, encode_form};
use super::{hash_of, random_text};

/// A browser: cookies, no redirects by itself.
pub(crate) struct Browser<'a> {
    app: &'a TestApp,
    port: u16,
    cookies: Vec<(String, String)>,
    headers: Vec<(String, String)>,
}

impl<'a> Browser<'a> {
    pub(crate) fn new(app: &'a TestApp) -> Self {
        Self { app, port: app.port(), cookies: Vec::new(), headers: Vec::new() }
    }

    /// From now on all its requests go to this port: another node of the same installation.
    pub(crate) fn use_port(&mut self, port: u16) {
        self.port = port;
    }

    /// A header that it sends with every request, such as `User-Agent`.
    pub(crate) fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Where its requests go.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn cookies(&self) -> &[(String, String)] {
        &self.cookies
    }

    pub(crate) fn cookie(&self, name: &str) -> Option<&str> {
        self.cookies.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The cookie whose value is a session; its name depends on the scheme of the issuer.
    pub(crate) fn session_cookie(&self) -> Option<(&str, &str)> {
        let session = self.cookies.iter().find(|(_, value)| value.starts_with("gp_ss_"));
        session.map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Puts a cookie there by hand.
    pub(crate) fn set_cookie(&mut self, name: &str, value: &str) {
        self.cookies.retain(|(known, _)| known != name);
        self.cookies.push((name.to_owned(), value.to_owned()));
    }

    pub(crate) fn forget_cookie(&mut self, name: &str) {
        self.cookies.retain(|(known, _)| known != name);
    }

    /// Sends a request with the cookies, and keeps those of the answer.
    pub(crate) fn send(&mut self, mut request: Request) -> Response {
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        if !self.cookies.is_empty() {
            let pairs: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request = request.header("Cookie", &pairs.join("; "));
        }
        let response = request.send(self.port);
        for line in response.header_all("set-cookie") {
            let (pair, attributes) = line.split_once(';').unwrap_or((line, ""));
            let (name, value) = pair.split_once('=').expect("a cookie has a name");
            let is_gone = attributes.split(';').any(|part| part.trim().eq_ignore_ascii_case("max-age=0"));
            self.forget_cookie(name);
            if !is_gone && !value.is_empty() {
                self.set_cookie(name, value);
            }
        }
        response
    }

    /// GET of a path below the issuer.
    pub(crate) fn get(&mut self, path: &str) -> Response {
        self.send(Request::get(&self.app.at(path)))
    }

    /// Sends a form as a browser does: from our own origin.
    pub(crate) fn post(&mut self, target: &str, fields: &[(String, String)]) -> Response {
        let request = Request::post(target).header("Origin", self.app.origin()).header("Sec-Fetch-Site", "same-origin");
        self.send(request.form(fields))
    }

    /// Sends a form of a page.
    pub(crate) fn submit(&mut self, form: &Form) -> Response {
        assert_eq!(form.method, "post", "{form:?}");
        self.post(&form.action, &form.fields)
    }

    /// Follows redirects within the server until there is a page or somebody else's address.
    pub(crate) fn follow(&mut self, mut response: Response) -> Response {
        for _ in 0..10 {
            match self.find_own_target(&response) {
                Some(target) => response = self.send(Request::get(&target)),
                None => return response,
            }
        }
        panic!("redirects without end: {response:?}");
    }

    fn find_own_target(&self, response: &Response) -> Option<String> {
        if !(300..400).contains(&response.status) {
            return None;
        }
        let location = response.location();
        match location.strip_prefix(self.app.origin()) {
            Some(target) if target.is_empty() || target.starts_with('/') => Some(target.to_owned()),
            _ => location.starts_with('/').then(|| location.to_owned()),
        }
    }

    /// Begins an authorization request and goes on to the first page or the answer.
    pub(crate) fn begin(&mut self, request: &Authorize) -> Response {
        let response = self.get(&request.target());
        self.follow(response)
    }

    /// Signs in outside of any request of an app.
    pub(crate) fn sign_in(&mut self, person: &Person) {
        let page = self.get("/login");
        let response = self.fill_in_login(&page, person);
        let response = self.follow(response);
        assert_eq!(response.status, 200, "signing in: {response:?}");
        assert!(self.session_cookie().is_some(), "signed in without a session: {response:?}");
    }

    /// Sends the sign-in form of this page.
    pub(crate) fn fill_in_login(&mut self, page: &Response, person: &Person) -> Response {
        let form = login_form(page).set("email", person.email).set("password", person.password);
        self.submit(&form.set("with", "password"))
    }

    /// Creates an account on the sign-up page.
    pub(crate) fn sign_up(&mut self, person: &Person) -> Response {
        let page = self.get("/signup");
        let form = find_form(&page, "/signup").set("email", person.email).set("name", person.name);
        self.submit(&form.set("password", person.password))
    }

    /// Presses a button of the consent page.
    pub(crate) fn decide(&mut self, page: &Response, decision: &str) -> Response {
        let form = consent_form(page).set("decision", decision);
        self.submit(&form)
    }

    /// Does whatever pages ask for, as this person who says yes, until the answer to the app.
    pub(crate) fn authorize(&mut self, request: &Authorize, person: &Person) -> Answer {
        let mut response = self.begin(request);
        for _ in 0..4 {
            response = match (Answer::find(&response), is_login(&response), is_consent(&response)) {
                (Some(answer), _, _) => return answer,
                (None, true, _) => self.fill_in_login(&response, person),
                (None, false, true) => self.decide(&response, "allow"),
                _ => panic!("neither an answer nor a question: {response:?}"),
            };
            response = self.follow(response);
        }
        panic!("no answer to {request:?}: {response:?}");
    }

    /// The same, for a request that must end with a code.
    pub(crate) fn get_code(&mut self, request: &Authorize, person: &Person) -> Code {
        let answer = self.authorize(request, person);
        let code = answer.get("code").unwrap_or_else(|| panic!("no code in {}", answer.url));
        Code {
            code,
            verifier: request.verifier.clone(),
            redirect_uri: request.get("redirect_uri"),
            client: request.client,
        }
    }
}

/// The form of this path on the page.
pub(crate) fn find_form(page: &Response, path: &str) -> Form {
    let forms = find_forms(&page.body);
    let found =
        forms.into_iter().find(|form| form.action.split('?').next().is_some_and(|action| action.ends_with(path)));
    found.unwrap_or_else(|| panic!("no form for {path}: {page:?}"))
}

pub(crate) fn login_form(page: &Response) -> Form {
    find_form(page, "/login")
}

pub(crate) fn consent_form(page: &Response) -> Form {
    find_form(page, "/consent")
}

/// Whether this page asks somebody to sign in.
pub(crate) fn is_login(page: &Response) -> bool {
    page.status == 200
        && find_forms(&page.body).iter().any(|form| form.field("password").is_some() && form.action.ends_with("/login"))
}

/// Whether this page asks for consent.
pub(crate) fn is_consent(page: &Response) -> bool {
    page.status == 200
        && find_forms(&page.body).iter().any(|form| form.buttons.iter().any(|(name, _)| name == "decision"))
}

/// An authorization request.
#[derive(Clone, Debug)]
pub(crate) struct Authorize {
    pub(crate) client: TestClient,
    pub(crate) verifier: String,
    pairs: Vec<(String, String)>,
}

impl Authorize {
    /// A good request of this client for all its scopes, with a state.
    pub(crate) fn new(client: TestClient) -> Self {
        let verifier = random_text(32);
        let scope = client.scope();
        let pairs = [
            ("response_type", "code"),
            ("client_id", client.id),
            ("redirect_uri", client.redirect),
            ("scope", &scope),
            ("state", "the state"),
            ("code_challenge", &hash_of(&verifier)),
            ("code_challenge_method", "S256"),
        ];
        let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Self { client, verifier, pairs }
    }

    /// With this value instead.
    pub(crate) fn set(self, name: &str, value: &str) -> Self {
        self.without(name).add(name, value)
    }

    /// With one more of that name.
    pub(crate) fn add(mut self, name: &str, value: &str) -> Self {
        self.pairs.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.pairs.retain(|(known, _)| known != name);
        self
    }

    pub(crate) fn get(&self, name: &str) -> Option<String> {
        self.pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
    }

    pub(crate) fn query(&self) -> String {
        encode_form(&self.pairs)
    }

    /// Path and query, below the issuer.
    pub(crate) fn target(&self) -> String {
        format!("/oauth2/authorize?{}", self.query())
    }
}

/// What a browser was told to bring to the app.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    /// the whole address, byte for byte
    pub(crate) url: String,
    /// by a redirect, not by the hand-over page
    pub(crate) by_redirect: bool,
}

impl Answer {
    /// The answer to the app that this response is, if it is one.
    pub(crate) fn find(response: &Response) -> Option<Self> {
        match response.status {
            303 => Some(Self { url: response.location().to_owned(), by_redirect: true }),
            200 => find_refresh(&response.body).map(|url| Self { url, by_redirect: false }),
            _ => None,
        }
    }

    /// The pairs that the server added to the query; nothing may be there twice.
    pub(crate) fn pairs(&self) -> Vec<(String, String)> {
        let query = self.url.split_once('?').map_or("", |(_, query)| query);
        assert!(!query.contains('?') && !self.url.contains('#'), "{}", self.url);
        let pairs = decode_form(query);
        for (at, (name, _)) in pairs.iter().enumerate() {
            assert!(!pairs[..at].iter().any(|(earlier, _)| earlier == name), "{name} twice in {}", self.url);
        }
        pairs
    }

    pub(crate) fn get(&self, name: &str) -> Option<String> {
        self.pairs().into_iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }
}

/// A code and what belongs to it.
#[derive(Clone, Debug)]
pub(crate) struct Code {
    pub(crate) code: String,
    pub(crate) verifier: String,
    pub(crate) redirect_uri: Option<String>,
    pub(crate) client: TestClient,
}
