//! Passkeys with an authenticator in software (R-25, PK1 to PK9).

#[path = "../../../../tests/support/authenticator.rs"]
mod authenticator;

use authenticator::{Authenticator, PRESENT, Said, VERIFIED};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gatepost_protocol::secret::SecretKind;
use gatepost_store::audit;
use gatepost_store::people::passkeys::{self, PasskeyRow};
use gatepost_store::people::users;
use serde_json::{Value, json};

use super::{BROWSER, World};
use crate::people::email::normalize_email;
use crate::people::factors::passkeys::{
    Ceremony, EnrolRefusal, Entered, Options, PasskeySignUp, Presented, begin_enrolment, begin_sign_in, begin_sign_up,
    begin_with_own, check_assertion, finish_enrolment, finish_second_step_with_passkey, finish_sign_in, finish_sign_up,
    finish_step_up_with_passkey, offer_passkey, remove_passkey, rename_passkey,
};
use crate::people::factors::reset::reset_factors;
use crate::people::sessions::SignedIn;
use crate::people::sessions::find_session;
use crate::people::sign_in::enter::{Started, insert_new_session};
use crate::people::sign_in::fresh::find_level;
use crate::people::sign_in::method::Method;
use crate::people::sign_up::{NewUser, SignUpRefusal};
use crate::people::users::set_user_disabled;
use crate::people::ways_in::Removal;
use gatepost_store::Outcome;

/// What a device is made to say.
type Change = fn(&mut Said);

const ORIGIN: &str = "https://id.example";

fn json_of(options: &Options) -> Value {
    serde_json::to_value(options).expect("JSON")
}

fn present(options: &Options, credential: String) -> Presented {
    Presented { credential, state: options.state.clone(), browser: BROWSER.into() }
}

impl World {
    /// Options as a young sign-in gets them that is as strong as the account asks for.
    fn begin_enrolment(&self, session: &SignedIn) -> Options {
        self.try_enrolment(&self.strong(session)).expect("a fresh sign-in").expect("passkeys work here")
    }

    fn try_enrolment(&self, session: &SignedIn) -> Result<Option<Options>, EnrolRefusal> {
        let session = session.clone();
        self.read(move |call, db| begin_enrolment(call, db, BROWSER, &session, "Acme"))
    }

    fn finish_enrolment(&self, session: &SignedIn, presented: Presented) -> Result<PasskeyRow, EnrolRefusal> {
        let session = session.clone();
        self.write(move |call, tx| finish_enrolment(call, tx, &presented, &session, "Firefox on Linux"))
    }

    /// A device with a passkey of this person.
    fn add_passkey(&self, session: &SignedIn) -> (Authenticator, PasskeyRow) {
        self.add_passkey_with(session, Authenticator::new())
    }

    fn add_passkey_with(&self, session: &SignedIn, mut device: Authenticator) -> (Authenticator, PasskeyRow) {
        let options = self.begin_enrolment(session);
        let said = device.begin_make(&json_of(&options), ORIGIN);
        let row = self.finish_enrolment(session, present(&options, device.make(&said))).expect("a passkey");
        (device, row)
    }

    fn begin_sign_in(&self) -> Options {
        begin_sign_in(&self.call(), BROWSER).expect("options").expect("passkeys work here")
    }

    fn finish_sign_in(&self, presented: Presented) -> Entered {
        self.finish(Ceremony::SignIn, presented, None)
    }

    fn finish(&self, ceremony: Ceremony, presented: Presented, session: Option<&SignedIn>) -> Entered {
        let asked = session.cloned();
        let checked = self.read(move |call, db| check_assertion(call, db, ceremony, &presented, asked.as_ref()));
        let session = session.cloned();
        self.write(move |call, tx| match (&session, ceremony) {
            (Some(half), Ceremony::Second) => finish_second_step_with_passkey(call, tx, half, &checked),
            (Some(session), _) => finish_step_up_with_passkey(call, tx, session, &checked),
            (None, _) => finish_sign_in(call, tx, &checked),
        })
    }

    /// Signs in with this device, which says what `change` makes of it.
    fn try_device(&self, device: &mut Authenticator, change: impl FnOnce(&mut Said)) -> Entered {
        let options = self.begin_sign_in();
        let mut said = device.begin_prove(&json_of(&options), ORIGIN);
        change(&mut said);
        self.finish_sign_in(present(&options, device.prove(&said)))
    }

