//! Letters that wait: who may send them, when they are tried again, and when nobody needs them any more.

use gatepost_store::outbox::{self, MailRow};
use gatepost_store::{Outcome, Tx};

use crate::outbox::{
    LEASE, Letter, Taken, TakenLetter, count_queued_letters, finish_letter, has_due_letters, postpone_letter,
    queue_letter, take_due_letters,
};
use crate::{Call, Result};

use super::{START, World};

const TTL: i64 = 7200;

fn world() -> World {
    World::new(|policy| policy.mail = true)
}

fn queue(call: &Call, tx: &mut Tx<'_>) -> Result<Outcome<()>> {
    queue_letter(call, tx, "ada@example.com", Letter::Reset { url: "https://auth.example/canary".into() }, TTL)?;
    Ok(Outcome::Commit(()))
}

fn take(world: &World) -> Taken {
    world.write(|call, tx| take_due_letters(call, tx, 8))
}

fn take_one(world: &World) -> TakenLetter {
    let mut taken = take(world);
    assert_eq!((taken.letters.len(), taken.unreadable), (1, 0));
    taken.letters.remove(0)
}

fn postpone(world: &World, letter: &TakenLetter) -> bool {
    let letter = letter.clone();
    world.write(move |call, tx| postpone_letter(call, tx, &letter))
}

#[test]
fn a_letter_belongs_to_one_node_until_its_lease_is_over() {
    let mut world = world();
    world.write(queue);
    let letter = take_one(&world);
    assert_eq!((letter.envelope.to.as_str(), letter.attempts, letter.expires_at), ("ada@example.com", 1, START + TTL));
    for seconds in [0, LEASE - 1] {
        world.now = START + seconds;
        assert!(take(&world).letters.is_empty(), "another node after {seconds} seconds");
    }
    // the node died: the next one has it, and what the dead one may still say changes nothing
    world.now = START + LEASE;
    let again = take_one(&world);
    assert_eq!((again.id.as_str(), again.attempts), (letter.id.as_str(), 2));
    assert!(postpone(&world, &letter));
    world.now += LEASE - 1;
    assert!(take(&world).letters.is_empty(), "the lease of the second holds");
    world.write(move |_, tx| finish_letter(tx, &again.id));
    world.now += LEASE;
    assert!(take(&world).letters.is_empty(), "it is gone");
}

#[test]
fn a_letter_is_tried_again_later_and_later_until_nobody_needs_it() {
    let mut world = world();
    world.write(queue);
    let mut waited = Vec::new();
    loop {
        let letter = take_one(&world);
        let failed_at = world.now;
        if !postpone(&world, &letter) {
            break;
        }
        while take_nothing(&world) {
            world.now += 1;
        }
        waited.push(world.now - failed_at);
    }
    assert_eq!(waited, [5, 30, 120, 600, 1800, 1800, 1800], "within two hours");
    world.now += 100_000;
    assert!(take(&world).letters.is_empty(), "it is gone");
}

/// Whether nothing is due; looks only, so that no lease begins.
fn take_nothing(world: &World) -> bool {
    world.write(|call, tx| Ok(Outcome::Commit(!has_due_letters(call, tx)?)))
}

#[test]
fn a_letter_that_nobody_needs_any_more_is_not_sent() {
    let mut world = world();
    world.write(queue);
    world.now = START + TTL;
    assert!(take(&world).letters.is_empty() && take_nothing(&world));
}

#[test]
fn r_38_a_letter_that_was_changed_or_moved_to_another_row_does_not_open() {
    let world = world();
    world.write(queue);
    world.write(|call, tx| {
        let found = outbox::update_mails_taken(tx, call.now, call.now, 8)?;
        let row = found.first().expect("the letter");
        assert!(!row.sealed.contains("canary") && !row.sealed.contains("ada"), "sealed");
        let copy = MailRow { id: "another".into(), ..row.clone() };
        outbox::insert_mail(tx, &copy)?;
        Ok(Outcome::Commit(()))
    });
    let taken = take(&world);
    assert_eq!((taken.letters.len(), taken.unreadable), (1, 1));
}

#[test]
fn nothing_is_written_down_without_mail() {
    let mut world = World::new(|policy| policy.mail = false);
    world.write(queue);
    assert_eq!(count_queued_letters(&world.engine), 0);
    world.now += 1;
    assert!(take(&world).letters.is_empty());
    let with = self::world();
    with.write(queue);
    assert_eq!(count_queued_letters(&with.engine), 1);
}
