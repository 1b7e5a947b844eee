//! What the pages of the administration share.

use actix_web::{HttpRequest, HttpResponse};
use gatepost_engine::kernel::manage::ManageFault;
use gatepost_store::people::directory::WaysIn;
use gatepost_store::people::users::UserRow;
use serde::Serialize;

use crate::http::respond;
use crate::http::state::State;
use crate::pages::kit::errors::view::ErrorKind;
use crate::pages::kit::guard::Admin;

/// What an account is good for; texts are `people.status.*`.
#[derive(Serialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum PersonStatus {
    /// Enabled, with a proven address.
    Active,
    /// Enabled, and nobody proved to own the address.
    Unverified,
    /// Nothing of it works.
    Disabled,
}

/// How somebody can sign in, as words.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct WaysView {
    /// A password is set.
    pub(crate) password: bool,
    /// Names of the passkeys.
    pub(crate) passkeys: Vec<String>,
    /// An authenticator app asks for codes.
    pub(crate) authenticator: bool,
    /// Recovery codes that are left.
    pub(crate) recovery_codes: i64,
    /// Accounts at other providers.
    pub(crate) providers: Vec<ProviderView>,
}

/// An account at another provider.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct ProviderView {
    /// The provider, as the settings call it.
    pub(crate) name: String,
    /// The address there.
    pub(crate) email: String,
}

pub(super) type Page = Result<HttpResponse, HttpResponse>;

pub(super) fn either(page: Page) -> HttpResponse {
    page.unwrap_or_else(|response| response)
}

/// The page that is asked for, to come back to after a sign-in; a query too long for that is left out.
pub(super) fn find_back(path: &str, request: &HttpRequest) -> String {
    match request.query_string() {
        query if query.is_empty() || query.len() > 500 => path.to_owned(),
        query => format!("{path}?{query}"),
    }
}

pub(super) fn trouble(state: &State, admin: &Admin, error: &gatepost_engine::Error) -> HttpResponse {
    respond::engine_error_page(state, &admin.visitor.call, error)
}

pub(super) fn not_found(state: &State, admin: &Admin) -> HttpResponse {
    respond::error_page(state, &admin.visitor.call, ErrorKind::NotFound)
}

/// The page for something that was not done.
pub(super) fn refuse(state: &State, admin: &Admin, fault: &ManageFault) -> HttpResponse {
    let kind = match fault {
        ManageFault::NotFound(_) => ErrorKind::NotFound,
        ManageFault::Invalid(_) => ErrorKind::BadRequest,
        ManageFault::Forbidden(_) | ManageFault::TooMany(_) | ManageFault::LastAdministrator(_) => ErrorKind::Forbidden,
    };
    respond::error_page(state, &admin.visitor.call, kind)
}

pub(super) fn find_status(user: &UserRow) -> PersonStatus {
    match (user.disabled_at, user.email_verified) {
        (Some(_), _) => PersonStatus::Disabled,
        (None, true) => PersonStatus::Active,
        (None, false) => PersonStatus::Unverified,
    }
}

pub(super) fn describe_ways(ways: WaysIn) -> WaysView {
    let provider = |(name, email)| ProviderView { name, email };
    WaysView {
        password: ways.password,
        passkeys: ways.passkeys,
        authenticator: ways.authenticator,
        recovery_codes: ways.recovery_codes,
        providers: ways.providers.into_iter().map(provider).collect(),
    }
}

/// Counts are never negative.
pub(super) fn count(n: i64) -> u64 {
    u64::try_from(n).unwrap_or_default()
}