    fn begin_own(&self, ceremony: Ceremony, session: &SignedIn) -> Option<Options> {
        let session = session.clone();
        self.read(move |call, db| begin_with_own(call, db, ceremony, BROWSER, &session))
    }

    fn list(&self, session: &SignedIn) -> Vec<PasskeyRow> {
        let id = session.user_id.clone();
        self.read(move |_, db| Ok(passkeys::list_passkeys(db, &id)?))
    }

    fn half_session(&self, session: &SignedIn) -> (String, SignedIn) {
        let id = session.user_id.clone();
        self.write(move |call, tx| {
            let user = users::find_user(tx, &id)?.expect("the person");
            let started = insert_new_session(call, tx, &user, &[Method::Password], true)?;
            Ok(Outcome::Commit((started.cookie.expose().to_owned(), started.signed_in)))
        })
    }

    fn remove(&self, session: &SignedIn, row: &PasskeyRow) -> Removal {
        let (session, id) = (session.clone(), row.id.clone());
        self.write(move |call, tx| remove_passkey(call, tx, &session, &id))
    }

    fn count_events(&self, action: &'static str) -> usize {
        self.read(|_, db| Ok(audit::list_audit_events(db, 1000)?)).iter().filter(|row| row.action == action).count()
    }
}

#[track_caller]
fn started(entered: Entered) -> Started {
    match entered {
        Entered::Started(started) => started,
        other => panic!("not signed in: {other:?}"),
    }
}

#[track_caller]
fn assert_refused(entered: &Entered, why: &str) {
    assert!(matches!(entered, Entered::Refused), "{why}: {entered:?}");
}

#[test]
fn r_25_a_passkey_is_made_and_signs_its_owner_in_with_two_factors() {
    let world = World::new(|_| {});
    let (_, session) = world.add_person("ada@example.com");
    let (mut device, row) = world.add_passkey(&session);
    assert_eq!((row.name.as_str(), row.user_id.as_str()), ("Firefox on Linux", session.user_id.as_str()));
    let started = started(world.try_device(&mut device, |_| {}));
    assert_eq!((started.signed_in.user_id.as_str(), started.signed_in.strength), (session.user_id.as_str(), 2));
    assert_eq!((started.pending, started.signed_in.methods.as_str()), (false, "passkey"));
    let user_id = session.user_id.clone();
    assert_eq!(world.read(move |_, db| find_level(db, &user_id)), 2);
    assert_eq!(world.list(&session)[0].last_used_at, Some(world.now));
    assert_eq!(world.count_events("passkey.added"), 1);
}

#[test]
fn the_maker_of_a_passkey_gives_it_its_first_name() {
    let world = World::new(|_| {});
    let (_, session) = world.add_person("ada@example.com");
    let mut device = Authenticator::new();
    device.aaguid = 0xfbfc3007_154e_4ecc_8c0b_6e020557d7bd_u128.to_be_bytes();
    assert_eq!(world.add_passkey_with(&session, device).1.name, "iCloud Keychain");
}

#[test]
fn r_25_options_ask_for_what_is_needed_and_name_the_known_passkeys() {
    let world = World::new(|_| {});
    let (_, session) = world.add_person("ada@example.com");
    let (device, _) = world.add_passkey(&session);
    let options = world.begin_enrolment(&session).public_key;
    let selection = json!({"residentKey": "required", "requireResidentKey": true, "userVerification": "required"});
    assert_eq!(options["authenticatorSelection"], selection);
    assert_eq!(options["rp"], json!({"id": "id.example", "name": "Acme"}));
    let known = json!([{"type": "public-key", "id": URL_SAFE_NO_PAD.encode(&device.credential_id)}]);
    assert_eq!(options["excludeCredentials"], known);
    let challenge = options["challenge"].as_str().expect("a challenge");
    assert_eq!(URL_SAFE_NO_PAD.decode(challenge).expect("base64url").len(), 32, "256 bits");
}

