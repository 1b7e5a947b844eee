//! Every route on one screen, one line each.

use actix_web::http::Method;
use actix_web::http::header::{ALLOW, HeaderValue};
use actix_web::web::{self, ServiceConfig, get, post, route};
use actix_web::{FromRequest, Handler, HttpResponse, Resource, Responder};
use gatepost_protocol::issuer::Issuer;

use crate::api::v1::whoami;
use crate::http::respond::preflight;
use crate::oauth::{authorize, introspect, jwks, metadata, revoke, token};
use crate::operations::health;
use crate::pages::account::email;
use crate::pages::account::{
    activity, apps, authenticator, passkeys, password, personal_data, profile, providers, recovery_codes, security,
    sessions,
};
use crate::pages::kit::{assets, errors};
use crate::pages::sign_in::{confirm, login, passkey, provider, second_step};
use crate::pages::sign_in::{link, reset, verify};
use crate::pages::{admin, consent, home, invitations, setup, sign_out, sign_up};

/// All routes. Paths are below the path of the issuer; the well-known ones are where RFC 8414 wants them.
#[rustfmt::skip]
pub(crate) fn add_routes(config: &mut ServiceConfig, issuer: &Issuer, metrics: bool) {
    let at = |path: &str| web::resource(format!("{}{path}", issuer.path()));
    let (oauth, _) = issuer.well_known("oauth-authorization-server");
    let (openid, openid_appended) = issuer.well_known("openid-configuration");
    let mut add = |resource: Resource| { config.service(resource); };

    // protocol
    add(both(at("/oauth2/authorize"), authorize::get, authorize::post));             // OAuth 2.1 §3.1
    add(open_post(at("/oauth2/token"), token::post));                                // OAuth 2.1 §3.2
    add(only_post(at("/oauth2/introspect"), introspect::post));                      // RFC 7662
    add(open_post(at("/oauth2/revoke"), revoke::post));                              // RFC 7009
    add(open_get(at("/oauth2/jwks"), jwks::get));                                    // RFC 7517
    add(open_get(web::resource(oauth), metadata::get));                              // RFC 8414 §3.1
    add(open_get(web::resource(openid.clone()), metadata::get));                     // RFC 8414 §5
    if openid_appended != openid {
        add(open_get(web::resource(openid_appended), metadata::get));                // OpenID Discovery §4
    }

    // pages
    add(only_get(at("/"), home::get));
    add(both(at("/login"), login::get, login::post));
    add(both(at("/login/second"), second_step::get, second_step::post));
    add(both(at("/confirm"), confirm::get, confirm::post));
    add(both(at("/signup"), sign_up::get, sign_up::post));
    add(only_get(at("/login/via/{provider}/callback"), provider::callback));                 // OpenID Connect Core §3.1.2.5
    add(both(at("/verify"), verify::get, verify::post));
    add(both(at("/link/{token}"), link::get, link::post));
    add(both(at("/reset"), reset::ask, reset::send));
    add(both(at("/reset/{token}"), reset::get, reset::post));
    add(both(at("/consent"), consent::get, consent::post));
    add(both(at("/logout"), sign_out::get, sign_out::post));
    add(both(at("/setup/{token}"), setup::get, setup::post));
    add(both(at("/account"), profile::get, profile::post));
    add(only_get(at("/account/security"), security::get));
    add(both(at("/account/second-step"), security::ask_toggle, security::toggle));
    add(both(at("/account/authenticator/new"), authenticator::get, authenticator::post));
    add(both(at("/account/authenticator/remove"), authenticator::ask_remove, authenticator::remove));
    add(both(at("/account/recovery-codes"), recovery_codes::get, recovery_codes::post));
    add(only_post(at("/account/recovery-codes/download"), recovery_codes::download));
    add(only_post(at("/account/recovery-codes/done"), recovery_codes::done));
    add(both(at("/account/password/new"), password::get_first, password::post_first));
    add(both(at("/account/email"), email::get, email::post));
    add(only_post(at("/account/email/cancel"), email::cancel));
    add(only_post(at("/account/email/verify"), email::verify));
    add(both(at("/account/password"), password::get, password::post));
    add(only_post(at("/passkeys/options"), passkey::options));            // WebAuthn L3 §5.1
    add(only_get(at("/account/passkeys"), passkeys::list));
    add(both(at("/account/passkeys/new"), passkeys::new, passkeys::add));
    add(both(at("/account/passkeys/{id}"), passkeys::ask_name, passkeys::rename));
    add(both(at("/account/passkeys/{id}/remove"), passkeys::ask_remove, passkeys::remove));
    add(only_get(at("/account/providers"), providers::get));
    add(only_post(at("/account/providers/link"), providers::link));
    add(only_post(at("/account/providers/unlink"), providers::unlink));
    add(only_get(at("/account/sessions"), sessions::get));
    add(only_post(at("/account/sessions/end"), sessions::end));
    add(only_post(at("/account/sessions/end-others"), sessions::end_others));
    add(only_get(at("/account/apps"), apps::get));
    add(only_get(at("/account/apps/{client_id}/end"), apps::ask_end));
    add(only_post(at("/account/apps/end"), apps::end));
    add(both(at("/account/activity"), activity::get, activity::post));
    add(both(at("/account/data"), personal_data::show_data, personal_data::download));
    add(both(at("/account/delete"), personal_data::ask_delete, personal_data::delete));
    add(only_get(at("/assets/{name}"), assets::get));

    // administration
    add(only_get(at("/admin"), admin::overview::get));
    add(only_get(at("/admin/users"), admin::users::get));
    add(only_get(at("/admin/users.csv"), admin::users::csv::get));
    add(both(at("/admin/users/new"), admin::new_user::get, admin::new_user::post));
    add(only_get(at("/admin/users/{id}"), admin::user::get));
    add(both(at("/admin/users/{id}/{act}"), admin::acts::get, admin::acts::post));
    add(only_get(at("/admin/audit"), admin::audit::get));
    add(only_get(at("/admin/audit.jsonl"), admin::audit::export));
    // invitations, and who may sign up
    add(only_post(at("/invite"), invitations::sign_out));
    add(only_get(at("/invite/{code}"), invitations::get));
    add(only_get(at("/admin/invites"), admin::invitations::list));
    add(both(at("/admin/invites/new"), admin::invitations::new, admin::invitations::add));
    add(only_get(at("/admin/invites/{id}"), admin::invitations::show));
    add(both(at("/admin/invites/{id}/revoke"), admin::invitations::ask_revoke, admin::invitations::revoke));
    add(both(at("/admin/signup-mode"), admin::sign_up_mode::get, admin::sign_up_mode::post));

    // API
    add(open_get(at("/api/v1/whoami"), whoami::get));                                // RFC 6750

    // operations
    add(only_get(at("/healthz"), health::live));
    add(only_get(at("/readyz"), health::ready));
    if metrics {
        add(only_get(at("/metrics"), health::metrics));
    }
    config.default_service(route().to(errors::not_found));
}

