//! The audit log: a page of sentences, and all of it as JSON lines.

pub(crate) mod view;

use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse};
use chrono::NaiveDate;
use futures_util::stream;
use gatepost_engine::audit::query::{AuditFilter, Cursor, EventPage, list_events, list_events_forth, show_event};
use gatepost_engine::audit::verify::Verifier;
use gatepost_engine::kernel::journey::Act;
use gatepost_engine::people::users::{find_user, note_export};
use gatepost_engine::{Call, Result};
use gatepost_protocol::params::Params;
use gatepost_store::Db;
use gatepost_store::audit::{AuditRow, Place, find_newest_seal};
use gatepost_store::people::directory::list_users_of;
use gatepost_store::people::users::UserRow;

use crate::http::state::{State, log_error};
use crate::pages::admin::audit::view::{AuditView, ChainState, LogRow, Party};
use crate::pages::admin::shared::{Page, either, find_back, refuse, trouble};
use crate::pages::admin::users::csv::make_download;
use crate::pages::kit::events::describe_event;
use crate::pages::kit::guard::{Admin, require_fresh};
use crate::pages::kit::view::Moment;

/// Rows of a page; nobody can ask for more (DO9).
const PAGE: i64 = 50;
/// Events that one question to the database brings for an export.
const PIECE: i64 = 500;
const DAY: i64 = 86_400;

/// Kinds of events, by the first word of their action.
const KINDS: [&str; 13] = [
    "session",
    "user",
    "password",
    "passkey",
    "authenticator",
    "identity",
    "invite",
    "consent",
    "app",
    "client",
    "resource_server",
    "key",
    "audit",
];

/// What was asked for; what cannot be read counts as no filter.
struct Asked {
    person: String,
    kind: Option<&'static str>,
    result: Option<&'static str>,
    since: String,
    until: String,
    reference: String,
    cursor: Option<Cursor>,
}

impl Asked {
    fn read(request: &HttpRequest) -> Self {
        let params = Params::parse(request.query_string().as_bytes()).unwrap_or_default();
        let text = |name, length| params.one(name).unwrap_or_default().trim().chars().take(length).collect::<String>();
        let day = |name| Some(text(name, 10)).filter(|day| read_day(day).is_some()).unwrap_or_default();
        Self {
            person: text("person", 254),
            kind: KINDS.into_iter().find(|kind| params.one("kind") == Some(kind)),
            result: ["done", "refused"].into_iter().find(|result| params.one("result") == Some(result)),
            since: day("since"),
            until: day("until"),
            reference: text("reference", 40),
            cursor: params.one("at").and_then(Cursor::parse),
        }
    }

    /// The filter; `None` where it names a person whom nobody knows.
    fn to_filter(&self, db: &mut Db) -> Result<Option<AuditFilter>> {
        let account = match self.person.as_str() {
            "" => None,
            who => match find_user(db, who)? {
                Some(user) => Some(user.id),
                // somebody who is gone is still there by id
                None if who.contains('@') => return Ok(None),
                None => Some(who.to_owned()),
            },
        };
        Ok(Some(AuditFilter {
            account,
            action_prefix: self.kind.map(|kind| format!("{kind}.")),
            result: self.result.map(str::to_owned),
            since: read_day(&self.since),
            until: read_day(&self.until).map(|day| day + DAY),
            reference: Some(self.reference.clone()).filter(|reference| !reference.is_empty()),
            ..AuditFilter::default()
        }))
    }

    /// The query of links that keep the filter.
    fn to_query(&self) -> String {
        let pairs = [
            ("person", self.person.as_str()),
            ("kind", self.kind.unwrap_or_default()),
            ("result", self.result.unwrap_or_default()),
            ("since", &self.since),
            ("until", &self.until),
            ("reference", &self.reference),
        ];
        let set = pairs.into_iter().filter(|(_, value)| !value.is_empty());
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs(set).finish()
    }
}

/// Midnight of a day, UTC.
fn read_day(text: &str) -> Option<i64> {
    Some(NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?.and_hms_opt(0, 0, 0)?.and_utc().timestamp())
}

pub(crate) async fn get(request: HttpRequest, state: Data<State>) -> HttpResponse {
    either(show(&request, &state).await)
}

async fn show(request: &HttpRequest, state: &State) -> Page {
    let admin = Admin::of(state, request)?;
    let asked = std::sync::Arc::new(Asked::read(request));
    let wanted = std::sync::Arc::clone(&asked);
    let read = state.read(&admin.visitor.call, move |call, db| {
        let filter = wanted.to_filter(db)?;
        let nobody = filter.is_none();
        let page = match filter {
            Some(filter) => list_events(call, db, &filter, wanted.cursor.as_ref(), PAGE)?,
            None => EventPage::default(),
        };
        let events = describe_log(call, db, &page.events)?;
        Ok((events, page.newer, page.older, nobody, find_chain_state(call, db)?))
    });
    let (events, newer, older, nobody, chain) = read.await.map_err(|error| trouble(state, &admin, &error))?;
    let view = AuditView {
        frame: admin.frame(None),
        nobody,
        kinds: &KINDS,
        query: asked.to_query(),
        person: asked.person.clone(),
        kind: asked.kind,
        result: asked.result,
        since: asked.since.clone(),
        until: asked.until.clone(),
        reference: asked.reference.clone(),
        events,
        newer: newer.map(|cursor| cursor.to_text()),
        older: older.map(|cursor| cursor.to_text()),
        chain,
    };
    Ok(admin.visitor.page(state, StatusCode::OK, &view))
}