#[test]
fn pk_9_options_for_signing_in_name_nobody() {
    let world = World::new(|_| {});
    let before = world.begin_sign_in().public_key;
    let (_, session) = world.add_person("ada@example.com");
    world.add_passkey(&session);
    let after = world.begin_sign_in().public_key;
    let names = |value: &Value| value.as_object().expect("an object").keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&before), names(&after));
    for options in [before, after] {
        assert_eq!((&options["allowCredentials"], &options["userVerification"]), (&json!([]), &json!("required")));
        assert_eq!(options["rpId"], "id.example");
    }
}

#[test]
fn pk_1_a_challenge_is_used_once() {
    let world = World::new(|_| {});
    let (_, session) = world.add_person("ada@example.com");
    let (mut device, _) = world.add_passkey(&session);
    let options = world.begin_sign_in();
    let said = device.begin_prove(&json_of(&options), ORIGIN);
    let presented = present(&options, device.prove(&said));
    started(world.finish_sign_in(presented.clone()));
    assert_refused(&world.finish_sign_in(presented), "the same answer again");
    assert_refused(&world.finish_sign_in(present(&options, device.prove(&said))), "a new answer to the same challenge");
}

#[test]
fn pk_1_a_challenge_ends_after_five_minutes() {
    let mut world = World::new(|_| {});
    let (_, session) = world.add_person("ada@example.com");
    let (mut device, _) = world.add_passkey(&session);
    for (age, good) in [(299, true), (300, false), (-1, false)] {
        let options = world.begin_sign_in();
        let said = device.begin_prove(&json_of(&options), ORIGIN);
        world.now += age;
        let entered = world.finish_sign_in(present(&options, device.prove(&said)));
        assert_eq!(matches!(entered, Entered::Started(_)), good, "{age}");
    }
}

#[test]
fn pk_1_a_challenge_belongs_to_its_browser_session_and_ceremony() {
    let world = World::new(|_| {});
    let (_, ada) = world.add_person("ada@example.com");
    let (_, grace) = world.add_person("grace@example.com");
    let (mut device, _) = world.add_passkey(&ada);
    let (_, other) = world.sign_in_again(&ada);
    let answer = |device: &mut Authenticator, options: &Options| {
        let said = device.begin_prove(&json_of(options), ORIGIN);
        present(options, device.prove(&said))
    };
    let options = world.begin_sign_in();
    let presented = Presented { browser: "another".into(), ..answer(&mut device, &options) };
    assert_refused(&world.finish_sign_in(presented), "another browser");
    let options = world.begin_own(Ceremony::Confirm, &ada).expect("options");
    let presented = answer(&mut device, &options);
    assert_refused(&world.finish_sign_in(presented.clone()), "a confirmation to sign in with");
    for (session, why) in [(&other, "another session"), (&grace, "another person")] {
        assert_refused(&world.finish(Ceremony::Confirm, presented.clone(), Some(session)), why);
    }
    assert_refused(&world.finish(Ceremony::Second, presented.clone(), Some(&ada)), "another ceremony");
    started(world.finish(Ceremony::Confirm, presented, Some(&ada)));
    // a new passkey for another session or person than it was begun in
    let mut new = Authenticator::new();
    let options = world.begin_enrolment(&other);
    let said = new.begin_make(&json_of(&options), ORIGIN);
    for session in [&world.strong(&ada), &grace] {
        let refused = world.finish_enrolment(session, present(&options, new.make(&said)));
        assert_eq!(refused.err(), Some(EnrolRefusal::Failed));
    }
}

#[test]
fn pk_2_only_our_own_origin_is_believed() {
    let world = World::new(|_| {});
    let (_, session) = world.add_person("ada@example.com");
    let (mut device, _) = world.add_passkey(&session);
    for origin in [
        "https://evil.example",
        "https://id.example.evil.example",
        "https://evil-id.example",
        "https://sub.id.example",
        "http://id.example",
        "https://id.example:8443",
        "https://id.example/",
        "https://id.example/path",
        "HTTPS://ID.EXAMPLE",
        "https://id.example.",
        "null",
        "",
    ] {
        assert_refused(&world.try_device(&mut device, |said| said.origin = origin.into()), origin);
        let options = world.begin_enrolment(&world.strong(&session));
        let mut new = Authenticator::new();
        let mut said = new.begin_make(&json_of(&options), ORIGIN);
        said.origin = origin.into();
        let refused = world.finish_enrolment(&world.strong(&session), present(&options, new.make(&said)));
        assert_eq!(refused.err(), Some(EnrolRefusal::Failed), "{origin}");
    }
    assert_refused(&world.try_device(&mut device, |said| said.cross_origin = Some(true)), "in a foreign frame");
    started(world.try_device(&mut device, |said| said.cross_origin = None));
}

