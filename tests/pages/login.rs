//! `/login`, and what an app may say about it: prompt, max_age, login_hint.

use crate::support::declared::{OWN_CLI, WEB};
use crate::support::flow::{find_form, is_consent, is_login, login_form};
use crate::support::html::{find_heading, read_text};
use crate::support::*;

/// The answer to an app of the house, or nothing if a page is shown.
fn answer_to(browser: &mut Browser<'_>, request: &Authorize) -> Option<Answer> {
    let response = browser.begin(request);
    Answer::find(&response)
}

for_each_database! {
    fn the_page_names_the_app(database) {
        let app = TestApp::spawn(database);
        let page = Browser::new(&app).begin(&Authorize::new(WEB));
        assert_eq!(find_heading(&page.body), "Sign in");
        assert!(read_text(&page.body).contains("to continue to Test Web"), "{}", page.body);
        let plain = app.get("/login");
        assert!(!read_text(&plain.body).contains("to continue to"));
    }

    fn a_wrong_password_keeps_the_address_and_not_the_password(database) {
        let app = TestApp::spawn(database);
        let mut browser = Browser::new(&app);
        let page = browser.begin(&Authorize::new(WEB));
        let wrong = Person { password: "a wrong password", ..ALICE };
        let failed = browser.fill_in_login(&page, &wrong);
        assert!(is_login(&failed), "{failed:?}");
        let form = login_form(&failed);
        assert_eq!((form.field("email"), form.field("password")), (Some(ALICE.email), Some("")));
        assert!(form.field("tx").is_some(), "and the request of the app");
        assert!(failed.body.contains("<title>Error: Sign in"), "{}", failed.body);
        assert!(browser.session_cookie().is_none());
        let response = browser.fill_in_login(&failed, &ALICE);
        assert!(is_consent(&browser.follow(response)));
    }

    fn the_address_may_be_written_in_other_ways(database) {
        let app = TestApp::spawn(database);
        for email in ["ALICE@example.com", " alice@EXAMPLE.com ", "alice@example.com"] {
            let mut browser = Browser::new(&app);
            let page = browser.get("/login");
            let form = login_form(&page).set("email", email).set("password", ALICE.password);
            assert_eq!(browser.submit(&form).status, 303, "{email}");
        }
    }

    fn a_person_who_is_signed_in_is_not_asked_again(database) {
        let app = TestApp::spawn(database);
        let mut browser = Browser::new(&app);
        browser.sign_in(&ALICE);
        let response = browser.get("/login");
        assert_eq!((response.status, response.location()), (303, format!("{}/account", app.issuer).as_str()));
        assert!(answer_to(&mut browser, &Authorize::new(OWN_CLI)).is_some());
    }

    /// browsers apply `form-action` to all redirects after a form, so that this form must not end at the app by one
    fn r_31_a_form_of_an_older_tab_ends_at_the_app_by_a_page(database) {
        let app = TestApp::spawn(database);
        let mut browser = Browser::new(&app);
        let older = browser.begin(&Authorize::new(OWN_CLI));
        browser.sign_in(&ALICE);
        let response = browser.fill_in_login(&older, &ALICE);
        assert_eq!(response.status, 303, "{response:?}");
        let response = browser.follow(response);
        let answer = Answer::find(&response).unwrap_or_else(|| panic!("{response:?}"));
        assert!(!answer.by_redirect && answer.get("code").is_some(), "{response:?}");
        assert!(answer.url.starts_with(OWN_CLI.redirect), "{}", answer.url);
        // a link is no form
        let answer = answer_to(&mut browser, &Authorize::new(OWN_CLI)).expect("an answer");
        assert!(answer.by_redirect, "{}", answer.url);
    }

    fn a_disabled_person_cannot_sign_in_and_is_signed_out(database) {
        let app = TestApp::spawn(database);
        let mut browser = Browser::new(&app);
        browser.sign_in(&ALICE);
        app.run_ok(&["user", "disable", ALICE.email]);
        assert_eq!(browser.get("/account").status, 303);
        let mut other = Browser::new(&app);
        let page = other.get("/login");
        assert!(is_login(&other.fill_in_login(&page, &ALICE)));
    }

    fn prompt_none_never_shows_a_page(database) {
        let app = TestApp::spawn(database);
        let mut browser = Browser::new(&app);
        let silent = Authorize::new(OWN_CLI).set("prompt", "none");
        let response = browser.get(&silent.target());
        assert_eq!(Answer::find(&response).expect("a redirect").get("error").as_deref(), Some("login_required"));
        browser.sign_in(&ALICE);
        assert!(answer_to(&mut browser, &silent).expect("an answer").get("code").is_some());
        let_seconds_pass(0);
        let too_old = silent.clone().set("max_age", "0");
        let answer = answer_to(&mut browser, &too_old).expect("an answer");
        assert_eq!(answer.get("error").as_deref(), Some("login_required"));
    }

    fn prompt_login_asks_for_the_password_again(database) {
        let app = TestApp::spawn(database);
        let mut browser = Browser::new(&app);
        browser.sign_in(&ALICE);
        let_seconds_pass(0);
        for prompt in ["login", "select_account"] {
            let request = Authorize::new(OWN_CLI).set("prompt", prompt);
            let page = browser.begin(&request);
            assert!(is_login(&page), "{prompt}: {page:?}");
            let handed = browser.fill_in_login(&page, &ALICE);
            assert!(Answer::find(&handed).and_then(|answer| answer.get("code")).is_some(), "{handed:?}");
            let_seconds_pass(0);
        }
    }

    fn prompt_login_cannot_be_passed_by_the_old_session(database) {
        let app = TestApp::spawn(database);
        let mut browser = Browser::new(&app);
        browser.sign_in(&ALICE);
        let_seconds_pass(0);
        let page = browser.begin(&Authorize::new(WEB).set("prompt", "login"));
        let tx = login_form(&page).field("tx").expect("the request").to_owned();
        for path in ["/consent", "/login"] {
            let response = browser.get(&format!("{path}?tx={}", http::encode(&tx)));
            let response = browser.follow(response);
            assert!(is_login(&response), "{path}: {response:?}");
        }
    }

    fn prompt_consent_asks_again(database) {
        let app = TestApp::spawn(database);
        let mut browser = Browser::new(&app);
        browser.authorize(&Authorize::new(WEB), &ALICE);
        assert!(answer_to(&mut browser, &Authorize::new(WEB)).is_some());
        assert!(is_consent(&browser.begin(&Authorize::new(WEB).set("prompt", "consent"))));
        assert!(is_consent(&browser.begin(&Authorize::new(OWN_CLI).set("prompt", "consent"))));
    }

    fn max_age_is_the_age_of_the_sign_in(database) {
        let app = TestApp::spawn(database);
        let mut browser = Browser::new(&app);
        browser.sign_in(&ALICE);
        assert!(answer_to(&mut browser, &Authorize::new(OWN_CLI).set("max_age", "1000")).is_some());
        let_seconds_pass(1);
        let request = Authorize::new(OWN_CLI).set("max_age", "1");
        let page = browser.begin(&request);
        assert!(is_login(&page), "{page:?}");
        let handed = browser.fill_in_login(&page, &ALICE);
        assert!(Answer::find(&handed).is_some(), "{handed:?}");
    }

    fn the_hint_fills_in_the_address(database) {
        let app = TestApp::spawn(database);
        let page = Browser::new(&app).begin(&Authorize::new(WEB).add("login_hint", "ada@example.com"));
        assert_eq!(login_form(&page).field("email"), Some("ada@example.com"));
        let long = format!("{}@example.com", "a".repeat(500));
        let page = Browser::new(&app).begin(&Authorize::new(WEB).add("login_hint", &long));
        assert_eq!(login_form(&page).field("email"), Some(""));
    }

    fn another_account_can_be_chosen_at_consent(database) {
        let app = TestApp::spawn(database);
        let mut browser = Browser::new(&app);
        browser.sign_in(&ALICE);
        let page = browser.begin(&Authorize::new(WEB));
        let switch =
            html::find_addresses(&page.body).into_iter().find(|address| address.contains("switch=1")).expect("a link");
        let page = browser.send(Request::get(&switch));
        assert!(is_login(&page), "{page:?}");
        let response = browser.fill_in_login(&page, &BOB);
        let page = browser.follow(response);
        assert!(is_consent(&page) && read_text(&page.body).contains(BOB.email), "{page:?}");
    }

    fn very_long_and_odd_passwords_are_just_wrong(database) {
        let app = TestApp::spawn(database);
        let mut browser = Browser::new(&app);
        let page = browser.get("/login");
        for password in ["", "x", &"x".repeat(1025), &"ü".repeat(400), "\u{1f980}"] {
            let form = login_form(&page).set("email", BOB.email).set("password", password);
            assert!(is_login(&browser.submit(&form)), "{password}");
        }
        for email in ["", "x", "@", "a@b@c", &"a".repeat(300), "'--", "bob@example.com\u{200b}"] {
            let form = login_form(&page).set("email", email).set("password", BOB.password);
            assert!(is_login(&browser.submit(&form)), "{email}");
        }
    }

    fn a_form_from_before_signing_in_is_not_good_afterwards(database) {
        let app = TestApp::spawn(database);
        let mut browser = Browser::new(&app);
        let page = browser.get("/login");
        let before = login_form(&page).field("csrf").expect("a token").to_owned();
        browser.sign_in(&ALICE);
        let account = browser.get("/logout");
        let form = find_form(&account, "/logout");
        assert_ne!(form.field("csrf"), Some(before.as_str()));
        let response = browser.submit(&form.set("csrf", &before));
        // it may be an older tab of the same person, so it is led on; but it does nothing
        assert_eq!((response.status, response.location()), (303, format!("{}/account", app.issuer).as_str()));
        assert_eq!(browser.get("/account").status, 200);
    }
}
