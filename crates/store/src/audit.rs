//! The audit log: written in the transaction of what it tells, never changed, sealed in batches a little later.

use diesel::prelude::*;

use crate::db::connection::Db;
use crate::db::error::Result;
use crate::db::schema::audit_events::dsl;
use crate::db::schema::audit_seals;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = crate::db::schema::audit_events)]
pub struct AuditRow {
    /// random
    pub id: String,
    /// unix seconds
    pub at: i64,
    /// `user`, `client`, `operator` or `nobody`
    pub actor_kind: String,
    /// who did it
    pub actor_id: String,
    /// what, as `noun.verb`
    pub action: String,
    /// to whom or what
    pub subject_id: String,
    /// `done` or `refused`
    pub result: String,
    /// from where
    pub ip: String,
    /// with what
    pub user_agent: String,
    /// the reference that pages and logs show
    pub request_id: String,
    /// JSON; never a secret
    pub detail: String,
    /// over all of the above
    pub mac: String,
    /// the batch of the chain that it is in, once it is
    pub seal: Option<i64>,
}

/// Adds an event.
pub fn insert_audit_event(db: &mut Db, row: &AuditRow) -> Result<()> {
    diesel::insert_into(dsl::audit_events).values(row).execute(db)?;
    Ok(())
}

/// A batch of the chain.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = crate::db::schema::audit_seals)]
pub struct SealRow {
    /// 1, 2, 3 and so on
    pub number: i64,
    /// how many events it seals
    pub events: i64,
    /// the oldest event, in unix seconds
    pub first_at: i64,
    /// the newest event, in unix seconds
    pub last_at: i64,
    /// the mark of the seal before
    pub previous: String,
    /// over all of this and the marks of the events
    pub mac: String,
    /// unix seconds
    pub sealed_at: i64,
}

/// Which events are wanted; what is `None` is not asked about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// done by this person, or to this person
    pub account: Option<String>,
    /// done by this person or client
    pub actor: Option<String>,
    /// actions that begin so: `session.`
    pub action_prefix: Option<String>,
    /// actions that do not begin so
    pub except_prefix: Option<String>,
    /// `done` or `refused`
    pub result: Option<String>,
    /// not before, in unix seconds
    pub since: Option<i64>,
    /// before, in unix seconds
    pub until: Option<i64>,
    /// the reference that pages and logs show
    pub reference: Option<String>,
}

/// A place in the log: events have a time and, within the same second, an id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// unix seconds
    pub at: i64,
    /// the event's id
    pub id: String,
}

impl AuditRow {
    /// Where it stands.
    pub fn place(&self) -> Place {
        Place { at: self.at, id: self.id.clone() }
    }
}

/// From where on, and in which direction, events are listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Walk {
    /// newest first, from before this place, or from the newest
    Back(Option<Place>),
    /// oldest first, from after this place, or from the oldest
    Forth(Option<Place>),
}

/// In which part an account has to do with an event.
#[derive(Clone, Copy)]
enum Part {
    Any,
    Actor,
    Subject,
}

/// Events that the filter lets through, in the order of the walk, at most `limit`.
pub fn list_filtered_events(db: &mut Db, filter: &AuditFilter, walk: &Walk, limit: i64) -> Result<Vec<AuditRow>> {
    if filter.account.is_none() {
        return list_part(db, filter, (Part::Any, walk), limit);
    }
    // each half walks along its own index; an OR would make the planner read and sort everything of the account
    let mut rows = list_part(db, filter, (Part::Actor, walk), limit)?;
    rows.extend(list_part(db, filter, (Part::Subject, walk), limit)?);
    rows.sort_by_key(AuditRow::place);
    rows.dedup_by(|a, b| a.id == b.id);
    if matches!(walk, Walk::Back(_)) {
        rows.reverse();
    }
    rows.truncate(usize::try_from(limit).unwrap_or(0));
    Ok(rows)
}

fn list_part(db: &mut Db, filter: &AuditFilter, (part, walk): (Part, &Walk), limit: i64) -> Result<Vec<AuditRow>> {
    let mut query = dsl::audit_events.select(AuditRow::as_select()).limit(limit).into_boxed();
    let account = filter.account.clone().unwrap_or_default();
    query = match part {
        Part::Any => query,
        Part::Actor => query.filter(dsl::actor_id.eq(account)).filter(dsl::actor_kind.eq("user")),
        Part::Subject => query.filter(dsl::subject_id.eq(account)),
    };
    if let Some(actor) = &filter.actor {
        query = query.filter(dsl::actor_id.eq(actor.clone()));
    }
    if let Some(prefix) = &filter.action_prefix {
        query = query.filter(dsl::action.like(format!("{}%", escape_like(prefix))).escape('!'));
    }
    if let Some(prefix) = &filter.except_prefix {
        query = query.filter(dsl::action.not_like(format!("{}%", escape_like(prefix))).escape('!'));
    }
    if let Some(result) = &filter.result {
        query = query.filter(dsl::result.eq(result.clone()));
    }
    if let Some(since) = filter.since {
        query = query.filter(dsl::at.ge(since));
    }
    if let Some(until) = filter.until {
        query = query.filter(dsl::at.lt(until));
    }
    if let Some(reference) = &filter.reference {
        query = query.filter(dsl::request_id.eq(reference.clone()));
    }
    // the bare time beside the pair lets the index find the place
    query = match walk {
        Walk::Back(None) | Walk::Forth(None) => query,
        Walk::Back(Some(place)) => {
            query.filter(dsl::at.le(place.at)).filter(dsl::at.lt(place.at).or(dsl::id.lt(place.id.clone())))
        }
        Walk::Forth(Some(place)) => {
            query.filter(dsl::at.ge(place.at)).filter(dsl::at.gt(place.at).or(dsl::id.gt(place.id.clone())))
        }
    };
    query = match walk {
        Walk::Back(_) => query.order((dsl::at.desc(), dsl::id.desc())),
        Walk::Forth(_) => query.order((dsl::at.asc(), dsl::id.asc())),
    };
    Ok(query.load(db)?)
}

