//! Authorization server metadata (RFC 8414), the same document in every place where clients look.

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use actix_web::web::Data;
use gatepost_engine::clients::registry::{Catalogue, OFFLINE_ACCESS};
use gatepost_protocol::grant_type::GrantType;
use gatepost_protocol::issuer::Issuer;
use gatepost_protocol::metadata::ServerMetadata;

use crate::http::respond::{allow_any_origin, oauth_error};
use crate::http::state::State;

pub(crate) async fn get(state: Data<State>) -> HttpResponse {
    let call = state.plain_call();
    // discovery goes on while the database is away, with what was known before
    let found = match call.engine.registry.last_catalogue() {
        Some(last) if !state.installation.store.epochs().can_hear() => Ok(last),
        _ => state.find_catalogue(&call).await,
    };
    allow_any_origin(match found {
        Ok(catalogue) => HttpResponse::Ok()
            .insert_header((CONTENT_TYPE, "application/json"))
            .insert_header((CACHE_CONTROL, "public, max-age=300"))
            .body(serde_json::to_string(&describe(&call.engine.issuer, &catalogue)).unwrap_or_default()),
        Err(error) => oauth_error(&call, &error),
    })
}

/// Everything that works, and nothing else (MD-09).
fn describe(issuer: &Issuer, catalogue: &Catalogue) -> ServerMetadata {
    let list = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let mut scopes: Vec<String> = catalogue.scopes.iter().map(|scope| scope.name.clone()).collect();
    scopes.push(OFFLINE_ACCESS.to_owned());
    let live = catalogue.servers.iter().filter(|server| !server.disabled);
    let client_methods = list(&["none", "client_secret_basic", "client_secret_post"]);
    ServerMetadata {
        issuer: issuer.as_str().to_owned(),
        authorization_endpoint: issuer.url("/oauth2/authorize"),
        token_endpoint: issuer.url("/oauth2/token"),
        jwks_uri: Some(issuer.url("/oauth2/jwks")),
        scopes_supported: scopes,
        response_types_supported: list(&["code"]),
        response_modes_supported: list(&["query"]),
        grant_types_supported: list(&GrantType::ALL.map(GrantType::as_str)),
        token_endpoint_auth_methods_supported: client_methods.clone(),
        revocation_endpoint: Some(issuer.url("/oauth2/revoke")),
        revocation_endpoint_auth_methods_supported: client_methods,
        introspection_endpoint: Some(issuer.url("/oauth2/introspect")),
        introspection_endpoint_auth_methods_supported: list(&["client_secret_basic", "client_secret_post"]),
        introspection_signing_alg_values_supported: list(&["ES256"]),
        code_challenge_methods_supported: list(&["S256"]),
        authorization_response_iss_parameter_supported: true,
        service_documentation: None,
        ui_locales_supported: list(&["en"]),
        protected_resources: live.map(|server| server.resource.clone()).collect(),
    }
}
