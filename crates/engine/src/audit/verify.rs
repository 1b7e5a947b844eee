//! Looking for what somebody changed in the audit log: every mark and every seal is made again and compared (AD9).

use std::collections::BTreeMap;

use gatepost_store::Db;
use gatepost_store::audit::{self, AuditRow, Place, SealRow};
use serde::Serialize;

use crate::audit::chain::{BATCH, LATE, NOTHING, SWEPT, is_seal_intact};
use crate::audit::mark::is_event_intact;
use crate::kernel::call::Call;
use crate::kernel::error::Result;

/// Faults that are told one by one; the others are counted.
const TOLD: usize = 1000;
/// Events that name a seal which is not there, of each gap.
const STRAYS: i64 = 100;

/// Something that is not as it was written.
#[derive(Clone, Debug, Serialize, PartialEq, Eq)]
pub struct Fault {
    /// what kind it is, as a word
    pub kind: &'static str,
    /// the seal
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seal: Option<i64>,
    /// the event
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    /// when it happened, as the event says, in unix seconds
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<i64>,
    /// the same as a sentence
    pub sentence: String,
}

/// What was found.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// the first seal that was looked at
    pub first: Option<i64>,
    /// the last one
    pub seal: Option<i64>,
    /// its mark, to be noted elsewhere
    pub head: Option<String>,
    /// events under the seals that were looked at
    pub events: u64,
    /// events that are to be sealed yet
    pub unsealed: u64,
    /// what is wrong, as far as it is told one by one
    pub faults: Vec<Fault>,
    /// how much is wrong
    pub fault_count: u64,
}

impl Report {
    fn add(&mut self, fault: Fault) {
        self.fault_count += 1;
        if self.faults.len() < TOLD {
            self.faults.push(fault);
        }
    }
}

fn of_seal(kind: &'static str, seal: i64, sentence: String) -> Fault {
    Fault { kind, seal: Some(seal), event: None, at: None, sentence }
}

fn of_event(kind: &'static str, row: &AuditRow, what: &str) -> Fault {
    let under = row.seal.map(|seal| format!(" of seal {seal}")).unwrap_or_default();
    let sentence = format!("event {:?}{under}, at {}, {what}", row.id, row.at);
    Fault { kind, seal: row.seal, event: Some(row.id.clone()), at: Some(row.at), sentence }
}

#[derive(Clone, Debug)]
enum Phase {
    Seals,
    Unsealed(Option<Place>),
    Done,
}

/// Verifies step by step, so that a log of any length takes little memory and holds nobody up.
#[derive(Clone, Debug)]
pub struct Verifier {
    report: Report,
    phase: Phase,
    /// the number that comes next
    next: Option<i64>,
    /// the mark that it must follow; `None` where it is not known
    previous: Option<String>,
    /// what the first seal follows
    anchor: String,
    from: Option<i64>,
    expected: Option<(i64, String)>,
    expected_seen: bool,
    /// which seals retention removed: the last number, and its mark
    swept: BTreeMap<i64, String>,
}

impl Verifier {
    /// Verifies from this seal on, or from the first. `expected`: number and mark of a seal, noted elsewhere.
    pub fn new(from: Option<i64>, expected: Option<(i64, String)>) -> Self {
        Self {
            report: Report::default(),
            phase: Phase::Seals,
            next: None,
            previous: None,
            anchor: String::new(),
            from,
            expected,
            expected_seen: false,
            swept: BTreeMap::new(),
        }
    }

    /// What was found until now.
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// Looks at the next seal, or at some events without one; `false` when everything has been looked at.
    pub fn step(&mut self, call: &Call, db: &mut Db) -> Result<bool> {
        match self.phase.clone() {
            Phase::Seals => self.step_seal(call, db)?,
            Phase::Unsealed(after) => self.step_unsealed(call, db, after.as_ref())?,
            Phase::Done => return Ok(false),
        }
        Ok(true)
    }

    fn step_seal(&mut self, call: &Call, db: &mut Db) -> Result<()> {
        let wanted = self.next.or(self.from).unwrap_or(i64::MIN);
        let Some(seal) = audit::list_seals(db, wanted, 1)?.pop() else {
            let beyond = self.next.unwrap_or(i64::MIN);
            self.find_strays(db, (beyond, i64::MAX))?;
            self.phase = Phase::Unsealed(None);
            return Ok(());
        };
        self.check_place(db, &seal)?;
        let mut faults = check_seal(call, db, &seal, &mut self.swept)?;
        if !faults.is_empty() && audit::find_seal(db, seal.number)?.is_none() {
            // swept while we looked
            faults.clear();
        }
        let sound = faults.is_empty();
        faults.into_iter().for_each(|fault| self.report.add(fault));
        if let Some((_, mac)) = self.expected.clone().filter(|(number, _)| *number == seal.number) {
            self.expected_seen = true;
            if mac != seal.mac {
                let sentence = format!("seal {} is not the one that was noted", seal.number);
                self.report.add(of_seal("head_differs", seal.number, sentence));
            }
        }
        self.report.events += u64::try_from(seal.events).unwrap_or(0);
        self.next = Some(seal.number + 1);
        self.previous = sound.then(|| seal.mac.clone());
        self.report.seal = Some(seal.number);
        self.report.head = Some(seal.mac);
        Ok(())
    }

