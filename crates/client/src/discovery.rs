//! Finding the endpoints of a server (RFC 8414).

use gatepost_protocol::issuer::Issuer;
use gatepost_protocol::metadata::ServerMetadata;

use crate::error::{ServerError, clean_text};
use crate::http::{Http, check_address};

/// A server whose metadata was read and whose name was checked.
#[derive(Clone, Debug)]
pub struct Server {
    /// The issuer, byte for byte.
    pub issuer: String,
    /// Where a browser goes to sign in.
    pub authorization_endpoint: Option<String>,
    /// Where codes and refresh tokens are exchanged.
    pub token_endpoint: String,
    /// Where APIs ask about tokens.
    pub introspection_endpoint: Option<String>,
    /// Where tokens are given back.
    pub revocation_endpoint: Option<String>,
    /// The server promises an `iss` on every authorization answer (RFC 9207 §3).
    pub iss_in_answers: bool,
    /// PKCE methods; none listed means no PKCE (RFC 8414 §2).
    pub code_challenge_methods: Vec<String>,
    pub(crate) http: Http,
}

/// Reads the metadata of the server at this issuer address: the inserted form of RFC 8414 §3.1, then the appended one of OpenID Connect.
///
/// # Errors
/// [`ServerError::IssuerMismatch`] unless the `issuer` in the answer is byte-equal to the address (RFC 8414 §3.3);
/// [`ServerError::Unreachable`] when nothing answers.
pub async fn discover(issuer: &str) -> Result<Server, ServerError> {
    check_address(issuer)?;
    let parsed = Issuer::parse(issuer)
        .map_err(|fault| ServerError::InvalidAddress { address: clean_text(issuer), reason: fault.to_string() })?;
    let http = Http::new(issuer)?;
    let mut last_status = 0;
    for url in list_metadata_urls(&parsed) {
        let answer = http.get(&url).await?;
        if answer.status == 200 {
            let metadata: ServerMetadata = http.read_json(&answer)?;
            return build_server(issuer, metadata, http);
        }
        if answer.status >= 500 {
            return Err(http.unavailable(answer.status));
        }
        last_status = answer.status;
    }
    Err(http.unexpected(format!(
        "status {last_status} where its metadata should be. Is this the whole address, with its path?"
    )))
}

fn build_server(issuer: &str, metadata: ServerMetadata, http: Http) -> Result<Server, ServerError> {
    if metadata.issuer.is_empty() {
        return Err(http.unexpected("its metadata names no issuer"));
    }
    if metadata.issuer != issuer {
        return Err(ServerError::IssuerMismatch { asked: issuer.to_owned(), answered: clean_text(&metadata.issuer) });
    }
    if metadata.token_endpoint.is_empty() {
        return Err(ServerError::Unsupported { server: issuer.to_owned(), what: "token requests" });
    }
    let authorization_endpoint = Some(metadata.authorization_endpoint).filter(|endpoint| !endpoint.is_empty());
    let endpoints = [
        authorization_endpoint.as_ref(),
        Some(&metadata.token_endpoint),
        metadata.introspection_endpoint.as_ref(),
        metadata.revocation_endpoint.as_ref(),
    ];
    for endpoint in endpoints.into_iter().flatten() {
        // a document must not send a code, a secret or the browser to another scheme, nor down from https
        let path = endpoint.split(['?', '#']).next().unwrap_or_default();
        let url = check_address(path)?;
        if issuer.starts_with("https:") && url.scheme() != "https" {
            return Err(ServerError::Insecure { address: clean_text(path) });
        }
    }
    Ok(Server {
        issuer: metadata.issuer,
        authorization_endpoint,
        token_endpoint: metadata.token_endpoint,
        introspection_endpoint: metadata.introspection_endpoint,
        revocation_endpoint: metadata.revocation_endpoint,
        iss_in_answers: metadata.authorization_response_iss_parameter_supported,
        code_challenge_methods: metadata.code_challenge_methods_supported,
        http,
    })
}

/// The addresses of the metadata, best first.
fn list_metadata_urls(issuer: &Issuer) -> [String; 2] {
    let (inserted, _) = issuer.well_known("oauth-authorization-server");
    let (_, appended) = issuer.well_known("openid-configuration");
    [inserted, appended].map(|path| format!("{}{path}", issuer.origin()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_of_the_issuer_comes_after_the_well_known_part() {
        let list = |issuer| list_metadata_urls(&Issuer::parse(issuer).expect("an issuer"));
        assert_eq!(
            list("https://example.org/api/v1/auth"),
            [
                "https://example.org/.well-known/oauth-authorization-server/api/v1/auth",
                "https://example.org/api/v1/auth/.well-known/openid-configuration"
            ]
        );
        assert_eq!(
            list("http://localhost:8480"),
            [
                "http://localhost:8480/.well-known/oauth-authorization-server",
                "http://localhost:8480/.well-known/openid-configuration"
            ]
        );
        assert_eq!(list("https://h/t1/")[0], "https://h/.well-known/oauth-authorization-server/t1");
    }
}
