//! What stands on a route's line beside its path: who may call it, by which credential, how often and with how much.
//!
//! None of it is a mere label. [`crate::pages::kit::gate`] lets nobody through to a page but whom the line names, and proves each form
//! to be ours; [`crate::http::extract`] reads no body but the one that the line allows; [`crate::http::limits`] counts in the window
//! that the line names. `gatepost config routes` prints the table, and a test asks every route as every caller.

use actix_web::HttpRequest;
use serde::Serialize;

/// Who may call a route.
#[derive(Serialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Caller {
    /// Everybody; who is signed in changes at most what is shown.
    Everybody,
    /// A program that proves itself; a cookie is worth nothing.
    Program,
    /// Whoever is signed in, both steps if there are two.
    Person,
    /// Administrators, freshly enough and strongly enough signed in.
    Administrator,
}

/// What the caller is known by.
#[derive(Serialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Credential {
    /// Nothing is asked for and nothing is looked at.
    None,
    /// The cookie of a signed-in browser.
    Cookie,
    /// The credentials of a client or resource server (OAuth 2.1 §2.4).
    Client,
    /// An access token (RFC 6750).
    Token,
}

/// The body that a POST may have.
#[derive(Serialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Body {
    /// None is read.
    None,
    /// A form of at most `http.form_limit`.
    Form,
    /// JSON of at most 64 KiB.
    Json,
}

/// What is counted in this process, and refused when it is too much; the settings of the same names say how much.
#[derive(Serialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Limit {
    /// Nothing; what is guessed at is counted by the engine, in the database.
    None,
    /// Failed proofs of a client.
    TokenFailures,
    /// Failed proofs of whoever introspects.
    IntrospectionFailures,
    /// Authorization requests.
    Authorize,
    /// New accounts.
    Signups,
    /// Returns from other providers.
    ProviderReturns,
}

/// Where the menu of the administration has an entry.
#[derive(Serialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum MenuGroup {
    /// At the top.
    Main,
    /// Under "Records".
    Records,
}

/// An entry of the menu of the administration.
#[derive(Serialize, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MenuEntry {
    /// Where it leads, below the path of the issuer.
    pub(crate) path: &'static str,
    /// Under which heading.
    pub(crate) group: MenuGroup,
    /// The text `admin.{key}`, and what the page's block `here` says.
    pub(crate) key: &'static str,
    /// A picture of the macro `icon`.
    pub(crate) icon: &'static str,
}

/// All that a route's line says besides path and handlers.
#[derive(Serialize, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Policy {
    /// Who may call it.
    pub(crate) caller: Caller,
    /// By which credential.
    pub(crate) credential: Credential,
    /// A POST must carry the token of one of our own pages.
    pub(crate) csrf: bool,
    /// The body that it may have.
    pub(crate) body: Body,
    /// What is counted.
    pub(crate) limit: Limit,
    /// The specification that asks for it; may be empty.
    pub(crate) spec: &'static str,
    /// Whoever must sign in first keeps what they came for.
    #[serde(skip)]
    pub(crate) keeps_journey: bool,
    /// The page to come back to after a sign-in, where that is another one.
    #[serde(skip)]
    pub(crate) back: Option<&'static str>,
    /// The entry in the menu of the administration.
    #[serde(skip)]
    pub(crate) menu: Option<MenuEntry>,
}

/// What everybody may have: documents, files, signs of life.
pub(crate) const OPEN: Policy = Policy {
    caller: Caller::Everybody,
    credential: Credential::None,
    csrf: false,
    body: Body::None,
    limit: Limit::None,
    spec: "",
    keeps_journey: false,
    back: None,
    menu: None,
};

/// A page for everybody, with forms of its own.
pub(crate) const VISITOR: Policy = Policy { credential: Credential::Cookie, csrf: true, body: Body::Form, ..OPEN };

/// A page for whoever is signed in.
pub(crate) const PERSON: Policy = Policy { caller: Caller::Person, ..VISITOR };

/// A page for administrators.
pub(crate) const ADMINISTRATOR: Policy = Policy { caller: Caller::Administrator, ..VISITOR };

/// An endpoint for programs that prove themselves in the form or the Authorization header.
pub(crate) const PROGRAM: Policy =
    Policy { caller: Caller::Program, credential: Credential::Client, body: Body::Form, ..OPEN };

/// An endpoint for programs that act by an access token.
pub(crate) const BEARER: Policy = Policy { caller: Caller::Program, credential: Credential::Token, ..OPEN };

impl Policy {
    /// The same with another body.
    pub(crate) const fn body(self, body: Body) -> Self {
        Self { body, ..self }
    }

    /// The same with something that is counted.
    pub(crate) const fn limit(self, limit: Limit) -> Self {
        Self { limit, ..self }
    }

    /// The same without a token in its form: the form is another site's, and changes nothing by itself.
    pub(crate) const fn without_csrf(self) -> Self {
        Self { csrf: false, ..self }
    }

    /// The same, named after the specification that asks for it.
    pub(crate) const fn spec(self, spec: &'static str) -> Self {
        Self { spec, ..self }
    }

    /// The same; whoever must sign in first goes on with what they came for.
    pub(crate) const fn keeping_journey(self) -> Self {
        Self { keeps_journey: true, ..self }
    }

    /// The same; after a sign-in that comes first people land on this page.
    pub(crate) const fn back(self, back: &'static str) -> Self {
        Self { back: Some(back), ..self }
    }

    /// The same with an entry in the menu of the administration: the text `admin.{key}` and a picture.
    pub(crate) const fn menu(self, group: MenuGroup, key: &'static str, icon: &'static str) -> Self {
        Self { menu: Some(MenuEntry { path: "", group, key, icon }), ..self }
    }

    /// What the line of this request's route says; nothing is allowed where there is no line.
    pub(crate) fn of(request: &HttpRequest) -> Self {
        request.app_data::<Self>().copied().unwrap_or(OPEN)
    }
}
