//! Second steps: `/login/second`, `/confirm`, the authenticator app and recovery codes (R-23, R-26, R-27).

use std::time::{SystemTime, UNIX_EPOCH};

use ring::hmac;

use crate::routes::list_routes;
use crate::storage::run_statement;
use crate::support::declared::{CLI, WEB};
use crate::support::flow::{find_form, is_consent, is_login};
use crate::support::html::{find_heading, read_text};
use crate::support::letters::{has_button, wait_for_subject};
use crate::support::*;

/// An app that asks for two factors; otherwise as [`CLI`].
const BANK: &str = r#"
[[clients]]
client_id = "bank"
name = "Bank"
kind = "native"
redirect_uris = ["http://127.0.0.1/callback"]
scopes = ["notes:read", "notes:write", "offline_access"]
require_second_factor = true
"#;

/// A code of RFC 6238 §4, made without the library of the server; `ahead` steps from now.
#[expect(clippy::disallowed_methods, reason = "the server under test goes by the real time")]
fn make_code(key: &str, ahead: i64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    let step = u64::try_from(i64::try_from(now / 30).expect("a time") + ahead).expect("a step");
    let mut secret = Vec::new();
    let (mut bits, mut count) = (0_u32, 0);
    for letter in key.bytes().filter(|letter| *letter != b' ') {
        let value = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".iter().position(|known| *known == letter).expect("base32");
        bits = bits << 5 | u32::try_from(value).expect("five bits");
        count += 5;
        if count >= 8 {
            count -= 8;
            secret.push((bits >> count & 255) as u8);
        }
    }
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &secret);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let bytes = tag.as_ref();
    let at = usize::from(bytes[19] & 15);
    let number = u32::from_be_bytes([bytes[at] & 127, bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
    format!("{:06}", number % 1_000_000)
}

/// A code that is none of those that are good now or soon.
fn wrong_code(key: &str) -> String {
    let near: Vec<String> = (-2..=3).map(|ahead| make_code(key, ahead)).collect();
    (0..).map(|number: u32| format!("{number:06}")).find(|code| !near.contains(code)).expect("one of a million")
}

/// What the page shows between these words.
fn find_between<'p>(page: &'p Response, before: &str, after: &str) -> &'p str {
    let (_, rest) = page.body.split_once(before).unwrap_or_else(|| panic!("no {before} in {page:?}"));
    rest.split_once(after).expect("an end").0
}

fn read_key(page: &Response) -> String {
    find_between(page, "data-copied=\"Copied\">", "</code>").to_owned()
}

fn read_codes(page: &Response) -> Vec<String> {
    assert_eq!(find_heading(&page.body), "Save your recovery codes", "{page:?}");
    let form = find_form(page, "/account/recovery-codes/done");
    form.field("codes").expect("the codes").split(' ').map(str::to_owned).collect()
}

/// Adds an authenticator app for whoever is signed in; the key and the recovery codes.
fn enrol(browser: &mut Browser<'_>) -> (String, Vec<String>) {
    let page = browser.get("/account/authenticator/new");
    let key = read_key(&page);
    let form = find_form(&page, "/account/authenticator/new").set("code", &make_code(&key, 0));
    let page = browser.submit(&form);
    let codes = read_codes(&page);
    let done = browser.submit(&find_form(&page, "/account/recovery-codes/done").set("saved", "yes"));
    assert!(read_text(&browser.follow(done).body).contains("The second step is on"));
    (key, codes)
}

/// Goes to the page of the second step with the password.
fn first_step(browser: &mut Browser<'_>, person: &Person) -> Response {
    let page = browser.get("/login");
    let response = browser.fill_in_login(&page, person);
    let page = browser.follow(response);
    assert_eq!(find_heading(&page.body), "Enter the code from your authenticator app");
    page
}

fn send_code(browser: &mut Browser<'_>, page: &Response, code: &str) -> Response {
    browser.submit(&find_form(page, "/login/second").set("with", "code").set("code", code))
}

fn send_recovery(browser: &mut Browser<'_>, page: &Response, code: &str) -> Response {
    browser.submit(&find_form(page, "/login/second").set("with", "recovery").set("code", code))
}

/// Lets the next code be taken although the last one is not over: the test does not wait for half a minute.
fn forget_last_code(app: &TestApp) {
    run_statement(&app.database_url, "UPDATE authenticators SET last_step = 0");
}

