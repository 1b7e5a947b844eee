//! Signing keys: made, published, rotated, forgotten.

use std::sync::Arc;

use gatepost_protocol::issuer::Issuer;
use ring::rand::SystemRandom;

use crate::kernel::seal::MasterKey;
use crate::kernel::signing::{NewKey, SigningAlg};
use crate::signing_keys::{
    find_due_algs, find_missing_algs, insert_missing_keys, list_key_states, load_keys, make_key, read_jwks, rotate_key,
};
use crate::{Call, Engine, Error, Origin};

use super::{World, block_on, default_policy};

const DAY: i64 = 86_400;

fn new_key(world: &World) -> Arc<NewKey> {
    Arc::new(make_key(&world.call(), SigningAlg::Es256).expect("a key"))
}

fn world_with_key() -> (World, String) {
    let world = World::new(|policy| policy.key_publish_ahead = DAY);
    let key = new_key(&world);
    let kid = key.kid.clone();
    let keys = [key];
    world.write(move |call, tx| insert_missing_keys(call, tx, &keys));
    (world, kid)
}

/// What signs and what is published, after a fresh look at the database.
fn reload(world: &World) -> (Option<String>, Vec<String>) {
    world.read(load_keys);
    let call = world.call();
    let signer = call.engine.keys.read().expect("keys").signer(call.now).map(|key| key.kid().to_owned());
    let jwks: serde_json::Value = serde_json::from_str(&read_jwks(&call).expect("keys")).expect("JSON");
    let kid = |key: &serde_json::Value| key["kid"].as_str().expect("a kid").to_owned();
    (signer, jwks["keys"].as_array().expect("a list").iter().map(kid).collect())
}

#[test]
fn r_60_keys_that_are_there_are_not_made_again() {
    let (world, kid) = world_with_key();
    let missing = world.read(|_, db| find_missing_algs(db));
    assert_eq!(missing, [SigningAlg::Rs256]);
    let second = [new_key(&world)];
    assert!(world.write(move |call, tx| insert_missing_keys(call, tx, &second)).is_empty());
    assert_eq!(reload(&world), (Some(kid.clone()), vec![kid]));
}

#[test]
fn r_60_a_new_key_is_published_a_day_before_it_signs() {
    let (mut world, old) = world_with_key();
    let key = new_key(&world);
    let new = key.kid.clone();
    world.write(move |call, tx| rotate_key(call, tx, &key));
    let (signer, published) = reload(&world);
    assert_eq!(signer.as_ref(), Some(&old));
    assert!(published.contains(&old) && published.contains(&new));
    world.now += DAY - 1;
    assert_eq!(reload(&world).0, Some(old.clone()));
    world.now += 1;
    let (signer, published) = reload(&world);
    assert_eq!(signer, Some(new));
    assert!(published.contains(&old), "what it signed must be checkable");
}

#[test]
fn r_60_a_process_that_does_not_restart_changes_over_by_itself() {
    let (mut world, old) = world_with_key();
    let key = new_key(&world);
    let new = key.kid.clone();
    world.write(move |call, tx| rotate_key(call, tx, &key));
    reload(&world);
    let signer = |world: &World| {
        let call = world.call();
        call.engine.keys.read().expect("keys").signer(call.now).map(|key| key.kid().to_owned())
    };
    assert_eq!(signer(&world), Some(old));
    world.now += DAY;
    assert_eq!(signer(&world), Some(new));
}

#[test]
fn r_60_a_retired_key_is_published_until_its_last_signature_is_a_day_old() {
    let (mut world, old) = world_with_key();
    let key = new_key(&world);
    let new = key.kid.clone();
    world.write(move |call, tx| rotate_key(call, tx, &key));
    // retired after a day; an access token may live an hour; and a day more
    world.now += DAY + 3600 + DAY;
    assert!(reload(&world).1.contains(&old));
    world.now += 1;
    assert_eq!(reload(&world).1, [new]);
}

#[test]
fn r_60_a_key_is_due_when_it_has_signed_for_ninety_days() {
    let (mut world, _) = world_with_key();
    let due = |world: &World| world.read(find_due_algs);
    world.now += 90 * DAY - 1;
    assert_eq!(due(&world), []);
    world.now += 1;
    assert_eq!(due(&world), [SigningAlg::Es256]);
    let key = new_key(&world);
    world.write(move |call, tx| rotate_key(call, tx, &key));
    assert_eq!(due(&world), [], "the next one is there already");
}

#[test]
fn r_60_the_states_of_keys_have_names() {
    let (mut world, _) = world_with_key();
    let key = new_key(&world);
    world.write(move |call, tx| rotate_key(call, tx, &key));
    let states =
        |world: &World| -> Vec<&'static str> { world.read(list_key_states).iter().map(|key| key.state).collect() };
    assert_eq!(states(&world), ["next", "current"]);
    world.now += DAY;
    assert_eq!(states(&world), ["current", "retired"]);
}

#[test]
fn r_38_a_wrong_master_key_is_said_clearly_and_names_the_key() {
    let (world, kid) = world_with_key();
    let random = SystemRandom::new();
    let other = MasterKey::generate(&random).expect("randomness");
    let issuer = Issuer::parse("https://id.example").expect("an issuer");
    let engine =
        Arc::new(Engine::new(issuer, default_policy(), &other, Arc::clone(world.store.epochs()), Box::new(random)));
    let call = Call { engine, now: world.now, origin: Origin::default() };
    match block_on(world.store.read(move |db| load_keys(&call, db))) {
        Err(Error::Internal(why)) => assert!(why.contains("master key") && why.contains(&kid), "{why}"),
        other => panic!("{other:?}"),
    }
}
