//! How long mailed links and their limits last, and letters as they are written down.

use gatepost_store::outbox;
use gatepost_store::people::identities::{self, IdentityRow};
use gatepost_store::people::passkeys::{self, PasskeyRow};
use gatepost_store::people::sessions;

use super::fresh::request_change;
use super::*;
use crate::kernel::journey::Journey;
use crate::outbox::{Letter, take_due_letters};
use crate::people::mailed_links::{
    Asking, Check, Found, Kind, ResetProof, Tried, Used, find_link, find_reset, find_wait, finish_reset, request_again,
    request_reset, request_sign_in, try_code, use_link,
};
use crate::people::sessions::find_session;
use crate::people::ways_in::{Ways, count_ways_in};

const MINUTE: i64 = 60;
const HOUR: i64 = 3600;
const DAY: i64 = 86_400;

impl World {
    fn asking(&self) -> Asking {
        Asking { browser: BROWSER.into(), journey: Journey::begin(&self.call(), BROWSER.into()) }
    }

    fn ask_link(&self, email: &str) -> Check {
        let (asking, email) = (self.asking(), normalize_email(email).expect("an address"));
        self.write(move |call, tx| request_sign_in(call, tx, &asking, &email))
    }

    fn ask_again(&self, check: &Check) -> Option<Check> {
        let (asking, check) = (self.asking(), check.clone());
        self.write(move |call, tx| request_again(call, tx, &check, &asking, None))
    }

    /// The letters that wait, in the order in which they were written; each is taken once.
    fn letters(&self) -> Vec<(String, Letter)> {
        let taken = self.write(|call, tx| {
            let taken = take_due_letters(call, tx, 100)?;
            if let Outcome::Commit(taken) = &taken {
                for letter in &taken.letters {
                    outbox::delete_mail(tx, &letter.id)?;
                }
            }
            Ok(taken)
        });
        taken.letters.into_iter().map(|taken| (taken.envelope.to, taken.envelope.letter)).collect()
    }

    /// The token and the code of the one sign-in link that waits.
    fn sign_in_letter(&self) -> (String, String) {
        let found = self.letters().into_iter().find_map(|(_, letter)| match letter {
            Letter::SignInLink { url, code, .. } => Some((token_of(&url), code)),
            _ => None,
        });
        found.expect("a sign-in link")
    }

    fn is_live(&self, token: &str) -> bool {
        let token = token.to_owned();
        matches!(self.read(move |call, db| find_link(call, db, &token, BROWSER)), Found::Live(_))
    }

    fn use_token(&self, token: &str) -> Used {
        let token = token.to_owned();
        self.write(move |call, tx| use_link(call, tx, &token, BROWSER, None))
    }

    fn try_mailed_code(&self, check: &Check, code: &str) -> Tried {
        let (check, code) = (check.clone(), code.to_owned());
        self.write(move |call, tx| try_code(call, tx, &check, &code, None))
    }

    fn wait_of(&self, check: &Check) -> i64 {
        let check = check.clone();
        self.read(move |call, db| find_wait(call, db, &check))
    }
}

fn token_of(url: &str) -> String {
    url.rsplit('/').next().expect("a token").to_owned()
}

#[test]
fn r_24_a_sign_in_link_and_its_code_last_ten_minutes() {
    let mut world = World::new(|_| {});
    world.add_person("ada@example.com");
    let check = world.ask_link("ada@example.com");
    let (token, code) = world.sign_in_letter();
    world.now += 10 * MINUTE - 1;
    assert!(world.is_live(&token));
    world.now += 1;
    assert!(!world.is_live(&token));
    assert!(matches!(world.use_token(&token), Used::Gone));
    assert!(matches!(world.try_mailed_code(&check, &code), Tried::Stale));
}

