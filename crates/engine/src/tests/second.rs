//! Second steps, recovery codes and "Confirm that it's you".

use gatepost_store::Outcome;
use gatepost_store::people::{sessions, users};

use super::fresh::{confirm_authenticator, renew_recovery_codes};
use super::{START, World, block_on};
use crate::audit::Actor;
use crate::clients::registry::ClientKind;
use crate::oauth::consent::{NextStep, find_next_step};
use crate::people::account::list_sessions;
use crate::people::factors::attempt::{Factors, Tried, Typed, find_factors, try_second_step, try_step_up};
use crate::people::factors::reset::reset_factors;
use crate::people::factors::second_step::complete_step_up;
use crate::people::factors::totp::{Enrolled, make_code_at, offer_authenticator, read_enrolment, remove_authenticator};
use crate::people::sessions::SignedIn;
use crate::people::sessions::{Found, find_cookie, find_session};
use crate::people::sign_in::Started;
use crate::people::sign_in::enter::enter;
use crate::people::sign_in::fresh::is_fresh;
use crate::people::sign_in::method::Method;
use crate::people::ways_in::Removal;

/// Somebody with an authenticator app.
struct Enrolee {
    session: SignedIn,
    key: String,
    codes: Vec<String>,
}

impl World {
    fn enrol(&self) -> Enrolee {
        let (_, session) = self.add_person("ada@example.com");
        let offer = offer_authenticator(&self.call(), &session).expect("a secret");
        let (sealed, code) = (offer.sealed.clone(), make_code_at(&offer.key, self.now));
        match self.write(move |call, tx| confirm_authenticator(call, tx, &session, &sealed, &code)) {
            Enrolled::Done { started, codes } => {
                Enrolee { session: started.signed_in, key: offer.key, codes: codes.expose().to_vec() }
            }
            other => panic!("{other:?}"),
        }
    }

    /// The first step with a password.
    fn first_step(&self, user_id: &str) -> Started {
        let id = user_id.to_owned();
        self.write(move |call, tx| {
            let user = users::find_user(tx, &id)?.expect("the person");
            Ok(Outcome::Commit(enter(call, tx, &user, &[Method::Password])?.expect("let in")))
        })
    }

    fn try_code(&self, half: &SignedIn, code: &str) -> Tried {
        let (half, typed) = (half.clone(), Typed::Code(code.to_owned()));
        self.write(move |call, tx| try_second_step(call, tx, &half, &typed))
    }

    fn try_recovery(&self, half: &SignedIn, code: &str) -> Tried {
        let (half, typed) = (half.clone(), Typed::Recovery(code.to_owned()));
        self.write(move |call, tx| try_second_step(call, tx, &half, &typed))
    }

    fn step_up(&self, session: &SignedIn, code: &str) -> Tried {
        let (session, typed) = (session.clone(), Typed::Code(code.to_owned()));
        self.write(move |call, tx| try_step_up(call, tx, &session, &typed))
    }

    /// A new first step and this code.
    fn sign_in_with(&self, who: &Enrolee, code: &str) -> Tried {
        let half = self.first_step(&who.session.user_id).signed_in;
        self.try_code(&half, code)
    }

    fn is_fresh(&self, session: &SignedIn) -> bool {
        let session = session.clone();
        self.read(move |call, db| is_fresh(call, db, &session))
    }

    fn factors(&self, user_id: &str) -> Factors {
        let id = user_id.to_owned();
        self.read(move |_, db| find_factors(db, &id))
    }
}

fn is_done(tried: &Tried) -> bool {
    matches!(tried, Tried::Done { .. })
}

/// Six digits that are none of the codes around this time.
fn wrong_code(key: &str, now: i64) -> String {
    let near: Vec<String> = (-3..=3).map(|step| make_code_at(key, now + 30 * step)).collect();
    let wrong = (0..1_000_000).map(|number| format!("{number:06}")).find(|code| !near.contains(code));
    wrong.expect("a million is more than seven")
}