impl World {
    /// The session as if it had been started with two factors.
    fn strong(&self, session: &SignedIn) -> SignedIn {
        SignedIn { strength: 2, ..session.clone() }
    }
}

#[test]
fn pk_3_hash_type_and_flags_are_checked() {
    let world = World::new(|_| {});
    let (_, session) = world.add_person("ada@example.com");
    let (mut device, _) = world.add_passkey(&session);
    let wrong: [(&str, Change); 7] = [
        ("rpIdHash", |said| said.rp_id = "evil.example".into()),
        ("type", |said| said.kind = "webauthn.create"),
        ("nobody verified", |said| said.flags = PRESENT),
        ("nobody present", |said| said.flags = VERIFIED),
        ("neither", |said| said.flags = 0),
        ("challenge", |said| said.challenge = URL_SAFE_NO_PAD.encode([7; 32])),
        ("no challenge", |said| said.challenge = String::new()),
    ];
    for (why, change) in wrong {
        assert_refused(&world.try_device(&mut device, change), why);
        let mut new = Authenticator::new();
        let strong = world.strong(&session);
        let options = world.begin_enrolment(&strong);
        let mut said = new.begin_make(&json_of(&options), ORIGIN);
        change(&mut said);
        if why == "type" {
            said.kind = "webauthn.get";
        }
        let refused = world.finish_enrolment(&strong, present(&options, new.make(&said)));
        assert_eq!(refused.err(), Some(EnrolRefusal::Failed), "{why}");
    }
    started(world.try_device(&mut device, |_| {}));
}

#[test]
fn pk_3_another_key_does_not_sign_for_a_credential() {
    let world = World::new(|_| {});
    let (_, session) = world.add_person("ada@example.com");
    let (device, _) = world.add_passkey(&session);
    let mut thief = Authenticator::new();
    thief.credential_id.clone_from(&device.credential_id);
    let handle = uuid::Uuid::parse_str(&session.user_id).expect("a UUID").as_bytes().to_vec();
    assert_refused(&world.try_device(&mut thief, |said| said.user_handle = Some(handle)), "another key");
    assert_eq!(world.count_events("session.started"), 2, "sign-up, and the refusal");
}

#[test]
fn pk_4_the_user_handle_is_the_owner() {
    let world = World::new(|_| {});
    let (_, ada) = world.add_person("ada@example.com");
    let (_, grace) = world.add_person("grace@example.com");
    let (mut device, _) = world.add_passkey(&ada);
    let other = uuid::Uuid::parse_str(&grace.user_id).expect("a UUID").as_bytes().to_vec();
    for handle in [Some(other), Some(Vec::new()), Some(vec![0; 64]), None] {
        let why = format!("{handle:?}");
        assert_refused(&world.try_device(&mut device, |said| said.user_handle = handle), &why);
    }
    started(world.try_device(&mut device, |_| {}));
}

#[test]
fn pk_5_a_counter_that_goes_back_stops_the_passkey() {
    let world = World::new(|_| {});
    let (_, session) = world.add_person("ada@example.com");
    let mut device = Authenticator::new();
    device.counter = 7;
    let (mut device, row) = world.add_passkey_with(&session, device);
    started(world.try_device(&mut device, |said| said.counter = 9));
    assert_refused(&world.try_device(&mut device, |said| said.counter = 9), "the same counter");
    assert_eq!(world.count_events("passkey.cloned"), 1);
    assert_eq!(world.list(&session)[0].flagged_at, Some(world.now));
    assert_refused(&world.try_device(&mut device, |said| said.counter = 99), "a flagged passkey");
    assert_eq!(world.count_events("passkey.cloned"), 1, "said once");
    let user_id = session.user_id.clone();
    assert_eq!(world.read(move |_, db| find_level(db, &user_id)), 1, "it is no factor any more");
    assert_eq!(world.remove(&session, &row), Removal::Done);
}