#[test]
fn r_24_a_reset_lasts_thirty_minutes() {
    let mut world = World::new(|_| {});
    world.add_person("ada@example.com");
    let (asking, email) = (world.asking(), normalize_email("ada@example.com").expect("an address"));
    world.write(move |call, tx| request_reset(call, tx, &asking, &email));
    let token = world.letters().into_iter().find_map(|(_, letter)| match letter {
        Letter::Reset { url } => Some(token_of(&url)),
        _ => None,
    });
    let proof = ResetProof::Token(token.expect("a reset link"));
    let may_choose = |world: &World| {
        let proof = proof.clone();
        world.read(move |call, db| find_reset(call, db, &proof, BROWSER)).is_some()
    };
    world.now += 30 * MINUTE - 1;
    assert!(may_choose(&world));
    world.now += 1;
    assert!(!may_choose(&world));
}

#[test]
fn r_24_limits_end_after_an_hour_and_do_not_move() {
    let mut world = World::new(|_| {});
    world.add_person("ada@example.com");
    for _ in 0..3 {
        world.ask_link("ada@example.com");
        assert_eq!(world.letters().len(), 1);
        world.now += 10 * MINUTE;
    }
    // tries beyond the limit do not put its end off
    for _ in 0..3 {
        let check = world.ask_link("ada@example.com");
        assert!(world.letters().is_empty());
        assert_eq!(world.wait_of(&check), START + HOUR - world.now);
        world.now += 10 * MINUTE - 1;
    }
    world.now = START + HOUR;
    let check = world.ask_link("ada@example.com");
    assert_eq!(world.letters().len(), 1);
    assert_eq!(world.wait_of(&check), MINUTE);
}

#[test]
fn r_24_again_comes_after_a_minute_and_ends_the_older_link() {
    let mut world = World::new(|_| {});
    world.add_person("ada@example.com");
    let check = world.ask_link("ada@example.com");
    let (first, _) = world.sign_in_letter();
    world.now += MINUTE - 1;
    assert!(world.ask_again(&check).is_none());
    assert!(world.is_live(&first));
    world.now += 1;
    let newer = world.ask_again(&check).expect("a new one");
    let (second, code) = world.sign_in_letter();
    assert!(!world.is_live(&first) && world.is_live(&second));
    assert!(matches!(world.try_mailed_code(&check, &code), Tried::Gone));
    assert!(matches!(world.try_mailed_code(&newer, &code), Tried::Used(Used::Entered { .. })));
}

#[test]
fn r_24_a_change_of_the_address_can_be_taken_back_for_seven_days() {
    for (late, restored) in [(0, true), (1, false)] {
        let mut world = World::new(|_| {});
        let (_, session) = world.add_person("ada@example.com");
        let (asking, new) = (world.asking(), normalize_email("new@example.com").expect("an address"));
        let signed_in = session.clone();
        let check = world.write(move |call, tx| request_change(call, tx, &asking, &signed_in, &new)).expect("a change");
        let (mut code, mut stop) = (String::new(), String::new());
        for (to, letter) in world.letters() {
            match (to.as_str(), letter) {
                ("new@example.com", Letter::ConfirmNewAddress { code: sent, .. }) => code = sent,
                ("ada@example.com", Letter::AddressChanging { stop_url, .. }) => stop = token_of(&stop_url),
                (other, _) => panic!("a letter to {other}"),
            }
        }
        assert!(matches!(world.try_mailed_code(&check, &code), Tried::Used(Used::Changed(None))));
        world.now += 7 * DAY - 1 + late;
        let used = world.use_token(&stop);
        assert_eq!(matches!(used, Used::Stopped { restored: true }), restored, "{used:?}");
        let id = session.user_id.clone();
        let email = world.read(move |_, db| Ok(users::find_user(db, &id)?)).expect("the person").email;
        assert_eq!(email, if restored { "ada@example.com" } else { "new@example.com" });
    }
}