#[test]
fn r_27_the_first_step_alone_signs_nobody_in() {
    let mut world = World::new(|_| {});
    let who = world.enrol();
    world.now += 60;
    let started = world.first_step(&who.session.user_id);
    assert!(started.pending);
    let cookie = started.cookie.expose().to_owned();
    world.read(move |call, db| {
        assert!(matches!(find_cookie(call, db, &cookie)?, Some(Found::Pending(_))));
        assert!(find_session(call, db, &cookie)?.is_none());
        Ok(())
    });
    let request = world.request("web", &[]);
    assert!(world.answer(&request, &started.signed_in, true).is_none(), "no code for a half session");
    let session = who.session.clone();
    let live = world.read(move |call, db| list_sessions(call, db, &session));
    assert!(live.iter().all(|row| row.id != started.signed_in.session_id), "nor is it shown");
    let whole = world.try_code(&started.signed_in, &make_code_at(&who.key, world.now));
    let Tried::Done { started: whole, codes_left: None } = whole else { panic!("{whole:?}") };
    assert_ne!(whole.signed_in.session_id, started.signed_in.session_id, "a new id (R-29)");
    assert_eq!((whole.signed_in.methods.as_str(), whole.signed_in.strength, whole.pending), ("pwd otp", 2, false));
    assert!(matches!(world.try_code(&started.signed_in, &make_code_at(&who.key, world.now + 30)), Tried::Over));
}

#[test]
fn to_1_a_code_is_good_once_and_so_is_that_of_the_enrolment() {
    let mut world = World::new(|_| {});
    let who = world.enrol();
    assert!(matches!(world.sign_in_with(&who, &make_code_at(&who.key, START)), Tried::Used));
    world.now += 30;
    let code = make_code_at(&who.key, world.now);
    assert!(is_done(&world.sign_in_with(&who, &code)));
    assert!(matches!(world.sign_in_with(&who, &code), Tried::Used));
}

#[test]
fn to_2_an_older_code_after_a_newer_one_is_refused() {
    let mut world = World::new(|_| {});
    let who = world.enrol();
    world.now += 300;
    assert!(is_done(&world.sign_in_with(&who, &make_code_at(&who.key, world.now))));
    assert!(matches!(world.sign_in_with(&who, &make_code_at(&who.key, world.now - 30)), Tried::Used));
    assert!(is_done(&world.sign_in_with(&who, &make_code_at(&who.key, world.now + 30))));
    assert!(matches!(world.sign_in_with(&who, &make_code_at(&who.key, world.now)), Tried::Used));
}

#[test]
fn to_4_one_step_before_and_after_is_good_and_two_are_not() {
    for (steps, good) in [(-2, false), (-1, true), (0, true), (1, true), (2, false)] {
        let mut world = World::new(|_| {});
        let who = world.enrol();
        world.now += 300;
        let tried = world.sign_in_with(&who, &make_code_at(&who.key, world.now + 30 * steps));
        assert_eq!(is_done(&tried), good, "{steps}: {tried:?}");
    }
}

#[test]
fn only_six_digits_are_a_code_and_spaces_do_not_matter() {
    let mut world = World::new(|_| {});
    let who = world.enrol();
    world.now += 300;
    let code = make_code_at(&who.key, world.now);
    for bad in ["", "12345", "1234567", "abcdef", "１２３４５６", &format!("{code}0"), &format!("-{}", &code[1..])]
    {
        assert!(matches!(world.sign_in_with(&who, bad), Tried::Wrong), "{bad}");
    }
    assert!(is_done(&world.sign_in_with(&who, &format!(" {} {} ", &code[..3], &code[3..]))));
}

#[test]
fn r_23_five_tries_end_the_first_step() {
    let mut world = World::new(|_| {});
    let who = world.enrol();
    world.now += 60;
    let half = world.first_step(&who.session.user_id).signed_in;
    let wrong = wrong_code(&who.key, world.now);
    for _ in 0..4 {
        assert!(matches!(world.try_code(&half, &wrong), Tried::Wrong));
    }
    assert!(matches!(world.try_code(&half, &wrong), Tried::Over));
    assert!(matches!(world.try_code(&half, &make_code_at(&who.key, world.now)), Tried::Over), "even the right one");
    assert!(is_done(&world.sign_in_with(&who, &make_code_at(&who.key, world.now))), "another first step begins anew");
}

