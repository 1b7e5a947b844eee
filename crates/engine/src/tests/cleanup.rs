//! Sweeping: whose turn it is, and what goes.

use gatepost_store::sweep::Sweepable;

use crate::sweeping::{sweep_batch, take_turn};

use super::World;

fn sweep(world: &World, what: Sweepable) -> usize {
    world.write(move |call, tx| sweep_batch(call, tx, what)).removed
}

#[test]
fn r_56_one_node_has_the_turn_until_it_is_over() {
    let mut world = World::new(|_| {});
    let take = |world: &World| world.write(take_turn);
    assert!(take(&world));
    assert!(!take(&world), "another node at the same time");
    let mut waited = 0;
    while !take(&world) {
        world.now += 1;
        waited += 1;
        assert!(waited <= 60, "a node that died must not keep the turn");
    }
    assert!(!take(&world));
}

#[test]
fn r_56_what_has_ended_goes_when_it_was_kept_long_enough() {
    let mut world = World::new(|_| {});
    let (_, session) = world.add_person("ada@example.com");
    world.redeem("web", &world.code("web", &session)).expect("tokens");
    let kept = [
        (Sweepable::Codes, 60 + 3600),
        (Sweepable::AccessTokens, 600 + 86_400),
        (Sweepable::RefreshTokens, 30 * 86_400 + 7 * 86_400),
        (Sweepable::Sessions, 30 * 86_400 + 7 * 86_400),
        (Sweepable::Grants, 90 * 86_400 + 7 * 86_400),
    ];
    for (what, seconds) in kept {
        world.now = super::START + seconds;
        assert_eq!(sweep(&world, what), 0, "{what:?} one second early");
        world.now += 1;
        assert_eq!(sweep(&world, what), 1, "{what:?}");
        assert_eq!(sweep(&world, what), 0, "{what:?} again");
    }
}

#[test]
fn r_56_a_batch_is_no_larger_than_the_policy_says() {
    let mut world = World::new(|policy| policy.retention.batch = 3);
    let (_, session) = world.add_person("ada@example.com");
    for _ in 0..7 {
        world.code("web", &session);
    }
    world.now += 100_000;
    let removed: Vec<usize> = (0..4).map(|_| sweep(&world, Sweepable::Codes)).collect();
    assert_eq!(removed, [3, 3, 1, 0]);
}

#[test]
fn r_05_a_replay_is_recognised_until_the_code_is_swept() {
    let mut world = World::new(|_| {});
    let (_, session) = world.add_person("ada@example.com");
    let code = world.code("web", &session);
    let tokens = world.redeem("web", &code).expect("tokens");
    world.now += 60 + 3600;
    sweep(&world, Sweepable::Codes);
    super::assert_invalid_grant(&world.redeem("web", &code), "used before");
    assert!(world.refresh("web", super::refresh_token(&tokens)).is_err());
}
