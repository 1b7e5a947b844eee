//! The chain of the audit log: what is sealed when, what retention leaves, and what a check finds (AD9, R-39, R-56).

use gatepost_store::Outcome;
use gatepost_store::audit::{self, AuditRow, Place, SealRow};
use gatepost_store::people::users;
use gatepost_store::sweep::Sweepable;
use serde_json::json;

use super::World;
use crate::audit::query::{AuditFilter, Cursor, list_account_events, list_events};
use crate::audit::verify::{Report, Verifier};
use crate::audit::{Actor, Event, chain, record_event};
use crate::people::sessions::SignedIn;
use crate::personal_data::delete_own_account;
use crate::sweeping::sweep_batch;

fn record(world: &World, count: usize) {
    world.write(move |call, tx| {
        for _ in 0..count {
            record_event(call, tx, Event::done(Actor::User("ada"), "user.renamed", "ada"), &json!({"count": 1}))?;
        }
        Ok(Outcome::Commit(()))
    });
}

fn find(world: &World) -> chain::Harvest {
    world.read(chain::find_batch)
}

fn seal(world: &World, (seal, ids): (SealRow, Vec<String>)) -> bool {
    world.write(move |_, tx| chain::seal_batch(tx, &seal, &ids))
}

/// Seals all that is settled; how many events each seal has.
fn seal_all(world: &World) -> Vec<i64> {
    let mut made = Vec::new();
    while let Some(batch) = find(world).batch {
        made.push(batch.0.events);
        assert!(seal(world, batch));
    }
    made
}

fn verify_from(world: &World, from: Option<i64>, expected: Option<(i64, String)>) -> Report {
    let mut verifier = Verifier::new(from, expected);
    loop {
        let begun = verifier.clone();
        let (next, more) = world.read(move |call, db| {
            let mut verifier = begun.clone();
            let more = verifier.step(call, db)?;
            Ok((verifier, more))
        });
        verifier = next;
        if !more {
            return verifier.report().clone();
        }
    }
}

fn verify(world: &World) -> Report {
    verify_from(world, None, None)
}

#[track_caller]
fn assert_kinds(report: &Report, kinds: &[&str]) {
    let found: Vec<_> = report.faults.iter().map(|fault| fault.kind).collect();
    assert_eq!(found, kinds, "{:#?}", report.faults);
}

fn forge(world: &World, id: &str, at: i64, mac: &str, seal: Option<i64>) {
    let row = AuditRow {
        id: id.into(),
        at,
        actor_kind: "operator".into(),
        actor_id: String::new(),
        action: "user.enabled".into(),
        subject_id: "eve".into(),
        result: "done".into(),
        ip: String::new(),
        user_agent: String::new(),
        request_id: String::new(),
        detail: String::new(),
        mac: mac.into(),
        seal,
    };
    world.write(move |_, tx| {
        audit::insert_audit_event(tx, &row)?;
        Ok(Outcome::Commit(()))
    });
}

#[test]
fn ad_9_events_are_sealed_when_they_are_settled_in_batches_of_two_hundred() {
    let mut world = World::new(|_| {});
    record(&world, 450);
    world.now += 9;
    assert!(find(&world).batch.is_none(), "transactions may still be under way");
    world.now += 1;
    let made = seal_all(&world);
    let own = 450 + 3;
    assert_eq!(made, [200, 200, own - 400], "with those of the set-up");
    let report = verify(&world);
    assert_kinds(&report, &[]);
    assert_eq!((report.first, report.seal, report.events, report.unsealed), (Some(1), Some(3), own as u64, 0));
    record(&world, 2);
    assert_eq!(verify(&world).unsealed, 2);
}

#[test]
fn ad_9_of_two_nodes_one_makes_each_seal() {
    let mut world = World::new(|_| {});
    record(&world, 5);
    world.now += 10;
    let (mine, theirs) = (find(&world).batch.expect("a batch"), find(&world).batch.expect("a batch"));
    assert!(seal(&world, mine));
    assert!(!seal(&world, theirs), "the other was first");
    // whoever looked before that and comes with the next number has nothing to seal either
    record(&world, 1);
    world.now += 10;
    let (mut ahead, ids) = find(&world).batch.expect("a batch");
    ahead.number += 1;
    assert!(!seal(&world, (ahead, ids)), "it follows nothing");
    assert_eq!(seal_all(&world), [1]);
    assert_kinds(&verify(&world), &[]);
}