#[test]
fn r_23_the_fifth_try_may_be_the_right_one() {
    let mut world = World::new(|_| {});
    let who = world.enrol();
    world.now += 60;
    let half = world.first_step(&who.session.user_id).signed_in;
    for _ in 0..4 {
        assert!(matches!(world.try_recovery(&half, "0000-0000-0000-0000"), Tried::Wrong));
    }
    assert!(is_done(&world.try_code(&half, &make_code_at(&who.key, world.now))));
}

#[test]
fn r_23_ten_failures_in_a_quarter_of_an_hour_stop_codes_of_both_kinds() {
    let mut world = World::new(|_| {});
    let who = world.enrol();
    world.now += 60;
    let began = world.now;
    for number in 0..10 {
        let tried = match number % 2 {
            0 => world.sign_in_with(&who, &wrong_code(&who.key, world.now)),
            _ => {
                let half = world.first_step(&who.session.user_id).signed_in;
                world.try_recovery(&half, "0000-0000-0000-0000")
            }
        };
        assert!(matches!(tried, Tried::Wrong), "{number}: {tried:?}");
    }
    world.now += 60;
    let code = make_code_at(&who.key, world.now);
    assert!(matches!(world.sign_in_with(&who, &code), Tried::Wrong), "the right one, in the same words");
    let half = world.first_step(&who.session.user_id).signed_in;
    assert!(matches!(world.try_recovery(&half, &who.codes[0]), Tried::Wrong));
    world.now = began + 899;
    assert!(matches!(world.sign_in_with(&who, &make_code_at(&who.key, world.now)), Tried::Wrong));
    world.now = began + 900;
    assert!(is_done(&world.sign_in_with(&who, &make_code_at(&who.key, world.now))));
    let half = world.first_step(&who.session.user_id).signed_in;
    assert!(is_done(&world.try_recovery(&half, &who.codes[0])), "it was never looked at, so it is not used up");
}

#[test]
fn r_23_a_hundred_failures_a_day_stop_codes_for_the_rest_of_it() {
    let mut world = World::new(|_| {});
    let who = world.enrol();
    world.now += 60;
    let began = world.now;
    for _ in 0..10 {
        for _ in 0..10 {
            world.sign_in_with(&who, &wrong_code(&who.key, world.now));
        }
        world.now += 900;
    }
    assert!(matches!(world.sign_in_with(&who, &make_code_at(&who.key, world.now)), Tried::Wrong));
    world.now = began + 86_399;
    assert!(matches!(world.sign_in_with(&who, &make_code_at(&who.key, world.now)), Tried::Wrong));
    world.now = began + 86_400;
    assert!(is_done(&world.sign_in_with(&who, &make_code_at(&who.key, world.now))));
}

#[test]
fn r_23_successes_are_free_and_forgive_nothing() {
    let mut world = World::new(|_| {});
    let who = world.enrol();
    // all of it within a quarter of an hour
    for round in 0..12 {
        world.now += 60;
        if round < 9 {
            assert!(matches!(world.sign_in_with(&who, &wrong_code(&who.key, world.now)), Tried::Wrong));
        }
        let tried = world.sign_in_with(&who, &make_code_at(&who.key, world.now));
        assert!(is_done(&tried), "{round}: {tried:?}");
    }
    world.sign_in_with(&who, &wrong_code(&who.key, world.now));
    world.now += 30;
    assert!(!is_done(&world.sign_in_with(&who, &make_code_at(&who.key, world.now))), "ten failures by now");
}

#[test]
fn r_03_a_refused_try_is_counted_although_nothing_else_happened() {
    let mut world = World::new(|_| {});
    let who = world.enrol();
    world.now += 60;
    let half = world.first_step(&who.session.user_id).signed_in;
    world.try_code(&half, "not even digits");
    let id = half.session_id.clone();
    let tries =
        world.write(move |call, tx| Ok(Outcome::Rollback(sessions::update_session_attempts(tx, &id, 9, call.now)?)));
    assert_eq!(tries, Some(2));
}

