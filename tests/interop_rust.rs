//! The crate `oauth2`, which we did not write, as app, service and API. It knows the server by what that publishes.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;

use oauth2::basic::{
    BasicClient, BasicErrorResponse, BasicErrorResponseType as ErrorType, BasicRequestTokenError,
    BasicTokenIntrospectionResponse, BasicTokenResponse, BasicTokenType,
};
use oauth2::url::{Position, Url};
use oauth2::{
    AccessToken, AsyncHttpClient, AuthType, AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken,
    EndpointNotSet, EndpointSet, HttpClientError, HttpRequest, IntrospectionUrl, PkceCodeChallenge, PkceCodeVerifier,
    RedirectUrl, RefreshToken, RequestTokenError, RevocationUrl, Scope, StandardRevocableToken,
    TokenIntrospectionResponse, TokenResponse, TokenUrl, reqwest,
};

use crate::support::declared::{Auth, CLI, MAIL, NOTES, POST, SERVICE, WEB};
use crate::support::flow::{is_consent, is_login};
use crate::support::{ALICE, Answer, Browser, Request, Setup, TestApi, TestApp, TestClient};

type Client = BasicClient<EndpointSet, EndpointNotSet, EndpointSet, EndpointSet, EndpointSet>;
type Given<T> = Result<T, BasicRequestTokenError<HttpClientError<reqwest::Error>>>;

/// The server as a program with the crate sees it.
struct Remote<'a> {
    app: &'a TestApp,
    metadata: serde_json::Value,
    http: reqwest::Client,
    runtime: tokio::runtime::Runtime,
}

impl<'a> Remote<'a> {
    fn new(app: &'a TestApp) -> Self {
        let target = format!("/.well-known/oauth-authorization-server{}", app.path);
        let metadata = app.send(&Request::get(&target)).json();
        assert_eq!(metadata["issuer"], app.issuer);
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        Self { app, metadata, http: http.expect("an HTTP client"), runtime }
    }

    fn endpoint(&self, name: &str) -> String {
        self.metadata[name].as_str().unwrap_or_else(|| panic!("no {name}: {}", self.metadata)).to_owned()
    }

    fn describe(&self, id: &str) -> Client {
        // the crate refuses to revoke without TLS, even on the loopback: see revoke
        let revocation = self.endpoint("revocation_endpoint").replacen("http://", "https://", 1);
        BasicClient::new(ClientId::new(id.to_owned()))
            .set_auth_uri(AuthUrl::new(self.endpoint("authorization_endpoint")).expect("an address"))
            .set_token_uri(TokenUrl::new(self.endpoint("token_endpoint")).expect("an address"))
            .set_introspection_url(IntrospectionUrl::new(self.endpoint("introspection_endpoint")).expect("an address"))
            .set_revocation_url(RevocationUrl::new(revocation).expect("an address"))
    }

    /// The app as it would set itself up; `redirect` where it is not the one of the settings.
    fn client(&self, client: TestClient, redirect: Option<&str>) -> Client {
        let mut described = self.describe(client.id);
        if client.auth != Auth::None {
            described = described.set_client_secret(ClientSecret::new(client.secret()));
        }
        if client.auth == Auth::Post {
            described = described.set_auth_type(AuthType::RequestBody);
        }
        match redirect.unwrap_or(client.redirect) {
            "" => described,
            address => described.set_redirect_uri(RedirectUrl::new(address.to_owned()).expect("an address")),
        }
    }

    fn exchange(&self, client: &Client, code: &str, verifier: &str) -> Given<BasicTokenResponse> {
        let request = client
            .exchange_code(AuthorizationCode::new(code.to_owned()))
            .set_pkce_verifier(PkceCodeVerifier::new(verifier.to_owned()));
        self.runtime.block_on(request.request_async(&self.http))
    }

    fn refresh(&self, client: &Client, token: &RefreshToken) -> Given<BasicTokenResponse> {
        self.runtime.block_on(client.exchange_refresh_token(token).request_async(&self.http))
    }

    fn ask_about(&self, api: &Client, token: &str) -> Given<BasicTokenIntrospectionResponse> {
        let token = AccessToken::new(token.to_owned());
        self.runtime.block_on(api.introspect(&token).request_async(&self.http))
    }

    /// What the API is told.
    fn introspect(&self, api: TestApi, token: &AccessToken) -> BasicTokenIntrospectionResponse {
        let described = self.describe(api.id).set_client_secret(ClientSecret::new(api.secret()));
        self.ask_about(&described, token.secret()).expect("an answer about the token")
    }

    fn is_active(&self, token: &AccessToken) -> bool {
        self.introspect(NOTES, token).active()
    }

