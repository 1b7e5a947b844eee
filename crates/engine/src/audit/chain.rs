//! The chain over the audit log (AD9): every event carries a mark, and batches of them are sealed, each seal over the one before.
//!
//! No sign-in waits for it: the mark needs nothing but the event itself, and the batches are made later, in short transactions of
//! their own. Which node makes seal N is decided by the row with that number, which can be inserted once.

use gatepost_store::audit::{self, AuditRow, Place, SealRow};
use gatepost_store::{Db, Outcome, Tx};
use serde_json::json;

use crate::audit::mark::{Encoder, is_event_intact, make_event_mac};
use crate::audit::{Actor, Event, record_event};
use crate::kernel::call::{Call, Engine};
use crate::kernel::error::Result;
use crate::kernel::sweep::Swept;

/// Most events of one seal, so that whoever waits to write waits a few milliseconds.
pub const BATCH: i64 = 200;
/// Events are sealed when they are this old, in seconds: those of transactions that are still under way come in between.
const SETTLE: i64 = 10;
/// An event may be this much older than the newest that is sealed, in seconds; no transaction takes so long.
pub const LATE: i64 = 120;
/// What the first seal follows.
pub(crate) const NOTHING: &str = "";
/// What retention writes down about itself, so that a beginning that is gone can be told from one that was cut off.
pub(crate) const SWEPT: &str = "audit.swept";

fn encode_seal(seal: &SealRow, macs: &[String]) -> Vec<u8> {
    let head = [seal.number, seal.events, seal.first_at, seal.last_at, seal.sealed_at];
    let encoder = head.into_iter().fold(Encoder::new("audit seal v1"), Encoder::number).text(&seal.previous);
    macs.iter().fold(encoder, |encoder, mac| encoder.text(mac)).0
}

/// Whether the seal is over these marks, in this order.
pub(crate) fn is_seal_intact(engine: &Engine, seal: &SealRow, macs: &[String]) -> bool {
    engine.audit.check_mac(&encode_seal(seal, macs), &seal.mac)
}

/// Whether there is no seal yet.
pub fn is_unsealed(_call: &Call, db: &mut Db) -> Result<bool> {
    Ok(audit::find_newest_seal(db)?.is_none())
}

/// Gives events of an older version their marks, some at a time, and says where to go on; `None` when all have been looked at. Only
/// while there is no seal: afterwards an event without a mark is one that somebody put there.
pub fn adopt_events(call: &Call, tx: &mut Tx<'_>, after: Option<&Place>) -> Result<Outcome<Option<Place>>> {
    if audit::find_newest_seal(tx)?.is_some() {
        return Ok(Outcome::Rollback(None));
    }
    let rows = audit::list_unsealed_events(tx, after, (i64::MIN, i64::MAX), BATCH)?;
    for row in rows.iter().filter(|row| row.mac.is_empty()) {
        audit::update_missing_mac(tx, &row.id, &make_event_mac(&call.engine, row))?;
    }
    let full = rows.len() as i64 == BATCH;
    Ok(Outcome::Commit(rows.last().filter(|_| full).map(AuditRow::place)))
}

/// What can be sealed next, and what cannot.
#[derive(Clone, Debug, Default)]
pub struct Harvest {
    /// the seal to make, and the ids of its events
    pub batch: Option<(SealRow, Vec<String>)>,
    /// events that are not as they were written, or came too late: never sealed
    pub refused: Vec<Place>,
}

/// Looks for the next batch, outside of any transaction that writes.
pub fn find_batch(call: &Call, db: &mut Db) -> Result<Harvest> {
    let newest = audit::find_newest_seal(db)?;
    let floor = newest.as_ref().map_or(i64::MIN, |seal| seal.last_at - LATE);
    let until = call.now - SETTLE;
    let late = if floor > i64::MIN {
        audit::list_unsealed_events(db, None, (i64::MIN, floor - 1), BATCH)?
    } else {
        Vec::new()
    };
    let mut refused: Vec<Place> = late.iter().map(AuditRow::place).collect();
    let mut good: Vec<AuditRow> = Vec::new();
    let mut after: Option<Place> = None;
    while (good.len() as i64) < BATCH {
        let rows = audit::list_unsealed_events(db, after.as_ref(), (floor, until), BATCH)?;
        let full = rows.len() as i64 == BATCH;
        after = rows.last().map(AuditRow::place);
        let (intact, broken): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| is_event_intact(&call.engine, row));
        good.extend(intact);
        refused.extend(broken.iter().map(AuditRow::place));
        if !full {
            break;
        }
    }
    good.truncate(usize::try_from(BATCH).unwrap_or(0));
    let batch = match (good.first(), good.last()) {
        (Some(first), Some(last)) => {
            let mut seal = SealRow {
                number: newest.as_ref().map_or(1, |seal| seal.number + 1),
                events: good.len() as i64,
                first_at: first.at,
                last_at: last.at,
                previous: newest.map_or_else(|| NOTHING.to_owned(), |seal| seal.mac),
                mac: String::new(),
                sealed_at: call.now,
            };
            let macs: Vec<String> = good.iter().map(|row| row.mac.clone()).collect();
            seal.mac = call.engine.audit.mac(&encode_seal(&seal, &macs));
            Some((seal, good.into_iter().map(|row| row.id).collect()))
        }
        _ => None,
    };
    Ok(Harvest { batch, refused })
}

/// Makes the seal; `false` where another node was first, or the log has moved on since the batch was found.
pub fn seal_batch(tx: &mut Tx<'_>, seal: &SealRow, ids: &[String]) -> Result<Outcome<bool>> {
    if !audit::insert_seal(tx, seal)? {
        return Ok(Outcome::Rollback(false));
    }
    let follows = match audit::find_seal(tx, seal.number - 1)? {
        Some(before) => before.mac == seal.previous,
        None => seal.number == 1 && seal.previous == NOTHING,
    };
    if !follows || audit::update_event_seals(tx, ids, seal.number)? != ids.len() {
        return Ok(Outcome::Rollback(false));
    }
    Ok(Outcome::Commit(true))
}

/// Removes what was kept long enough, in whole seals, so that the rest can still be verified; the newest seal and what is not
/// sealed stay. That it was done is an event itself.
pub(crate) fn sweep_seals(call: &Call, tx: &mut Tx<'_>) -> Result<Outcome<Swept>> {
    let kept = &call.policy().retention;
    // once a day is enough, for each removal leaves an event, which will be removed as well
    let step = (kept.audit / 365).clamp(1, 86_400);
    let limit = (call.now - kept.audit).div_euclid(step) * step;
    let newest = audit::find_newest_seal(tx)?.map_or(0, |seal| seal.number);
    let seals = audit::list_seals(tx, i64::MIN, 100)?;
    let mut due = seals.iter().take_while(|seal| seal.last_at < limit && seal.number < newest);
    // at least one, however small the batches are
    let Some(mut last) = due.next() else { return Ok(Outcome::Rollback(Swept::default())) };
    let mut events = last.events;
    let mut more = false;
    for seal in due {
        if events + seal.events > kept.batch {
            more = true;
            break;
        }
        events += seal.events;
        last = seal;
    }
    let removed = audit::delete_seals(tx, last.number)?;
    let detail = json!({"seals": last.number, "head": last.mac, "count": removed});
    record_event(call, tx, Event::done(Actor::Operator, SWEPT, ""), &detail)?;
    let more = more || seals.last().is_some_and(|seal| seal.number == last.number);
    Ok(Outcome::Commit(Swept { removed, more }))
}