#[test]
fn to_7_a_recovery_code_is_good_once_and_says_how_many_are_left() {
    let mut world = World::new(|_| {});
    let who = world.enrol();
    world.now += 60;
    assert_eq!(who.codes.len(), 10);
    for (number, code) in who.codes.iter().enumerate() {
        let half = world.first_step(&who.session.user_id).signed_in;
        let tried = world.try_recovery(&half, &code.to_uppercase().replace('-', " "));
        let Tried::Done { started, codes_left: Some(left) } = tried else { panic!("{tried:?}") };
        assert_eq!((left, started.signed_in.methods.as_str()), (9 - number as i64, "pwd recovery"));
        let half = world.first_step(&who.session.user_id).signed_in;
        assert!(matches!(world.try_recovery(&half, code), Tried::Wrong), "used");
        world.now += 1000;
    }
}

#[test]
fn a_new_set_of_recovery_codes_ends_the_old_one() {
    let mut world = World::new(|_| {});
    let who = world.enrol();
    world.now += 60;
    let session = who.session.clone();
    let codes = world.write(move |call, tx| renew_recovery_codes(call, tx, &session)).expect("a new set");
    let half = world.first_step(&who.session.user_id).signed_in;
    assert!(matches!(world.try_recovery(&half, &who.codes[3]), Tried::Wrong));
    assert!(is_done(&world.try_recovery(&half, &codes.expose()[3])));
    let (_, other) = world.add_person("bob@example.com");
    let none = world.write(move |call, tx| renew_recovery_codes(call, tx, &other));
    assert!(none.is_none(), "who has no second step needs none");
}

#[test]
fn nobody_gets_in_with_somebody_elses_codes() {
    let mut world = World::new(|_| {});
    let who = world.enrol();
    let (_, bob) = world.add_person("bob@example.com");
    let offer = offer_authenticator(&world.call(), &bob).expect("a secret");
    let (sealed, code) = (offer.sealed.clone(), make_code_at(&offer.key, world.now));
    let user_id = bob.user_id.clone();
    world.write(move |call, tx| confirm_authenticator(call, tx, &bob, &sealed, &code));
    world.now += 60;
    let half = world.first_step(&user_id).signed_in;
    assert!(matches!(world.try_recovery(&half, &who.codes[0]), Tried::Wrong));
    assert!(matches!(world.try_code(&half, &make_code_at(&who.key, world.now)), Tried::Wrong));
    assert!(is_done(&world.try_code(&half, &make_code_at(&offer.key, world.now))));
}

#[test]
fn to_5_an_enrolment_without_a_right_code_changes_nothing() {
    let mut world = World::new(|_| {});
    let (_, session) = world.add_person("ada@example.com");
    let offer = offer_authenticator(&world.call(), &session).expect("a secret");
    let confirm = |world: &World, session: &SignedIn, sealed: &str, code: String| {
        let (session, sealed) = (session.clone(), sealed.to_owned());
        world.write(move |call, tx| confirm_authenticator(call, tx, &session, &sealed, &code))
    };
    let wrong = confirm(&world, &session, &offer.sealed, wrong_code(&offer.key, world.now));
    assert!(matches!(wrong, Enrolled::WrongCode));
    assert_eq!(
        world.factors(&session.user_id),
        Factors { password: true, password_changed_at: Some(START), ..Factors::default() }
    );
    assert!(!world.first_step(&session.user_id).pending);
    // another session, another seal, and later: refused, with the right code
    let (_, other) = world.sign_in_again(&session);
    let code = make_code_at(&offer.key, world.now);
    assert!(matches!(confirm(&world, &other, &offer.sealed, code.clone()), Enrolled::Gone));
    assert!(read_enrolment(&world.call(), &other, &offer.sealed).is_none());
    assert!(matches!(confirm(&world, &session, "nothing of ours", code), Enrolled::Gone));
    world.now += 600;
    assert!(matches!(confirm(&world, &session, &offer.sealed, make_code_at(&offer.key, world.now)), Enrolled::Gone));
    assert!(world.factors(&session.user_id).authenticator.is_none());
}

