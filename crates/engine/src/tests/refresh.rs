//! Refresh tokens: rotation, ends, reuse.

use gatepost_store::audit::list_audit_events;

use super::{World, assert_invalid_grant, refresh_token};

#[test]
fn r_08_a_refresh_token_ends_when_it_is_not_used() {
    let mut world = World::new(|policy| policy.refresh_idle_ttl = 100);
    let tokens = world.first_tokens("web");
    world.now += 99;
    let tokens = world.refresh("web", refresh_token(&tokens)).expect("the last second");
    world.now += 100;
    assert_invalid_grant(&world.refresh("web", refresh_token(&tokens)), "over");
    // being late is no theft
    assert!(world.is_active(&tokens.access_token));
}

#[test]
fn r_08_a_family_ends_however_often_it_is_refreshed() {
    let mut world = World::new(|policy| {
        policy.refresh_idle_ttl = 100;
        policy.refresh_absolute_ttl = 250;
    });
    let mut tokens = world.first_tokens("web");
    for step in [90, 90, 69] {
        world.now += step;
        tokens = world.refresh("web", refresh_token(&tokens)).expect("before the end");
    }
    assert_eq!(tokens.expires_in, 1, "no access token outlives the family");
    world.now += 1;
    assert_invalid_grant(&world.refresh("web", refresh_token(&tokens)), "over");
    assert!(!world.is_active(&tokens.access_token));
}

#[test]
fn r_08_reuse_within_the_grace_revokes_nothing_and_after_it_everything() {
    for (seconds, survives) in [(0, true), (9, true), (10, false), (86_400, false)] {
        let mut world = World::new(|policy| policy.refresh_reuse_grace = 10);
        let first = world.first_tokens("web");
        let second = world.refresh("web", refresh_token(&first)).expect("a rotation");
        world.now += seconds;
        let why = if survives { "a moment ago" } else { "family is revoked" };
        assert_invalid_grant(&world.refresh("web", refresh_token(&first)), why);
        let events = world.read(|_, db| Ok(list_audit_events(db, 100)?));
        let noted = events.iter().any(|event| event.action == "refresh_token.reused");
        assert_eq!(noted, !survives, "audit after {seconds} s");
        if seconds < 600 {
            assert_eq!(world.is_active(&second.access_token), survives, "access token after {seconds} s");
        }
        assert_eq!(world.refresh("web", refresh_token(&second)).is_ok(), survives, "family after {seconds} s");
    }
}

#[test]
fn r_08_without_a_grace_every_reuse_is_a_theft() {
    let world = World::new(|policy| policy.refresh_reuse_grace = 0);
    let first = world.first_tokens("web");
    let second = world.refresh("web", refresh_token(&first)).expect("a rotation");
    assert_invalid_grant(&world.refresh("web", refresh_token(&first)), "family is revoked");
    assert!(!world.is_active(&first.access_token));
    assert!(!world.is_active(&second.access_token));
}

#[test]
fn r_08_another_client_cannot_end_a_family_by_presenting_its_old_token() {
    let mut world = World::new(|_| {});
    world.add_client("other", crate::clients::registry::ClientKind::Web, "https://other.example/cb", |_| {});
    let first = world.first_tokens("web");
    let second = world.refresh("web", refresh_token(&first)).expect("a rotation");
    world.now += 60;
    assert_invalid_grant(&world.refresh("other", refresh_token(&first)), "another client");
    assert!(world.is_active(&second.access_token));
}

#[test]
fn r_08_another_client_that_presents_a_live_token_does_not_use_it_up() {
    let world = World::new(|_| {});
    world.add_client("other", crate::clients::registry::ClientKind::Web, "https://other.example/cb", |_| {});
    let tokens = world.first_tokens("web");
    // oxide-auth finds this one, without a word of ours
    assert_invalid_grant(&world.refresh("other", refresh_token(&tokens)), "");
    assert!(world.refresh("web", refresh_token(&tokens)).is_ok());
}

/// A client with `refresh_replay = true` and its first two sets of tokens.
fn world_with_replay() -> World {
    let world = World::new(|_| {});
    world.add_client("replay", crate::clients::registry::ClientKind::Web, "https://r.example/cb", |spec| {
        spec.refresh_replay = true;
    });
    world
}

