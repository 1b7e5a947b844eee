//! Passkeys over HTTP, with an authenticator in software (R-25, R-28, R-30).

use serde_json::{Value, json};

use crate::races::{browser_request, count_status, send_at_once};
use crate::storage::run_statement;
use crate::support::authenticator::Authenticator;
use crate::support::declared::WEB;
use crate::support::flow::{find_form, is_consent, is_login, login_form};
use crate::support::html::{find_forms, find_heading, read_text};
use crate::support::letters::{LINK_SUBJECT, RESET_SUBJECT, VERIFY_SUBJECT, link_form, wait_for_subject};
use crate::support::*;

const ISSUER: &str = "https://id.example";

/// A server that people reach by a host name: at a bare address there are no passkeys.
fn setup(database: Database) -> Setup {
    Setup::new(database).public_url(ISSUER).set("signup.mode", "open")
}

fn ask(browser: &mut Browser<'_>, wish: &Value) -> Response {
    let request = Request::post("/passkeys/options").header("Origin", ISSUER).header("Sec-Fetch-Site", "same-origin");
    browser.send(request.header("Content-Type", "application/json").body(wish.to_string()))
}

/// The options of a ceremony for the form of this page.
fn options(browser: &mut Browser<'_>, form: &html::Form, kind: &str) -> Value {
    let mut wish = json!({"kind": kind, "csrf": form.field("csrf")});
    if kind == "sign-up" {
        wish["email"] = form.field("email").into();
        wish["name"] = form.field("name").into();
    }
    let answer = ask(browser, &wish);
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

/// What the script sends in the place of this form.
fn fill(form: &html::Form, options: &Value, credential: &str) -> html::Form {
    let state = options["state"].as_str().expect("a state");
    form.clone().set("with", "passkey").set("state", state).set("credential", credential).without("password")
}

/// Adds a passkey on its page; the page that follows.
fn enrol(browser: &mut Browser<'_>, device: &mut Authenticator) -> Response {
    let page = browser.get("/account/passkeys/new");
    let form = find_form(&page, "/account/passkeys/new");
    let options = options(browser, &form, "enrol");
    let said = device.begin_make(&options, ISSUER);
    let response = browser.submit(&fill(&form, &options, &device.make(&said)));
    browser.follow(response)
}

/// The sign-in form of this page with an assertion of this device.
fn assertion_form(browser: &mut Browser<'_>, page: &Response, device: &mut Authenticator) -> html::Form {
    let form = login_form(page);
    let options = options(browser, &form, "sign-in");
    let said = device.begin_prove(&options, ISSUER);
    fill(&form, &options, &device.prove(&said))
}

fn sign_in(browser: &mut Browser<'_>, device: &mut Authenticator) -> Response {
    let page = browser.get("/login");
    let form = assertion_form(browser, &page, device);
    let response = browser.submit(&form);
    browser.follow(response)
}

for_each_database! {
    fn r_25_a_passkey_is_added_named_used_and_removed(database) {
        let app = setup(database).spawn();
        let (mut browser, mut device) = (Browser::new(&app), Authenticator::new());
        browser.sign_in(&ALICE);
        let page = enrol(&mut browser, &mut device);
        assert_eq!(find_heading(&page.body), "Name your passkey");
        assert!(read_text(&page.body).contains("Your passkey is ready"), "{page:?}");
        let form = find_forms(&page.body).into_iter().find(|form| form.field("name").is_some()).expect("a form");
        let response = browser.submit(&form.clone().set("name", "  "));
        assert_eq!(response.status, 422);
        let response = browser.submit(&form.set("name", "My \u{202e}laptop"));
        let page = browser.follow(response);
        assert!(read_text(&page.body).contains("My laptop"), "{page:?}");
        assert!(read_text(&browser.get("/account/security").body).contains("My laptop"));

        let mut other = Browser::new(&app);
        let page = sign_in(&mut other, &mut device);
        assert!(read_text(&page.body).contains(ALICE.email), "{page:?}");
        let page = other.get("/account/passkeys");
        let remove = html::find_addresses(&page.body).into_iter().find(|address| address.ends_with("/remove"));
        let page = other.get(&remove.expect("a link"));
        assert_eq!(find_heading(&page.body), "Remove “My laptop”?");
        let form = find_form(&page, "/remove");
        let response = other.submit(&form);
        let page = other.follow(response);
        assert!(read_text(&page.body).contains("The passkey is removed"), "{page:?}");

        let page = sign_in(&mut Browser::new(&app), &mut device);
        assert!(is_login(&page) && page.body.contains("data-unknown="), "the browser may forget it: {page:?}");
        assert!(read_text(&page.body).contains("That passkey is no longer on this account"));
    }

    /// challenges cost nothing, and so would rows that a bad answer to each of them leaves
    fn do_6_bad_answers_of_one_network_leave_few_traces(database) {
        let app = setup(database).set("limits.sign_in_failures_per_address", 3).spawn();
        let (mut browser, mut device) = (Browser::new(&app), Authenticator::new());
        browser.sign_in(&ALICE);
        enrol(&mut browser, &mut device);
        let count = |what: &str| run_statement(&app.database_url, &format!("SELECT COUNT(*) FROM {what}"));
        let refused = "audit_events WHERE action = 'session.started' AND result = 'refused'";
        let tickets: u32 = count("spent_tickets").parse().expect("a number");
        let mut stranger = Browser::new(&app);
        for _ in 0..6 {
            let page = stranger.get("/login");
            let form = login_form(&page);
            let options = options(&mut stranger, &form, "sign-in");
            let mut said = device.begin_prove(&options, ISSUER);
            said.rp_id = "elsewhere.example".into();
            let page = stranger.submit(&fill(&form, &options, &device.prove(&said)));
            assert!(is_login(&page) && stranger.session_cookie().is_none(), "{page:?}");
        }
        let after: u32 = count("spent_tickets").parse().expect("a number");
        assert_eq!((count(refused).as_str(), after - tickets), ("3", 3));
        let page = sign_in(&mut stranger, &mut device);
        assert!(read_text(&page.body).contains(ALICE.email), "the owner gets in all the same: {page:?}");
    }

    /// SO1: whoever used an account before its address was proven keeps no way in when the owner comes, by a link or by a reset
    fn so_1_the_owner_of_an_address_ends_ways_in_that_others_left(database) {
        let smtp = Smtp::start();
        let app = setup(database).with_mail(&smtp).spawn();
        for (person, by_link) in [(ALICE, true), (BOB, false)] {
            let (mut squatter, mut device) = (Browser::new(&app), Authenticator::new());
            squatter.sign_in(&person);
            enrol(&mut squatter, &mut device);
            let add = format!(
                "INSERT INTO identities (issuer, subject, provider, user_id, email, created_at, last_used_at) \
                 SELECT 'https://login.example', id, 'acme', id, 'm@example.com', 1, 1 FROM users WHERE email = '{}'",
                person.email
            );
            run_statement(&app.database_url, &add);
            let mut owner = Browser::new(&app);
            if by_link {
                let check = owner.ask_link(person.email);
                let letter = wait_for_subject(&smtp, person.email, LINK_SUBJECT);
                assert_eq!(owner.type_code(&check, &letter.code()).status, 303);
            } else {
                owner.ask_reset(person.email);
                let letter = wait_for_subject(&smtp, person.email, RESET_SUBJECT);
                let page = owner.open(&app, &letter);
                assert_eq!(owner.submit(&link_form(&page).set("new", "eleven red paper boats")).status, 303);
            }
            assert_eq!((owner.get("/account").status, squatter.get("/account").status), (200, 303), "{by_link}");
            let mut again = Browser::new(&app);
            let page = sign_in(&mut again, &mut device);
            assert!(is_login(&page) && again.session_cookie().is_none(), "{by_link}: {page:?}");
            assert_eq!(run_statement(&app.database_url, "SELECT COUNT(*) FROM identities"), "0", "{by_link}");
            assert_eq!(wait_for_subject(&smtp, person.email, "Passkey removed").to, person.email);
            // what the owner adds afterwards stays
            let (mut device, mut other) = (Authenticator::new(), Browser::new(&app));
            enrol(&mut owner, &mut device);
            let check = other.ask_link(person.email);
            let letter = wait_for_subject(&smtp, person.email, LINK_SUBJECT);
            assert_eq!(other.type_code(&check, &letter.code()).status, 303);
            assert!(read_text(&sign_in(&mut Browser::new(&app), &mut device).body).contains(person.email));
        }
    }

    fn pk_8_a_password_is_not_enough_once_there_is_a_passkey(database) {
        let app = setup(database).spawn();
        let (mut browser, mut device) = (Browser::new(&app), Authenticator::new());
        browser.sign_in(&ALICE);
        enrol(&mut browser, &mut device);
        let response = browser.get("/account/passkeys/new");
        assert_eq!(response.status, 303);
        assert!(response.location().starts_with(&format!("{ISSUER}/confirm?tx=")), "{response:?}");
        let csrf = find_form(&browser.get("/account"), "/logout").field("csrf").map(str::to_owned);
        let answer = ask(&mut browser, &json!({"kind": "enrol", "csrf": csrf}));
        assert_eq!((answer.status, answer.body.as_str()), (403, r#"{"error":"stale"}"#));
    }

    fn r_26_a_passkey_confirms_that_it_is_still_its_owner(database) {
        let app = setup(database).spawn();
        let (mut browser, mut device) = (Browser::new(&app), Authenticator::new());
        browser.sign_in(&ALICE);
        enrol(&mut browser, &mut device);
        let before = browser.session_cookie().expect("a session").1.to_owned();
        let page = browser.get("/account/passkeys/new");
        let page = browser.follow(page);
        assert_eq!(find_heading(&page.body), "Confirm that it’s you", "{page:?}");
        let form = find_form(&page, "/confirm");
        let options = options(&mut browser, &form, "confirm");
        assert_eq!(options["publicKey"]["allowCredentials"].as_array().map(Vec::len), Some(1));
        let said = device.begin_prove(&options, ISSUER);
        let wrong = browser.submit(&fill(&form, &options, "{}"));
        assert_eq!(wrong.status, 422, "{wrong:?}");
        let response = browser.submit(&fill(&form, &options, &device.prove(&said)));
        let page = browser.follow(response);
        assert_eq!(find_heading(&page.body), "Sign in faster next time");
        assert_ne!(browser.session_cookie().expect("a session").1, before, "a new session");
        browser.set_cookie("__Host-gp_session", &before);
        assert_eq!(browser.get("/account").status, 303, "the old one is over");
    }

    fn r_27_a_passkey_is_the_second_step_after_a_password(database) {
        let app = setup(database).spawn();
        let (mut browser, mut device) = (Browser::new(&app), Authenticator::new());
        browser.sign_in(&ALICE);
        enrol(&mut browser, &mut device);
        run_statement(&app.database_url, "UPDATE users SET second_step = TRUE");
        let mut other = Browser::new(&app);
        let page = other.get("/login");
        let response = other.fill_in_login(&page, &ALICE);
        let page = other.follow(response);
        let form = find_form(&page, "/login/second");
        assert_eq!(other.get("/account").status, 303, "half a session is none");
        let options = options(&mut other, &form, "second");
        let said = device.begin_prove(&options, ISSUER);
        let response = other.submit(&fill(&form, &options, &device.prove(&said)));
        let page = other.follow(response);
        assert!(read_text(&page.body).contains(ALICE.email), "{page:?}");
        let page = sign_in(&mut Browser::new(&app), &mut device);
        assert!(read_text(&page.body).contains(ALICE.email), "a passkey alone is two factors: {page:?}");
    }

    /// A hundred of the same assertion at once: one session, and 0 × 5xx (R-2).
    fn r_02_an_assertion_signs_in_once(database) {
        let app = setup(database).set("database.pool_wait", "20s").spawn();
        let (mut browser, mut device) = (Browser::new(&app), Authenticator::new());
        browser.sign_in(&ALICE);
        enrol(&mut browser, &mut device);
        let mut other = Browser::new(&app);
        let page = other.get("/login");
        let form = assertion_form(&mut other, &page, &mut device);
        let count = "SELECT count(*) FROM sessions WHERE methods = 'passkey'";
        let request = browser_request(&other, &form.action, &form.fields);
        let answers = send_at_once(&vec![(app.port(), request); 100]);
        assert_eq!((count_status(&answers, 303), count_status(&answers, 200)), (1, 99));
        assert_eq!(run_statement(&app.database_url, count), "1");
    }

    fn a_passkey_signs_in_to_an_app(database) {
        let app = setup(database).spawn();
        let (mut browser, mut device) = (Browser::new(&app), Authenticator::new());
        browser.sign_in(&ALICE);
        enrol(&mut browser, &mut device);
        let mut other = Browser::new(&app);
        let page = other.begin(&Authorize::new(WEB));
        let form = assertion_form(&mut other, &page, &mut device);
        let response = other.submit(&form);
        let page = other.follow(response);
        assert!(is_consent(&page), "{page:?}");
    }

    fn an_account_is_created_with_a_passkey_alone(database) {
        let app = setup(database).spawn();
        let (mut browser, mut device) = (Browser::new(&app), Authenticator::new());
        let form = find_form(&browser.get("/signup"), "/signup").set("email", "grace@example.com").set("name", "Grace");
        let options = options(&mut browser, &form, "sign-up");
        assert_eq!(options["publicKey"]["user"]["name"], "grace@example.com");
        let said = device.begin_make(&options, ISSUER);
        let response = browser.submit(&fill(&form, &options, &device.make(&said)));
        let page = browser.follow(response);
        assert!(read_text(&page.body).contains("grace@example.com"), "{page:?}");
        let page = browser.get("/account/passkeys");
        assert!(read_text(&page.body).contains("This is your only way in. Add another first."), "{page:?}");
        assert!(read_text(&sign_in(&mut Browser::new(&app), &mut device).body).contains("grace@example.com"));
    }

    /// Where letters are sent an address is proven first, and nobody learns whether it is taken (R-28).
    fn r_28_where_letters_are_sent_no_account_is_made_with_a_passkey_alone(database) {
        let smtp = Smtp::start();
        let app = setup(database).with_mail(&smtp).spawn();
        let mut browser = Browser::new(&app);
        let page = browser.get("/signup");
        assert!(!page.body.contains("data-passkey"), "{page:?}");
        let mut answers = Vec::new();
        for email in [ALICE.email, "grace@example.com"] {
            let form = find_form(&page, "/signup").set("email", email).set("name", "Grace");
            let wish = json!({"kind": "sign-up", "csrf": form.field("csrf"), "email": email, "name": "Grace"});
            let refused = ask(&mut browser, &wish);
            assert_eq!((refused.status, refused.json()["error"].as_str()), (404, Some("unavailable")));
            let form = form.set("with", "passkey").set("state", "x").set("credential", "{}").without("password");
            let refused = browser.submit(&form);
            assert_eq!(refused.status, 422, "{refused:?}");
            answers.push(read_text(&refused.body));
        }
        assert_eq!(answers[0], answers[1]);
        assert_eq!(run_statement(&app.database_url, "SELECT count(*) FROM users WHERE email = 'grace@example.com'"), "0");

        // it is offered when the address is proven, where the browser said that it can
        let form = find_form(&page, "/signup").set("email", "grace@example.com").set("name", "Grace");
        let response = browser.submit(&form.set("password", "four green glass bottles"));
        let check = browser.follow(response);
        let code = wait_for_subject(&smtp, "grace@example.com", VERIFY_SUBJECT).code();
        let form = find_form(&check, "/verify").set("with", "code").set("code", &code).set("passkeys", "1");
        assert_eq!(browser.submit(&form).location(), "/account/passkeys/new?offer=1");
    }

    fn r_28_options_are_the_same_whoever_asks(database) {
        let app = setup(database).spawn();
        let (mut known, mut stranger) = (Browser::new(&app), Browser::new(&app));
        known.sign_in(&ALICE);
        enrol(&mut known, &mut Authenticator::new());
        known.forget_cookie("__Host-gp_session");
        let mut shapes = Vec::new();
        for browser in [&mut known, &mut stranger] {
            let form = login_form(&browser.get("/login"));
            let answer = ask(browser, &json!({"kind": "sign-in", "csrf": form.field("csrf")}));
            let mut options = answer.json();
            options["publicKey"]["challenge"] = Value::Null;
            options["state"] = options["state"].as_str().expect("a state").len().into();
            let headers: Vec<_> = answer.headers.iter().filter(|(name, _)| name != "date").cloned().collect();
            shapes.push((answer.status, headers, options));
        }
        assert_eq!(shapes[0], shapes[1]);
    }

    fn r_30_options_are_for_our_own_pages_alone(database) {
        let app = setup(database).spawn();
        let mut browser = Browser::new(&app);
        let csrf = login_form(&browser.get("/login")).field("csrf").expect("a token").to_owned();
        let good = json!({"kind": "sign-in", "csrf": csrf}).to_string();
        let post = || Request::post("/passkeys/options");
        let json_type = ("Content-Type", "application/json");
        let mut check = |request: Request, status: u16, why: &str| {
            let answer = browser.send(request);
            assert_eq!(answer.status, status, "{why}: {answer:?}");
            assert_eq!(answer.header("cache-control"), Some("no-store"), "{why}");
            assert!(!answer.body.contains("challenge"), "{why}");
        };
        let typed = |name: &str, value: &str| post().header(json_type.0, json_type.1).header(name, value).body(good.clone());
        check(typed("Origin", "https://evil.example"), 403, "another origin");
        check(typed("Sec-Fetch-Site", "cross-site"), 403, "another site");
        check(typed("Sec-Fetch-Site", "same-site"), 403, "a sibling");
        check(post().header("Content-Type", "text/plain").body(good.clone()), 400, "what a form can send");
        check(post().form(&[("kind", "sign-in"), ("csrf", &csrf)]), 400, "a form");
        check(typed("Content-Encoding", "gzip"), 415, "compressed");
        for (body, status) in [
            (String::new(), 400),
            ("{}".into(), 400),
            ("[]".into(), 400),
            (json!({"kind": "sign-in"}).to_string(), 400),
            (json!({"kind": "sign-in", "csrf": "x"}).to_string(), 403),
            (json!({"kind": "sign-in", "csrf": csrf, "more": 1}).to_string(), 400),
            (json!({"kind": "nothing", "csrf": csrf}).to_string(), 400),
            (json!({"kind": "enrol", "csrf": csrf}).to_string(), 403),
            (json!({"kind": "second", "csrf": csrf}).to_string(), 403),
            (json!({"kind": "confirm", "csrf": csrf}).to_string(), 403),
            (json!({"kind": "sign-up", "csrf": csrf, "email": "x"}).to_string(), 422),
            ("[".repeat(60_000), 400),
            (format!("\"{}\"", "x".repeat(70_000)), 413),
        ] {
            let shown: String = body.chars().take(60).collect();
            check(post().header(json_type.0, json_type.1).body(body), status, &shown);
        }
        let stranger = app.send(&post().header(json_type.0, json_type.1).body(good.clone()));
        assert_eq!(stranger.status, 403, "without the cookie of the browser");
        assert_eq!(app.send(&Request::get("/passkeys/options")).status, 405);
    }

    fn pk_7_what_is_no_credential_shows_the_form_again(database) {
        let app = setup(database).spawn();
        let mut browser = Browser::new(&app);
        let page = browser.get("/login");
        for (state, credential) in [("", ""), ("x", "{}"), ("x", "["), (&"x".repeat(4000), &"[".repeat(3000))] {
            let form = login_form(&page).set("with", "passkey").set("state", state).set("credential", credential);
            let answer = browser.submit(&form);
            assert!(is_login(&answer), "{answer:?}");
            assert!(read_text(&answer.body).contains("That passkey did not work"), "{answer:?}");
        }
        let form = login_form(&page).set("with", "passkey").set("credential", &"x".repeat(20_000));
        assert_eq!(browser.submit(&form).status, 413);
    }

    fn a_passkey_is_offered_only_where_the_browser_can_and_no_app_waits(database) {
        let app = setup(database).spawn();
        let mut app_first = Browser::new(&app);
        let page = app_first.begin(&Authorize::new(WEB));
        let form = login_form(&page).set("email", ALICE.email).set("password", ALICE.password).set("passkeys", "1");
        let response = app_first.submit(&form);
        assert!(is_consent(&app_first.follow(response)));
        let mut without = Browser::new(&app);
        without.sign_in(&ALICE);
        for (heading, why) in [("Sign in faster next time", "the first time"), ("Profile", "and not again")] {
            let mut browser = Browser::new(&app);
            let page = browser.get("/login");
            let form = login_form(&page).set("email", ALICE.email).set("password", ALICE.password);
            let response = browser.submit(&form.set("passkeys", "1"));
            let page = browser.follow(response);
            assert_eq!(find_heading(&page.body), heading, "{why}");
            assert_eq!(page.body.contains("Not now"), heading != "Profile");
        }
    }

    fn at_a_bare_address_there_are_no_passkeys_and_pages_say_so(database) {
        let app = TestApp::spawn(database);
        let mut browser = Browser::new(&app);
        assert!(!browser.get("/login").body.contains("data-passkey"));
        browser.sign_in(&ALICE);
        for path in ["/account/passkeys", "/account/passkeys/new", "/account/security"] {
            let page = browser.get(path);
            assert!(read_text(&page.body).contains("Passkeys do not work here"), "{path}: {page:?}");
            assert!(!page.body.contains("data-passkey="), "{path}");
        }
        let csrf = find_form(&browser.get("/account"), "/logout").field("csrf").map(str::to_owned);
        let request = Request::post("/passkeys/options").header("Content-Type", "application/json");
        let wish = json!({"kind": "sign-in", "csrf": csrf}).to_string();
        assert_eq!(browser.send(request.body(wish)).status, 404);
    }
}