/// GET and HEAD; any other method is 405 with what would do (M-02).
fn only_get<F, A>(resource: Resource, handler: F) -> Resource
where
    F: Handler<A, Output: Responder + 'static>,
    A: FromRequest + 'static,
{
    let head = web::head().to(handler.clone());
    resource.route(get().to(handler)).route(head).default_service(not_allowed("GET, HEAD"))
}

/// POST alone.
fn only_post<F, A>(resource: Resource, handler: F) -> Resource
where
    F: Handler<A, Output: Responder + 'static>,
    A: FromRequest + 'static,
{
    resource.route(post().to(handler)).default_service(not_allowed("POST"))
}

/// A page and its form.
fn both<F, A, G, B>(resource: Resource, show: F, submit: G) -> Resource
where
    F: Handler<A, Output: Responder + 'static>,
    A: FromRequest + 'static,
    G: Handler<B, Output: Responder + 'static>,
    B: FromRequest + 'static,
{
    let head = web::head().to(show.clone());
    resource.route(get().to(show)).route(head).route(post().to(submit)).default_service(not_allowed("GET, HEAD, POST"))
}

/// GET for pages of any origin: the endpoint never looks at a cookie (C-01).
fn open_get<F, A>(resource: Resource, handler: F) -> Resource
where
    F: Handler<A, Output: Responder + 'static>,
    A: FromRequest + 'static,
{
    only_get(resource, handler).route(answer_preflight("GET"))
}

/// POST for pages of any origin: the endpoint never looks at a cookie (C-01).
fn open_post<F, A>(resource: Resource, handler: F) -> Resource
where
    F: Handler<A, Output: Responder + 'static>,
    A: FromRequest + 'static,
{
    only_post(resource, handler).route(answer_preflight("POST"))
}

fn answer_preflight(methods: &'static str) -> actix_web::Route {
    web::method(Method::OPTIONS).to(move || async move { preflight(methods) })
}

fn not_allowed(methods: &'static str) -> actix_web::Route {
    route().to(move || async move {
        HttpResponse::MethodNotAllowed().insert_header((ALLOW, HeaderValue::from_static(methods))).finish()
    })
}
