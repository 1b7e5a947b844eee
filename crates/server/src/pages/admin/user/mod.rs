//! One person: facts, ways in, sessions, apps, and what can be done.

pub(crate) mod view;

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use gatepost_engine::audit::query::{AuditFilter, list_account_events};
use gatepost_engine::people::last_admin::{is_last_admin, needs_factors};
use gatepost_engine::{Call, Result};
use gatepost_store::Db;
use gatepost_store::clients::find_client;
use gatepost_store::oauth::grants::{GrantRow, list_live_grants};
use gatepost_store::people::directory::{self, WaysIn};
use gatepost_store::people::sessions::{self, list_live_sessions};
use gatepost_store::people::users::{ROLE_ADMIN, UserRow, find_user};

use crate::http::state::State;
use crate::pages::account::sessions::describe_session;
use crate::pages::admin::audit::describe_log;
use crate::pages::admin::audit::view::LogRow;
use crate::pages::admin::shared::{Page, describe_ways, either, find_status, not_found, trouble};
use crate::pages::admin::user::view::{PersonApp, PersonView};
use crate::pages::kit::guard::Admin;
use crate::pages::kit::notice::read_notice;
use crate::pages::kit::view::Moment;

/// Everything that is shown of somebody, read at one moment.
struct Found {
    user: UserRow,
    ways: WaysIn,
    sessions: Vec<sessions::SessionRow>,
    apps: Vec<(GrantRow, String)>,
    last: bool,
    needs_factors: bool,
    events: Vec<LogRow>,
}

fn read_person(call: &Call, db: &mut Db, id: &str) -> Result<Option<Found>> {
    let Some(user) = find_user(db, id)? else { return Ok(None) };
    let ways = directory::list_ways_in(db, std::slice::from_ref(&user))?.pop().unwrap_or_default();
    let mut apps: Vec<(GrantRow, String)> = Vec::new();
    for grant in list_live_grants(db, id, call.now)? {
        if let Some((known, _)) = apps.iter_mut().find(|(known, _)| known.client_id == grant.client_id) {
            known.created_at = known.created_at.min(grant.created_at);
            continue;
        }
        let name = find_client(db, &grant.client_id)?.map_or_else(|| grant.client_id.clone(), |client| client.name);
        apps.push((grant, name));
    }
    let sessions = list_live_sessions(db, id, call.now)?;
    let last = is_last_admin(call, db, &user)?;
    let needs_factors = needs_factors(call, db, &user)?;
    let page = list_account_events(call, db, (&user.id, &AuditFilter::default()), None, 10)?;
    let events = describe_log(call, db, &page.events)?;
    Ok(Some(Found { user, ways, sessions, apps, last, needs_factors, events }))
}

pub(crate) async fn get(request: HttpRequest, id: Path<String>, state: Data<State>) -> HttpResponse {
    either(show(&request, &id, &state).await)
}

async fn show(request: &HttpRequest, id: &str, state: &State) -> Page {
    let admin = Admin::of(state, request)?;
    let wanted = id.to_owned();
    let found = state.read(&admin.visitor.call, move |call, db| read_person(call, db, &wanted)).await;
    let found = found.map_err(|error| trouble(state, &admin, &error))?;
    let Some(Found { user, ways, sessions, apps, last, needs_factors, events }) = found else {
        return Err(not_found(state, &admin));
    };
    let now = admin.visitor.call.now;
    let own = admin.session.session_id.as_str();
    let session = |row: sessions::SessionRow| describe_session(row, own, false, now);
    let app = |(grant, name): (GrantRow, String)| PersonApp {
        name,
        client_id: grant.client_id,
        since: Moment::new(grant.created_at, now),
        last_used: Moment::new(grant.last_used_at, now),
    };
    let view = PersonView {
        frame: admin.frame(read_notice(request)),
        status: find_status(&user),
        admin: user.role == ROLE_ADMIN,
        own: user.id == admin.session.user_id,
        created: Moment::new(user.created_at, now),
        seen: user.last_sign_in_at.map(|at| Moment::new(at, now)),
        disabled: user.disabled_at.map(|at| Moment::new(at, now)),
        verified: user.email_verified,
        id: user.id,
        name: user.name,
        email: user.email,
        sessions: sessions.into_iter().map(session).collect(),
        apps: apps.into_iter().map(app).collect(),
        last_administrator: last,
        needs_factors,
        has_factors: ways.has_second_factor() || ways.recovery_codes > 0,
        events,
        ways: describe_ways(ways),
        mail: admin.visitor.call.policy().mail,
    };
    Ok(admin.visitor.page(state, StatusCode::OK, &view))
}
