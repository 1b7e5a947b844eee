//! The first administrator.

use gatepost_store::people::users::ROLE_ADMIN;

use crate::people::email::normalize_email;
use crate::people::setup::{SetUp, check_setup_link, create_first_admin, make_setup_link};
use crate::people::sign_up::NewUser;

use super::World;

fn make_link(world: &World) -> Option<String> {
    let url = world.write(make_setup_link)?;
    Some(url.rsplit('/').next().expect("a path").to_owned())
}

fn use_link(world: &World, link: &str, email: &str) -> SetUp {
    let new = NewUser {
        email: normalize_email(email).expect("an address"),
        name: "Root".into(),
        email_verified: false,
        password_hash: Some("a hash".into()),
        role: ROLE_ADMIN,
    };
    let link = link.to_owned();
    world.write(move |call, tx| create_first_admin(call, tx, &link, &new))
}

fn is_open(world: &World, link: &str) -> bool {
    let link = link.to_owned();
    world.read(move |call, db| check_setup_link(call, db, &link))
}

#[test]
fn r_38_a_link_makes_one_administrator_and_is_gone() {
    let world = World::new(|_| {});
    let link = make_link(&world).expect("a link");
    assert!(is_open(&world, &link) && is_open(&world, &link), "looking does not use it up");
    assert!(matches!(use_link(&world, &link, "root@example.com"), SetUp::Done(started) if started.signed_in.is_admin));
    assert!(!is_open(&world, &link));
    assert!(matches!(use_link(&world, &link, "second@example.com"), SetUp::Gone));
    assert_eq!(make_link(&world), None, "there is an administrator");
}

#[test]
fn r_38_a_link_ends_after_a_day_and_with_the_next_one() {
    let mut world = World::new(|policy| policy.setup_link_ttl = 86_400);
    let old = make_link(&world).expect("a link");
    let new = make_link(&world).expect("a link");
    assert!(!is_open(&world, &old) && is_open(&world, &new));
    world.now += 86_399;
    assert!(is_open(&world, &new));
    world.now += 1;
    assert!(!is_open(&world, &new));
    assert!(matches!(use_link(&world, &new, "root@example.com"), SetUp::Gone));
}

#[test]
fn r_38_an_address_that_is_taken_does_not_use_the_link_up() {
    let world = World::new(|_| {});
    world.add_person("ada@example.com");
    let link = make_link(&world).expect("a link");
    assert!(matches!(use_link(&world, &link, "ada@example.com"), SetUp::Taken));
    assert!(matches!(use_link(&world, &link, "root@example.com"), SetUp::Done(_)));
}
