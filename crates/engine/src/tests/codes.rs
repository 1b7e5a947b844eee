//! Authorization codes.

use crate::audit::Actor;
use crate::people::users::set_user_disabled;

use super::{World, assert_invalid_grant};

#[test]
fn r_05_a_code_works_in_its_last_second_and_not_in_the_next() {
    let mut world = World::new(|policy| policy.code_ttl = 60);
    let (_, session) = world.add_person("ada@example.com");
    let (first, second) = (world.code("web", &session), world.code("web", &session));
    world.now += 59;
    assert!(world.redeem("web", &first).is_ok());
    world.now += 1;
    assert_invalid_grant(&world.redeem("web", &second), "too old");
}

#[test]
fn r_05_a_second_valid_use_revokes_what_the_first_bought() {
    let mut world = World::new(|_| {});
    let (_, session) = world.add_person("ada@example.com");
    let code = world.code("web", &session);
    let tokens = world.redeem("web", &code).expect("tokens");
    assert!(world.is_active(&tokens.access_token));
    // long after the code's end: a replay is a replay
    world.now += 300;
    assert_invalid_grant(&world.redeem("web", &code), "used before");
    assert!(!world.is_active(&tokens.access_token));
    assert_invalid_grant(&world.refresh("web", super::refresh_token(&tokens)), "revoked");
}

#[test]
fn r_05_a_second_use_without_the_verifier_or_by_another_client_revokes_nothing() {
    let world = World::new(|_| {});
    world.add_client("other", crate::clients::registry::ClientKind::Web, "https://other.example/cb", |_| {});
    let (_, session) = world.add_person("ada@example.com");
    let code = world.code("web", &session);
    let tokens = world.redeem("web", &code).expect("tokens");
    assert_invalid_grant(&world.redeem_with("web", &code, &"x".repeat(43)), "without what belongs to it");
    assert_invalid_grant(&world.redeem("other", &code), "without what belongs to it");
    let wrong_uri = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("code_verifier", super::VERIFIER),
        ("redirect_uri", "https://app.example/callback/"),
    ];
    assert_invalid_grant(&world.exchange("web", &wrong_uri), "without what belongs to it");
    assert!(world.is_active(&tokens.access_token));
}

#[test]
fn r_05_five_failed_tries_burn_a_code_and_four_do_not() {
    let world = World::new(|_| {});
    let (_, session) = world.add_person("ada@example.com");
    for (tries, works) in [(4, true), (5, false)] {
        let code = world.code("web", &session);
        for _ in 0..tries {
            assert_invalid_grant(&world.redeem_with("web", &code, &"x".repeat(43)), "code_verifier");
        }
        assert_eq!(world.redeem("web", &code).is_ok(), works, "after {tries}");
    }
}

#[test]
fn r_05_tries_of_another_client_do_not_burn_a_code() {
    let world = World::new(|_| {});
    world.add_client("other", crate::clients::registry::ClientKind::Web, "https://other.example/cb", |_| {});
    let (_, session) = world.add_person("ada@example.com");
    let code = world.code("web", &session);
    for _ in 0..20 {
        assert_invalid_grant(&world.redeem("other", &code), "another client");
    }
    assert!(world.redeem("web", &code).is_ok());
}

#[test]
fn r_02_one_request_gets_one_code() {
    let world = World::new(|_| {});
    let (_, session) = world.add_person("ada@example.com");
    let request = world.request("web", &[]);
    assert!(world.answer(&request, &session, true).is_some());
    assert!(world.answer(&request, &session, true).is_none());
}

#[test]
fn r_54_a_used_code_stays_used_when_the_clock_goes_back() {
    let mut world = World::new(|_| {});
    let (_, session) = world.add_person("ada@example.com");
    let code = world.code("web", &session);
    let tokens = world.redeem("web", &code).expect("tokens");
    world.now -= 3600;
    assert_invalid_grant(&world.redeem("web", &code), "used before");
    assert!(!world.is_active(&tokens.access_token));
}

#[test]
fn r_09_a_code_of_a_disabled_account_is_gone_for_good() {
    let world = World::new(|_| {});
    let (_, session) = world.add_person("ada@example.com");
    let code = world.code("web", &session);
    for disabled in [true, false] {
        world
            .write(move |call, tx| set_user_disabled(call, tx, Actor::Operator, "ada@example.com", disabled))
            .expect("the account is changed");
        assert_invalid_grant(&world.redeem("web", &code), "unknown code");
    }
}

#[test]
fn r_07_an_access_token_ends_on_the_second() {
    let mut world = World::new(|policy| policy.access_ttl = 600);
    let tokens = world.first_tokens("web");
    assert_eq!(tokens.expires_in, 600);
    world.now += 599;
    // the first look keeps the answer; the second must not outlive the token
    assert!(world.is_active(&tokens.access_token));
    world.now += 1;
    assert!(!world.is_active(&tokens.access_token));
}
