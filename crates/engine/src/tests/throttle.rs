//! Slowing down whoever guesses.

use crate::people::sign_in::password::{Attempt, VerifiedAttempt, begin_attempt, finish_attempt};

use super::{World, block_on};

const DAY: i64 = 86_400;
const OTHER: &str = "198.51.100.7";

fn begin_from(world: &World, ip: &str, email: &str) -> Attempt {
    let (call, email) = (world.call_from(ip), email.to_owned());
    block_on(world.store.write(move |tx| begin_attempt(&call, tx, &email))).expect("an attempt")
}

/// Ends an attempt; whether somebody is signed in now.
fn finish_from(world: &World, ip: &str, attempt: Attempt, verified: bool) -> bool {
    let call = world.call_from(ip);
    let verified = VerifiedAttempt::pretend(attempt, verified);
    block_on(world.store.write(move |tx| finish_attempt(&call, tx, &verified))).expect("an end").is_some()
}

/// A wrong password, each time from an address of its own; whether it was looked at at all.
fn fail(world: &World, email: &str, serial: &mut u32) -> bool {
    *serial += 1;
    let ip = format!("10.0.{}.{}", *serial / 250, *serial % 250);
    let attempt = begin_from(world, &ip, email);
    let looked_at = attempt.password_hash.is_some();
    assert!(!finish_from(world, &ip, attempt, false));
    looked_at
}

#[test]
fn r_21_five_failures_are_free_and_each_further_one_costs_more() {
    let mut world = World::new(|_| {});
    world.add_person("ada@example.com");
    let mut serial = 0;
    for _ in 0..5 {
        assert!(fail(&world, "ada@example.com", &mut serial));
    }
    for delay in [1, 3, 5, 10, 30, 60, 300, 900, 900, 900] {
        assert!(fail(&world, "ada@example.com", &mut serial), "before a delay of {delay}");
        world.now += delay - 1;
        assert!(!fail(&world, "ada@example.com", &mut serial), "one second before the end of {delay}");
        world.now += 1;
    }
    let attempt = begin_from(&world, OTHER, "ada@example.com");
    assert!(finish_from(&world, OTHER, attempt, true), "the owner gets in when the delay is over");
}

#[test]
fn r_21_the_longest_delay_is_a_setting() {
    let mut world = World::new(|policy| policy.max_delay = 2);
    world.add_person("ada@example.com");
    let mut serial = 0;
    for _ in 0..5 {
        assert!(fail(&world, "ada@example.com", &mut serial));
    }
    for delay in [1, 2, 2, 2] {
        assert!(fail(&world, "ada@example.com", &mut serial));
        world.now += delay - 1;
        assert!(!fail(&world, "ada@example.com", &mut serial));
        world.now += 1;
    }
}

#[test]
fn r_21_a_hundred_failures_in_a_row_stop_passwords_for_a_day() {
    let mut world = World::new(|_| {});
    world.add_person("ada@example.com");
    let mut serial = 0;
    for _ in 0..100 {
        assert!(fail(&world, "ada@example.com", &mut serial));
        world.now += 900;
    }
    world.now += DAY - 900 - 1;
    assert!(!fail(&world, "ada@example.com", &mut serial));
    world.now += 1;
    assert!(fail(&world, "ada@example.com", &mut serial));
}

#[test]
fn r_21_a_success_makes_the_count_start_again() {
    let world = World::new(|_| {});
    world.add_person("ada@example.com");
    let mut serial = 0;
    for _ in 0..3 {
        for _ in 0..4 {
            assert!(fail(&world, "ada@example.com", &mut serial));
        }
        let attempt = begin_from(&world, OTHER, "ada@example.com");
        assert!(finish_from(&world, OTHER, attempt, true));
    }
}

