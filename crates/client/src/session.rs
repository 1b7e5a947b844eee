//! A signed-in account: gives access tokens that are good, renews them in time, signs out.

use std::sync::Arc;

use tokio::sync::{Mutex, OnceCell, OwnedMutexGuard};

use crate::clock::read_unix_time;
use crate::code_flow::request_tokens;
use crate::discovery::{Server, discover};
use crate::error::{ServerError, SessionError, StoreError};
use crate::http::add_bearer;
use crate::store::{Account, Place, TokenStore};
use crate::tokens::{ClientIdentity, SecretText, Tokens};
use crate::whoami::WhoAmI;

/// One account at one server, for as many tasks and processes as you like. Cheap to clone; clones share one state.
///
/// Concurrent callers share one renewal, and processes wait for each other: a refresh token works once, and whoever uses it a second time
/// ends the sign-in for all (RFC 9700 §4.14.2).
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use gatepost_client::{ClientIdentity, Session, TokenStore};
///
/// let session = Session::new("https://auth.example.com", ClientIdentity::public("my-cli"), TokenStore::for_app("my-cli")?);
/// let token = session.access_token().await?;
/// println!("Authorization: Bearer {}", token.expose());
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Session {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    account: Account,
    client: ClientIdentity,
    store: TokenStore,
    server: OnceCell<Server>,
    cached: Arc<Mutex<Option<Tokens>>>,
}

/// How a sign-out went. The tokens are gone from this computer in each case.
#[derive(Debug)]
pub enum LogoutOutcome {
    /// The server ended the sign-in too.
    Everywhere,
    /// The server could not be told: until they expire, the tokens work for whoever has a copy.
    HereOnly(ServerError),
    /// There was nothing to end.
    NotSignedIn,
}

impl Session {
    /// Names an account; reads and asks nothing yet.
    #[must_use]
    pub fn new(issuer: impl Into<String>, client: ClientIdentity, store: TokenStore) -> Self {
        let account = Account { issuer: issuer.into(), client_id: client.id.clone() };
        Self { inner: Arc::new(Inner { account, client, store, server: OnceCell::new(), cached: Arc::default() }) }
    }

    /// The server and the client that this session belongs to.
    #[must_use]
    pub fn account(&self) -> &Account {
        &self.inner.account
    }

    /// Keeps the tokens of a new sign-in.
    ///
    /// # Errors
    /// [`SessionError::Store`]
    pub async fn keep(&self, tokens: Tokens) -> Result<Place, SessionError> {
        let mut cached = self.inner.cached.lock().await;
        let _lock = self.inner.store.lock_account(&self.inner.account).await?;
        let place = self.inner.store.save(&self.inner.account, &tokens).await?;
        *cached = Some(tokens);
        Ok(place)
    }

    /// An access token that is good for a while: renewed when less than a tenth of its life, at most a minute, is left.
    ///
    /// # Errors
    /// [`SessionError::NotSignedIn`], [`SessionError::Ended`]: sign in again. Others: try again later.
    pub async fn access_token(&self) -> Result<SecretText, SessionError> {
        Ok(self.find_tokens(None).await?.access_token)
    }

    /// As [`access_token`](Self::access_token), with scopes and times.
    ///
    /// # Errors
    /// As [`access_token`](Self::access_token).
    pub async fn tokens(&self) -> Result<Tokens, SessionError> {
        self.find_tokens(None).await
    }

    /// Another token than the one an API has just rejected with 401. If somebody renewed it meanwhile, that one is given and nothing is asked.
    ///
    /// Call it once for a request; a second 401 is the API's own decision.
    ///
    /// # Errors
    /// As [`access_token`](Self::access_token).
    pub async fn force_refresh(&self, rejected: &SecretText) -> Result<SecretText, SessionError> {
        Ok(self.find_tokens(Some(rejected.clone())).await?.access_token)
    }

