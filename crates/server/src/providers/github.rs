//! GitHub, which is no OpenID provider: OAuth for an access token, then its API for who that is.

use gatepost_engine::people::providers::trip::Trip;
use gatepost_protocol::params::Params;
use gatepost_protocol::redirect_uri::append_params;
use openidconnect::http::{Method, Request, StatusCode, header};
use openidconnect::{HttpRequest, PkceCodeChallenge, PkceCodeVerifier};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use url::Url;

use crate::providers::{Door, Person, TripFault, read_code};
use crate::settings::providers::ProviderDecl;
use crate::settings::types::SecretText;

/// GitHub itself or GitHub Enterprise Server.
pub(super) struct GitHub {
    url: String,
    api_url: String,
    client_id: String,
    client_secret: SecretText,
    scopes: String,
    door: Door,
}

/// An error comes with status 200, too.
#[derive(Deserialize)]
struct TokenAnswer {
    access_token: Option<String>,
    error: Option<String>,
}

#[derive(Deserialize)]
struct User {
    /// stays the same when somebody takes another login
    id: u64,
    login: String,
    name: Option<String>,
}

#[derive(Deserialize)]
struct Address {
    email: String,
    primary: bool,
    verified: bool,
}

impl GitHub {
    pub(super) fn new(decl: &ProviderDecl, door: Door) -> Self {
        let trim = |url: &Option<String>| url.as_deref().unwrap_or_default().trim_end_matches('/').to_owned();
        Self {
            url: trim(&decl.github_url),
            api_url: trim(&decl.github_api_url),
            client_id: decl.client_id.clone(),
            client_secret: decl.client_secret.clone(),
            scopes: decl.scopes.join(" "),
            door,
        }
    }

    /// The address of its sign-in page.
    pub(super) fn start(&self, trip: &Trip) -> Result<String, TripFault> {
        let verifier = PkceCodeVerifier::new(trip.verifier.clone());
        let challenge = PkceCodeChallenge::from_code_verifier_sha256(&verifier);
        let page = format!("{}/login/oauth/authorize", self.url);
        let parsed = Url::parse(&page).map_err(|_| TripFault::unreachable("its address is malformed"))?;
        self.door.check_page(&parsed)?;
        Ok(append_params(
            &page,
            &[
                ("response_type", "code"),
                ("client_id", &self.client_id),
                ("redirect_uri", &self.door.redirect_uri),
                ("scope", &self.scopes),
                ("state", &trip.state),
                ("code_challenge", challenge.as_str()),
                ("code_challenge_method", "S256"),
            ],
        ))
    }

    /// Exchanges the code and asks who that is. The address is the primary one, if GitHub has confirmed it.
    pub(super) async fn finish(&self, trip: &Trip, answer: &Params) -> Result<Person, TripFault> {
        let token = self.exchange_code(trip, &read_code(answer)?).await?;
        let user: User = self.ask("/user", &token).await?;
        let addresses: Vec<Address> = self.ask("/user/emails?per_page=100", &token).await?;
        let primary = addresses.into_iter().find(|address| address.primary);
        Ok(Person {
            subject: user.id.to_string(),
            email_verified: primary.as_ref().map(|address| address.verified),
            email: primary.map(|address| address.email),
            name: user.name.filter(|name| !name.trim().is_empty()).unwrap_or(user.login),
            workspace: None,
        })
    }

    async fn exchange_code(&self, trip: &Trip, code: &str) -> Result<String, TripFault> {
        let form = append_params(
            "?",
            &[
                ("client_id", &self.client_id),
                ("client_secret", self.client_secret.expose().unwrap_or_default()),
                ("code", code),
                ("redirect_uri", &self.door.redirect_uri),
                ("code_verifier", &trip.verifier),
            ],
        );
        let request = Request::builder()
            .method(Method::POST)
            .uri(format!("{}/login/oauth/access_token", self.url))
            .header(header::ACCEPT, "application/json")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(form.trim_start_matches('?').as_bytes().to_vec())
            .map_err(|_| TripFault::unreachable("the request cannot be made"))?;
        let answer: TokenAnswer = self.send(request).await?;
        match (answer.error.as_deref(), answer.access_token) {
            (None, Some(token)) => Ok(token),
            (Some("bad_verification_code" | "redirect_uri_mismatch"), _) => {
                Err(TripFault::refused("it does not take the code"))
            }
            (Some("incorrect_client_credentials"), _) => {
                Err(TripFault::unreachable("it does not accept client_id and client_secret"))
            }
            (Some("unverified_user_email"), _) => Err(TripFault::refused("the address there is not confirmed")),
            _ => Err(TripFault::unreachable("it gives no token")),
        }
    }

    async fn ask<T: DeserializeOwned>(&self, path: &str, token: &str) -> Result<T, TripFault> {
        let request = Request::builder()
            .uri(format!("{}{path}", self.api_url))
            .header(header::ACCEPT, "application/vnd.github+json")
            .header("x-github-api-version", "2022-11-28")
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .body(Vec::new())
            .map_err(|_| TripFault::unreachable("the request cannot be made"))?;
        self.send(request).await
    }

    async fn send<T: DeserializeOwned>(&self, request: HttpRequest) -> Result<T, TripFault> {
        let answer = self.door.fetcher.send(request).await.map_err(TripFault::unreachable)?;
        if answer.status() != StatusCode::OK {
            return Err(TripFault::unreachable(format_args!("it answers with status {}", answer.status().as_u16())));
        }
        serde_json::from_slice(answer.body()).map_err(|_| TripFault::unreachable("its answer is malformed"))
    }
}