#[test]
fn r_21_another_spelling_of_the_address_is_the_same_account() {
    let world = World::new(|_| {});
    world.add_person("ada@example.com");
    let mut serial = 0;
    for spelling in ["ada@example.com", "ADA@example.com", " Ada@Example.COM ", "ada@EXAMPLE.com", "aDa@example.com"] {
        assert!(fail(&world, spelling, &mut serial), "{spelling}");
    }
    assert!(fail(&world, "ada@example.com", &mut serial), "the sixth, which costs a second");
    for spelling in ["ada@example.com", "ADA@EXAMPLE.COM"] {
        assert!(!fail(&world, spelling, &mut serial), "{spelling}");
    }
}

#[test]
fn r_03_a_burst_on_one_account_gains_nothing() {
    let world = World::new(|_| {});
    world.add_person("ada@example.com");
    // all are begun before the first of them ends
    let ip = |number: usize| format!("10.1.0.{number}");
    let attempts: Vec<Attempt> = (0..100).map(|number| begin_from(&world, &ip(number), "ada@example.com")).collect();
    let looked_at = attempts.iter().filter(|attempt| attempt.password_hash.is_some()).count();
    assert_eq!(looked_at, 6, "five free ones, and the one that costs a second");
}

#[test]
fn r_21_one_address_gets_thirty_failures_in_ten_minutes() {
    let mut world = World::new(|_| {});
    let ip = "203.0.113.9";
    for number in 0..32 {
        world.add_person(&format!("user{number}@example.com"));
    }
    let try_user = |world: &World, number: usize| {
        let attempt = begin_from(world, ip, &format!("user{number}@example.com"));
        let looked_at = attempt.password_hash.is_some();
        finish_from(world, ip, attempt, false);
        looked_at
    };
    for number in 0..30 {
        assert!(try_user(&world, number), "number {number}");
    }
    assert!(!try_user(&world, 30));
    world.now += 599;
    assert!(!try_user(&world, 30));
    world.now += 1;
    assert!(try_user(&world, 31));
}

#[test]
fn r_03_a_burst_from_one_address_gains_nothing() {
    let world = World::new(|_| {});
    let ip = "203.0.113.9";
    for number in 0..60 {
        world.add_person(&format!("user{number}@example.com"));
    }
    // all are begun before the first of them ends, as a burst of parallel requests does it
    let attempts: Vec<Attempt> =
        (0..60).map(|number| begin_from(&world, ip, &format!("user{number}@example.com"))).collect();
    let looked_at = attempts.iter().filter(|attempt| attempt.password_hash.is_some()).count();
    assert_eq!(looked_at, 30, "attempts are counted before the password is looked at");
}

#[test]
fn r_21_a_whole_network_of_ipv6_is_one_address() {
    let world = World::new(|_| {});
    for number in 0..31 {
        world.add_person(&format!("user{number}@example.com"));
    }
    for number in 0..30 {
        let ip = format!("2001:db8:1:2::{number:x}");
        let attempt = begin_from(&world, &ip, &format!("user{number}@example.com"));
        assert!(attempt.password_hash.is_some());
        finish_from(&world, &ip, attempt, false);
    }
    let same = begin_from(&world, "2001:db8:1:2:ffff::1", "user30@example.com");
    assert!(same.password_hash.is_none());
    let other = begin_from(&world, "2001:db8:1:3::1", "user30@example.com");
    assert!(other.password_hash.is_some());
}

#[test]
fn r_20_unknown_and_disabled_accounts_are_counted_like_known_ones() {
    let world = World::new(|_| {});
    for _ in 0..10 {
        let attempt = begin_from(&world, OTHER, "nobody@example.com");
        assert!(attempt.password_hash.is_none());
    }
    // the account that is made later finds its bucket full: nobody can tell when it was made
    world.add_person("nobody@example.com");
    assert!(begin_from(&world, OTHER, "nobody@example.com").password_hash.is_none());
}

#[test]
fn r_20_a_password_that_changed_while_it_was_verified_is_wrong() {
    let world = World::new(|_| {});
    let (_, session) = world.add_person("ada@example.com");
    let attempt = begin_from(&world, OTHER, "ada@example.com");
    world
        .write(move |call, tx| super::fresh::change_password(call, tx, &session, "a hash", "new hash"))
        .expect("changed");
    assert!(!finish_from(&world, OTHER, attempt, true));
}