#[test]
fn ad_9_an_event_that_comes_a_little_late_is_sealed_and_one_that_comes_much_later_is_named() {
    let mut world = World::new(|_| {});
    world.now += 1000;
    record(&world, 1);
    world.now += 10;
    seal_all(&world);
    let sealed = world.now - 10;
    world.now = sealed - chain::LATE;
    record(&world, 1);
    world.now = sealed + 10;
    assert_eq!(seal_all(&world), [1]);
    assert_kinds(&verify(&world), &[]);
    record(&world, 1);
    world.now += 10;
    seal_all(&world);
    world.now = super::START + 5;
    record(&world, 1);
    world.now = sealed + 100;
    let harvest = find(&world);
    assert!(harvest.batch.is_none() && harvest.refused.len() == 1, "{harvest:?}");
    assert_kinds(&verify(&world), &["event_late"]);
}

#[test]
fn ad_9_what_an_older_version_wrote_is_adopted_until_there_is_a_seal() {
    let mut world = World::new(|_| {});
    for number in 0..250 {
        forge(&world, &format!("old{number:03}"), super::START - 1000, "", None);
    }
    world.now += 10;
    assert_kinds(&verify(&world), &[]);
    let adopt = |after: Option<Place>| world.write(move |call, tx| chain::adopt_events(call, tx, after.as_ref()));
    let after = adopt(None);
    assert!(after.is_some(), "there are more than one step takes");
    assert_eq!(adopt(after), None);
    seal_all(&world);
    assert_kinds(&verify(&world), &[]);
    forge(&world, "new", super::START, "", None);
    assert_eq!(world.write(|call, tx| chain::adopt_events(call, tx, None)), None);
    world.now += 60;
    let harvest = find(&world);
    assert!(harvest.batch.is_none() && harvest.refused[0].id == "new", "{harvest:?}");
    let report = verify(&world);
    assert_kinds(&report, &["event_unmarked"]);
    assert_eq!(report.faults[0].event.as_deref(), Some("new"));
}

#[test]
fn ad_9_forged_events_stop_nobody_from_sealing_the_others() {
    let mut world = World::new(|_| {});
    seal_all(&world);
    for number in 0..500 {
        forge(&world, &format!("0forged{number:03}"), super::START, "AAAA", None);
    }
    record(&world, 3);
    world.now += 10;
    assert_eq!(seal_all(&world), [6]);
    assert_eq!(verify(&world).fault_count, 500);
}

/// Five days, each with its seal; then what is older than two days goes.
fn make_swept() -> World {
    let mut world = World::new(|policy| policy.retention.audit = 2 * 86_400);
    for _ in 0..5 {
        record(&world, 3);
        world.now += 10;
        assert_eq!(seal_all(&world).len(), 1);
        world.now += 86_400;
    }
    let swept = world.write(|call, tx| sweep_batch(call, tx, Sweepable::AuditEvents));
    assert!(swept.removed >= 9 && !swept.more, "{swept:?}");
    world
}

#[test]
fn r_56_retention_removes_whole_seals_and_the_rest_still_verifies() {
    let mut world = make_swept();
    assert_eq!(world.write(|call, tx| sweep_batch(call, tx, Sweepable::AuditEvents)).removed, 0);
    for sealed in [false, true] {
        if sealed {
            world.now += 10;
            seal_all(&world);
        }
        let report = verify(&world);
        assert_kinds(&report, &[]);
        assert_eq!(report.first, Some(4));
    }
    let head = verify(&world).head.expect("a seal");
    assert_kinds(&verify_from(&world, Some(5), Some((6, head.clone()))), &[]);
    assert_kinds(&verify_from(&world, None, Some((6, head.chars().rev().collect()))), &["head_differs"]);
    assert_kinds(&verify_from(&world, None, Some((7, head))), &["head_missing"]);
}

#[test]
fn r_56_the_newest_seal_stays_however_old_it_is() {
    let mut world = make_swept();
    world.now += 10;
    seal_all(&world);
    world.now += 100 * 86_400;
    while world.write(|call, tx| sweep_batch(call, tx, Sweepable::AuditEvents)).more {}
    let report = verify(&world);
    assert_kinds(&report, &[]);
    assert_eq!((report.first, report.seal), (Some(6), Some(6)));
    record(&world, 1);
    world.now += 10;
    seal_all(&world);
    assert_eq!(verify(&world).seal, Some(7), "numbers go on");
}

#[test]
fn ad_9_a_beginning_that_no_retention_removed_is_missed() {
    let world = make_swept();
    world.write(|_, tx| {
        audit::delete_seals(tx, 4)?;
        Ok(Outcome::Commit(()))
    });
    assert_kinds(&verify(&world), &["beginning_missing"]);
}

