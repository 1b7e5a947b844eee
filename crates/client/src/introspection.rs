//! For APIs: asking the server whether a token is good (RFC 7662).

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use gatepost_protocol::introspect::{IntrospectionResponse, OneOrMany};
use gatepost_protocol::resource::same_resource;
use tokio::sync::OnceCell;

use crate::clock::read_unix_time;
use crate::discovery::discover;
use crate::error::ServerError;
use crate::http::Http;
use crate::tokens::ClientIdentity;

/// A revoked token may live this long in a cache, not longer.
const MAX_CACHE_AGE: Duration = Duration::from_secs(1);
const MAX_CACHE_ENTRIES: usize = 4096;
/// Longer ones are nobody's token, and the server would be asked for nothing.
const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// Your API and how it asks.
#[derive(Clone, Debug)]
pub struct IntrospectionOptions {
    /// The server's address, exactly as its `public_url` says.
    pub issuer: String,
    /// The credentials of the API, as `gatepost resource-server add` printed them.
    pub client: ClientIdentity,
    /// The API's own identifier: only tokens whose `aud` names it are good here (RFC 8707 §2).
    pub resource: String,
    /// Where to ask, if not where the metadata says: the inner address of a sidecar, for example. Plain http is then your decision.
    pub endpoint: Option<String>,
    /// How long an answer is good, at most one second. None, the default, asks every time, so that a revocation shows at once.
    pub cache: Option<Duration>,
}

impl IntrospectionOptions {
    /// Asks every time, where the metadata says.
    pub fn new(issuer: impl Into<String>, client: ClientIdentity, resource: impl Into<String>) -> Self {
        Self { issuer: issuer.into(), client, resource: resource.into(), endpoint: None, cache: None }
    }
}

/// A token that is good here and now.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ActiveToken {
    /// Whom the token stands for: a person, or the client itself; the lasting identifier.
    pub subject: String,
    /// What it allows.
    pub scopes: Vec<String>,
    /// The program that uses it.
    pub client_id: Option<String>,
    /// The person's name for people to read, which can change.
    pub username: Option<String>,
    /// Which APIs it is for; this one is among them.
    pub audience: Vec<String>,
    /// When it ends, unix seconds.
    pub expires_at: Option<i64>,
}

impl ActiveToken {
    /// Whether the token allows this.
    #[must_use]
    pub fn has_scope(&self, scope: &str) -> bool {
        self.scopes.iter().any(|granted| granted == scope)
    }
}

/// Why a token was not found good.
#[derive(Debug)]
#[non_exhaustive]
pub enum IntrospectionError {
    /// Unknown, expired, revoked, or not for this API: answer 401 `invalid_token`.
    Inactive,
    /// Nobody knows: the server did not answer. Answer 503, never 401: clients throw tokens away after a 401.
    Unavailable {
        /// What the server said in `Retry-After`, seconds.
        retry_after: Option<u64>,
        /// For the log.
        reason: String,
    },
    /// The API's own credentials or settings are wrong: answer 503, and look at the log.
    Misconfigured(ServerError),
}

impl fmt::Display for IntrospectionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inactive => f.write_str("the token is not active"),
            Self::Unavailable { reason, .. } => write!(f, "the token could not be checked: {reason}"),
            Self::Misconfigured(error) => write!(f, "tokens cannot be checked with these settings: {error}"),
        }
    }
}

impl std::error::Error for IntrospectionError {}

impl From<ServerError> for IntrospectionError {
    fn from(error: ServerError) -> Self {
        match error {
            ServerError::Unreachable { .. } | ServerError::Unexpected { .. } => {
                Self::Unavailable { retry_after: None, reason: error.to_string() }
            }
            other => Self::Misconfigured(other),
        }
    }
}

/// Asks the server about tokens. Cheap to clone; clones share connections.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use gatepost_client::{ClientIdentity, IntrospectionOptions, Introspector};
///
/// let api = ClientIdentity::confidential("notes-api", std::fs::read_to_string("secret.txt")?.trim());
/// let introspector = Introspector::new(IntrospectionOptions::new("https://auth.example.com", api, "https://notes.example.com"))?;
/// let token = introspector.introspect("gp_at_…").await?;
/// println!("{} may: {}", token.subject, token.scopes.join(" "));
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Introspector {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    options: IntrospectionOptions,
    http: Http,
    endpoint: OnceCell<String>,
    cache: Option<Cache>,
}

impl Introspector {
    /// The API that tokens must be for.
    #[must_use]
    pub fn resource(&self) -> &str {
        &self.inner.options.resource
    }

    /// Asks nothing yet: an API may start before the server.
    ///
    /// # Errors
    /// [`ServerError::Unexpected`] when this machine offers no TLS.
    pub fn new(options: IntrospectionOptions) -> Result<Self, ServerError> {
        let http = Http::new(options.endpoint.as_deref().unwrap_or(&options.issuer))?;
        let cache = options.cache.filter(|age| !age.is_zero()).map(|age| Cache::new(age.min(MAX_CACHE_AGE)));
        Ok(Self { inner: Arc::new(Inner { options, http, endpoint: OnceCell::new(), cache }) })
    }