    /// Sends a request of your own HTTP client with the access token; after a 401 once more with a renewed one.
    ///
    /// A request whose body is a stream cannot be sent twice: its 401 is returned as it is.
    ///
    /// # Errors
    /// As [`access_token`](Self::access_token); the API not answering is [`ServerError::Unreachable`].
    pub async fn send(&self, request: reqwest::RequestBuilder) -> Result<reqwest::Response, SessionError> {
        let again = request.try_clone();
        let token = self.access_token().await?;
        let response = send_to_api(request, &token).await?;
        match again {
            Some(request) if response.status() == reqwest::StatusCode::UNAUTHORIZED => {
                let token = self.force_refresh(&token).await?;
                send_to_api(request, &token).await
            }
            _ => Ok(response),
        }
    }

    /// Who is signed in, as the server says it now: a revoked sign-in is noticed.
    ///
    /// # Errors
    /// As [`access_token`](Self::access_token).
    pub async fn whoami(&self) -> Result<WhoAmI, SessionError> {
        let server = self.inner.find_server().await?;
        let url = format!("{}/api/v1/whoami", self.inner.account.issuer.trim_end_matches('/'));
        let token = self.access_token().await?;
        let mut answer = server.http.get_with_token(&url, token.expose()).await?;
        if answer.status == 401 {
            let token = self.force_refresh(&token).await?;
            answer = server.http.get_with_token(&url, token.expose()).await?;
            if answer.status == 401 {
                return Err(SessionError::Ended { description: None });
            }
        }
        Ok(server.http.read_json(&answer)?)
    }

    /// Signs out: the server revokes the tokens (RFC 7009), then this computer forgets them, even if the server could not be told.
    ///
    /// # Errors
    /// [`SessionError::Store`] when the tokens cannot be read or deleted here.
    pub async fn logout(&self) -> Result<LogoutOutcome, SessionError> {
        let inner = &self.inner;
        let mut cached = inner.cached.lock().await;
        let _lock = inner.store.lock_account(&inner.account).await?;
        let Some(tokens) = inner.store.load(&inner.account).await? else {
            *cached = None;
            return Ok(LogoutOutcome::NotSignedIn);
        };
        let told = inner.revoke_tokens(&tokens).await;
        inner.store.delete(&inner.account).await?;
        *cached = None;
        Ok(match told {
            Ok(()) => LogoutOutcome::Everywhere,
            Err(error) => LogoutOutcome::HereOnly(error),
        })
    }

    async fn find_tokens(&self, rejected: Option<SecretText>) -> Result<Tokens, SessionError> {
        let cached = Arc::clone(&self.inner.cached).lock_owned().await;
        if let Some(tokens) = cached.as_ref().filter(|tokens| is_usable(tokens, rejected.as_ref())) {
            return Ok(tokens.clone());
        }
        let inner = Arc::clone(&self.inner);
        // a task of its own: a caller that gives up must not lose the new refresh token between the server and the store
        match tokio::spawn(async move { inner.renew_tokens(cached, rejected).await }).await {
            Ok(result) => result,
            Err(_) => Err(SessionError::Server(ServerError::Unexpected {
                server: self.inner.account.issuer.clone(),
                reason: "the renewal was cut off".to_owned(),
            })),
        }
    }
}

impl Inner {
    async fn renew_tokens(
        &self,
        mut cached: OwnedMutexGuard<Option<Tokens>>,
        rejected: Option<SecretText>,
    ) -> Result<Tokens, SessionError> {
        let result = self.find_or_refresh(&mut cached, rejected.as_ref()).await;
        match &result {
            Ok(tokens) => *cached = Some(tokens.clone()),
            Err(SessionError::NotSignedIn | SessionError::Ended { .. }) => *cached = None,
            Err(_) => {}
        }
        result
    }

