//! Trips to other providers, by the clock (SO3, SO8, R-26).

use crate::journey::Journey;
use crate::sign_in::trip::{Intent, TRIP_TTL, Trip};
use crate::sign_in::upstream::{Arrival, ArrivalRefusal, UpstreamIdentity, finish_trip, unlink_identity};
use crate::sign_in::ways::Removal;

use super::World;

const ISSUER: &str = "https://login.example";

fn found(subject: &str, email: &str) -> UpstreamIdentity {
    UpstreamIdentity {
        provider: "acme".into(),
        provider_name: "Acme".into(),
        issuer: ISSUER.into(),
        subject: subject.into(),
        email: Some(email.into()),
        email_verified: Some(true),
        name: "Ada".into(),
    }
}

fn begin(world: &World, intent: Intent) -> Trip {
    let call = world.call();
    Trip::begin(&call, "acme", Journey::begin(&call, "browser".into()), intent).expect("a trip")
}

#[test]
fn so3_a_trip_is_good_for_ten_minutes_one_provider_one_browser_and_one_state() {
    let mut world = World::new(|_| {});
    let trip = begin(&world, Intent::SignIn);
    let sealed = trip.seal(&world.call(), "browser").expect("sealed");
    let opens = |world: &World, provider: &str, browser: &str, state: &str| {
        Trip::open(&world.call(), &sealed, (provider, browser), state).is_some()
    };
    assert!(opens(&world, "acme", "browser", &trip.state));
    assert!(!opens(&world, "other", "browser", &trip.state));
    assert!(!opens(&world, "acme", "another", &trip.state));
    assert!(!opens(&world, "acme", "browser", &format!("{}x", trip.state)));
    world.now += TRIP_TTL;
    assert!(opens(&world, "acme", "browser", &trip.state));
    world.now += 1;
    assert!(!opens(&world, "acme", "browser", &trip.state));
}

#[test]
fn r_26_a_link_needs_a_sign_in_that_is_still_young() {
    let mut world = World::new(|_| {});
    let (_, session) = world.add_person("ada@example.com");
    let link = || Intent::Link { user_id: session.user_id.clone(), session_id: session.session_id.clone() };
    let finish = |world: &World, trip: Trip| {
        let (found, session) = (found("1", "elsewhere@example.com"), session.clone());
        world.write(move |call, tx| finish_trip(call, tx, &found, &trip, Some(&session)))
    };
    let late = begin(&world, link());
    world.now += 301;
    assert!(matches!(finish(&world, late), Arrival::Refused(ArrivalRefusal::NotFresh)));
    world.now -= 301;
    assert!(matches!(finish(&world, begin(&world, link())), Arrival::Linked));
}

#[test]
fn so8_a_provider_that_is_not_in_the_settings_is_no_way_in() {
    for (issuers, expected) in [(vec![], Removal::LastWayIn), (vec![ISSUER.to_owned()], Removal::Done)] {
        let world = World::new(|policy| (policy.mail, policy.issuers) = (false, issuers));
        let (first, trip) = (found("1", "ada@example.com"), begin(&world, Intent::SignIn));
        let arrival = world.write(move |call, tx| finish_trip(call, tx, &first, &trip, None));
        let Arrival::In(started) = arrival else { panic!("{arrival:?}") };
        let session = started.signed_in;
        let link = Intent::Link { user_id: session.user_id.clone(), session_id: session.session_id.clone() };
        let (second, trip, owner) = (found("2", "ada@example.com"), begin(&world, link), session.clone());
        world.write(move |call, tx| finish_trip(call, tx, &second, &trip, Some(&owner)));
        let unlinked = world.write(move |call, tx| unlink_identity(call, tx, &session, (ISSUER, "1"), "Acme"));
        assert_eq!(unlinked, expected);
    }
}