#[test]
fn there_is_one_app_an_account_and_a_secret_is_confirmed_once() {
    let world = World::new(|_| {});
    let who = world.enrol();
    let offer = offer_authenticator(&world.call(), &who.session).expect("a secret");
    let (session, sealed, code) = (who.session.clone(), offer.sealed, make_code_at(&offer.key, world.now));
    let again = world.write(move |call, tx| confirm_authenticator(call, tx, &session, &sealed, &code));
    assert!(matches!(again, Enrolled::Gone));
    assert!(world.factors(&who.session.user_id).authenticator.is_some());
}

#[test]
fn removing_the_app_turns_the_second_step_off() {
    let mut world = World::new(|_| {});
    let who = world.enrol();
    world.now += 60;
    let session = who.session.clone();
    assert_eq!(world.write(move |call, tx| remove_authenticator(call, tx, &session)), Removal::Done);
    let left = world.factors(&who.session.user_id);
    assert_eq!((left.authenticator, left.second_step, left.recovery_codes), (None, false, 0));
    assert!(!world.first_step(&who.session.user_id).pending);
    let session = who.session.clone();
    let again = world.write(move |call, tx| remove_authenticator(call, tx, &session));
    assert_eq!(again, Removal::Refused, "there is none any more");
}

#[test]
fn r_26_a_step_up_is_as_strong_as_what_was_proven_now() {
    let mut world = World::new(|_| {});
    let who = world.enrol();
    assert!(world.is_fresh(&who.session));
    world.now += 301;
    assert!(!world.is_fresh(&who.session), "five minutes");
    let session = who.session.clone();
    let weak =
        world.write(move |call, tx| Ok(Outcome::Commit(complete_step_up(call, tx, &session, &[Method::Password])?)));
    assert!(weak.is_none(), "a password never confirms where there is a second factor");
    let tried = world.step_up(&who.session, &make_code_at(&who.key, world.now));
    let Tried::Done { started, .. } = tried else { panic!("{tried:?}") };
    assert!(world.is_fresh(&started.signed_in));
    assert_ne!(started.signed_in.session_id, who.session.session_id, "a new id (R-29)");
    assert_eq!((started.signed_in.auth_time, started.signed_in.strength), (world.now, 2));
    assert_eq!(started.signed_in.methods, "pwd otp");
    // the old one is over, and confirms nothing any more
    world.now += 60;
    assert!(matches!(world.step_up(&who.session, &make_code_at(&who.key, world.now)), Tried::Over));
}

#[test]
fn r_26_a_young_session_of_one_factor_is_not_fresh_where_the_account_has_two() {
    let mut world = World::new(|_| {});
    let (_, before) = world.add_person("ada@example.com");
    assert!(world.is_fresh(&before));
    let offer = offer_authenticator(&world.call(), &before).expect("a secret");
    let (_, other) = world.sign_in_again(&before);
    let (session, sealed, code) = (before, offer.sealed, make_code_at(&offer.key, world.now));
    world.write(move |call, tx| confirm_authenticator(call, tx, &session, &sealed, &code));
    world.now += 1;
    assert!(!world.is_fresh(&other), "signed in a second ago, with a password alone");
}

#[test]
fn five_wrong_codes_end_a_session_that_confirms() {
    let mut world = World::new(|_| {});
    let who = world.enrol();
    world.now += 301;
    let wrong = wrong_code(&who.key, world.now);
    for _ in 0..4 {
        assert!(matches!(world.step_up(&who.session, &wrong), Tried::Wrong));
    }
    assert!(matches!(world.step_up(&who.session, &wrong), Tried::Over));
    let session = who.session.clone();
    assert!(world.read(move |call, db| list_sessions(call, db, &session)).is_empty());
}

#[test]
fn an_app_may_ask_for_two_factors() {
    let mut world = World::new(|_| {});
    world.add_client("bank", ClientKind::Web, "https://bank.example/callback", |spec| {
        spec.require_second_factor = true;
        spec.first_party = true;
    });
    let who = world.enrol();
    let next = |world: &World, session: &SignedIn, more: &[(&str, &str)]| {
        let (client, request, session) = (world.client("bank"), world.request("bank", more), session.clone());
        world.read(move |call, db| find_next_step(call, db, &client, &request, Some(&session)))
    };
    let (_, weak) = world.sign_in_again(&who.session);
    assert_eq!(next(&world, &weak, &[]), NextStep::SecondFactor);
    assert_eq!(next(&world, &who.session, &[]), NextStep::Issue);
    let NextStep::Refuse(refused) = next(&world, &weak, &[("prompt", "none")]) else { panic!("no page") };
    assert_eq!(refused.code.as_str(), "interaction_required");
    world.now += 60;
    let tried = world.step_up(&weak, &make_code_at(&who.key, world.now));
    let Tried::Done { started, .. } = tried else { panic!("{tried:?}") };
    assert_eq!(next(&world, &started.signed_in, &[]), NextStep::Issue);
}