#[test]
fn an_account_sees_what_it_did_and_what_was_done_to_it_page_by_page() {
    let mut world = World::new(|_| {});
    let (_, session) = world.add_person("ada@example.com");
    let (_, other) = world.add_person("bob@example.com");
    let (mine, theirs) = (session.user_id.clone(), other.user_id.clone());
    for number in 0..23 {
        let (mine, theirs) = (mine.clone(), theirs.clone());
        if number % 3 == 0 {
            world.now += 1;
        }
        world.write(move |call, tx| {
            let event = match number % 2 {
                0 => Event::done(Actor::User(&mine), "user.renamed", &mine),
                _ => Event::refused(Actor::User(&theirs), "user.disabled", &mine),
            };
            record_event(call, tx, event, &json!(null))?;
            record_event(call, tx, Event::done(Actor::User(&theirs), "user.renamed", &theirs), &json!(null))?;
            Ok(Outcome::Commit(()))
        });
    }
    let page = |filter: &AuditFilter, cursor: Option<Cursor>| {
        let (mine, filter) = (mine.clone(), filter.clone());
        world.read(move |call, db| list_account_events(call, db, (&mine, &filter), cursor.as_ref(), 10))
    };
    let all = AuditFilter::default();
    let (mut cursor, mut seen) = (None, Vec::new());
    loop {
        let found = page(&all, cursor);
        assert!(found.events.len() <= 10);
        seen.extend(found.events);
        cursor = found.older;
        if cursor.is_none() {
            break;
        }
    }
    let own = seen.iter().filter(|event| event.actor_id != theirs).count();
    assert_eq!((seen.len(), own), (23 + 2, 12 + 2), "with the sign-up and the sign-in");
    assert!(seen.is_sorted_by(|a, b| a.place() > b.place()), "newest first, none twice");
    let second = page(&all, page(&all, None).older);
    assert_eq!(page(&all, second.newer.clone()).events, page(&all, None).events);
    assert!(page(&all, second.newer).newer.is_none());
    let refused = AuditFilter { result: Some("refused".into()), ..all.clone() };
    assert_eq!(page(&refused, None).events.len(), 10);
    for (prefix, count) in [("session.", 1), ("user_", 0), ("%", 0)] {
        let filter = AuditFilter { action_prefix: Some(prefix.into()), ..all.clone() };
        assert_eq!(page(&filter, None).events.len(), count, "{prefix}");
    }
    let early = AuditFilter { until: Some(super::START + 1), ..all.clone() };
    let found = world.read(move |call, db| list_events(call, db, &early, None, 100));
    assert!(found.events.len() > 3 && found.events.iter().all(|event| event.at == super::START));
}

#[test]
fn r_11_whoever_takes_the_address_of_a_deleted_account_inherits_nothing() {
    let world = World::new(|_| {});
    let (_, session) = world.add_person("ada@example.com");
    let tokens = world.redeem("web", &world.code("web", &session)).expect("tokens");
    let leaver = session.clone();
    assert!(world.write(move |call, tx| delete_own_account(call, tx, &leaver)).is_ok());
    assert!(!world.is_active(&tokens.access_token));
    let (_, again) = world.add_person("ada@example.com");
    assert_ne!(again.user_id, session.user_id);
    let signed_in = again.clone();
    assert!(world.read(move |call, db| crate::oauth::connected_apps::list_apps(call, db, &signed_in)).is_empty());
    assert_eq!(world.read(move |call, db| crate::people::account::list_sessions(call, db, &again)).len(), 1);
    assert!(world.refresh("web", super::refresh_token(&tokens)).is_err());
}

#[test]
fn r_37_the_last_administrator_cannot_leave() {
    let world = World::new(|_| {});
    let (_, ada) = world.add_person("ada@example.com");
    let (_, bob) = world.add_person("bob@example.com");
    for person in [&ada, &bob] {
        let (id, now) = (person.user_id.clone(), world.now);
        world.write(move |_, tx| Ok(Outcome::Commit(users::update_user_role(tx, &id, users::ROLE_ADMIN, now)?)));
    }
    let leave = |session: &SignedIn| {
        let session = session.clone();
        world.write(move |call, tx| delete_own_account(call, tx, &session)).is_ok()
    };
    assert!(leave(&ada));
    assert!(!leave(&bob));
    let id = bob.user_id.clone();
    assert!(world.read(move |_, db| Ok(users::find_user(db, &id)?)).is_some());
}
