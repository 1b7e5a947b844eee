//! The installation keeps an administrator who can get in, and what ends with an account or its factors.

use gatepost_store::Outcome;
use gatepost_store::people::mail_links;
use gatepost_store::people::users::{self, ROLE_ADMIN};

use super::World;
use super::fresh::{confirm_authenticator, request_change};
use crate::audit::Actor;
use crate::kernel::journey::Journey;
use crate::people::account::end_other_sessions;
use crate::people::email::normalize_email;
use crate::people::factors::reset::reset_factors;
use crate::people::factors::totp::{Enrolled, make_code_at, offer_authenticator, remove_authenticator};
use crate::people::last_admin::is_last_admin;
use crate::people::mailed_links::{Asking, Kind};
use crate::people::sessions::SignedIn;
use crate::people::users::{end_user_sessions, reset_password, set_user_disabled};
use crate::people::ways_in::Removal;

impl World {
    fn make_admin(&self, session: &SignedIn) {
        let id = session.user_id.clone();
        self.write(move |call, tx| {
            users::update_user_role(tx, &id, ROLE_ADMIN, call.now)?;
            users::update_user_second_step(tx, &id, false, call.now)?;
            Ok(Outcome::Commit(()))
        });
    }

    fn add_app(&self, session: &SignedIn) -> SignedIn {
        let offer = offer_authenticator(&self.call(), session).expect("a secret");
        let (session, code) = (session.clone(), make_code_at(&offer.key, self.now));
        let enrolled = self.write(move |call, tx| confirm_authenticator(call, tx, &session, &offer.sealed, &code));
        let Enrolled::Done { started, .. } = enrolled else { panic!("{enrolled:?}") };
        started.signed_in
    }

    fn remove_app(&self, session: &SignedIn) -> Removal {
        let session = session.clone();
        self.write(move |call, tx| remove_authenticator(call, tx, &session))
    }

    fn is_last(&self, session: &SignedIn) -> bool {
        let id = session.user_id.clone();
        self.read(move |call, db| {
            let user = users::find_user(db, &id)?.expect("the person");
            is_last_admin(call, db, &user)
        })
    }

    /// Which kinds of mailed links of a person still work.
    fn live_links(&self, session: &SignedIn) -> Vec<&'static str> {
        let id = session.user_id.clone();
        self.read(move |call, db| {
            let mut live = Vec::new();
            for kind in [Kind::ChangeEmail, Kind::StopChange] {
                if mail_links::find_live_user_link(db, &id, kind.as_str(), call.now)?.is_some() {
                    live.push(kind.as_str());
                }
            }
            Ok(live)
        })
    }
}

#[test]
fn r_37_the_last_second_factor_of_the_administrators_stays_where_it_is_demanded() {
    for demanded in [true, false] {
        let world = World::new(|policy| policy.admin_second_factor = demanded);
        let (_, ada) = world.add_person("ada@example.com");
        let (_, bob) = world.add_person("bob@example.com");
        let (_, eve) = world.add_person("eve@example.com");
        let (ada, eve) = (world.add_app(&ada), world.add_app(&eve));
        world.make_admin(&ada);
        world.make_admin(&bob);
        // bob has no second factor, and eve is no administrator
        let kept = if demanded { Removal::LastAdministrator } else { Removal::Done };
        assert_eq!(world.remove_app(&ada), kept, "{demanded}");
        assert_eq!(world.is_last(&ada), demanded);
        assert_eq!(world.remove_app(&eve), Removal::Done);
        if demanded {
            world.add_app(&bob);
            assert_eq!(world.remove_app(&ada), Removal::Done);
        }
    }
}

#[test]
fn r_37_an_administrator_whom_nothing_lets_in_does_not_count() {
    let world = World::new(|policy| policy.mail = true);
    let (_, ada) = world.add_person("ada@example.com");
    let (_, bob) = world.add_person("bob@example.com");
    world.make_admin(&ada);
    world.make_admin(&bob);
    assert!(!world.is_last(&ada));
    let (id, proven) = (bob.user_id.clone(), bob.user_id.clone());
    world.write(move |call, tx| Ok(Outcome::Commit(users::update_user_no_password(tx, &id, call.now)?)));
    assert!(world.is_last(&ada), "nobody has proven to read what is mailed to bob");
    let key = normalize_email("bob@example.com").expect("an address").key;
    world.write(move |call, tx| Ok(Outcome::Commit(users::update_user_verified(tx, &proven, &key, call.now)?)));
    assert!(!world.is_last(&ada));
}

#[test]
fn lg_11_whatever_sets_an_account_anew_ends_its_links_but_the_one_that_stops_a_change() {
    for act in 0..5 {
        let world = World::new(|policy| policy.mail = true);
        let (_, ada) = world.add_person("ada@example.com");
        let new = normalize_email("thief@example.com").expect("an address");
        let asker = ada.clone();
        world.write(move |call, tx| {
            let asking = Asking { browser: "b".into(), journey: Journey::begin(call, "b".into()) };
            request_change(call, tx, &asking, &asker, &new)
        });
        assert_eq!(world.live_links(&ada), ["change-email", "stop-change"]);
        let session = ada.clone();
        world.write(move |call, tx| {
            let (actor, id) = (Actor::Operator, session.user_id.as_str());
            let done = match act {
                0 => matches!(reset_factors(call, tx, actor, id)?, Outcome::Commit(_)),
                1 => matches!(end_user_sessions(call, tx, actor, id)?, Outcome::Commit(_)),
                2 => matches!(set_user_disabled(call, tx, actor, id, true)?, Outcome::Commit(_)),
                3 => matches!(reset_password(call, tx, actor, id, "another hash")?, Outcome::Commit(_)),
                _ => matches!(end_other_sessions(call, tx, &session)?, Outcome::Commit(_)),
            };
            assert!(done, "{act}");
            Ok(Outcome::Commit(()))
        });
        assert_eq!(world.live_links(&ada), ["stop-change"], "{act}");
    }
}