/// What a LIKE takes literally.
fn escape_like(text: &str) -> String {
    text.chars().flat_map(|c| ['!', c].into_iter().skip(usize::from(!matches!(c, '!' | '%' | '_')))).collect()
}

/// The newest events, at most `limit`.
pub fn list_audit_events(db: &mut Db, limit: i64) -> Result<Vec<AuditRow>> {
    let query = dsl::audit_events.order((dsl::at.desc(), dsl::id.desc())).limit(limit);
    Ok(query.select(AuditRow::as_select()).load(db)?)
}

/// The newest seal.
pub fn find_newest_seal(db: &mut Db) -> Result<Option<SealRow>> {
    let newest = audit_seals::table.select(diesel::dsl::max(audit_seals::number)).get_result::<Option<i64>>(db)?;
    match newest {
        Some(number) => find_seal(db, number),
        None => Ok(None),
    }
}

/// The seal of this number.
pub fn find_seal(db: &mut Db, number: i64) -> Result<Option<SealRow>> {
    let query = audit_seals::table.filter(audit_seals::number.eq(number));
    Ok(query.select(SealRow::as_select()).get_result(db).optional()?)
}

/// Seals from this number on, in order, at most `limit`.
pub fn list_seals(db: &mut Db, from: i64, limit: i64) -> Result<Vec<SealRow>> {
    let query = audit_seals::table.filter(audit_seals::number.ge(from)).order(audit_seals::number.asc()).limit(limit);
    Ok(query.select(SealRow::as_select()).load(db)?)
}

/// Events without a seal, oldest first, after a place, from `since` to `until` (both included), at most `limit`.
pub fn list_unsealed_events(
    db: &mut Db,
    after: Option<&Place>,
    (since, until): (i64, i64),
    limit: i64,
) -> Result<Vec<AuditRow>> {
    let Place { at, id } = after.cloned().unwrap_or(Place { at: i64::MIN, id: String::new() });
    let query = dsl::audit_events
        .filter(dsl::seal.is_null())
        .filter(dsl::at.ge(since.max(at)))
        .filter(dsl::at.le(until))
        .filter(dsl::at.gt(at).or(dsl::id.gt(id)))
        .order((dsl::at.asc(), dsl::id.asc()))
        .limit(limit);
    Ok(query.select(AuditRow::as_select()).load(db)?)
}

/// The events of one seal in their order, after a place, at most `limit`.
pub fn list_sealed_events(db: &mut Db, number: i64, after: Option<&Place>, limit: i64) -> Result<Vec<AuditRow>> {
    let Place { at, id } = after.cloned().unwrap_or(Place { at: i64::MIN, id: String::new() });
    let query = dsl::audit_events
        .filter(dsl::seal.eq(number))
        .filter(dsl::at.ge(at))
        .filter(dsl::at.gt(at).or(dsl::id.gt(id)))
        .order((dsl::at.asc(), dsl::id.asc()))
        .limit(limit);
    Ok(query.select(AuditRow::as_select()).load(db)?)
}

/// Events that name a seal between these numbers (both included), at most `limit`.
pub fn list_events_of_seals(db: &mut Db, (from, to): (i64, i64), limit: i64) -> Result<Vec<AuditRow>> {
    let query =
        dsl::audit_events.filter(dsl::seal.ge(from)).filter(dsl::seal.le(to)).order(dsl::seal.asc()).limit(limit);
    Ok(query.select(AuditRow::as_select()).load(db)?)
}

/// Adds a seal; `false` where another node was first, so that each number is made once.
pub fn insert_seal(db: &mut Db, row: &SealRow) -> Result<bool> {
    let inserted = db.insert_unless_duplicate(|db| {
        diesel::insert_into(audit_seals::table).values(row).execute(db)?;
        Ok(())
    })?;
    Ok(inserted.is_some())
}

/// Puts exactly these events under a seal; how many had none.
pub fn update_event_seals(db: &mut Db, ids: &[String], number: i64) -> Result<usize> {
    let unsealed = dsl::audit_events.filter(dsl::id.eq_any(ids)).filter(dsl::seal.is_null());
    Ok(diesel::update(unsealed).set(dsl::seal.eq(Some(number))).execute(db)?)
}

/// Gives an event of an older version its mark; `false` where it has one.
pub fn update_missing_mac(db: &mut Db, id: &str, mac: &str) -> Result<bool> {
    let unmarked = dsl::audit_events.filter(dsl::id.eq(id)).filter(dsl::mac.eq("")).filter(dsl::seal.is_null());
    Ok(diesel::update(unmarked).set(dsl::mac.eq(mac)).execute(db)? == 1)
}

/// Removes whole seals with their events, up to this number; how many events.
pub fn delete_seals(db: &mut Db, up_to: i64) -> Result<usize> {
    let events = diesel::delete(dsl::audit_events.filter(dsl::seal.le(up_to))).execute(db)?;
    diesel::delete(audit_seals::table.filter(audit_seals::number.le(up_to))).execute(db)?;
    Ok(events)
}

#[cfg(test)]
mod tests {
    use super::escape_like;

    #[test]
    fn a_filter_is_taken_by_its_letters() {
        assert_eq!(escape_like("session."), "session.");
        assert_eq!(escape_like("a_b%c!"), "a!_b!%c!!");
    }
}