/// Lets ten minutes pass for every session's sign-in.
fn let_sign_ins_age(app: &TestApp) {
    run_statement(&app.database_url, "UPDATE sessions SET auth_time = auth_time - 600");
}

fn count_live_sessions(app: &TestApp) -> String {
    run_statement(&app.database_url, "SELECT count(*) FROM sessions WHERE NOT pending AND revoked_at IS NULL")
}

/// The routes that take this method below these paths, as the server lists them; nobody has what stands in their places.
fn list_paths(method: &str, below: &[&str]) -> Vec<String> {
    let lines = list_routes().into_iter().filter(|line| line.takes(method));
    let wanted = lines.filter(|line| below.iter().any(|start| line.path.starts_with(start)));
    wanted.map(|line| line.fill_in(&[])).collect()
}

/// What can be compared of two answers: the status and where they lead.
fn describe(response: &Response) -> (u16, String) {
    let location = if response.status == 303 { response.location() } else { "" };
    (response.status, location.split('?').next().unwrap_or_default().to_owned())
}

for_each_database! {
    fn a_code_is_asked_for_from_the_enrolment_on(database) {
        let app = TestApp::spawn(database);
        let mut browser = Browser::new(&app);
        browser.sign_in(&ALICE);
        let page = browser.get("/account/authenticator/new");
        assert_eq!(page.header("cache-control"), Some("no-store"));
        let key = read_key(&page);
        let form = find_form(&page, "/account/authenticator/new");
        let wrong = browser.submit(&form.clone().set("code", &wrong_code(&key)));
        assert_eq!(wrong.status, 422);
        assert!(read_text(&wrong.body).contains("That code is not right. Codes change every 30 seconds"));
        assert_eq!(read_key(&wrong), key, "the same secret again");
        let before = browser.session_cookie().expect("a session").1.to_owned();
        let mut other = Browser::new(&app);
        other.sign_in(&ALICE);
        assert_eq!(other.get("/account").status, 200, "nothing is on before the code was right (TO5)");
        let code = make_code(&key, 0);
        let page = browser.submit(&form.set("code", &code));
        assert_ne!(browser.session_cookie().expect("a session").1, before, "a new id (R-29)");
        let codes = read_codes(&page);
        assert_eq!(codes.len(), 10);
        let file = browser.submit(&find_form(&page, "/account/recovery-codes/download"));
        assert_eq!(file.header("content-disposition"), Some("attachment; filename=\"recovery-codes.txt\""));
        assert!(codes.iter().all(|code| file.body.contains(code)) && file.body.contains(ALICE.email));
        let done = find_form(&page, "/account/recovery-codes/done");
        let again = browser.submit(&done.clone().without("saved"));
        assert_eq!(again.status, 422);
        assert!(read_text(&again.body).contains("Save the codes first") && read_codes(&again) == codes);
        let security = browser.submit(&done.set("saved", "yes"));
        let security = browser.follow(security);
        assert!(!security.body.contains(&codes[0]) && !security.body.contains(&key), "shown once (TO6)");
        // from now on a password alone signs nobody in
        let mut next = Browser::new(&app);
        let page = first_step(&mut next, &ALICE);
        assert_eq!(describe(&next.get("/account")).0, 303);
        let used = send_code(&mut next, &page, &code);
        assert!(read_text(&used.body).contains("That code was used already. Wait for the next one."), "{used:?}");
        let wrong = send_code(&mut next, &used, &wrong_code(&key));
        assert_eq!((wrong.status, wrong.body.contains("aria-invalid")), (422, true));
        let half = next.session_cookie().expect("half a session").1.to_owned();
        let response = send_code(&mut next, &wrong, &format!(" {} ", make_code(&key, 1)));
        assert_eq!(response.status, 303, "{response:?}");
        assert_ne!(next.session_cookie().expect("a session").1, half);
        assert_eq!(next.get("/account").status, 200);
    }

    fn a_recovery_code_gets_in_once(database) {
        let app = TestApp::spawn(database);
        let mut browser = Browser::new(&app);
        browser.sign_in(&ALICE);
        let (_, codes) = enrol(&mut browser);
        let mut next = Browser::new(&app);
        first_step(&mut next, &ALICE);
        let page = next.get("/login/second?with=recovery");
        assert_eq!(find_heading(&page.body), "Enter a recovery code");
        let wrong = send_recovery(&mut next, &page, "0000-0000-0000-0000");
        assert!(read_text(&wrong.body).contains("Each recovery code works once."));
        let left = send_recovery(&mut next, &wrong, &codes[4].to_uppercase().replace('-', ""));
        assert!(read_text(&left.body).contains("You have 9 recovery codes left"), "{left:?}");
        assert_eq!(next.get("/account").status, 200);
        let mut third = Browser::new(&app);
        let page = first_step(&mut third, &ALICE);
        assert_eq!(send_recovery(&mut third, &page, &codes[4]).status, 422);
        assert!(read_text(&browser.get("/account/security").body).contains("9 codes left"));
        // a new set ends the old one
        let page = browser.get("/account/recovery-codes");
        let page = browser.submit(&find_form(&page, "/account/recovery-codes"));
        let new = read_codes(&page);
        let page = first_step_again(&mut third);
        assert_eq!(send_recovery(&mut third, &page, &codes[5]).status, 422);
        let page = first_step_again(&mut third);
        assert_eq!(send_recovery(&mut third, &page, &new[5]).status, 200);
    }

    fn half_a_session_is_good_for_the_second_step_and_nothing_else(database) {
        let app = TestApp::spawn(database);
        let mut browser = Browser::new(&app);
        browser.sign_in(&ALICE);
        let (key, _) = enrol(&mut browser);
        let (mut half, mut nobody) = (Browser::new(&app), Browser::new(&app));
        let second = first_step(&mut half, &ALICE);
        let login = nobody.get("/login");
        let pages = list_paths("GET", &["/account", "/admin", "/consent", "/confirm", "/login", "/api"]);
        assert!(pages.len() >= 15, "{pages:?}");
        for path in pages.iter().filter(|path| *path != "/login/second") {
            assert_eq!(describe(&half.get(path)), describe(&nobody.get(path)), "GET {path}");
        }
        let tokens = [find_form(&second, "/login/second"), find_form(&login, "/login")].map(|form| form.field("csrf").expect("a token").to_owned());
        for path in list_paths("POST", &["/account", "/admin", "/consent", "/confirm"]) {
            let answers = [(&mut half, &tokens[0]), (&mut nobody, &tokens[1])].map(|(browser, csrf)| {
                let fields = [("csrf".to_owned(), csrf.clone()), ("decision".to_owned(), "allow".to_owned())];
                describe(&browser.post(&app.at(&path), &fields))
            });
            assert_eq!(answers[0], answers[1], "POST {path}");
        }
        let request = Authorize::new(WEB);
        assert!(is_login(&half.begin(&request)), "an app gets nothing");
        let silent = half.get(&request.set("prompt", "none").target());
        assert!(silent.location().contains("error=login_required"), "{silent:?}");
        // the second step still works after all of that, and signing out in the middle ends it
        let mut other = Browser::new(&app);
        let page = first_step(&mut other, &ALICE);
        other.submit(&find_form(&page, "/logout"));
        assert_eq!(describe(&other.get("/login/second")), (303, app.issuer.clone() + "/login"));
        assert_eq!(send_code(&mut half, &second, &make_code(&key, 1)).status, 303);
        assert_eq!(half.get("/account").status, 200);
    }

    fn five_wrong_codes_lead_back_to_the_sign_in_page(database) {
        let app = TestApp::spawn(database);
        let mut browser = Browser::new(&app);
        browser.sign_in(&ALICE);
        let (key, _) = enrol(&mut browser);
        let mut next = Browser::new(&app);
        let request = Authorize::new(WEB);
        let page = next.begin(&request);
        let response = next.fill_in_login(&page, &ALICE);
        let page = next.follow(response);
        for _ in 0..4 {
            assert_eq!(send_code(&mut next, &page, &wrong_code(&key)).status, 422);
        }
        let fifth = send_code(&mut next, &page, &wrong_code(&key));
        let login = next.follow(fifth);
        assert!(is_login(&login) && read_text(&login.body).contains("Sign in again"), "{login:?}");
        assert_eq!(send_code(&mut next, &page, &make_code(&key, 1)).status, 400, "the form is over");
        // the app's request goes on after another sign-in
        let response = next.fill_in_login(&login, &ALICE);
        let page = next.follow(response);
        let response = send_code(&mut next, &page, &make_code(&key, 1));
        assert!(is_consent(&next.follow(response)));
    }

    fn a_hundred_equal_codes_make_one_session(database) {
        let app = TestApp::spawn(database);
        let mut browser = Browser::new(&app);
        browser.sign_in(&ALICE);
        let (key, codes) = enrol(&mut browser);
        let next = make_code(&key, 1);
        // ten first steps, and ten times the form of each
        for recovery in [false, true] {
            let halves: Vec<Request> = (0..10).map(|_| {
                let mut half = Browser::new(&app);
                let page = first_step(&mut half, &ALICE);
                let (with, code) = if recovery { ("recovery", codes[0].clone()) } else { ("code", next.clone()) };
                let form = find_form(&page, "/login/second").set("with", with).set("code", &code);
                let cookies: Vec<String> = half.cookies().iter().map(|(name, value)| format!("{name}={value}")).collect();
                Request::post(&form.action).header("Cookie", &cookies.join("; ")).header("Origin", app.origin()).form(&form.fields)
            }).collect();
            let before: u32 = count_live_sessions(&app).parse().expect("a number");
            let answers = run_at_once(100, |index| app.send(&halves[index % 10]));
            let won = answers.iter().filter(|answer| answer.header_all("set-cookie").iter().any(|cookie| cookie.contains("gp_ss_")));
            assert_eq!(won.count(), 1, "recovery: {recovery}");
            assert!(answers.iter().all(|answer| answer.status < 500));
            let after: u32 = count_live_sessions(&app).parse().expect("a number");
            assert_eq!(after, before + 1);
            run_statement(&app.database_url, "DELETE FROM throttles");
        }
        // and a hundred times the form of one first step
        forget_last_code(&app);
        let mut half = Browser::new(&app);
        let page = first_step(&mut half, &ALICE);
        let form = find_form(&page, "/login/second").set("with", "code").set("code", &make_code(&key, 0));
        let cookies: Vec<String> = half.cookies().iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = Request::post(&form.action).header("Cookie", &cookies.join("; ")).header("Origin", app.origin()).form(&form.fields);
        let answers = run_at_once(100, |_| app.send(&request));
        let won = answers.iter().filter(|answer| answer.header_all("set-cookie").iter().any(|cookie| cookie.contains("gp_ss_")));
        assert_eq!(won.count(), 1);
        assert!(answers.iter().all(|answer| answer.status < 500));
    }

    fn what_changes_the_account_asks_again_after_five_minutes(database) {
        let app = TestApp::spawn(database);
        let mut browser = Browser::new(&app);
        browser.sign_in(&ALICE);
        let_sign_ins_age(&app);
        let response = browser.get("/account/authenticator/new");
        let page = browser.follow(response);
        assert_eq!(find_heading(&page.body), "Confirm that it’s you");
        assert!(read_text(&page.body).contains("You are about to change your second step. We ask because your last sign-in was 1"));
        let form = find_form(&page, "/confirm").set("with", "password");
        let wrong = browser.submit(&form.clone().set("password", "not the password"));
        assert_eq!(wrong.status, 422);
        let response = browser.submit(&form.set("password", ALICE.password));
        let page = browser.follow(response);
        assert_eq!(find_heading(&page.body), "Add an authenticator app");
        let (key, codes) = enrol(&mut browser);
        // with a second factor the password confirms nothing any more
        let_sign_ins_age(&app);
        forget_last_code(&app);
        for path in ["/account/authenticator/remove", "/account/recovery-codes", "/account/password"] {
            let response = browser.get(path);
            assert_eq!(describe(&response), (303, app.issuer.clone() + "/confirm"), "{path}");
        }
        let response = browser.get("/account/authenticator/remove");
        let page = browser.follow(response);
        let form = find_form(&page, "/confirm");
        let refused = browser.submit(&form.clone().set("with", "password").set("password", ALICE.password));
        assert_eq!(refused.status, 422);
        assert_eq!(describe(&browser.get("/account/authenticator/remove")).0, 303, "still to be confirmed");
        let before = browser.session_cookie().expect("a session").1.to_owned();
        let response = browser.submit(&form.set("with", "code").set("code", &make_code(&key, 1)));
        let page = browser.follow(response);
        assert_ne!(browser.session_cookie().expect("a session").1, before, "a new id (R-29)");
        assert_eq!(find_heading(&page.body), "Remove the authenticator app?");
        // a form that was loaded in time asks again as well (TO8)
        let_sign_ins_age(&app);
        let late = browser.submit(&find_form(&page, "/account/authenticator/remove"));
        assert_eq!(describe(&late), (303, app.issuer.clone() + "/confirm"));
        let page = browser.follow(late);
        let recovery = find_form(&page, "/confirm").set("with", "recovery").set("code", &codes[0]);
        let left = browser.submit(&recovery);
        assert!(read_text(&left.body).contains("You have 9 recovery codes left"), "{left:?}");
        let page = browser.get("/account/authenticator/remove");
        let response = browser.submit(&find_form(&page, "/account/authenticator/remove"));
        assert!(read_text(&browser.follow(response).body).contains("The second step is off"));
        Browser::new(&app).sign_in(&ALICE);
    }

    fn an_app_that_asks_for_two_factors_gets_them(database) {
        let app = Setup::new(database).declare(BANK).spawn();
        let mut browser = Browser::new(&app);
        let request = Authorize::new(CLI).set("client_id", "bank");
        let page = browser.begin(&request);
        let response = browser.fill_in_login(&page, &ALICE);
        let page = browser.follow(response);
        assert_eq!(find_heading(&page.body), "Add an authenticator app", "there is none yet");
        let silent = browser.get(&request.set("prompt", "none").target());
        assert!(silent.location().contains("error=interaction_required"), "{silent:?}");
        let key = read_key(&page);
        let page = browser.submit(&find_form(&page, "/account/authenticator/new").set("code", &make_code(&key, 0)));
        let page = browser.submit(&find_form(&page, "/account/recovery-codes/done").set("saved", "yes"));
        let page = browser.follow(page);
        assert!(is_consent(&page), "the request goes on: {page:?}");
        let response = browser.decide(&page, "allow");
        assert!(Answer::find(&response).and_then(|answer| answer.get("code")).is_some());
    }

    fn a_first_password_needs_a_fresh_sign_in(database) {
        let app = TestApp::spawn(database);
        let mut browser = Browser::new(&app);
        browser.sign_in(&ALICE);
        run_statement(&app.database_url, "UPDATE users SET password_hash = NULL WHERE email = 'alice@example.com'");
        let page = browser.get("/account/password");
        let page = browser.follow(page);
        assert_eq!(find_heading(&page.body), "Set a password");
        let short = browser.submit(&find_form(&page, "/account/password/new").set("new", "short"));
        assert_eq!(short.status, 422);
        let_sign_ins_age(&app);
        let late = browser.submit(&find_form(&page, "/account/password/new").set("new", ALICE.password));
        let page = browser.follow(late);
        // nothing to ask for: to sign in again, and to come back
        assert!(read_text(&page.body).contains("Sign in again; you come back to where you were."), "{page:?}");
        run_statement(&app.database_url, "UPDATE sessions SET auth_time = auth_time + 600");
        let page = browser.get("/account/password/new");
        let set = browser.submit(&find_form(&page, "/account/password/new").set("new", ALICE.password));
        assert!(read_text(&browser.follow(set).body).contains("Your password is set"));
        Browser::new(&app).sign_in(&ALICE);
    }

    fn signing_in_again_comes_back(database) {
        let app = TestApp::spawn(database);
        let mut browser = Browser::new(&app);
        browser.sign_in(&ALICE);
        let_sign_ins_age(&app);
        let response = browser.get("/account/authenticator/new");
        let page = browser.follow(response);
        let out = browser.submit(&find_form(&page, "/confirm").set("with", "again"));
        assert!(browser.session_cookie().is_none());
        let login = browser.follow(out);
        let response = browser.fill_in_login(&login, &ALICE);
        assert_eq!(find_heading(&browser.follow(response).body), "Add an authenticator app");
    }

    /// Who has neither a password nor a second factor confirms by a mailed code; nobody else does (R-26).
    fn a_mailed_code_confirms_for_want_of_anything_better(database) {
        let smtp = Smtp::start();
        let app = Setup::new(database).with_mail(&smtp).spawn();
        let (mut browser, mut other) = (Browser::new(&app), Browser::new(&app));
        browser.sign_in(&ALICE);
        other.sign_in(&BOB);
        run_statement(&app.database_url, &format!("UPDATE users SET password_hash = NULL WHERE email = '{}'", ALICE.email));
        let_sign_ins_age(&app);
        let response = other.get("/account/authenticator/new");
        let page = other.follow(response);
        assert!(!has_button(&page, "mail"), "{page:?}");
        let refused = other.submit(&find_form(&page, "/confirm").set("with", "mail"));
        assert_eq!(describe(&refused), (303, format!("{}/confirm", app.origin())));

        let response = browser.get("/account/authenticator/new");
        let page = browser.follow(response);
        assert!(has_button(&page, "mail") && has_button(&page, "again"), "{page:?}");
        let old = browser.session_cookie().map(|(_, value)| value.to_owned());
        let response = browser.submit(&find_form(&page, "/confirm").set("with", "mail"));
        let place = response.location().trim_start_matches(app.origin()).to_owned();
        let check = browser.follow(response);
        assert_eq!(find_heading(&check.body), "Check your email", "{check:?}");
        let letter = wait_for_subject(&smtp, ALICE.email, "Confirm that it’s you at Gatepost");
        assert_eq!(other.type_code(&check, &letter.code()).status, 400, "another browser");
        let response = browser.type_code(&check, &letter.code());
        assert_eq!(find_heading(&browser.follow(response).body), "Add an authenticator app");
        assert_ne!(browser.session_cookie().map(|(_, value)| value.to_owned()), old, "a new session (R-29)");
        let check = browser.get(&place);
        assert_eq!(browser.type_code(&check, &letter.code()).status, 422, "once");
    }

    /// Where two factors are demanded, somebody who has them is left, and the page says why nothing was changed (R-37).
    fn r_37_the_last_administrator_keeps_the_second_factor(database) {
        let app = Setup::new(database).set("admin.second_factor", true).spawn();
        for person in [&ALICE, &BOB] {
            app.run_ok(&["user", "role", person.email, "instance_admin"]);
        }
        let (mut alice, mut bob) = (Browser::new(&app), Browser::new(&app));
        alice.sign_in(&ALICE);
        bob.sign_in(&BOB);
        enrol(&mut alice);
        let path = "/account/authenticator/remove";
        let form = find_form(&alice.get(path), path);
        let kept = alice.submit(&form);
        assert_eq!(kept.status, 409, "{kept:?}");
        assert!(read_text(&kept.body).contains("You are the last administrator with a second factor"), "{kept:?}");
        assert!(!kept.body.contains("button class=\"button danger\""));
        let page = alice.get("/account/delete");
        assert!(read_text(&page.body).contains("You are the last administrator"), "{page:?}");
        assert_eq!(run_statement(&app.database_url, "SELECT count(*) FROM authenticators"), "1");
        enrol(&mut bob);
        assert_eq!(describe(&alice.submit(&form)), (303, format!("{}/account/security", app.origin())));
        assert_eq!(run_statement(&app.database_url, "SELECT count(*) FROM authenticators"), "1");
    }

    /// Of two administrators who give up their second factor at once, one keeps it.
    fn r_37_two_at_once_do_not_leave_nobody(database) {
        let app = Setup::new(database).set("admin.second_factor", true).spawn();
        let mut browsers: Vec<_> = [&ALICE, &BOB].into_iter().map(|person| {
            app.run_ok(&["user", "role", person.email, "instance_admin"]);
            let mut browser = Browser::new(&app);
            browser.sign_in(person);
            enrol(&mut browser);
            let path = "/account/authenticator/remove";
            let form = find_form(&browser.get(path), path);
            (browser, form)
        }).collect();
        std::thread::scope(|scope| {
            for (browser, form) in &mut browsers {
                scope.spawn(move || browser.submit(form));
            }
        });
        assert_eq!(run_statement(&app.database_url, "SELECT count(*) FROM authenticators"), "1");
    }

    fn an_operator_resets_the_factors_of_somebody(database) {
        let app = TestApp::spawn(database);
        let mut browser = Browser::new(&app);
        browser.sign_in(&ALICE);
        enrol(&mut browser);
        app.run_ok(&["user", "reset-factors", ALICE.email]);
        assert_eq!(describe(&browser.get("/account")).0, 303, "signed out");
        Browser::new(&app).sign_in(&ALICE);
        assert_eq!(app.run(&["user", "reset-factors", "nobody@example.com"]).status.code(), Some(1));
    }
}

fn first_step_again(browser: &mut Browser<'_>) -> Response {
    let page = browser.get("/login?switch=1");
    let response = browser.fill_in_login(&page, &ALICE);
    browser.follow(response)
}