#[test]
fn pk_5_of_two_uses_of_one_counter_one_wins() {
    let world = World::new(|_| {});
    let (_, session) = world.add_person("ada@example.com");
    let mut device = Authenticator::new();
    device.counter = 7;
    let (mut device, _) = world.add_passkey_with(&session, device);
    let mut check = |counter| {
        let options = world.begin_sign_in();
        let mut said = device.begin_prove(&json_of(&options), ORIGIN);
        said.counter = counter;
        let presented = present(&options, device.prove(&said));
        world.read(move |call, db| check_assertion(call, db, Ceremony::SignIn, &presented, None))
    };
    let (first, second) = (check(8), check(8));
    started(world.write(move |call, tx| finish_sign_in(call, tx, &first)));
    assert_refused(&world.write(move |call, tx| finish_sign_in(call, tx, &second)), "verified before, used after");
}

#[test]
fn pk_6_a_credential_belongs_to_one_account() {
    let world = World::new(|_| {});
    let (_, ada) = world.add_person("ada@example.com");
    let (_, grace) = world.add_person("grace@example.com");
    let (device, _) = world.add_passkey(&ada);
    for session in [&grace, &world.strong(&ada)] {
        let mut copy = Authenticator::new();
        copy.credential_id.clone_from(&device.credential_id);
        let options = world.begin_enrolment(session);
        let said = copy.begin_make(&json_of(&options), ORIGIN);
        let refused = world.finish_enrolment(session, present(&options, copy.make(&said)));
        assert_eq!(refused.err(), Some(EnrolRefusal::Taken));
    }
    assert_eq!((world.list(&ada).len(), world.list(&grace).len()), (1, 0));
}

#[test]
fn pk_7_what_is_huge_or_malformed_is_refused() {
    let world = World::new(|_| {});
    let (_, session) = world.add_person("ada@example.com");
    let (mut device, _) = world.add_passkey(&session);
    let options = world.begin_sign_in();
    let said = device.begin_prove(&json_of(&options), ORIGIN);
    let good: Value = serde_json::from_str(&device.prove(&said)).expect("JSON");
    let with = |path: &str, value: Value| {
        let mut bad = good.clone();
        *bad.pointer_mut(path).expect("the path") = value;
        bad.to_string()
    };
    let nested = URL_SAFE_NO_PAD.encode([vec![0; 32], vec![0x85], vec![0; 4], vec![0x81; 20_000]].concat());
    let bad = [
        String::new(),
        "null".into(),
        "{}".into(),
        "[".repeat(50_000),
        "\u{0}".into(),
        format!("{{\"a\":{}1{}}}", "[".repeat(40), "]".repeat(40)),
        with("/type", json!("password")),
        with("/id", json!("AAAA")),
        with("/rawId", json!("")),
        with("/rawId", json!("not base64!")),
        with("/response", json!([])),
        with("/response/signature", json!("")),
        with("/response/signature", json!("A".repeat(40_000))),
        with("/response/authenticatorData", json!("")),
        with("/response/authenticatorData", json!("A".repeat(200))),
        with("/response/authenticatorData", json!(nested)),
        with("/response/clientDataJSON", json!("")),
        with("/response/clientDataJSON", json!(URL_SAFE_NO_PAD.encode("[".repeat(30_000)))),
        with("/response/clientDataJSON", json!("A".repeat(100_000))),
    ];
    for credential in bad {
        let shown: String = credential.chars().take(80).collect();
        assert_refused(&world.finish_sign_in(present(&options, credential)), &shown);
    }
    for state in ["", "x", &"A".repeat(5000), &options.state[1..], &format!("{}A", options.state)] {
        let presented = Presented { state: state.into(), ..present(&options, good.to_string()) };
        assert_refused(&world.finish_sign_in(presented), "a made-up state");
    }
    // a credential that is somebody's uses the challenge up even when it is wrong: one trace for each
    assert_refused(&world.finish_sign_in(present(&options, good.to_string())), "the challenge is used up");
    assert_eq!(world.count_events("session.started"), 2, "sign-up, and one refusal");
    started(world.try_device(&mut device, |_| {}));
}