    /// Whether the seal stands where it belongs.
    fn check_place(&mut self, db: &mut Db, seal: &SealRow) -> Result<()> {
        let Some(next) = self.next else {
            self.report.first = Some(seal.number);
            self.anchor.clone_from(&seal.previous);
            if let Some(before) = audit::find_seal(db, seal.number - 1)? {
                self.previous = Some(before.mac);
            }
            if self.from.is_none_or(|from| from < seal.number) {
                self.from = None;
                self.find_strays(db, (i64::MIN, seal.number - 1))?;
            }
            return self.check_follows(seal);
        };
        if seal.number > next {
            let last = seal.number - 1;
            let sentence =
                if last == next { format!("seal {next} is gone") } else { format!("seals {next} to {last} are gone") };
            self.report.add(of_seal("seal_missing", next, sentence));
            self.find_strays(db, (next, last))?;
            self.previous = None;
        }
        self.check_follows(seal)
    }

    fn check_follows(&mut self, seal: &SealRow) -> Result<()> {
        if self.previous.as_ref().is_some_and(|previous| *previous != seal.previous) {
            let sentence = format!("seal {} does not follow seal {}", seal.number, seal.number - 1);
            self.report.add(of_seal("seal_order", seal.number, sentence));
        }
        Ok(())
    }

    /// Events that say they are under a seal which is not there.
    fn find_strays(&mut self, db: &mut Db, range: (i64, i64)) -> Result<()> {
        for row in audit::list_events_of_seals(db, range, STRAYS)? {
            self.report.add(of_event("event_stray", &row, "is under a seal that is not there"));
        }
        Ok(())
    }

    fn step_unsealed(&mut self, call: &Call, db: &mut Db, after: Option<&Place>) -> Result<()> {
        let newest = audit::find_newest_seal(db)?;
        let floor = newest.as_ref().map_or(i64::MIN, |seal| seal.last_at - LATE);
        let rows = audit::list_unsealed_events(db, after, (i64::MIN, i64::MAX), BATCH)?;
        for row in &rows {
            self.report.unsealed += 1;
            // before the first seal the server has yet to mark what an older version wrote
            let unmarked = row.mac.is_empty() && newest.is_none();
            if !unmarked && !is_event_intact(&call.engine, row) {
                self.report.add(of_event("event_unmarked", row, "was changed or put there: it has no valid mark"));
            } else if row.at < floor {
                self.report.add(of_event("event_late", row, "is older than what is sealed, and under no seal"));
            } else {
                note_swept(&mut self.swept, row);
            }
        }
        self.phase = match rows.last() {
            Some(last) if rows.len() as i64 == BATCH => Phase::Unsealed(Some(last.place())),
            _ => {
                self.finish();
                Phase::Done
            }
        };
        Ok(())
    }

    /// What can be said only at the end.
    fn finish(&mut self) {
        if let (Some(first @ 2..), None) = (self.report.first, self.from)
            && self.swept.get(&(first - 1)) != Some(&self.anchor)
        {
            let sentence = format!("seals before {first} are gone, and no retention has removed them");
            self.report.add(of_seal("beginning_missing", first, sentence));
        }
        if self.report.first == Some(1) && self.anchor != NOTHING {
            self.report.add(of_seal("seal_order", 1, "seal 1 follows something".into()));
        }
        let Some((number, mac)) = self.expected.clone().filter(|_| !self.expected_seen) else { return };
        let first = self.report.first.unwrap_or(i64::MAX);
        if number == first - 1 && self.anchor == mac {
            return;
        }
        let newest = self.report.seal.unwrap_or(0);
        let sentence = if number > newest {
            format!("seal {number} was noted, and the log ends at seal {newest}: the rest was cut off")
        } else {
            format!("seal {number} was noted and was not found among those that were looked at")
        };
        self.report.add(of_seal("head_missing", number, sentence));
    }
}

fn note_swept(swept: &mut BTreeMap<i64, String>, row: &AuditRow) {
    if row.action != SWEPT {
        return;
    }
    let Ok(detail) = serde_json::from_str::<serde_json::Value>(&row.detail) else { return };
    if let (Some(number), Some(head)) = (detail["seals"].as_i64(), detail["head"].as_str()) {
        swept.insert(number, head.to_owned());
    }
}

/// Everything about one seal and its events.
fn check_seal(call: &Call, db: &mut Db, seal: &SealRow, swept: &mut BTreeMap<i64, String>) -> Result<Vec<Fault>> {
    let mut rows: Vec<AuditRow> = Vec::new();
    // somebody may have put any number of events under it: some more than it counts are enough
    while (rows.len() as i64) < seal.events.clamp(0, BATCH) + BATCH {
        let after = rows.last().map(AuditRow::place);
        let page = audit::list_sealed_events(db, seal.number, after.as_ref(), BATCH)?;
        let full = page.len() as i64 == BATCH;
        rows.extend(page);
        if !full {
            break;
        }
    }
    let (intact, broken): (Vec<&AuditRow>, Vec<&AuditRow>) =
        rows.iter().partition(|row| is_event_intact(&call.engine, row));
    intact.iter().for_each(|row| note_swept(swept, row));
    let count = rows.len() as i64;
    let mut faults: Vec<Fault> = Vec::new();
    for row in &broken {
        let what = if count > seal.events { "was put there or changed" } else { "was changed" };
        faults.push(of_event("event_changed", row, what));
    }
    if count < seal.events {
        let gone = seal.events - count;
        let sentence = format!("seal {} lacks {gone} of its {} events: they were removed", seal.number, seal.events);
        faults.push(of_seal("events_removed", seal.number, sentence));
    }
    if count > seal.events {
        let sentence = format!("seal {} has more events than the {} that it counts", seal.number, seal.events);
        faults.push(of_seal("events_added", seal.number, sentence));
    }
    let macs: Vec<String> = rows.iter().map(|row| row.mac.clone()).collect();
    if faults.is_empty() && !is_seal_intact(&call.engine, seal, &macs) {
        let sentence = format!("seal {} was changed, or events of it were exchanged", seal.number);
        faults.push(of_seal("seal_changed", seal.number, sentence));
    }
    Ok(faults)
}
