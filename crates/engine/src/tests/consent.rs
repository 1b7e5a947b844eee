//! Who is asked what, and when it is remembered.

use crate::clients::registry::ClientKind;
use crate::kernel::journey::Journey;
use crate::oauth::authorize::AuthorizationRequest;
use crate::oauth::connected_apps::end_app_access;
use crate::oauth::consent::{NextStep, find_next_step};
use crate::people::sessions::SignedIn;

use super::{BROWSER, World};

fn next(world: &World, client: &'static str, request: &AuthorizationRequest, session: Option<&SignedIn>) -> NextStep {
    let (client, request, session) = (world.client(client), request.clone(), session.cloned());
    world.read(move |call, db| find_next_step(call, db, &client, &request, session.as_ref()))
}

fn refusal(step: NextStep) -> &'static str {
    match step {
        NextStep::Refuse(refused) => refused.code.as_str(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_was_allowed_once_is_remembered_and_more_is_asked() {
    let world = World::new(|_| {});
    let (_, session) = world.add_person("ada@example.com");
    let request = world.request("web", &[("scope", "notes:read notes:write")]);
    assert_eq!(next(&world, "web", &request, None), NextStep::SignIn);
    assert_eq!(next(&world, "web", &request, Some(&session)), NextStep::Consent);
    world.answer(&request, &session, true);
    let asks = |more: &[(&str, &str)]| next(&world, "web", &world.request("web", more), Some(&session));
    assert_eq!(asks(&[("scope", "notes:read notes:write")]), NextStep::Issue);
    assert_eq!(asks(&[("scope", "notes:read")]), NextStep::Issue);
    assert_eq!(asks(&[("scope", "notes:read files:read")]), NextStep::Consent);
    let files = [("scope", "files:read"), ("resource", "https://files.example")];
    assert_eq!(asks(&files), NextStep::Consent);
    assert_eq!(asks(&[("scope", "notes:read"), ("prompt", "consent")]), NextStep::Consent);
}

#[test]
fn consents_add_up() {
    let world = World::new(|_| {});
    let (_, session) = world.add_person("ada@example.com");
    for scope in ["notes:read", "files:read"] {
        world.answer(&world.request("web", &[("scope", scope)]), &session, true);
    }
    let both = world.request("web", &[("scope", "notes:read files:read")]);
    assert_eq!(next(&world, "web", &both, Some(&session)), NextStep::Issue);
}

#[test]
fn a_code_that_needed_no_question_remembers_nothing() {
    let world = World::new(|_| {});
    let (_, session) = world.add_person("ada@example.com");
    world.answer(&world.request("web", &[]), &session, false);
    assert_eq!(next(&world, "web", &world.request("web", &[]), Some(&session)), NextStep::Consent);
}

#[test]
fn consent_belongs_to_one_person_and_one_client() {
    let world = World::new(|_| {});
    world.add_client("other", ClientKind::Web, "https://other.example/cb", |_| {});
    let (_, ada) = world.add_person("ada@example.com");
    let (_, bob) = world.add_person("bob@example.com");
    world.answer(&world.request("web", &[]), &ada, true);
    assert_eq!(next(&world, "web", &world.request("web", &[]), Some(&bob)), NextStep::Consent);
    assert_eq!(next(&world, "other", &world.request("other", &[]), Some(&ada)), NextStep::Consent);
}

#[test]
fn a_withdrawn_consent_is_asked_again() {
    let world = World::new(|_| {});
    let (_, session) = world.add_person("ada@example.com");
    world.answer(&world.request("web", &[]), &session, true);
    let owner = session.clone();
    assert!(world.write(move |call, tx| end_app_access(call, tx, &owner, "web")));
    assert_eq!(next(&world, "web", &world.request("web", &[]), Some(&session)), NextStep::Consent);
}

#[test]
fn a_13_a_program_that_anybody_can_impersonate_is_asked_about_every_time() {
    let world = World::new(|_| {});
    world.add_client("cli", ClientKind::Native, "http://127.0.0.1/callback", |_| {});
    world.add_client("ours", ClientKind::Native, "http://127.0.0.1/callback", |spec| spec.first_party = true);
    let (_, session) = world.add_person("ada@example.com");
    for (client, step) in [("cli", NextStep::Consent), ("ours", NextStep::Issue)] {
        world.answer(&world.request(client, &[]), &session, true);
        assert_eq!(next(&world, client, &world.request(client, &[]), Some(&session)), step, "{client}");
    }
}

#[test]
fn prompt_none_never_shows_a_page() {
    let world = World::new(|_| {});
    let (_, session) = world.add_person("ada@example.com");
    let silent = world.request("web", &[("prompt", "none")]);
    assert_eq!(refusal(next(&world, "web", &silent, None)), "login_required");
    assert_eq!(refusal(next(&world, "web", &silent, Some(&session))), "consent_required");
    world.answer(&world.request("web", &[]), &session, true);
    assert_eq!(next(&world, "web", &silent, Some(&session)), NextStep::Issue);
}

#[test]
fn an_old_sign_in_is_not_enough_where_a_new_one_is_asked_for() {
    let mut world = World::new(|_| {});
    let (_, session) = world.add_person("ada@example.com");
    world.answer(&world.request("web", &[]), &session, true);
    world.now += 100;
    let step = |more: &[(&str, &str)]| next(&world, "web", &world.request("web", more), Some(&session));
    assert_eq!(step(&[("max_age", "100")]), NextStep::Issue);
    assert_eq!(step(&[("max_age", "99")]), NextStep::SignIn);
    assert_eq!(step(&[("prompt", "login")]), NextStep::SignIn);
    assert_eq!(step(&[("prompt", "select_account")]), NextStep::SignIn);
    let asked = world.request("web", &[("prompt", "login")]);
    let (_, fresh) = world.sign_in_again(&session);
    assert_eq!(next(&world, "web", &asked, Some(&fresh)), NextStep::Issue);
}

#[test]
fn r_15_a_sealed_request_is_one_browsers_for_half_an_hour() {
    let mut world = World::new(|policy| policy.request_ttl = 1800);
    let request = world.request("web", &[]);
    let journey = request.begin_journey(BROWSER.into()).expect("a journey");
    let sealed = journey.seal(&world.call()).expect("sealed");
    world.now += 1800;
    let opened = Journey::open(&world.call(), &sealed, BROWSER).expect("in time");
    let carried = AuthorizationRequest::of(&opened).expect("parses");
    assert_eq!(carried.map(|request| request.id), Some(request.id));
    assert!(Journey::open(&world.call(), &sealed, "another browser").is_none());
    let mut changed = sealed.clone().into_bytes();
    changed[40] ^= 1;
    let changed = String::from_utf8_lossy(&changed).into_owned();
    assert!(Journey::open(&world.call(), &changed, BROWSER).is_none());
    world.now += 1;
    assert!(Journey::open(&world.call(), &sealed, BROWSER).is_none());
}