    /// Whether this token is good at this API, and for what.
    ///
    /// # Errors
    /// [`IntrospectionError`]: only `Inactive` is about the token.
    pub async fn introspect(&self, token: &str) -> Result<ActiveToken, IntrospectionError> {
        if !is_token_text(token) {
            return Err(IntrospectionError::Inactive);
        }
        if let Some(found) = self.inner.cache.as_ref().and_then(|cache| cache.find(token)) {
            return check_answer_time(found);
        }
        let asked_at = Instant::now();
        let active = self.ask_server(token).await?;
        if let Some(cache) = &self.inner.cache {
            cache.insert(token, active.clone(), asked_at);
        }
        Ok(active)
    }

    async fn ask_server(&self, token: &str) -> Result<ActiveToken, IntrospectionError> {
        let inner = &self.inner;
        let endpoint = inner.find_endpoint().await?;
        let form = [("token", token), ("token_type_hint", "access_token")];
        let answer = inner.http.post_form(endpoint, &inner.options.client, &form).await?;
        if answer.status == 429 || answer.status >= 500 {
            return Err(IntrospectionError::Unavailable {
                retry_after: answer.retry_after,
                reason: format!("status {}", answer.status),
            });
        }
        let answer: IntrospectionResponse = inner.http.read_json(&answer).map_err(|error| {
            tracing::error!(%error, "tokens cannot be checked");
            IntrospectionError::from(error)
        })?;
        inner.judge_answer(answer)
    }
}

impl Inner {
    async fn find_endpoint(&self) -> Result<&str, IntrospectionError> {
        let endpoint = self.endpoint.get_or_try_init(|| async {
            if let Some(endpoint) = &self.options.endpoint {
                return Ok(endpoint.clone());
            }
            let server = discover(&self.options.issuer).await?;
            server
                .introspection_endpoint
                .ok_or_else(|| ServerError::Unsupported { server: self.options.issuer.clone(), what: "introspection" })
        });
        Ok(endpoint.await.map_err(|error: ServerError| {
            tracing::error!(%error, "tokens cannot be checked");
            IntrospectionError::from(error)
        })?)
    }

    /// Starts from no: every member that could speak against the token is looked at.
    fn judge_answer(&self, answer: IntrospectionResponse) -> Result<ActiveToken, IntrospectionError> {
        if !answer.active {
            return Err(IntrospectionError::Inactive);
        }
        if answer.iss.is_some_and(|iss| iss != self.options.issuer) {
            tracing::warn!("an introspection answer names another issuer");
            return Err(IntrospectionError::Inactive);
        }
        let audience = match answer.aud {
            None => Vec::new(),
            Some(OneOrMany::One(name)) => vec![name],
            Some(OneOrMany::Many(names)) => names,
        };
        if !audience.iter().any(|name| same_resource(&self.options.resource, name)) {
            tracing::warn!(resource = %self.options.resource, ?audience, "a token for another API was presented");
            return Err(IntrospectionError::Inactive);
        }
        let Some(subject) = answer.sub.or_else(|| answer.client_id.clone()) else {
            tracing::warn!("an introspection answer names nobody");
            return Err(IntrospectionError::Inactive);
        };
        check_answer_time(ActiveToken {
            subject,
            scopes: answer.scope.unwrap_or_default().split_ascii_whitespace().map(str::to_owned).collect(),
            client_id: answer.client_id,
            username: answer.username,
            audience,
            expires_at: answer.exp,
        })
    }
}

fn check_answer_time(token: ActiveToken) -> Result<ActiveToken, IntrospectionError> {
    match token.expires_at {
        Some(end) if end <= read_unix_time() => Err(IntrospectionError::Inactive),
        _ => Ok(token),
    }
}

/// The `b64token` of RFC 6750 §2.1.
fn is_token_text(token: &str) -> bool {
    let body = token.trim_end_matches('=');
    !body.is_empty()
        && token.len() <= MAX_TOKEN_BYTES
        && body.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte))
}

/// Good answers of the last second. Keyed by the hash of the token: a dump of the memory shows none.
#[derive(Debug)]
struct Cache {
    age: Duration,
    answers: Mutex<HashMap<[u8; 32], (ActiveToken, Instant)>>,
}

impl Cache {
    fn new(age: Duration) -> Self {
        Self { age, answers: Mutex::default() }
    }

    fn find(&self, token: &str) -> Option<ActiveToken> {
        let answers = self.answers.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let (active, asked_at) = answers.get(&hash_token(token))?;
        (asked_at.elapsed() < self.age).then(|| active.clone())
    }

    fn insert(&self, token: &str, active: ActiveToken, asked_at: Instant) {
        let mut answers = self.answers.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if answers.len() >= MAX_CACHE_ENTRIES {
            answers.retain(|_, (_, asked_at)| asked_at.elapsed() < self.age);
        }
        if answers.len() < MAX_CACHE_ENTRIES {
            answers.insert(hash_token(token), (active, asked_at));
        }
    }
}

fn hash_token(token: &str) -> [u8; 32] {
    let mut key = [0; 32];
    key.copy_from_slice(ring::digest::digest(&ring::digest::SHA256, token.as_bytes()).as_ref());
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_token_is_never_sent() {
        assert!(is_token_text("gp_at_abc-DEF_123.~+/=="));
        for bad in ["", "=", "a b", "a\r\nb", "ä", &"x".repeat(MAX_TOKEN_BYTES + 1)] {
            assert!(!is_token_text(bad), "{bad:.20}");
        }
    }
}