    /// Revokes as behind a proxy that takes the TLS off, because the crate accepts only https here.
    fn revoke(&self, client: &Client, token: impl Into<StandardRevocableToken>) {
        let without_tls = |mut request: HttpRequest| {
            let plain = request.uri().to_string().replacen("https://", "http://", 1);
            *request.uri_mut() = plain.parse().expect("an address");
            self.http.call(request)
        };
        let request = client.revoke_token(token.into()).expect("an https address");
        self.runtime.block_on(request.request_async(&without_tls)).expect("revoked");
    }

    /// A whole sign-in of Alice, as an app whose address nobody serves.
    fn sign_in(&self, client: &Client, scopes: &[&str]) -> BasicTokenResponse {
        let attempt = Attempt::begin(client, scopes);
        let answer = visit(self.app, &attempt.url, "allow");
        let code = attempt.read_code(self.app, &answer.url);
        self.exchange(client, &code, &attempt.verifier).expect("tokens")
    }
}

/// What an app keeps while its person is in the browser.
struct Attempt {
    url: Url,
    state: CsrfToken,
    verifier: String,
}

impl Attempt {
    fn begin(client: &Client, scopes: &[&str]) -> Self {
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let scopes = scopes.iter().map(|scope| Scope::new((*scope).to_owned()));
        let request = client.authorize_url(CsrfToken::new_random).add_scopes(scopes).set_pkce_challenge(challenge);
        let (url, state) = request.url();
        Self { url, state, verifier: verifier.into_secret() }
    }

    /// The parameters of the answer, which must be to this request and from this server (RFC 9207 §2.4).
    fn read(&self, app: &TestApp, answer: &str) -> BTreeMap<String, String> {
        let answer = Url::parse(answer).expect("an address");
        let pairs: BTreeMap<_, _> = answer.query_pairs().into_owned().collect();
        assert_eq!(pairs.get("state"), Some(self.state.secret()), "{answer}");
        assert_eq!(pairs.get("iss"), Some(&app.issuer), "{answer}");
        pairs
    }

    fn read_code(&self, app: &TestApp, answer: &str) -> String {
        self.read(app, answer).remove("code").unwrap_or_else(|| panic!("no code in {answer}"))
    }
}

/// Opens the address in a browser of its own; Alice signs in and presses this button wherever she is asked.
fn visit(app: &TestApp, url: &Url, decision: &str) -> Answer {
    let mut browser = Browser::new(app);
    let mut page = browser.send(Request::get(&url[Position::BeforePath..]));
    for _ in 0..4 {
        page = browser.follow(page);
        page = match (Answer::find(&page), is_login(&page), is_consent(&page)) {
            (Some(answer), _, _) => return answer,
            (None, true, _) => browser.fill_in_login(&page, &ALICE),
            (None, false, true) => browser.decide(&page, decision),
            _ => panic!("neither an answer nor a question: {page:?}"),
        };
    }
    panic!("no answer to {url}: {page:?}");
}

/// Where a program on somebody's computer waits for the browser: a port that the system chose.
struct Loopback {
    listener: TcpListener,
    port: u16,
}

impl Loopback {
    fn open() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let port = listener.local_addr().expect("it is bound").port();
        Self { listener, port }
    }

    fn address(&self) -> String {
        format!("http://127.0.0.1:{}/callback", self.port)
    }

    /// Lets the browser bring the answer; gives the address that the program sees.
    fn receive(&self, answer: &Answer) -> String {
        let url = Url::parse(&answer.url).expect("an address");
        assert_eq!(&url[..Position::AfterPath], self.address());
        let seen = std::thread::scope(|scope| {
            let program = scope.spawn(|| {
                let (mut stream, _) = self.listener.accept().expect("the browser comes");
                let mut lines = BufReader::new(stream.try_clone().expect("a second handle")).lines();
                let first = lines.next().expect("a line").expect("a request");
                lines.map_while(Result::ok).take_while(|line| !line.is_empty()).for_each(drop);
                let page = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
                stream.write_all(page.as_bytes()).expect("the browser reads");
                first
            });
            assert_eq!(Request::get(&url[Position::BeforePath..]).send(self.port).status, 200);
            program.join().expect("the program received it")
        });
        let target = seen.split(' ').nth(1).expect("a target");
        format!("http://127.0.0.1:{}{target}", self.port)
    }
}

/// The error that the crate made of the answer.
fn refusal_of<T: Debug>(given: Given<T>) -> ErrorType {
    match given {
        Err(RequestTokenError::ServerResponse(response)) => {
            assert!(response.error_description().is_some(), "{response:?}");
            response.error().clone()
        }
        other => panic!("not an OAuth error: {other:?}"),
    }
}

fn sorted(scopes: Option<&Vec<Scope>>) -> Vec<&str> {
    let mut scopes: Vec<&str> = scopes.expect("the scope").iter().map(|scope| scope.as_str()).collect();
    scopes.sort_unstable();
    scopes
}