#[test]
fn pk_7_a_malformed_attestation_is_refused() {
    let world = World::new(|_| {});
    let (_, session) = world.add_person("ada@example.com");
    let mut device = Authenticator::new();
    let options = world.begin_enrolment(&session);
    let said = device.begin_make(&json_of(&options), ORIGIN);
    let good: Value = serde_json::from_str(&device.make(&said)).expect("JSON");
    let object = good.pointer("/response/attestationObject").and_then(Value::as_str).expect("an object");
    let object = URL_SAFE_NO_PAD.decode(object).expect("base64url");
    let mut bad: Vec<Vec<u8>> =
        vec![vec![], vec![0xa0], vec![0x81; 60_000], vec![0xbf], [object.clone(), vec![0]].concat()];
    bad.extend((1..object.len()).map(|length| object[..length].to_vec()));
    for bytes in bad {
        let mut credential = good.clone();
        credential["response"]["attestationObject"] = URL_SAFE_NO_PAD.encode(&bytes).into();
        let refused = world.finish_enrolment(&session, present(&options, credential.to_string()));
        assert_eq!(refused.err(), Some(EnrolRefusal::Failed), "{} bytes", bytes.len());
    }
    world.finish_enrolment(&session, present(&options, good.to_string())).expect("the whole one is good");
}

#[test]
fn pk_8_adding_asks_for_a_young_and_strong_sign_in() {
    let mut world = World::new(|_| {});
    let (_, session) = world.add_person("ada@example.com");
    let mut device = Authenticator::new();
    world.now += 200;
    let options = world.begin_enrolment(&session);
    let said = device.begin_make(&json_of(&options), ORIGIN);
    world.now += 101;
    let stale = world.finish_enrolment(&session, present(&options, device.make(&said)));
    assert_eq!(stale.err(), Some(EnrolRefusal::Stale));
    let (_, session) = world.sign_in_again(&session);
    world.add_passkey(&session);
    // from now on a password alone is not enough, neither to begin nor to end
    assert_eq!(world.try_enrolment(&session).err(), Some(EnrolRefusal::Stale));
    let options = world.begin_enrolment(&session);
    let said = device.begin_make(&json_of(&options), ORIGIN);
    let weak = world.finish_enrolment(&session, present(&options, device.make(&said)));
    assert_eq!(weak.err(), Some(EnrolRefusal::Stale));
}

#[test]
fn a_removed_passkey_is_unknown_and_a_disabled_account_is_refused() {
    let world = World::new(|_| {});
    let (_, session) = world.add_person("ada@example.com");
    let (mut device, row) = world.add_passkey(&session);
    world
        .write(|call, tx| set_user_disabled(call, tx, crate::audit::Actor::Operator, "ada@example.com", true))
        .expect("disabled");
    assert_refused(&world.try_device(&mut device, |_| {}), "disabled");
    world
        .write(|call, tx| set_user_disabled(call, tx, crate::audit::Actor::Operator, "ada@example.com", false))
        .expect("enabled");
    assert_eq!(world.remove(&world.strong(&session), &row), Removal::Refused, "that session was ended");
    let strong = world.strong(&world.sign_in_again(&session).1);
    assert_eq!(world.remove(&strong, &row), Removal::Done);
    assert_eq!(world.remove(&strong, &row), Removal::Refused, "it is gone");
    let id = URL_SAFE_NO_PAD.encode(&device.credential_id);
    assert!(matches!(world.try_device(&mut device, |_| {}), Entered::Unknown(unknown) if unknown == id));
}

#[test]
fn r_27_a_second_step_ends_with_a_passkey_of_the_same_person() {
    let world = World::new(|_| {});
    let (_, ada) = world.add_person("ada@example.com");
    let (_, grace) = world.add_person("grace@example.com");
    let (mut device, _) = world.add_passkey(&ada);
    let (mut others, _) = world.add_passkey(&grace);
    let (_, half) = world.half_session(&ada);
    let options = world.begin_own(Ceremony::Second, &half).expect("options");
    assert_eq!(options.public_key["allowCredentials"].as_array().map(Vec::len), Some(1));
    let said = others.begin_prove(&json_of(&options), ORIGIN);
    assert_refused(&world.finish(Ceremony::Second, present(&options, others.prove(&said)), Some(&half)), "another's");
    let options = world.begin_own(Ceremony::Second, &half).expect("options");
    let mut said = device.begin_prove(&json_of(&options), ORIGIN);
    // with a list of credentials an authenticator need not say whose they are
    said.user_handle = None;
    let presented = present(&options, device.prove(&said));
    let started = started(world.finish(Ceremony::Second, presented.clone(), Some(&half)));
    assert_eq!((started.signed_in.methods.as_str(), started.signed_in.strength), ("pwd passkey", 2));
    assert_refused(&world.finish(Ceremony::Second, presented, Some(&half)), "the half session is over");
}