#[test]
fn r_08_a_replay_gets_the_same_answer_once() {
    let mut world = world_with_replay();
    let first = world.first_tokens("replay");
    let second = world.refresh("replay", refresh_token(&first)).expect("a rotation");
    world.now += 9;
    let again = world.refresh("replay", refresh_token(&first)).expect("the same once more");
    assert_eq!(again.access_token, second.access_token);
    assert_eq!(again.refresh_token, second.refresh_token);
    assert_eq!(again.expires_in, second.expires_in - 9);
    assert_invalid_grant(&world.refresh("replay", refresh_token(&first)), "a moment ago");
    assert!(world.refresh("replay", refresh_token(&second)).is_ok(), "nothing is revoked");
}

#[test]
fn r_08_a_replay_after_the_grace_is_a_theft_all_the_same() {
    let mut world = world_with_replay();
    let first = world.first_tokens("replay");
    let second = world.refresh("replay", refresh_token(&first)).expect("a rotation");
    world.now += 10;
    assert_invalid_grant(&world.refresh("replay", refresh_token(&first)), "family is revoked");
    assert!(!world.is_active(&second.access_token));
}

#[test]
fn r_08_a_replay_that_asks_for_something_else_gets_nothing_and_spoils_nothing() {
    let world = world_with_replay();
    let first = world.first_tokens("replay");
    let token = refresh_token(&first);
    world.refresh("replay", token).expect("a rotation");
    let other = [("grant_type", "refresh_token"), ("refresh_token", token), ("scope", "notes:read")];
    assert_invalid_grant(&world.exchange("replay", &other), "a moment ago");
    assert!(world.refresh("replay", token).is_ok(), "the true replay is still answered");
}

#[test]
fn r_08_a_replay_of_a_revoked_family_gets_nothing() {
    let world = world_with_replay();
    let first = world.first_tokens("replay");
    let token = refresh_token(&first).to_owned();
    world.refresh("replay", &token).expect("a rotation");
    let client = world.client("replay");
    let presented = token.clone();
    world.write(move |call, tx| crate::oauth::revoke::revoke_token(call, tx, &client, &presented));
    assert_invalid_grant(&world.refresh("replay", &token), "revoked");
}

#[test]
fn r_08_a_client_that_keeps_its_token_moves_its_idle_end() {
    let mut world = World::new(|policy| {
        policy.refresh_idle_ttl = 100;
        policy.refresh_absolute_ttl = 250;
    });
    world.add_client("keep", crate::clients::registry::ClientKind::Web, "https://k.example/cb", |spec| {
        spec.keep_refresh_token = true;
    });
    let tokens = world.first_tokens("keep");
    for step in [99, 99, 51] {
        world.now += step;
        let answer = world.refresh("keep", refresh_token(&tokens)).expect("before both ends");
        assert_eq!(answer.refresh_token, None, "nothing new");
    }
    world.now += 1;
    assert_invalid_grant(&world.refresh("keep", refresh_token(&tokens)), "over");
}

#[test]
fn f_02_a_narrowed_refresh_does_not_narrow_the_family() {
    let world = World::new(|_| {});
    let (_, session) = world.add_person("ada@example.com");
    let request = world.request("web", &[("scope", "notes:read notes:write")]);
    let code = world.answer(&request, &session, true).expect("a code");
    let first = world.redeem("web", &code).expect("tokens");
    let narrow = [("grant_type", "refresh_token"), ("refresh_token", refresh_token(&first)), ("scope", "notes:read")];
    let second = world.exchange("web", &narrow).expect("narrowed");
    assert_eq!(second.scope, "notes:read");
    let third = world.refresh("web", refresh_token(&second)).expect("the whole family");
    assert_eq!(third.scope, "notes:read notes:write");
}

#[test]
fn r_54_a_rotated_token_stays_rotated_when_the_clock_goes_back() {
    let mut world = World::new(|_| {});
    let first = world.first_tokens("web");
    world.refresh("web", refresh_token(&first)).expect("a rotation");
    world.now -= 7200;
    assert!(world.refresh("web", refresh_token(&first)).is_err());
}