fn refresh_token_of(tokens: &BasicTokenResponse) -> &RefreshToken {
    tokens.refresh_token().expect("a refresh token")
}

/// What every app gets: a bearer token with its lifetime and this scope, in sorted order.
fn assert_granted(tokens: &BasicTokenResponse, scopes: &[&str]) {
    assert_eq!(tokens.token_type(), &BasicTokenType::Bearer);
    assert_eq!(tokens.expires_in().expect("a lifetime").as_secs(), 600);
    assert_eq!(sorted(tokens.scopes()), scopes);
}

/// What the API is told about Alice's token for this app.
fn assert_described(remote: &Remote<'_>, client: TestClient, tokens: &BasicTokenResponse) {
    let told = remote.introspect(NOTES, tokens.access_token());
    assert!(told.active());
    assert_eq!(told.client_id().map(|id| id.as_str()), Some(client.id));
    assert_eq!(told.username(), Some(ALICE.email));
    assert_eq!(told.token_type(), Some(&BasicTokenType::Bearer));
    assert_eq!(told.iss(), Some(remote.app.issuer.as_str()));
    assert_eq!(told.aud(), Some(&vec![NOTES.resource.to_owned()]));
    assert_eq!(sorted(told.scopes()), sorted(tokens.scopes()));
    let lifetime = told.exp().expect("an end") - told.iat().expect("a beginning");
    assert_eq!(lifetime.num_seconds(), 600);
    assert!(told.sub().is_some_and(|sub| !sub.is_empty() && sub != ALICE.email), "{told:?}");
}

