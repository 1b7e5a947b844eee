//! The authorization code flow with PKCE, without a transport: web apps use it directly, [`log_in`](crate::login::log_in) adds a browser
//! and a loopback port.

use std::collections::HashMap;

use gatepost_protocol::pkce::s256;
use gatepost_protocol::token::TokenResponse;
use url::Url;
use url::form_urlencoded;

use crate::clock::read_unix_time;
use crate::discovery::Server;
use crate::error::{LoginError, ServerError, clean_text};
use crate::random::draw_random_text;
use crate::tokens::{ClientIdentity, SecretText, Tokens};

/// What to ask for.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Scopes; none leaves the choice to the server.
    pub scopes: Vec<String>,
    /// The APIs that the token is for (RFC 8707); none leaves the choice to the server.
    pub resources: Vec<String>,
    /// The address to fill in on the sign-in page.
    pub login_hint: Option<String>,
}

/// A sign-in that has begun. Keep it where only this person's browser leads to, for example in a server-side session.
#[derive(Debug)]
pub struct PendingLogin {
    url: Url,
    state: SecretText,
    verifier: SecretText,
    redirect_uri: String,
}

impl PendingLogin {
    /// Begins a sign-in: draws `state` and the PKCE verifier, 256 bits each.
    ///
    /// # Errors
    /// [`ServerError::Unsupported`] for a server without authorization endpoint or without PKCE S256.
    pub fn begin(
        server: &Server,
        client: &ClientIdentity,
        redirect_uri: &str,
        wanted: &Wanted,
    ) -> Result<Self, ServerError> {
        let unsupported = |what| ServerError::Unsupported { server: server.issuer.clone(), what };
        if !server.code_challenge_methods.iter().any(|method| method == "S256") {
            return Err(unsupported("PKCE with S256"));
        }
        let endpoint = server.authorization_endpoint.as_deref().ok_or_else(|| unsupported("sign-in in a browser"))?;
        let mut url = Url::parse(endpoint).map_err(|_| unsupported("sign-in in a browser"))?;
        let state = draw_random_text()?;
        let verifier = draw_random_text()?;
        {
            let mut query = url.query_pairs_mut();
            query
                .append_pair("response_type", "code")
                .append_pair("client_id", &client.id)
                .append_pair("redirect_uri", redirect_uri)
                .append_pair("state", &state)
                .append_pair("code_challenge", &s256(&verifier))
                .append_pair("code_challenge_method", "S256");
            if !wanted.scopes.is_empty() {
                query.append_pair("scope", &wanted.scopes.join(" "));
            }
            for resource in &wanted.resources {
                query.append_pair("resource", resource);
            }
            if let Some(hint) = &wanted.login_hint {
                query.append_pair("login_hint", hint);
            }
        }
        Ok(Self { url, state: state.into(), verifier: verifier.into(), redirect_uri: redirect_uri.to_owned() })
    }

    /// Where the browser must go.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Reads the query that came back to the redirect address: `state` first, then `iss`, then error or code.
    ///
    /// # Errors
    /// [`LoginError::StateMismatch`] and [`LoginError::Malformed`] can come from anybody who knows the address: go on waiting.
    /// All others are this sign-in's own end.
    pub fn read_answer(&self, server: &Server, query: &str) -> Result<SecretText, LoginError> {
        let mut values: HashMap<String, String> = HashMap::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            if values.insert(name.into_owned(), value.into_owned()).is_some() {
                return Err(LoginError::Malformed("a parameter is there twice"));
            }
        }
        let state_fits = values.get("state").is_some_and(|state| is_same_text(state, self.state.expose()));
        if !state_fits {
            return Err(LoginError::StateMismatch);
        }
        let iss = values.get("iss");
        // RFC 9207 §2.4: compare when it is there, refuse when it was promised and is missing
        if iss.is_some_and(|iss| *iss != server.issuer) || (iss.is_none() && server.iss_in_answers) {
            return Err(LoginError::IssuerMismatch {
                asked: server.issuer.clone(),
                answered: iss.map(|iss| clean_text(iss)),
            });
        }
        if let Some(error) = values.get("error") {
            return Err(match error.as_str() {
                "access_denied" => LoginError::Denied,
                _ => LoginError::Refused {
                    error: clean_text(error),
                    description: values.get("error_description").map(|text| clean_text(text)),
                },
            });
        }
        match values.remove("code") {
            Some(code) if !code.is_empty() => Ok(code.into()),
            _ => Err(LoginError::Malformed("neither a code nor an error")),
        }
    }

    /// Exchanges the code for tokens (RFC 6749 §4.1.3). Consumes the sign-in: a code works once.
    ///
    /// # Errors
    /// [`LoginError::Server`] when the server refuses or does not answer.
    pub async fn redeem_code(
        self,
        server: &Server,
        client: &ClientIdentity,
        code: &SecretText,
    ) -> Result<Tokens, LoginError> {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code.expose()),
            ("redirect_uri", &self.redirect_uri),
            ("code_verifier", self.verifier.expose()),
        ];
        Ok(request_tokens(server, client, &form).await?)
    }
}

/// One request to the token endpoint.
pub(crate) async fn request_tokens(
    server: &Server,
    client: &ClientIdentity,
    form: &[(&str, &str)],
) -> Result<Tokens, ServerError> {
    // before the request: the time of the way back belongs to the token's life
    let received_at = read_unix_time();
    let answer = server.http.post_form(&server.token_endpoint, client, form).await?;
    let body: TokenResponse = server.http.read_json(&answer)?;
    if !body.token_type.eq_ignore_ascii_case("bearer") {
        return Err(server.http.unexpected("a token that is not a bearer token"));
    }
    Ok(Tokens {
        access_token: body.access_token.into(),
        refresh_token: body.refresh_token.map(SecretText::from),
        scopes: body.scope.split_ascii_whitespace().map(str::to_owned).collect(),
        received_at,
        expires_at: (body.expires_in > 0).then(|| received_at.saturating_add(body.expires_in)),
    })
}

/// Compares without telling by the time taken where the first difference is.
fn is_same_text(a: &str, b: &str) -> bool {
    a.len() == b.len() && a.bytes().zip(b.bytes()).fold(0, |difference, (x, y)| difference | (x ^ y)) == 0
}
