//! What the pages show.

use crate::pages::kit::render::HAND_OVER_HEADERS;
use crate::pages::kit::return_to::ReturnTo;
use crate::pages::kit::scopes::ScopeView;
use crate::pages::kit::view::View;
use serde::Serialize;

/// Whether the operator vouches for an app.
#[derive(Serialize, Clone, Debug)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub(crate) enum Trust {
    /// Registered by the operator.
    Verified {
        /// Who makes the app, shown as "Made by …".
        publisher: Option<String>,
    },
    /// Registered by itself: a warning is shown, and no logo.
    Unverified {
        /// Host of the client metadata document; `None` for dynamic registration.
        host: Option<String>,
    },
}

/// An API that the access is for.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct ApiView {
    /// Name from the registration.
    pub(crate) name: String,
    /// Resource URI (RFC 8707).
    pub(crate) uri: String,
}

/// Allow an app, `/consent`; posts `csrf`, `tx`, `decision=deny|allow`.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct ConsentView {
    /// Token against forged posts.
    pub(crate) csrf: String,
    /// Sealed authorization request.
    pub(crate) tx: String,
    /// Name of the app.
    pub(crate) app: String,
    /// Email address of the account in use.
    pub(crate) email: String,
    /// Whether the operator vouches for the app.
    pub(crate) trust: Trust,
    /// What is asked, in any order: the page puts sensitive ones last.
    pub(crate) scopes: Vec<ScopeView>,
    /// Days that `offline_access` lasts.
    pub(crate) away_days: u32,
    /// Where the answer goes.
    pub(crate) returns_to: ReturnTo,
    /// The APIs that the tokens will be for; may be empty.
    pub(crate) apis: Vec<ApiView>,
}

/// "Taking you back": the 200 answer of a post that ends at a client, because `form-action` stops a redirect.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct HandOverView {
    /// Name of the app.
    pub(crate) app: Option<String>,
    /// Where to, with the answer in it; this page must never be stored.
    pub(crate) uri: String,
    /// The redirect URI in words; its `uri` is left empty, since the answer is in it.
    pub(crate) returns_to: ReturnTo,
}

impl HandOverView {
    /// Hands over to `uri`, the redirect URI with the answer's parameters.
    pub(crate) fn new(app: Option<String>, uri: String) -> Self {
        let mut returns_to = ReturnTo::new(&uri);
        returns_to.uri.clear();
        Self { app, uri, returns_to }
    }
}

impl View for ConsentView {
    const TEMPLATE: &'static str = "consent.html";
}

impl View for HandOverView {
    const TEMPLATE: &'static str = "hand_over.html";

    fn headers() -> &'static [(&'static str, &'static str)] {
        HAND_OVER_HEADERS
    }
}