#[test]
fn r_26_a_step_up_makes_a_new_session_and_ends_the_old_one() {
    let mut world = World::new(|_| {});
    let (_, session) = world.add_person("ada@example.com");
    let (mut device, _) = world.add_passkey(&session);
    world.now += 1000;
    let (cookie, old) = world.sign_in_again(&session);
    world.now += 1000;
    let options = world.begin_own(Ceremony::Confirm, &old).expect("options");
    let said = device.begin_prove(&json_of(&options), ORIGIN);
    let started = started(world.finish(Ceremony::Confirm, present(&options, device.prove(&said)), Some(&old)));
    assert_eq!((started.signed_in.auth_time, started.signed_in.strength), (world.now, 2));
    assert_ne!(started.signed_in.session_id, old.session_id);
    assert!(world.read(move |call, db| find_session(call, db, &cookie)).is_none(), "the old cookie is dead");
}

#[test]
fn r_26_removing_asks_for_a_fresh_sign_in_and_naming_soon_after_does_not() {
    let mut world = World::new(|_| {});
    let (_, session) = world.add_person("ada@example.com");
    let (_, row) = world.add_passkey(&session);
    let rename = |world: &World, session: &SignedIn, name: &'static str| {
        let (session, id) = (session.clone(), row.id.clone());
        world.write(move |call, tx| rename_passkey(call, tx, &session, &id, name))
    };
    assert_eq!(world.remove(&session, &row), Removal::Refused, "a password is weaker than the passkey");
    assert!(rename(&world, &session, "Laptop"));
    world.now += 301;
    assert!(!rename(&world, &session, "Phone"));
    assert_eq!(world.remove(&world.strong(&session), &row), Removal::Refused, "too old");
    let (_, again) = world.sign_in_again(&session);
    assert!(rename(&world, &world.strong(&again), "Phone"));
    let (_, grace) = world.add_person("grace@example.com");
    assert!(!rename(&world, &grace, "Mine"), "another's");
    assert_eq!(world.remove(&grace, &row), Removal::Refused, "another's");
    assert_eq!(world.list(&session)[0].name, "Phone");
}

fn new_person(email: &str) -> NewUser {
    NewUser {
        email: normalize_email(email).expect("an address"),
        name: "Grace".into(),
        email_verified: false,
        password_hash: None,
        role: "user",
    }
}

impl World {
    fn begin_sign_up(&self, email: &str) -> Options {
        let email = normalize_email(email).expect("an address");
        begin_sign_up(&self.call(), BROWSER, &email, "Grace", "Acme").expect("options").expect("passkeys work here")
    }

    fn finish_sign_up(&self, email: &str, presented: Presented) -> PasskeySignUp {
        let new = new_person(email);
        self.write(move |call, tx| finish_sign_up(call, tx, &presented, (&new, None), "Chrome on Linux"))
    }
}

#[test]
fn an_account_without_a_password_is_made_with_a_passkey_that_is_its_last_way_in() {
    let world = World::new(|_| {});
    let mut device = Authenticator::new();
    let options = world.begin_sign_up("grace@example.com");
    let said = device.begin_make(&json_of(&options), ORIGIN);
    let presented = present(&options, device.make(&said));
    assert!(matches!(world.finish_sign_up("ada@example.com", presented.clone()), PasskeySignUp::Failed));
    let PasskeySignUp::Started(begun) = world.finish_sign_up("grace@example.com", presented.clone()) else {
        panic!("no account")
    };
    assert!(matches!(world.finish_sign_up("grace@example.com", presented), PasskeySignUp::Failed), "once");
    let entered = started(world.try_device(&mut device, |_| {}));
    assert_eq!(entered.signed_in.user_id, begun.signed_in.user_id);
    let row = world.list(&entered.signed_in).remove(0);
    assert_eq!(world.remove(&entered.signed_in, &row), Removal::LastWayIn);
    let (_, second) = world.add_passkey(&entered.signed_in);
    assert_eq!(world.remove(&entered.signed_in, &row), Removal::Done);
    assert_eq!(world.remove(&entered.signed_in, &second), Removal::LastWayIn);
}