    async fn find_or_refresh(
        &self,
        cached: &mut Option<Tokens>,
        rejected: Option<&SecretText>,
    ) -> Result<Tokens, SessionError> {
        match self.store.load(&self.account).await? {
            None => return Err(SessionError::NotSignedIn),
            Some(tokens) if is_usable(&tokens, rejected) => return Ok(tokens),
            Some(_) => {}
        }
        let _lock = self.store.lock_account(&self.account).await?;
        // read again: whoever held the lock may have renewed, or signed out
        let Some(tokens) = self.store.load(&self.account).await? else { return Err(SessionError::NotSignedIn) };
        if is_usable(&tokens, rejected) {
            return Ok(tokens);
        }
        let works_still = rejected.is_none() && tokens.seconds_left(read_unix_time()).is_none_or(|left| left > 0);
        let Some(refresh_token) = &tokens.refresh_token else {
            return if works_still { Ok(tokens) } else { Err(SessionError::Ended { description: None }) };
        };
        match self.refresh(&tokens, refresh_token).await {
            Ok(renewed) => {
                // first: a full disk must not cost this process the only good tokens
                *cached = Some(renewed.clone());
                self.store.update(&self.account, &renewed).await?;
                Ok(renewed)
            }
            Err(ServerError::Refused { error, description }) if error == "invalid_grant" => {
                self.store.delete(&self.account).await?;
                Err(SessionError::Ended { description })
            }
            // renewing early leaves time for a server that is away for a moment
            Err(ServerError::Unreachable { .. }) if works_still => Ok(tokens),
            Err(error) => Err(error.into()),
        }
    }

    async fn refresh(&self, old: &Tokens, refresh_token: &SecretText) -> Result<Tokens, ServerError> {
        let server = self.find_server().await?;
        let form = [("grant_type", "refresh_token"), ("refresh_token", refresh_token.expose())];
        let mut renewed = request_tokens(server, &self.client, &form).await?;
        // RFC 6749 §6: without a new refresh token the old one goes on; §5.1: without scope it is unchanged
        if renewed.refresh_token.is_none() {
            renewed.refresh_token = old.refresh_token.clone();
        }
        if renewed.scopes.is_empty() {
            renewed.scopes.clone_from(&old.scopes);
        }
        Ok(renewed)
    }

    async fn revoke_tokens(&self, tokens: &Tokens) -> Result<(), ServerError> {
        let server = self.find_server().await?;
        let endpoint = server.revocation_endpoint.as_deref().ok_or_else(|| ServerError::Unsupported {
            server: self.account.issuer.clone(),
            what: "giving tokens back",
        })?;
        let form = match &tokens.refresh_token {
            Some(token) => [("token", token.expose()), ("token_type_hint", "refresh_token")],
            None => [("token", tokens.access_token.expose()), ("token_type_hint", "access_token")],
        };
        let answer = server.http.post_form(endpoint, &self.client, &form).await?;
        if answer.status == 200 { Ok(()) } else { Err(server.http.read_error(&answer)) }
    }

    async fn find_server(&self) -> Result<&Server, ServerError> {
        self.server.get_or_try_init(|| discover(&self.account.issuer)).await
    }
}

/// Whether these tokens do for the caller: not due, and not the token that an API has just rejected.
fn is_usable(tokens: &Tokens, rejected: Option<&SecretText>) -> bool {
    !tokens.is_due(read_unix_time()) && rejected != Some(&tokens.access_token)
}

async fn send_to_api(request: reqwest::RequestBuilder, token: &SecretText) -> Result<reqwest::Response, SessionError> {
    add_bearer(request, token.expose()).send().await.map_err(|error| {
        let server = error.url().map_or_else(|| "the API".to_owned(), |url| url.origin().ascii_serialization());
        let reason = if error.is_timeout() { "no answer in time" } else { "no connection" };
        SessionError::Server(ServerError::Unreachable { server, reason: reason.to_owned() })
    })
}

/// For callers that treat a store that does not open as "not signed in".
impl SessionError {
    /// Whether signing in again is the way on.
    #[must_use]
    pub fn needs_login(&self) -> bool {
        matches!(self, Self::NotSignedIn | Self::Ended { .. } | Self::Store(StoreError::Damaged { .. }))
    }
}
