//! Browser sessions.

use gatepost_store::Outcome;
use gatepost_store::people::users;

use crate::audit::Actor;
use crate::people::account::end_other_sessions;
use crate::people::sessions::{find_session, note_session_use};
use crate::people::users::set_user_disabled;
use crate::personal_data::delete_own_account;

use super::World;
use super::fresh::{change_password, set_first_password};

fn is_signed_in(world: &World, cookie: &str) -> bool {
    let cookie = cookie.to_owned();
    world.read(move |call, db| find_session(call, db, &cookie)).is_some()
}

/// Notes a use, as the server does when a page is read.
fn use_session(world: &World, cookie: &str) {
    let cookie = cookie.to_owned();
    world.write(move |call, tx| {
        let session = find_session(call, tx, &cookie)?.expect("signed in");
        if session.needs_note(call) {
            note_session_use(call, tx, &session)?;
        }
        Ok(Outcome::Commit(()))
    });
}

#[test]
fn r_29_a_session_that_is_not_used_ends() {
    let mut world = World::new(|policy| policy.session_idle_ttl = 1000);
    let (cookie, _) = world.add_person("ada@example.com");
    world.now += 999;
    assert!(is_signed_in(&world, &cookie));
    use_session(&world, &cookie);
    world.now += 999;
    assert!(is_signed_in(&world, &cookie));
    world.now += 1;
    assert!(!is_signed_in(&world, &cookie));
}

#[test]
fn r_29_a_use_is_noted_every_five_minutes_and_no_more() {
    let mut world = World::new(|_| {});
    let (cookie, session) = world.add_person("ada@example.com");
    world.now += 299;
    assert!(!session.needs_note(&world.call()));
    world.now += 1;
    assert!(session.needs_note(&world.call()));
    use_session(&world, &cookie);
    let again = world.read(move |call, db| find_session(call, db, &cookie)).expect("signed in");
    assert!(!again.needs_note(&world.call()));
}

#[test]
fn r_29_a_session_ends_however_much_it_is_used() {
    let mut world = World::new(|policy| {
        policy.session_idle_ttl = 1000;
        policy.session_absolute_ttl = 2500;
    });
    let (cookie, _) = world.add_person("ada@example.com");
    for step in [900, 900, 699] {
        world.now += step;
        use_session(&world, &cookie);
    }
    assert!(is_signed_in(&world, &cookie));
    world.now += 1;
    assert!(!is_signed_in(&world, &cookie));
}

#[test]
fn r_09_a_disabled_account_has_no_session_and_none_comes_back() {
    let world = World::new(|_| {});
    let (cookie, _) = world.add_person("ada@example.com");
    for disabled in [true, false] {
        world
            .write(move |call, tx| set_user_disabled(call, tx, Actor::Operator, "ada@example.com", disabled))
            .expect("the account is changed");
        assert!(!is_signed_in(&world, &cookie), "disabled: {disabled}");
    }
}

#[test]
fn r_29_ending_the_others_keeps_this_one() {
    let world = World::new(|_| {});
    let (cookie, session) = world.add_person("ada@example.com");
    let (other, _) = world.sign_in_again(&session);
    assert!(is_signed_in(&world, &other));
    world.write(move |call, tx| end_other_sessions(call, tx, &session));
    assert!(is_signed_in(&world, &cookie));
    assert!(!is_signed_in(&world, &other));
}

#[test]
fn r_29_a_new_password_ends_every_session_and_every_token() {
    let world = World::new(|_| {});
    let (cookie, session) = world.add_person("ada@example.com");
    let tokens = world.redeem("web", &world.code("web", &session)).expect("tokens");
    let waiting = world.code("web", &session);
    assert!(world.is_active(&tokens.access_token));
    let started = world
        .write(move |call, tx| change_password(call, tx, &session, "a hash", "another hash"))
        .expect("the password is changed");
    assert!(!is_signed_in(&world, &cookie));
    assert!(is_signed_in(&world, started.cookie.expose()));
    assert!(!world.is_active(&tokens.access_token));
    assert!(world.refresh("web", super::refresh_token(&tokens)).is_err());
    assert!(world.redeem("web", &waiting).is_err());
}

#[test]
fn r_29_of_two_password_changes_at_once_one_wins() {
    let world = World::new(|_| {});
    let (_, session) = world.add_person("ada@example.com");
    let change = || {
        let session = session.clone();
        world.write(move |call, tx| change_password(call, tx, &session, "a hash", "another hash")).is_some()
    };
    assert_eq!((change(), change()), (true, false));
}

#[test]
fn r_29_a_session_that_was_ended_elsewhere_sets_no_password_deletes_nothing_and_is_not_renewed() {
    let world = World::new(|_| {});
    let (_, session) = world.add_person("ada@example.com");
    let (_, other) = world.sign_in_again(&session);
    world.write(move |call, tx| end_other_sessions(call, tx, &session));
    let ended = other.clone();
    assert!(world.write(move |call, tx| change_password(call, tx, &ended, "a hash", "another hash")).is_none());
    let id = other.user_id.clone();
    world.write(move |call, tx| Ok(Outcome::Commit(users::update_user_no_password(tx, &id, call.now)?)));
    let ended = other.clone();
    assert!(world.write(move |call, tx| set_first_password(call, tx, &ended, "another hash")).is_none());
    let ended = other.clone();
    assert!(world.write(move |call, tx| delete_own_account(call, tx, &ended)).is_err());
    let user = world.read(move |_, db| Ok(users::find_user(db, &other.user_id)?)).expect("the person");
    assert_eq!(user.password_hash, None);
}
