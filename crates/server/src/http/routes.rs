//! How a line of the router becomes a route: its handlers behind what its policy asks for.

use actix_web::http::Method;
use actix_web::http::header::{ALLOW, HeaderValue};
use actix_web::middleware::from_fn;
use actix_web::web::{self, ServiceConfig};
use actix_web::{FromRequest, Handler, HttpResponse, Responder, Route};
use serde::Serialize;

use crate::http::policy::{Body, Caller, Credential, Limit, MenuEntry, Policy};
use crate::http::respond::preflight;
use crate::pages::kit::gate;

/// A line of the table.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct RouteLine {
    /// Below the path of the issuer, but for the well-known ones.
    pub(crate) path: String,
    /// As the header `Allow` has them.
    pub(crate) methods: &'static str,
    /// What stands beside it.
    #[serde(flatten)]
    pub(crate) policy: Policy,
}

impl RouteLine {
    /// The line for people: path, methods, caller, credential, body, what is counted, specification; padded, but for the last.
    pub(crate) fn write_cells(&self) -> [String; 7] {
        let Policy { caller, credential, csrf, body, limit, spec, .. } = self.policy;
        let caller = match caller {
            Caller::Everybody => "everybody",
            Caller::Program => "program",
            Caller::Person => "person",
            Caller::Administrator => "administrator",
        };
        let credential = match credential {
            Credential::None => "",
            Credential::Cookie => "cookie",
            Credential::Client => "client credentials",
            Credential::Token => "access token",
        };
        let takes_post = self.methods.contains("POST");
        let body = match (body, csrf) {
            _ if !takes_post => "",
            (Body::None, _) => "nothing",
            (Body::Form, true) => "own form",
            (Body::Form, false) => "form",
            (Body::Json, true) => "own JSON",
            (Body::Json, false) => "JSON",
        };
        let limit = match limit {
            Limit::None => "",
            Limit::TokenFailures => "token_failures",
            Limit::IntrospectionFailures => "introspection_failures",
            Limit::Authorize => "authorize",
            Limit::Signups => "signups",
            Limit::ProviderReturns => "provider_returns",
        };
        [
            format!("{:<42}", self.path),
            format!("{:<15}", self.methods),
            format!("{caller:<13}"),
            format!("{credential:<18}"),
            format!("{body:<8}"),
            format!("{limit:<22}"),
            spec.to_owned(),
        ]
    }
}

/// The handlers of a path, with the methods that they are for.
pub(crate) struct Handlers {
    methods: &'static str,
    handled: Vec<Route>,
    open: Vec<Route>,
}

/// All lines; each becomes a route at once if there is a server to add it to.
pub(crate) struct Routes<'c> {
    config: Option<&'c mut ServiceConfig>,
    base: String,
    lines: Vec<RouteLine>,
}

impl<'c> Routes<'c> {
    /// Routes below the path `base` of the issuer, `""` or `"/auth"`.
    pub(crate) fn new(config: Option<&'c mut ServiceConfig>, base: &str) -> Self {
        Self { config, base: base.to_owned(), lines: Vec::new() }
    }

    /// A path below the issuer's.
    pub(crate) fn add(&mut self, path: &'static str, mut policy: Policy, handlers: Handlers) {
        policy.menu = policy.menu.map(|entry| MenuEntry { path, ..entry });
        let full = format!("{}{path}", self.base);
        self.add_line(full, path.to_owned(), policy, handlers);
    }

    /// A path that a specification puts elsewhere.
    pub(crate) fn add_elsewhere(&mut self, path: String, policy: Policy, handlers: Handlers) {
        self.add_line(path.clone(), path, policy, handlers);
    }

    fn add_line(&mut self, full: String, path: String, policy: Policy, handlers: Handlers) {
        let methods = handlers.methods;
        if let Some(config) = &mut self.config {
            let mut resource = web::resource(full).app_data(policy).default_service(not_allowed(methods));
            for route in handlers.handled {
                resource = resource.route(stand_before(route, &path, policy));
            }
            for route in handlers.open {
                resource = resource.route(route);
            }
            config.service(resource);
        }
        self.lines.push(RouteLine { path, methods, policy });
    }

    /// The table.
    pub(crate) fn into_lines(self) -> Vec<RouteLine> {
        self.lines
    }
}

/// Lets nobody through to a page but whom its line names. What programs call proves its callers itself; the answer to a wrong method
/// is the same for everybody.
fn stand_before(route: Route, path: &str, policy: Policy) -> Route {
    if matches!(policy.caller, Caller::Everybody | Caller::Program) && !policy.csrf {
        return route;
    }
    let path = path.to_owned();
    route.wrap(from_fn(move |request, next| gate::admit(path.clone(), policy, request, next)))
}

/// GET and HEAD; any other method is 405 with what would do (M-02).
pub(crate) fn only_get<F, A>(handler: F) -> Handlers
where
    F: Handler<A, Output: Responder + 'static>,
    A: FromRequest + 'static,
{
    let head = web::head().to(handler.clone());
    Handlers { methods: "GET, HEAD", handled: vec![web::get().to(handler), head], open: Vec::new() }
}

/// POST alone.
pub(crate) fn only_post<F, A>(handler: F) -> Handlers
where
    F: Handler<A, Output: Responder + 'static>,
    A: FromRequest + 'static,
{
    Handlers { methods: "POST", handled: vec![web::post().to(handler)], open: Vec::new() }
}

/// A page and its form.
pub(crate) fn both<F, A, G, B>(show: F, submit: G) -> Handlers
where
    F: Handler<A, Output: Responder + 'static>,
    A: FromRequest + 'static,
    G: Handler<B, Output: Responder + 'static>,
    B: FromRequest + 'static,
{
    let mut handlers = only_get(show);
    handlers.methods = "GET, HEAD, POST";
    handlers.handled.push(web::post().to(submit));
    handlers
}

/// GET for pages of any origin: the endpoint never looks at a cookie (C-01).
pub(crate) fn open_get<F, A>(handler: F) -> Handlers
where
    F: Handler<A, Output: Responder + 'static>,
    A: FromRequest + 'static,
{
    Handlers { open: vec![answer_preflight("GET")], ..only_get(handler) }
}

/// POST for pages of any origin: the endpoint never looks at a cookie (C-01).
pub(crate) fn open_post<F, A>(handler: F) -> Handlers
where
    F: Handler<A, Output: Responder + 'static>,
    A: FromRequest + 'static,
{
    Handlers { open: vec![answer_preflight("POST")], ..only_post(handler) }
}

fn answer_preflight(methods: &'static str) -> Route {
    web::method(Method::OPTIONS).to(move || async move { preflight(methods) })
}

fn not_allowed(methods: &'static str) -> Route {
    web::route().to(move || async move {
        HttpResponse::MethodNotAllowed().insert_header((ALLOW, HeaderValue::from_static(methods))).finish()
    })
}
