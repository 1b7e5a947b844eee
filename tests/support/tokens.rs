//! The token endpoint and its neighbours.

use serde_json::Value;

use super::app::TestApp;
use super::declared::{ALICE, Auth, TestApi, TestClient};
use super::flow::{Authorize, Browser, Code};
use super::http::{Request, Response};

/// The whole answer about a token that is not good.
pub(crate) const INACTIVE: &str = r#"{"active":false}"#;

/// A form before it is sent.
pub(crate) type Form<'f> = Vec<(&'f str, String)>;

/// What the token endpoint gave.
#[derive(Clone, Debug)]
pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) refresh: Option<String>,
    pub(crate) scope: String,
    pub(crate) json: Value,
}

impl Tokens {
    /// Reads an answer that must be good.
    pub(crate) fn read(response: &Response) -> Self {
        assert_eq!(response.status, 200, "{response:?}");
        let json = response.json();
        let text = |name: &str| json[name].as_str().map(str::to_owned);
        Self {
            access: text("access_token").expect("an access token"),
            refresh: text("refresh_token"),
            scope: text("scope").expect("the scope"),
            json,
        }
    }

    /// The refresh token that must be there.
    pub(crate) fn refresh(&self) -> &str {
        self.refresh.as_deref().unwrap_or_else(|| panic!("no refresh token: {}", self.json))
    }
}

/// Status and `error` of a JSON answer; it must be made as OAuth says (T-04).
pub(crate) fn error_of(response: &Response) -> (u16, String) {
    let json = response.json();
    let members: Vec<&str> = json.as_object().expect("an object").keys().map(String::as_str).collect();
    assert_eq!(members, ["error", "error_description"], "{response:?}");
    for member in members {
        let text = json[member].as_str().expect("text");
        let is_allowed = |sign| matches!(sign, ' '..='!' | '#'..='[' | ']'..='~');
        assert!(!text.is_empty() && text.chars().all(is_allowed), "{member}: {text}");
    }
    assert_eq!(response.header("cache-control"), Some("no-store"), "{response:?}");
    (response.status, json["error"].as_str().expect("text").to_owned())
}

impl TestClient {
    /// Adds what proves that it is this client, in the way that is registered.
    pub(crate) fn prove(&self, request: Request, mut form: Form<'_>) -> Request {
        match self.auth {
            Auth::None => form.push(("client_id", self.id.to_owned())),
            Auth::Basic => return request.basic(self.id, &self.secret()).form(&form),
            Auth::Post | Auth::Any => {
                form.push(("client_id", self.id.to_owned()));
                form.push(("client_secret", self.secret()));
            }
        }
        request.form(&form)
    }
}

impl Code {
    /// The form that redeems it.
    pub(crate) fn form(&self) -> Form<'static> {
        let mut form = vec![
            ("grant_type", "authorization_code".to_owned()),
            ("code", self.code.clone()),
            ("code_verifier", self.verifier.clone()),
        ];
        form.extend(self.redirect_uri.clone().map(|uri| ("redirect_uri", uri)));
        form
    }
}

/// The form with another value of that name, or with one more field.
pub(crate) fn change<'f>(mut form: Form<'f>, name: &'f str, value: &str) -> Form<'f> {
    form.retain(|(known, _)| *known != name);
    form.push((name, value.to_owned()));
    form
}

impl TestApp {
    /// Sends a form to the token endpoint as this client.
    pub(crate) fn token(&self, client: TestClient, form: Form<'_>) -> Response {
        self.send(&client.prove(Request::post(&self.at("/oauth2/token")), form))
    }

    /// Redeems a code as its client, with everything that belongs to it.
    pub(crate) fn redeem(&self, code: &Code) -> Response {
        self.token(code.client, code.form())
    }

    pub(crate) fn refresh(&self, client: TestClient, refresh_token: &str) -> Response {
        let form = vec![("grant_type", "refresh_token".to_owned()), ("refresh_token", refresh_token.to_owned())];
        self.token(client, form)
    }

    /// A fresh code of Alice for all scopes of the client, in a browser of its own.
    pub(crate) fn get_code(&self, client: TestClient) -> Code {
        Browser::new(self).get_code(&Authorize::new(client), &ALICE)
    }

    /// The tokens of a whole sign-in of Alice.
    pub(crate) fn get_tokens(&self, client: TestClient) -> Tokens {
        Tokens::read(&self.redeem(&self.get_code(client)))
    }

    /// The tokens of a whole sign-in of Alice with this request.
    pub(crate) fn get_tokens_by(&self, request: &Authorize) -> Tokens {
        let code = Browser::new(self).get_code(request, &ALICE);
        Tokens::read(&self.redeem(&code))
    }

    /// What the API is told about a token.
    pub(crate) fn introspect(&self, api: TestApi, token: &str) -> Response {
        self.introspect_at(self.port(), api, token)
    }

    /// The same at another node.
    pub(crate) fn introspect_at(&self, port: u16, api: TestApi, token: &str) -> Response {
        let request = Request::post(&self.at("/oauth2/introspect")).basic(api.id, &api.secret());
        request.form(&[("token", token)]).send(port)
    }

    /// Whether the API is told that the token is good.
    pub(crate) fn is_active(&self, api: TestApi, token: &str) -> bool {
        let response = self.introspect(api, token);
        assert_eq!(response.status, 200, "{response:?}");
        match response.json()["active"].as_bool().expect("a boolean") {
            true => true,
            false => {
                assert_eq!(response.body, INACTIVE);
                false
            }
        }
    }

    pub(crate) fn revoke(&self, client: TestClient, token: &str) -> Response {
        let request = Request::post(&self.at("/oauth2/revoke"));
        self.send(&client.prove(request, vec![("token", token.to_owned())]))
    }

    /// A token of a service.
    pub(crate) fn get_service_token(&self, client: TestClient, scope: &str) -> Tokens {
        let form = vec![("grant_type", "client_credentials".to_owned()), ("scope", scope.to_owned())];
        Tokens::read(&self.token(client, form))
    }
}