#[test]
fn r_28_options_for_a_new_account_are_alike_whether_the_address_is_taken() {
    let world = World::new(|_| {});
    let names =
        |options: &Options| options.public_key.as_object().expect("an object").keys().cloned().collect::<Vec<_>>();
    world.add_person("ada@example.com");
    let (taken, free) = (world.begin_sign_up("ada@example.com"), world.begin_sign_up("eve@example.com"));
    assert_eq!(names(&taken), names(&free));
    assert_eq!(taken.state.len(), free.state.len());
    let mut device = Authenticator::new();
    let said = device.begin_make(&json_of(&taken), ORIGIN);
    let end = world.finish_sign_up("ada@example.com", present(&taken, device.make(&said)));
    assert!(matches!(end, PasskeySignUp::Refused(SignUpRefusal::Taken)), "{end:?}");
}

#[test]
fn with_the_last_second_factor_the_second_step_goes() {
    let world = World::new(|_| {});
    let (_, session) = world.add_person("ada@example.com");
    let (_, row) = world.add_passkey(&session);
    let id = session.user_id.clone();
    world.write(move |call, tx| Ok(Outcome::Commit(users::update_user_second_step(tx, &id, true, call.now)?)));
    assert_eq!(world.remove(&world.strong(&session), &row), Removal::Done);
    let id = session.user_id.clone();
    let user = world.read(move |_, db| Ok(users::find_user(db, &id)?)).expect("the person");
    assert!(!user.second_step);
    assert_eq!((world.count_events("passkey.removed"), world.count_events("second_step.off")), (1, 1));
}

#[test]
fn a_passkey_is_offered_once_in_thirty_days_to_those_who_have_none() {
    let mut world = World::new(|_| {});
    let (_, session) = world.add_person("ada@example.com");
    let offer = |world: &World| {
        let session = session.clone();
        world.write(move |call, tx| offer_passkey(call, tx, &session))
    };
    assert!(offer(&world));
    world.now += 30 * 86_400;
    assert!(!offer(&world));
    world.now += 1;
    assert!(offer(&world));
    world.now += 31 * 86_400;
    let (_, again) = world.sign_in_again(&session);
    world.add_passkey(&again);
    assert!(!offer(&world));
}

#[test]
fn r_29_an_enrolment_under_way_does_not_outlive_a_reset_of_factors() {
    let world = World::new(|_| {});
    let (_, session) = world.add_person("ada@example.com");
    let mut device = Authenticator::new();
    let options = world.begin_enrolment(&session);
    let said = device.begin_make(&json_of(&options), ORIGIN);
    let presented = present(&options, device.make(&said));
    world.write(|call, tx| reset_factors(call, tx, crate::audit::Actor::Operator, "ada@example.com")).expect("reset");
    assert_eq!(world.finish_enrolment(&session, presented).expect_err("refused"), EnrolRefusal::Failed);
    assert!(world.list(&session).is_empty());
}

#[test]
fn r_04_a_bad_invitation_with_a_passkey_is_counted_and_written_down() {
    let world = World::new(|policy| policy.sign_up = crate::SignUpMode::Invite);
    let code = world.engine.make_secret(SecretKind::Invite).expect("randomness").expose().to_owned();
    let mut device = Authenticator::new();
    let options = world.begin_sign_up("grace@example.com");
    let said = device.begin_make(&json_of(&options), ORIGIN);
    let presented = present(&options, device.make(&said));
    let sign_up = || {
        let (new, presented, code) = (new_person("grace@example.com"), presented.clone(), code.clone());
        world.write(move |call, tx| finish_sign_up(call, tx, &presented, (&new, Some(&code)), "Chrome on Linux"))
    };
    assert!(matches!(sign_up(), PasskeySignUp::Refused(SignUpRefusal::Invite(_))));
    assert_eq!(world.count_events("invite.used"), 1);
    // and the answer of the authenticator is used up: one for each try
    assert!(matches!(sign_up(), PasskeySignUp::Failed));
}
