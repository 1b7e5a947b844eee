//! Trips to other providers, by the clock (SO3, SO8, R-26).

use gatepost_store::Outcome;
use gatepost_store::people::{identities, sessions, users};

use crate::kernel::journey::{Journey, LinkOffer};
use crate::people::providers::trip::{Intent, TRIP_TTL, Trip};
use crate::people::providers::{
    Arrival, ArrivalRefusal, UpstreamIdentity, finish_trip, let_known_in, link_offered_identity,
};
use crate::people::sign_in::enter::insert_new_session;
use crate::people::sign_in::method::Method;
use crate::people::ways_in::Removal;

use super::World;
use super::fresh::unlink_identity;

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

#[test]
fn an_identity_that_is_unlinked_while_it_comes_in_opens_nothing() {
    let world = World::new(|policy| policy.issuers = vec![ISSUER.to_owned()]);
    let (first, trip) = (found("1", "ada@example.com"), begin(&world, Intent::SignIn));
    let arrival = world.write(move |call, tx| finish_trip(call, tx, &first, &trip, None));
    let Arrival::In(started) = arrival else { panic!("{arrival:?}") };
    let seen = world.read(|_, db| Ok(identities::find_identity(db, ISSUER, "1")?)).expect("the identity");
    let session = started.signed_in;
    assert_eq!(world.write(move |call, tx| unlink_identity(call, tx, &session, (ISSUER, "1"), "Acme")), Removal::Done);
    let again = found("1", "ada@example.com");
    let arrival = world.write(move |call, tx| let_known_in(call, tx, &again, &seen));
    assert!(matches!(arrival, Arrival::Refused(ArrivalRefusal::AccountOff)), "{arrival:?}");
}

#[test]
fn r_26_an_offered_link_needs_the_strongest_that_the_account_has() {
    let world = World::new(|_| {});
    let (_, session) = world.add_person("ada@example.com");
    let offer = LinkOffer {
        provider: "acme".into(),
        issuer: ISSUER.into(),
        subject: "1".into(),
        email: "ada@example.com".into(),
    };
    let id = session.user_id.clone();
    let strong = world.write(move |call, tx| {
        users::update_user_second_step(tx, &id, true, call.now)?;
        let user = users::find_user(tx, &id)?.expect("the person");
        Ok(Outcome::Commit(insert_new_session(call, tx, &user, &[Method::Passkey], false)?.signed_in))
    });
    for (session, expected) in [(session, false), (strong, true)] {
        let offer = offer.clone();
        let linked = world.write(move |call, tx| link_offered_identity(call, tx, &session, &offer, "Acme"));
        assert_eq!(linked, expected);
    }
}

#[test]
fn a_session_that_was_ended_unlinks_nothing() {
    let world = World::new(|policy| policy.issuers = vec![ISSUER.to_owned()]);
    let (first, trip) = (found("1", "ada@example.com"), begin(&world, Intent::SignIn));
    let arrival = world.write(move |call, tx| finish_trip(call, tx, &first, &trip, None));
    let Arrival::In(started) = arrival else { panic!("{arrival:?}") };
    let session = started.signed_in;
    let id = session.user_id.clone();
    world.write(move |call, tx| Ok(Outcome::Commit(sessions::revoke_user_sessions(tx, &id, None, call.now)?)));
    let unlinked = world.write(move |call, tx| unlink_identity(call, tx, &session, (ISSUER, "1"), "Acme"));
    assert_eq!(unlinked, Removal::Refused);
}