#[test]
fn an_address_that_was_taken_meanwhile_is_not_taken_over() {
    let world = World::new(|_| {});
    let (_, session) = world.add_person("ada@example.com");
    let (asking, new) = (world.asking(), normalize_email("new@example.com").expect("an address"));
    let check = world.write(move |call, tx| request_change(call, tx, &asking, &session, &new)).expect("a change");
    let code = world.letters().into_iter().find_map(|(_, letter)| match letter {
        Letter::ConfirmNewAddress { code, .. } => Some(code),
        _ => None,
    });
    let (_, other) = world.add_person("new@example.com");
    assert!(matches!(world.try_mailed_code(&check, &code.expect("a code")), Tried::Used(Used::Gone)));
    let owner = world.read(|_, db| Ok(users::find_user_by_email(db, "new@example.com")?)).expect("the owner");
    assert_eq!(owner.id, other.user_id);
    assert!(world.read(|_, db| Ok(users::find_user_by_email(db, "ada@example.com")?)).is_some());
}

#[test]
fn r_28_letters_go_to_the_address_as_the_account_has_it() {
    let world = World::new(|_| {});
    world.add_person("strasse@example.com");
    let check = world.ask_link("stra\u{df}e@example.com");
    assert_eq!((check.email(), check.kind()), ("stra\u{df}e@example.com", Kind::SignIn));
    let to: Vec<String> = world.letters().into_iter().map(|(to, _)| to).collect();
    assert_eq!(to, ["strasse@example.com"]);
}

#[test]
fn r_27_a_link_is_one_factor() {
    let world = World::new(|_| {});
    let (_, session) = world.add_person("ada@example.com");
    let id = session.user_id.clone();
    world.write(move |call, tx| {
        users::update_user_second_step(tx, &id, true, call.now)?;
        Ok(Outcome::Commit(()))
    });
    world.ask_link("ada@example.com");
    let (token, _) = world.sign_in_letter();
    let Used::Entered { started, .. } = world.use_token(&token) else { panic!("the link works") };
    assert!(started.pending);
}

/// Ways in that somebody left who used an account without proving its address, and what is left of them.
impl World {
    fn leave_ways_in(&self, session: &SignedIn) {
        let id = session.user_id.clone();
        self.write(move |call, tx| {
            let text = |text: &str| text.to_owned();
            let passkey = PasskeyRow {
                id: text("a-passkey"),
                credential_id: text("a-credential"),
                user_id: id.clone(),
                name: text("Squatter's phone"),
                credential: text("{}"),
                created_at: call.now,
                last_used_at: None,
                flagged_at: None,
            };
            let identity = IdentityRow {
                issuer: text("https://login.example"),
                subject: text("squatter"),
                provider: text("acme"),
                user_id: id.clone(),
                email: text("squatter@example.com"),
                created_at: call.now,
                last_used_at: call.now,
            };
            assert!(passkeys::insert_passkey(tx, &passkey)? && identities::insert_identity(tx, &identity)?);
            Ok(Outcome::Commit(()))
        });
    }

    fn ways_of(&self, session: &SignedIn) -> Ways {
        let id = session.user_id.clone();
        self.read(move |call, db| {
            let user = users::find_user(db, &id)?.expect("the person");
            count_ways_in(call, db, &user)
        })
    }

    fn is_signed_in(&self, cookie: &str) -> bool {
        let cookie = cookie.to_owned();
        self.read(move |call, db| find_session(call, db, &cookie)).is_some()
    }

    /// Asks for another address; the code for it, and the token that stops it.
    fn ask_change(&self, session: &SignedIn, new: &'static str) -> (Check, String, String) {
        // whoever has a passkey has confirmed with it
        let (asking, session) = (self.asking(), SignedIn { strength: 2, ..session.clone() });
        let new = normalize_email(new).expect("an address");
        let check = self.write(move |call, tx| request_change(call, tx, &asking, &session, &new)).expect("a change");
        let (mut code, mut stop) = (String::new(), String::new());
        for (_, letter) in self.letters() {
            match letter {
                Letter::ConfirmNewAddress { code: sent, .. } => code = sent,
                Letter::AddressChanging { stop_url, .. } => stop = token_of(&stop_url),
                _ => {}
            }
        }
        (check, code, stop)
    }
}

const ONLY_MAIL: Ways = Ways { password: false, passkeys: 0, identities: 0, mail: true, authenticator: false };