/// Looks at the newest seal alone: all of them are for the command on the server.
fn find_chain_state(call: &Call, db: &mut Db) -> Result<ChainState> {
    let Some(newest) = find_newest_seal(db)? else { return Ok(ChainState::None) };
    let mut verifier = Verifier::new(Some(newest.number), None);
    verifier.step(call, db)?;
    Ok(match verifier.report().fault_count {
        0 => ChainState::Intact { seal: newest.number, until: Moment::new(newest.last_at, call.now) },
        _ => ChainState::Broken { seal: newest.number },
    })
}

/// Events with the names of the people in them.
pub(crate) fn describe_log(call: &Call, db: &mut Db, rows: &[AuditRow]) -> Result<Vec<LogRow>> {
    let mut ids: Vec<String> = rows.iter().flat_map(|row| [row.actor_id.clone(), row.subject_id.clone()]).collect();
    ids.sort();
    ids.dedup();
    let people = list_users_of(db, &ids)?;
    Ok(rows.iter().map(|row| describe_row(row, &people, call.now)).collect())
}

fn describe_row(row: &AuditRow, people: &[UserRow], now: i64) -> LogRow {
    let find = |id: &str| match people.iter().find(|user| user.id == id) {
        Some(user) => Party::Person { id: user.id.clone(), email: user.email.clone() },
        None => Party::Id { id: id.to_owned() },
    };
    let actor = match row.actor_kind.as_str() {
        "operator" => Party::Operator,
        "nobody" => Party::Nobody,
        _ => find(&row.actor_id),
    };
    // the id of a session says nothing to anybody
    let is_told = !row.subject_id.is_empty() && row.subject_id != row.actor_id;
    let subject = Some(find(&row.subject_id))
        .filter(|subject| is_told && (!row.action.starts_with("session.") || matches!(subject, Party::Person { .. })));
    let detail = match serde_json::from_str(&row.detail) {
        Ok(serde_json::Value::Object(detail)) => {
            detail.into_iter().map(|(name, value)| (name, write_value(&value))).collect()
        }
        _ => Vec::new(),
    };
    LogRow { event: describe_event(row, now), actor, subject, id: row.id.clone(), detail, seal: row.seal }
}

fn write_value(value: &serde_json::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

pub(crate) async fn export(request: HttpRequest, state: Data<State>) -> HttpResponse {
    either(send(&request, &state).await)
}

async fn send(request: &HttpRequest, state: &Data<State>) -> Page {
    let back = find_back("/admin/audit", request);
    let admin = Admin::of(state, request)?;
    require_fresh(state, &admin.visitor, &admin.session, Act::Administer, &back).await?;
    let asked = Asked::read(request);
    let read = state.read(&admin.visitor.call, move |_, db| asked.to_filter(db)).await;
    let filter = read.map_err(|error| trouble(state, &admin, &error))?;
    let actor = admin.session.user_id.clone();
    let noted = state.write(&admin.visitor.call, move |call, tx| note_export(call, tx, &actor, "audit.exported")).await;
    if let Err(fault) = noted.map_err(|error| trouble(state, &admin, &error))? {
        return Err(refuse(state, &admin, &fault));
    }
    let begin = filter.map(|filter| (Data::clone(state), admin.visitor.call.clone(), filter, None));
    let pieces = stream::unfold(begin, |rest| async move {
        let (state, call, filter, after) = rest?;
        match read_piece(&state, &call, &filter, after).await {
            Ok((text, next)) => Some((Ok(Bytes::from(text)), next.map(|place| (state, call, filter, Some(place))))),
            // a file that breaks off must not look whole
            Err(error) => {
                log_error(&call, &error);
                Some((Err(actix_web::error::ErrorServiceUnavailable("the database did not answer")), None))
            }
        }
    });
    Ok(make_download("application/x-ndjson", "attachment; filename=\"audit.jsonl\"").streaming(Box::pin(pieces)))
}

async fn read_piece(
    state: &State,
    call: &Call,
    filter: &AuditFilter,
    after: Option<Place>,
) -> Result<(String, Option<Place>)> {
    let wanted = filter.clone();
    let read = state.read(call, move |call, db| list_events_forth(call, db, &wanted, after.as_ref(), PIECE));
    let rows = read.await?;
    let text = rows.iter().map(|row| format!("{}\n", show_json(row))).collect();
    let next = rows.last().filter(|_| rows.len() as i64 == PIECE).map(AuditRow::place);
    Ok((text, next))
}

/// An event with its mark, so that what was exported can be compared later.
fn show_json(row: &AuditRow) -> serde_json::Value {
    let mut shown = show_event(row);
    shown["mac"] = row.mac.as_str().into();
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_days_are_days() {
        assert_eq!(read_day("1970-01-02"), Some(DAY));
        for bad in ["", "1970-13-01", "yesterday", "1970-01-01x", "1970-01-01' OR 1=1"] {
            assert_eq!(read_day(bad), None, "{bad:?}");
        }
    }
}
