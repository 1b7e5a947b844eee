//! Every route on one screen, one line each; those of the pages stand beside their modules, in `pages/mod.rs`.

use actix_web::web::{ServiceConfig, route};
use gatepost_protocol::issuer::Issuer;

use crate::api::v1::whoami;
use crate::http::policy::{BEARER, Limit, OPEN, PROGRAM, VISITOR};
use crate::http::routes::{RouteLine, Routes, both, only_get, only_post, open_get, open_post};
use crate::oauth::{authorize, introspect, jwks, metadata, revoke, token};
use crate::operations::health;
use crate::pages;
use crate::pages::kit::errors;

/// Adds all routes to a server.
pub(crate) fn add_routes(config: &mut ServiceConfig, issuer: &Issuer, metrics: bool) {
    let mut routes = Routes::new(Some(&mut *config), issuer.path());
    write_lines(&mut routes, issuer, metrics);
    config.default_service(route().to(errors::not_found));
}

/// The table of all routes of an installation that publishes its metrics.
pub(crate) fn list_routes(issuer: &Issuer) -> Vec<RouteLine> {
    let mut routes = Routes::new(None, issuer.path());
    write_lines(&mut routes, issuer, true);
    routes.into_lines()
}

/// Paths are below the path of the issuer; the well-known ones are where RFC 8414 wants them.
#[rustfmt::skip]
fn write_lines(routes: &mut Routes<'_>, issuer: &Issuer, metrics: bool) {
    let (oauth, _) = issuer.well_known("oauth-authorization-server");
    let (openid, openid_appended) = issuer.well_known("openid-configuration");

    // protocol
    routes.add("/oauth2/authorize",  VISITOR.without_csrf().limit(Limit::Authorize).spec("OAuth 2.1 §3.1"), both(authorize::get, authorize::post));
    routes.add("/oauth2/token",      PROGRAM.limit(Limit::TokenFailures).spec("OAuth 2.1 §3.2"), open_post(token::post));
    routes.add("/oauth2/introspect", PROGRAM.limit(Limit::IntrospectionFailures).spec("RFC 7662"), only_post(introspect::post));
    routes.add("/oauth2/revoke",     PROGRAM.limit(Limit::TokenFailures).spec("RFC 7009"), open_post(revoke::post));
    routes.add("/oauth2/jwks",       OPEN.spec("RFC 7517"), open_get(jwks::get));
    routes.add_elsewhere(oauth,      OPEN.spec("RFC 8414 §3.1"), open_get(metadata::get));
    if openid_appended != openid {
        routes.add_elsewhere(openid_appended, OPEN.spec("OpenID Connect Discovery §4"), open_get(metadata::get));
    }
    routes.add_elsewhere(openid,     OPEN.spec("RFC 8414 §5"), open_get(metadata::get));

    // pages
    pages::write_lines(routes);

    // API
    routes.add("/api/v1/whoami",     BEARER.spec("RFC 6750"), open_get(whoami::get));

    // operations
    routes.add("/healthz",           OPEN, only_get(health::live));
    routes.add("/readyz",            OPEN, only_get(health::ready));
    if metrics {
        routes.add("/metrics",       OPEN, only_get(health::metrics));
    }
}
