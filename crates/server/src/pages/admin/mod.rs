//! The administration: what needs a person, and the people.

pub(crate) mod acts;
pub(crate) mod csv;
pub(crate) mod invites;
pub(crate) mod log;
pub(crate) mod new_user;
pub(crate) mod overview;
pub(crate) mod person;
pub(crate) mod sign_up_mode;
pub(crate) mod users;

use actix_web::{HttpRequest, HttpResponse};
use gatepost_engine::kernel::manage::ManageFault;
use gatepost_store::people::directory::WaysIn;
use gatepost_store::people::users::UserRow;

use crate::http::respond;
use crate::http::state::State;
use crate::pages::guard::Admin;
use crate::pages::views::{ErrorKind, PersonStatus, ProviderView, WaysView};

type Page = Result<HttpResponse, HttpResponse>;

fn either(page: Page) -> HttpResponse {
    page.unwrap_or_else(|response| response)
}

/// The page that is asked for, to come back to after a sign-in; a query too long for that is left out.
fn find_back(path: &str, request: &HttpRequest) -> String {
    match request.query_string() {
        query if query.is_empty() || query.len() > 500 => path.to_owned(),
        query => format!("{path}?{query}"),
    }
}

fn trouble(state: &State, admin: &Admin, error: &gatepost_engine::Error) -> HttpResponse {
    respond::engine_error_page(state, &admin.visitor.call, error)
}

fn not_found(state: &State, admin: &Admin) -> HttpResponse {
    respond::error_page(state, &admin.visitor.call, ErrorKind::NotFound)
}

/// The page for something that was not done.
fn refuse(state: &State, admin: &Admin, fault: &ManageFault) -> HttpResponse {
    let kind = match fault {
        ManageFault::NotFound(_) => ErrorKind::NotFound,
        ManageFault::Invalid(_) => ErrorKind::BadRequest,
        ManageFault::Forbidden(_) | ManageFault::TooMany(_) | ManageFault::LastAdministrator(_) => ErrorKind::Forbidden,
    };
    respond::error_page(state, &admin.visitor.call, kind)
}

fn find_status(user: &UserRow) -> PersonStatus {
    match (user.disabled_at, user.email_verified) {
        (Some(_), _) => PersonStatus::Disabled,
        (None, true) => PersonStatus::Active,
        (None, false) => PersonStatus::Unverified,
    }
}

fn describe_ways(ways: WaysIn) -> WaysView {
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
fn count(n: i64) -> u64 {
    u64::try_from(n).unwrap_or_default()
}