#[test]
fn a_step_up_answers_max_age() {
    let mut world = World::new(|_| {});
    let who = world.enrol();
    world.now += 100;
    let request = world.request("web", &[("max_age", "60")]);
    let next = |world: &World, session: &SignedIn| {
        let (client, request, session) = (world.client("web"), request.clone(), session.clone());
        world.read(move |call, db| find_next_step(call, db, &client, &request, Some(&session)))
    };
    assert_eq!(next(&world, &who.session), NextStep::SignIn);
    let tried = world.step_up(&who.session, &make_code_at(&who.key, world.now));
    let Tried::Done { started, .. } = tried else { panic!("{tried:?}") };
    assert_eq!(next(&world, &started.signed_in), NextStep::Consent);
}

#[test]
fn a_reset_takes_every_factor_and_every_access() {
    let mut world = World::new(|_| {});
    let who = world.enrol();
    let tokens = world.redeem("web", &world.code("web", &who.session)).expect("tokens");
    let id = who.session.user_id.clone();
    let done = world.write(move |call, tx| reset_factors(call, tx, Actor::Operator, &id));
    assert!(done.is_ok());
    let left = world.factors(&who.session.user_id);
    assert_eq!((left.has_second(), left.recovery_codes, left.password), (false, 0, true));
    assert!(!world.is_active(&tokens.access_token));
    let session = who.session.clone();
    assert!(world.read(move |call, db| list_sessions(call, db, &session)).is_empty());
    assert!(!world.first_step(&who.session.user_id).pending);
    let call = world.call();
    let unknown = block_on(world.store.write(move |tx| reset_factors(&call, tx, Actor::Operator, "nobody")));
    assert!(unknown.expect("an answer").is_err());
    world.now += 1;
}

#[test]
fn r_61_a_stored_secret_opens_for_its_owner_only() {
    let world = World::new(|_| {});
    let who = world.enrol();
    let (_, bob) = world.add_person("bob@example.com");
    let (ada, thief) = (who.session.user_id.clone(), bob.user_id.clone());
    let copied = world.write(move |call, tx| {
        let row = gatepost_store::people::authenticators::find_authenticator(tx, &ada)?.expect("the app");
        assert!(!row.sealed_secret.contains("secret"));
        let row =
            gatepost_store::people::authenticators::AuthenticatorRow { user_id: thief.clone(), last_step: 0, ..row };
        gatepost_store::people::authenticators::insert_authenticator(tx, &row)?;
        Ok(Outcome::Commit(call.now))
    });
    assert_eq!(copied, START);
    let call = world.call();
    let typed = Typed::Code(make_code_at(&who.key, world.now));
    let tried = block_on(world.store.write(move |tx| try_step_up(&call, tx, &bob, &typed)));
    assert!(tried.is_err(), "a copied row is an error, never a way in");
}

#[test]
fn r_29_a_session_that_was_ended_elsewhere_changes_no_factor() {
    let world = World::new(|_| {});
    let who = world.enrol();
    let id = who.session.user_id.clone();
    world.write(move |call, tx| {
        Ok(Outcome::Commit(gatepost_store::people::sessions::revoke_user_sessions(tx, &id, None, call.now)?))
    });
    let session = who.session.clone();
    assert_eq!(world.write(move |call, tx| remove_authenticator(call, tx, &session)), Removal::Refused);
    let session = who.session.clone();
    assert!(world.write(move |call, tx| renew_recovery_codes(call, tx, &session)).is_none());
    let factors = world.factors(&who.session.user_id);
    assert!(factors.second_step && factors.authenticator.is_some() && factors.recovery_codes == 10);
}
