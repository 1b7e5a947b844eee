//! What needs a person, and four plain numbers.

pub(crate) mod view;

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use gatepost_engine::audit::query::{AuditFilter, list_events};
use gatepost_engine::signing_keys::list_key_states;
use gatepost_engine::{Call, Result};
use gatepost_store::Db;
use gatepost_store::people::directory::{self, UserFilter};

use super::audit::describe_log;
use super::shared::{Page, count, either, trouble};
use crate::http::state::State;
use crate::pages::admin::audit::view::LogRow;
use crate::pages::admin::overview::view::{FirstStep, OverviewView, ToDo};
use crate::pages::kit::guard::Admin;
use crate::pages::kit::notice::read_notice;
use crate::settings::Settings;

const DAY: i64 = 86_400;
/// A key that ends within this time without another to follow is worth a word, in seconds.
const KEY_NOTICE: i64 = 3 * DAY;

pub(crate) async fn get(request: HttpRequest, state: Data<State>) -> HttpResponse {
    either(show(&request, &state).await)
}

async fn show(request: &HttpRequest, state: &State) -> Page {
    let admin = Admin::of(state, request)?;
    let counts = state.read(&admin.visitor.call, read_counts).await.map_err(|error| trouble(state, &admin, &error))?;
    let view = OverviewView {
        frame: admin.frame(read_notice(request)),
        to_do: list_to_do(&admin.visitor.call, &counts),
        steps: list_steps(&state.settings, &admin.visitor.call, &counts),
        people: count(counts.people),
        sign_ins: count(counts.sign_ins),
        sessions: count(counts.sessions),
        failed: count(counts.failed),
        failed_usual: count(counts.failed_week.div_euclid(7)),
        events: counts.events,
    };
    Ok(admin.visitor.page(state, StatusCode::OK, &view))
}

struct Counts {
    people: i64,
    sign_ins: i64,
    sessions: i64,
    failed: i64,
    failed_week: i64,
    admins: usize,
    weak_admins: usize,
    clients: i64,
    invites: i64,
    /// when the first of the keys ends that nothing follows
    key_ends: Option<i64>,
    events: Vec<LogRow>,
}

fn read_counts(call: &Call, db: &mut Db) -> Result<Counts> {
    let (now, today) = (call.now, call.now - call.now.rem_euclid(DAY));
    let admins = directory::list_enabled_admins(db)?;
    let ways = directory::list_ways_in(db, &admins)?;
    let events = list_events(call, db, &AuditFilter::default(), None, 10)?;
    Ok(Counts {
        people: directory::count_users(db, &UserFilter::default())?,
        sign_ins: directory::count_events(db, "session.started", "done", today, now + 1)?,
        sessions: directory::count_live_sessions(db, None, now)?,
        failed: directory::count_events(db, "session.started", "refused", today, now + 1)?,
        failed_week: directory::count_events(db, "session.started", "refused", today - 7 * DAY, today)?,
        admins: admins.len(),
        weak_admins: ways.iter().filter(|ways| !ways.has_second_factor()).count(),
        clients: directory::count_clients(db)?,
        invites: directory::count_invites(db)?,
        key_ends: find_key_end(call, db)?,
        events: describe_log(call, db, &events.events)?,
    })
}

/// When the life of a current key is over, where the next one is not there yet. It is replaced by itself then; if it is not, this is
/// how somebody finds out.
fn find_key_end(call: &Call, db: &mut Db) -> Result<Option<i64>> {
    let keys = list_key_states(call, db)?;
    let followed = |alg: &str| keys.iter().any(|key| key.state == "next" && key.alg == alg);
    let current = keys.iter().filter(|key| key.state == "current" && !followed(&key.alg));
    let end = |key: &gatepost_engine::signing_keys::KeyState| {
        key.retired_at.unwrap_or(key.active_from + call.policy().key_life)
    };
    Ok(current.map(end).min())
}

fn list_to_do(call: &Call, counts: &Counts) -> Vec<ToDo> {
    let mut list = Vec::new();
    if let Some(end) = counts.key_ends.filter(|end| end - call.now < KEY_NOTICE) {
        list.push(ToDo::KeyEnds { n: count((end - call.now).max(0)).div_ceil(DAY as u64) });
    }
    if counts.weak_admins > 0 {
        list.push(ToDo::OneFactor { n: counts.weak_admins as u64 });
    }
    if counts.admins == 1 {
        list.push(ToDo::OneAdministrator);
    }
    if !call.policy().mail {
        list.push(ToDo::NoMail);
    }
    list
}

/// Each step vanishes when it is done.
fn list_steps(settings: &Settings, call: &Call, counts: &Counts) -> Vec<FirstStep> {
    let brand = &settings.brand;
    let steps = [
        (FirstStep::Brand, brand.name == crate::pages::kit::brand::Brand::default().name && brand.logo.is_none()),
        (FirstStep::Mail, !call.policy().mail),
        (FirstStep::App, counts.clients == 0),
        (FirstStep::People, counts.people <= 1 && counts.invites == 0),
    ];
    steps.into_iter().filter(|(_, open)| *open).map(|(step, _)| step).collect()
}
