//! Secrets of clients and APIs: the old one works a while after a rotation.

use crate::clients::manage::{rotate_client_secret, set_client_disabled};
use crate::clients::resource_servers::rotate_resource_server_secret;

use super::World;

const OVERLAP: i64 = 86_400;

fn rotate(world: &World) -> String {
    let secret = world.write(|call, tx| rotate_client_secret(call, tx, "web")).expect("a new secret");
    secret.expose().to_owned()
}

fn works(world: &World, secret: &str) -> bool {
    world.client("web").secret.verify(secret, world.now)
}

#[test]
fn an_old_client_secret_works_until_the_overlap_ends() {
    let mut world = World::new(|policy| policy.secret_overlap = OVERLAP);
    let old = rotate(&world);
    let new = rotate(&world);
    assert!(works(&world, &old) && works(&world, &new));
    world.now += OVERLAP - 1;
    assert!(works(&world, &old));
    world.now += 1;
    assert!(!works(&world, &old));
    assert!(works(&world, &new));
}

#[test]
fn a_second_rotation_ends_the_first_secret_at_once() {
    let world = World::new(|_| {});
    let first = rotate(&world);
    let (second, third) = (rotate(&world), rotate(&world));
    assert!(!works(&world, &first));
    assert!(works(&world, &second) && works(&world, &third));
}

#[test]
fn an_old_secret_of_an_api_works_until_the_overlap_ends() {
    let mut world = World::new(|policy| policy.secret_overlap = OVERLAP);
    let rotate = |world: &World| {
        let secret = world.write(|call, tx| rotate_resource_server_secret(call, tx, "notes")).expect("a new secret");
        secret.expose().to_owned()
    };
    let works = |world: &World, secret: &str| {
        world.catalogue().find_by_id("notes").expect("the API").secret.verify(secret, world.now)
    };
    let (old, new) = (rotate(&world), rotate(&world));
    world.now += OVERLAP - 1;
    assert!(works(&world, &old) && works(&world, &new));
    world.now += 1;
    assert!(!works(&world, &old));
    assert!(works(&world, &new));
}

#[test]
fn an_edit_of_a_client_keeps_its_secrets() {
    let world = World::new(|_| {});
    let (old, new) = (rotate(&world), rotate(&world));
    world
        .write(|call, tx| {
            crate::clients::manage::edit_client(call, tx, "web", &|spec| spec.name = "Another name".into())
        })
        .expect("changed");
    assert_eq!(world.client("web").name, "Another name");
    assert!(works(&world, &old) && works(&world, &new));
    world.write(|call, tx| set_client_disabled(call, tx, "web", true)).expect("disabled");
    world.write(|call, tx| set_client_disabled(call, tx, "web", false)).expect("enabled");
    assert!(works(&world, &new));
}