fn squatted() -> (World, String, SignedIn) {
    let world = World::new(|policy| policy.issuers = vec!["https://login.example".into()]);
    let (cookie, session) = world.add_person("ada@example.com");
    world.leave_ways_in(&session);
    (world, cookie, session)
}

#[test]
fn so_1_who_proves_the_address_first_has_the_account_alone() {
    let (world, cookie, session) = squatted();
    let (change, change_code, _) = world.ask_change(&session, "squatter@example.com");
    world.ask_link("ada@example.com");
    let (token, _) = world.sign_in_letter();
    let Used::Entered { started, .. } = world.use_token(&token) else { panic!("the link works") };
    assert!(!started.pending);
    assert!(!world.is_signed_in(&cookie));
    assert_eq!(world.ways_of(&session), ONLY_MAIL);
    // a change of the address that waited is over as well
    assert!(matches!(world.try_mailed_code(&change, &change_code), Tried::Gone));
    // the second time there is nothing to end: a proven account keeps what its owner adds
    world.leave_ways_in(&session);
    world.ask_link("ada@example.com");
    let (token, _) = world.sign_in_letter();
    assert!(matches!(world.use_token(&token), Used::Entered { .. }));
    assert_eq!(world.ways_of(&session), Ways { passkeys: 1, identities: 1, ..ONLY_MAIL });
}

#[test]
fn so_1_a_reset_of_an_unproven_account_leaves_the_new_password_alone() {
    for proven in [false, true] {
        let (world, cookie, session) = squatted();
        let id = session.user_id.clone();
        if proven {
            world.write(move |call, tx| {
                Ok(Outcome::Commit(users::update_user_verified(tx, &id, "ada@example.com", call.now)?))
            });
        }
        let (asking, email) = (world.asking(), normalize_email("ada@example.com").expect("an address"));
        world.write(move |call, tx| request_reset(call, tx, &asking, &email));
        let token = world.letters().into_iter().find_map(|(_, letter)| match letter {
            Letter::Reset { url } => Some(token_of(&url)),
            _ => None,
        });
        let proof = ResetProof::Token(token.expect("a reset link"));
        let used = world.write(move |call, tx| finish_reset(call, tx, &proof, BROWSER, "a new hash"));
        assert!(matches!(used, Used::Entered { .. }));
        assert!(!world.is_signed_in(&cookie));
        // what the owner of a proven address has is the owner's
        let kept = usize::from(proven);
        assert_eq!(
            world.ways_of(&session),
            Ways { password: true, passkeys: kept, identities: kept, ..ONLY_MAIL },
            "{proven}"
        );
    }
}

#[test]
fn so_1_taking_an_unproven_address_back_ends_every_way_of_who_gave_it_away() {
    let (world, cookie, session) = squatted();
    let (change, code, stop) = world.ask_change(&session, "squatter@example.com");
    assert!(matches!(world.try_mailed_code(&change, &code), Tried::Used(Used::Changed(_))));
    assert!(matches!(world.use_token(&stop), Used::Stopped { restored: true }));
    assert!(!world.is_signed_in(&cookie));
    assert_eq!(world.ways_of(&session), ONLY_MAIL);
}

#[test]
fn so_1_an_authenticator_app_stays_so_that_a_mailbox_is_not_two_factors() {
    let (world, _, session) = squatted();
    let id = session.user_id.clone();
    world.write(move |call, tx| {
        let row = gatepost_store::people::authenticators::AuthenticatorRow {
            user_id: id.clone(),
            sealed_secret: "sealed".into(),
            last_step: 0,
            created_at: call.now,
        };
        gatepost_store::people::authenticators::insert_authenticator(tx, &row)?;
        users::update_user_second_step(tx, &id, true, call.now)?;
        Ok(Outcome::Commit(()))
    });
    world.ask_link("ada@example.com");
    let (token, _) = world.sign_in_letter();
    let Used::Entered { started, .. } = world.use_token(&token) else { panic!("the link works") };
    assert!(started.pending);
    let live = session.user_id.clone();
    let whole = world.read(move |call, db| Ok(sessions::list_live_sessions(db, &live, call.now)?));
    assert!(whole.is_empty());
}