for_each_database! {
    fn a_program_signs_in_on_a_loopback_port(database) {
        let app = TestApp::spawn(database);
        let (remote, loopback) = (Remote::new(&app), Loopback::open());
        let client = remote.client(CLI, Some(&loopback.address()));
        let attempt = Attempt::begin(&client, CLI.scopes);
        let received = loopback.receive(&visit(&app, &attempt.url, "allow"));
        let code = attempt.read_code(&app, &received);
        let tokens = remote.exchange(&client, &code, &attempt.verifier).expect("tokens");
        assert_granted(&tokens, &["notes:read", "notes:write", "offline_access"]);
        assert_described(&remote, CLI, &tokens);
        // the token is not for this API
        assert!(!remote.introspect(MAIL, tokens.access_token()).active());
    }

    fn a_refresh_token_is_good_once(database) {
        let app = TestApp::spawn(database);
        let remote = Remote::new(&app);
        let client = remote.client(CLI, None);
        let first = remote.sign_in(&client, CLI.scopes);
        let second = remote.refresh(&client, refresh_token_of(&first)).expect("new tokens");
        assert_granted(&second, &["notes:read", "notes:write", "offline_access"]);
        assert_ne!(refresh_token_of(&first).secret(), refresh_token_of(&second).secret());
        assert_ne!(first.access_token().secret(), second.access_token().secret());
        assert_described(&remote, CLI, &second);
        // who uses the old one again ends them all
        assert_eq!(refusal_of(remote.refresh(&client, refresh_token_of(&first))), ErrorType::InvalidGrant);
        assert_eq!(refusal_of(remote.refresh(&client, refresh_token_of(&second))), ErrorType::InvalidGrant);
        assert!(!remote.is_active(first.access_token()) && !remote.is_active(second.access_token()));
    }

    fn a_wrong_verifier_is_an_invalid_grant(database) {
        let app = TestApp::spawn(database);
        let remote = Remote::new(&app);
        let client = remote.client(CLI, None);
        let attempt = Attempt::begin(&client, CLI.scopes);
        let code = attempt.read_code(&app, &visit(&app, &attempt.url, "allow").url);
        let (_, wrong) = PkceCodeChallenge::new_random_sha256();
        assert_eq!(refusal_of(remote.exchange(&client, &code, wrong.secret())), ErrorType::InvalidGrant);
        // that did not spoil the code for who has the right one
        let tokens = remote.exchange(&client, &code, &attempt.verifier).expect("tokens");
        assert!(remote.is_active(tokens.access_token()));
        // it is good once, and who has everything and comes again ends what came of it
        assert_eq!(refusal_of(remote.exchange(&client, &code, &attempt.verifier)), ErrorType::InvalidGrant);
        assert!(!remote.is_active(tokens.access_token()));
    }

    fn a_denied_request_is_told_to_the_program(database) {
        let app = TestApp::spawn(database);
        let (remote, loopback) = (Remote::new(&app), Loopback::open());
        let client = remote.client(CLI, Some(&loopback.address()));
        let attempt = Attempt::begin(&client, CLI.scopes);
        let received = loopback.receive(&visit(&app, &attempt.url, "deny"));
        let pairs = attempt.read(&app, &received);
        assert!(!pairs.contains_key("code"), "{received}");
        // the crate leaves reading the answer to the app, but has a type for the error
        let error = serde_json::to_value(&pairs).and_then(serde_json::from_value::<BasicErrorResponse>).expect("an error");
        assert_eq!(error.error(), &ErrorType::Extension("access_denied".to_owned()));
        assert!(error.error_description().is_some(), "{received}");
    }

    fn revoked_tokens_are_inactive(database) {
        let app = TestApp::spawn(database);
        let remote = Remote::new(&app);
        for client in [CLI, WEB, POST] {
            let client = remote.client(client, None);
            let first = remote.sign_in(&client, &["notes:read", "offline_access"]);
            remote.revoke(&client, first.access_token().clone());
            assert!(!remote.is_active(first.access_token()));
            // an access token goes alone, a refresh token takes everything with it
            let second = remote.refresh(&client, refresh_token_of(&first)).expect("new tokens");
            assert!(remote.is_active(second.access_token()));
            remote.revoke(&client, refresh_token_of(&second).clone());
            assert!(!remote.is_active(second.access_token()));
            assert_eq!(refusal_of(remote.refresh(&client, refresh_token_of(&second))), ErrorType::InvalidGrant);
            // once more is no error
            remote.revoke(&client, refresh_token_of(&second).clone());
        }
    }

    fn web_apps_prove_who_they_are_by_basic_and_by_post(database) {
        let app = Setup::new(database).path("/api/v1/auth").spawn();
        let remote = Remote::new(&app);
        for web in [WEB, POST] {
            let client = remote.client(web, None);
            let attempt = Attempt::begin(&client, &["notes:read", "offline_access"]);
            let answer = visit(&app, &attempt.url, "allow");
            assert!(answer.url.starts_with(&format!("{}?", web.redirect)), "{}", answer.url);
            let code = attempt.read_code(&app, &answer.url);
            let stranger = remote.client(web, None).set_client_secret(ClientSecret::new("wrong".to_owned()));
            assert_eq!(refusal_of(remote.exchange(&stranger, &code, &attempt.verifier)), ErrorType::InvalidClient);
            let first = remote.exchange(&client, &code, &attempt.verifier).expect("tokens");
            assert_granted(&first, &["notes:read", "offline_access"]);
            assert_described(&remote, web, &first);
            assert_eq!(refusal_of(remote.refresh(&stranger, refresh_token_of(&first))), ErrorType::InvalidClient);
            let second = remote.refresh(&client, refresh_token_of(&first)).expect("new tokens");
            assert_granted(&second, &["notes:read", "offline_access"]);
            assert_described(&remote, web, &second);
            remote.revoke(&client, second.access_token().clone());
            assert!(!remote.is_active(second.access_token()));
        }
    }

    fn a_service_gets_a_token_for_itself(database) {
        let app = TestApp::spawn(database);
        let remote = Remote::new(&app);
        // by Basic and by post
        for service in [SERVICE, POST] {
            let client = remote.client(service, None);
            let get = |scope: &str| {
                let request = client.exchange_client_credentials().add_scope(Scope::new(scope.to_owned()));
                remote.runtime.block_on(request.request_async(&remote.http))
            };
            let tokens = get("notes:read").expect("a token");
            assert_granted(&tokens, &["notes:read"]);
            assert!(tokens.refresh_token().is_none());
            let told = remote.introspect(NOTES, tokens.access_token());
            assert!(told.active());
            assert_eq!(told.sub(), Some(format!("client:{}", service.id).as_str()));
            assert_eq!(told.username(), None);
            assert_eq!(refusal_of(get("notes:shred")), ErrorType::InvalidScope);
            remote.revoke(&client, tokens.access_token().clone());
            assert!(!remote.is_active(tokens.access_token()));
        }
        let public = remote.client(CLI, None);
        let request = public.exchange_client_credentials();
        let given = remote.runtime.block_on(request.request_async(&remote.http));
        assert_eq!(refusal_of(given), ErrorType::UnauthorizedClient);
    }

    fn an_api_must_prove_who_it_is(database) {
        let app = TestApp::spawn(database);
        let remote = Remote::new(&app);
        let stranger = remote.describe(NOTES.id).set_client_secret(ClientSecret::new(MAIL.secret()));
        assert_eq!(refusal_of(remote.ask_about(&stranger, "gp_at_nothing")), ErrorType::InvalidClient);
        let unknown = remote.introspect(NOTES, &AccessToken::new("gp_at_nothing".to_owned()));
        assert!(!unknown.active());
        assert_eq!((unknown.scopes(), unknown.client_id(), unknown.exp()), (None, None, None));
    }
}
