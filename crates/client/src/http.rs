//! Requests to the authorization server: no redirects, short times, small answers.

use std::error::Error as _;
use std::time::Duration;

use reqwest::header::{ACCEPT, AUTHORIZATION, RETRY_AFTER};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use url::form_urlencoded::byte_serialize;
use url::{Host, Url};

use crate::error::{ServerError, clean_text};
use crate::tokens::ClientIdentity;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const ANSWER_TIMEOUT: Duration = Duration::from_secs(15);
/// No answer of an authorization server is near this size.
const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// One server and the connections to it.
#[derive(Clone, Debug)]
pub(crate) struct Http {
    client: reqwest::Client,
    server: String,
}

/// A whole answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) retry_after: Option<u64>,
    body: Vec<u8>,
}

/// RFC 6749 §5.2.
#[derive(Deserialize)]
struct ErrorBody {
    error: String,
    error_description: Option<String>,
}

impl Http {
    /// Connections to the server at this address, which errors will name.
    pub(crate) fn new(server: &str) -> Result<Self, ServerError> {
        let mut builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(ANSWER_TIMEOUT)
            .user_agent(concat!("gatepost-client/", env!("CARGO_PKG_VERSION")));
        if check_address(server).is_ok_and(|url| is_this_computer(&url)) {
            // a proxy of the environment cannot reach this computer's loopback
            builder = builder.no_proxy();
        }
        let client = builder.build().map_err(|error| ServerError::Unexpected {
            server: server.to_owned(),
            reason: format!("no TLS here: {}", error.without_url()),
        })?;
        Ok(Self { client, server: server.to_owned() })
    }

    pub(crate) async fn get(&self, url: &str) -> Result<Answer, ServerError> {
        self.send(self.client.get(url)).await
    }

    pub(crate) async fn get_with_token(&self, url: &str, token: &str) -> Result<Answer, ServerError> {
        self.send(self.client.get(url).bearer_auth(token)).await
    }

    /// Posts a form as this client: Basic for a secret (RFC 6749 §2.3.1, both parts form-urlencoded), else `client_id` in the form.
    pub(crate) async fn post_form(
        &self,
        url: &str,
        client: &ClientIdentity,
        form: &[(&str, &str)],
    ) -> Result<Answer, ServerError> {
        let request = self.client.post(url);
        let request = match &client.secret {
            Some(secret) => {
                let encode = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
                request.basic_auth(encode(&client.id), Some(encode(secret.expose()))).form(form)
            }
            None => {
                let mut form = form.to_vec();
                form.push(("client_id", &client.id));
                request.form(&form)
            }
        };
        self.send(request).await
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Result<Answer, ServerError> {
        let mut response =
            request.header(ACCEPT, "application/json").send().await.map_err(|error| self.explain(&error))?;
        let status = response.status().as_u16();
        let retry_after = response
            .headers()
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok())
            .and_then(|text| text.trim().parse().ok());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.explain(&error))? {
            if body.len() + chunk.len() > MAX_ANSWER_BYTES {
                return Err(self.unexpected("an answer of more than 64 KiB"));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer { status, retry_after, body })
    }

    pub(crate) fn unexpected(&self, reason: impl Into<String>) -> ServerError {
        ServerError::Unexpected { server: self.server.clone(), reason: reason.into() }
    }

    pub(crate) fn unavailable(&self, status: u16) -> ServerError {
        ServerError::Unreachable { server: self.server.clone(), reason: format!("status {status}") }
    }

    /// The body of a success as JSON; any other answer as its error.
    pub(crate) fn read_json<T: DeserializeOwned>(&self, answer: &Answer) -> Result<T, ServerError> {
        if answer.status != 200 {
            return Err(self.read_error(answer));
        }
        serde_json::from_slice(&answer.body).map_err(|error| {
            // the text of a serde error can hold a value of the document, its position cannot
            self.unexpected(format!(
                "not the JSON that was expected (line {}, column {})",
                error.line(),
                error.column()
            ))
        })
    }

    /// Which error an unsuccessful answer means.
    pub(crate) fn read_error(&self, answer: &Answer) -> ServerError {
        if answer.status >= 500 || answer.status == 429 {
            return self.unavailable(answer.status);
        }
        match serde_json::from_slice::<ErrorBody>(&answer.body) {
            Ok(body) => ServerError::Refused {
                error: clean_text(&body.error),
                description: body.error_description.map(|text| clean_text(&text)),
            },
            Err(_) if (300..400).contains(&answer.status) => {
                self.unexpected(format!("a redirect (status {}), which is never followed", answer.status))
            }
            Err(_) => self.unexpected(format!("status {}", answer.status)),
        }
    }

    /// The cause in few words. The URL is left out: its query can hold what nobody should log.
    fn explain(&self, error: &reqwest::Error) -> ServerError {
        let reason = if error.is_timeout() {
            "no answer in time".to_owned()
        } else {
            let mut cause = error.source();
            let mut words = "connection broken".to_owned();
            while let Some(inner) = cause {
                words = match inner.downcast_ref::<std::io::Error>().map(std::io::Error::kind) {
                    Some(std::io::ErrorKind::ConnectionRefused) => "connection refused".to_owned(),
                    _ => clean_text(&inner.to_string()),
                };
                if words == "connection refused" {
                    break;
                }
                cause = inner.source();
            }
            words
        };
        ServerError::Unreachable { server: self.server.clone(), reason }
    }
}

/// Adds a bearer token to a request of the caller's own HTTP client.
pub(crate) fn add_bearer(request: reqwest::RequestBuilder, token: &str) -> reqwest::RequestBuilder {
    request.header(AUTHORIZATION, format!("Bearer {token}"))
}

/// An address that tokens may travel to: https, or http on this computer; no query, fragment or user name (RFC 8414 §2).
pub(crate) fn check_address(address: &str) -> Result<Url, ServerError> {
    let invalid =
        |reason: &str| ServerError::InvalidAddress { address: clean_text(address), reason: reason.to_owned() };
    let url = Url::parse(address).map_err(|_| invalid("write it like https://auth.example.com"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(invalid("it holds a user name or password"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(invalid("it has a query or a fragment"));
    }
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_this_computer(&url) => Ok(url),
        "http" => Err(ServerError::Insecure { address: clean_text(address) }),
        _ => Err(invalid("it begins with neither https:// nor http://")),
    }
}

/// Whether the host is loopback: `localhost`, 127.0.0.0/8 or `[::1]`.
pub(crate) fn is_this_computer(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_for_this_computer_only() {
        for good in [
            "https://auth.example.com",
            "https://example.org/api/v1/auth",
            "http://localhost:8480",
            "http://127.0.0.1:8480",
            "http://[::1]:8480",
        ] {
            assert!(check_address(good).is_ok(), "{good}");
        }
        for bad in ["http://auth.example.com", "http://127.0.0.1.evil.example", "http://localhost.evil.example"] {
            assert!(matches!(check_address(bad), Err(ServerError::Insecure { .. })), "{bad}");
        }
        for bad in [
            "",
            "auth.example.com",
            "ftp://x",
            "https://a@b.example",
            "https://a.example?x=1",
            "https://a.example#f",
            "file:///etc/passwd",
        ] {
            assert!(matches!(check_address(bad), Err(ServerError::InvalidAddress { .. })), "{bad}");
        }
    }
}
