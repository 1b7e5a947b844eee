//! Listing what happened: newest first, page by page.

use gatepost_store::Db;
use gatepost_store::audit::{AuditRow, Place, Walk, list_filtered_events};

pub use gatepost_store::audit::AuditFilter;

use crate::kernel::call::Call;
use crate::kernel::error::Result;

/// Most events of one page.
const LONGEST: i64 = 1000;

/// Where a page begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cursor {
    /// with what is older than this
    Older(Place),
    /// with what is newer than this
    Newer(Place),
}

impl Cursor {
    /// The text for a link.
    pub fn to_text(&self) -> String {
        match self {
            Self::Older(place) => format!("o{}.{}", place.at, place.id),
            Self::Newer(place) => format!("n{}.{}", place.at, place.id),
        }
    }

    /// The cursor of such a text; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let (at, id) = text.get(1..)?.split_once('.')?;
        let fits = id.len() <= 64 && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let place = Place { at: at.parse().ok()?, id: id.to_owned() };
        match text.as_bytes()[0] {
            b'o' if fits => Some(Self::Older(place)),
            b'n' if fits => Some(Self::Newer(place)),
            _ => None,
        }
    }
}

/// Some events, newest first, and where the pages beside begin.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventPage {
    /// newest first
    pub events: Vec<AuditRow>,
    /// `None` where these are the newest
    pub newer: Option<Cursor>,
    /// `None` where these are the oldest
    pub older: Option<Cursor>,
}

/// Events of the whole installation that the filter lets through; at most `limit`.
pub fn list_events(
    _call: &Call,
    db: &mut Db,
    filter: &AuditFilter,
    cursor: Option<&Cursor>,
    limit: i64,
) -> Result<EventPage> {
    let limit = limit.clamp(1, LONGEST);
    let walk = match cursor {
        None => Walk::Back(None),
        Some(Cursor::Older(place)) => Walk::Back(Some(place.clone())),
        Some(Cursor::Newer(place)) => Walk::Forth(Some(place.clone())),
    };
    // one more, to see whether there is more
    let mut events = list_filtered_events(db, filter, &walk, limit + 1)?;
    let more = events.len() as i64 > limit;
    events.truncate(usize::try_from(limit).unwrap_or(0));
    let forth = matches!(walk, Walk::Forth(_));
    if forth {
        events.reverse();
    }
    let newer = if forth { more } else { cursor.is_some() };
    let older = if forth { true } else { more };
    let newer = events.first().filter(|_| newer).map(|event| Cursor::Newer(event.place()));
    let older = events.last().filter(|_| older).map(|event| Cursor::Older(event.place()));
    Ok(EventPage { events, newer, older })
}

/// Events of one person: what they did and what was done to them. Whatever account the filter names, it is this one.
pub fn list_account_events(
    call: &Call,
    db: &mut Db,
    (user_id, filter): (&str, &AuditFilter),
    cursor: Option<&Cursor>,
    limit: i64,
) -> Result<EventPage> {
    let filter = AuditFilter { account: Some(user_id.to_owned()), ..filter.clone() };
    list_events(call, db, &filter, cursor, limit)
}

/// Events from old to new after a place, for an export that never holds all; at most `limit`.
pub fn list_events_forth(
    _call: &Call,
    db: &mut Db,
    filter: &AuditFilter,
    after: Option<&Place>,
    limit: i64,
) -> Result<Vec<AuditRow>> {
    Ok(list_filtered_events(db, filter, &Walk::Forth(after.cloned()), limit.clamp(1, LONGEST))?)
}

/// An event as a document: everything but its mark.
pub fn show_event(row: &AuditRow) -> serde_json::Value {
    let detail = serde_json::from_str(&row.detail).unwrap_or(serde_json::Value::Null);
    serde_json::json!({
        "id": row.id,
        "at": row.at,
        "actor_kind": row.actor_kind,
        "actor_id": row.actor_id,
        "action": row.action,
        "subject_id": row.subject_id,
        "result": row.result,
        "ip": row.ip,
        "user_agent": row.user_agent,
        "request_id": row.request_id,
        "detail": detail,
        "seal": row.seal,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_back_and_nothing_else_is() {
        let place = Place { at: -5, id: "0af".into() };
        for cursor in [Cursor::Older(place.clone()), Cursor::Newer(place)] {
            assert_eq!(Cursor::parse(&cursor.to_text()), Some(cursor));
        }
        for bad in ["", "o", "o1", "x1.a", "o1.a'b", "oé.a", "é1.a", "o99999999999999999999.a"] {
            assert_eq!(Cursor::parse(bad), None, "{bad:?}");
        }
    }
}
