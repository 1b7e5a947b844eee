//! RFC 9700 and browser practice: sessions, sign-in, consent (SE).

use std::time::Instant;

use super::{asks_for_consent, redirected_error};
use crate::support::declared::{CLI, OWN_CLI, WEB};
use crate::support::flow::{consent_form, find_form, is_consent, is_login, login_form};
use crate::support::http::encode;
use crate::support::*;

/// Attributes of each cookie that an answer sets, by name.
fn cookies_of(response: &Response) -> Vec<(String, Vec<String>)> {
    let lines = response.header_all("set-cookie").into_iter();
    let parse = |line: &str| {
        let mut parts = line.split("; ").map(str::to_owned);
        let name = parts.next().and_then(|pair| pair.split_once('=').map(|(name, _)| name.to_owned()));
        (name.expect("a name"), parts.collect())
    };
    lines.map(parse).collect()
}

for_each_database! {
    fn se_01_cookies_are_bound_to_host_and_tls(database) {
        let app = Setup::new(database).public_url("https://auth.example").spawn();
        let mut browser = Browser::new(&app);
        let page = browser.get("/login");
        let answer = browser.fill_in_login(&page, &ALICE);
        let cookies = [cookies_of(&page), cookies_of(&answer)].concat();
        let names: Vec<&str> = cookies.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["__Host-gp_browser", "__Host-gp_session"]);
        for (name, attributes) in &cookies {
            for wanted in ["Path=/", "HttpOnly", "SameSite=Lax", "Secure"] {
                assert!(attributes.iter().any(|known| known == wanted), "{name}: {attributes:?}");
            }
            assert!(!attributes.iter().any(|known| known.starts_with("Domain")), "{name}: {attributes:?}");
        }
        let value = browser.session_cookie().expect("a session").1;
        assert_eq!(value.len(), 55, "256 bits: {value}");
    }

    fn se_01_without_tls_the_names_do_not_promise_it(database) {
        let app = TestApp::spawn(database);
        let mut browser = Browser::new(&app);
        let page = browser.get("/login");
        let answer = browser.fill_in_login(&page, &ALICE);
        for (name, attributes) in [cookies_of(&page), cookies_of(&answer)].concat() {
            assert!(!name.starts_with("__"), "{name}");
            for wanted in ["Path=/", "HttpOnly", "SameSite=Lax"] {
                assert!(attributes.iter().any(|known| known == wanted), "{name}: {attributes:?}");
            }
        }
    }

    fn se_02_a_session_is_new_at_each_sign_in(database) {
        let app = TestApp::spawn(database);
        let mut browser = Browser::new(&app);
        browser.sign_in(&ALICE);
        let first =
            browser.session_cookie().map(|(name, value)| (name.to_owned(), value.to_owned())).expect("a session");
        let page = browser.get("/login?switch=1");
        assert!(is_login(&page), "{page:?}");
        browser.fill_in_login(&page, &BOB);
        let second = browser.session_cookie().expect("a session").1.to_owned();
        assert_ne!(first.1, second);
        let mut old = Browser::new(&app);
        old.set_cookie(&first.0, &first.1);
        assert_eq!(old.get("/account").status, 303, "the old one is over");
    }

    fn se_02_a_session_that_was_planted_is_not_taken(database) {
        let app = TestApp::spawn(database);
        let planted = format!("gp_ss_{}", "A".repeat(49));
        let mut browser = Browser::new(&app);
        browser.set_cookie("gp_session", &planted);
        browser.sign_in(&ALICE);
        assert_ne!(browser.session_cookie().expect("a session").1, planted);
        // two cookies of one name: one of them was planted by a neighbour, so neither counts
        let good = browser.session_cookie().expect("a session").1.to_owned();
        let twice = Request::get("/account").header("Cookie", &format!("gp_session={good}; gp_session={planted}"));
        assert_eq!(app.send(&twice).status, 303);
    }

    fn se_02_signing_out_is_a_post(database) {
        let app = TestApp::spawn(database);
        let mut browser = Browser::new(&app);
        browser.sign_in(&ALICE);
        let cookie =
            browser.session_cookie().map(|(name, value)| (name.to_owned(), value.to_owned())).expect("a session");
        let page = browser.get("/logout");
        assert_eq!(browser.get("/account").status, 200, "a link signs nobody out");
        let response = browser.submit(&find_form(&page, "/logout"));
        assert_eq!(response.status, 200);
        assert!(browser.session_cookie().is_none());
        browser.set_cookie(&cookie.0, &cookie.1);
        assert_eq!(browser.get("/account").status, 303, "and it is over on the server");
    }

    fn se_03_two_tabs_do_not_disturb_each_other(database) {
        let app = TestApp::spawn(database);
        let mut browser = Browser::new(&app);
        let (one, two) = (Authorize::new(WEB).set("state", "one"), Authorize::new(CLI).set("state", "two"));
        let (first, second) = (browser.begin(&one), browser.begin(&two));
        let response = browser.fill_in_login(&second, &ALICE);
        let second = browser.follow(response);
        // the first tab is sent again as it was: its token belongs to a browser that was not signed in
        let response = browser.fill_in_login(&first, &ALICE);
        let again = match response.status {
            303 => browser.follow(response),
            _ => browser.begin(&one),
        };
        assert!(is_consent(&second) && is_consent(&again), "{again:?}");
        let one = Answer::find(&browser.decide(&again, "allow")).expect("an answer");
        let page = browser.begin(&two);
        let two = Answer::find(&browser.decide(&page, "allow")).expect("an answer");
        assert_eq!((one.get("state").as_deref(), two.get("state").as_deref()), (Some("one"), Some("two")));
    }

    fn se_03_a_request_waits_only_so_long(database) {
        let app = TestApp::spawn(database);
        let mut browser = Browser::new(&app);
        let page = browser.begin(&Authorize::new(WEB));
        let tx = login_form(&page).field("tx").expect("the request").to_owned();
        for changed in
            [format!("{tx}A"), tx[..tx.len() - 2].to_owned(), format!("B{}", &tx[1..]), "x".into(), String::new()]
        {
            let response = browser.get(&format!("/login?tx={}", encode(&changed)));
            assert_eq!(response.status, if changed.is_empty() { 200 } else { 400 }, "{changed}");
        }
        // its end after half an hour: r_15 in the engine, where the clock can be moved
    }

    fn se_04_unknown_and_known_accounts_answer_alike(database) {
        let app = TestApp::spawn(database);
        let mut browser = Browser::new(&app);
        let page = browser.get("/login");
        let mut answers = Vec::new();
        for email in [ALICE.email, "nobody@example.com"] {
            for _ in 0..3 {
                let form = login_form(&page).set("email", email).set("password", "a wrong password");
                let response = browser.submit(&form);
                assert!(is_login(&response), "{response:?}");
                answers.push(app.show(&response).replace(email, "EMAIL"));
            }
        }
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:#?}");
        assert!(html::read_text(&answers[0]).contains("Wrong email address or password"));
    }

    fn se_04_a_throttled_account_answers_like_a_wrong_password(database) {
        let app = TestApp::spawn(database);
        let mut browser = Browser::new(&app);
        let page = browser.get("/login");
        let try_with = |browser: &mut Browser<'_>, password: &str| {
            let form = login_form(&page).set("email", BOB.email).set("password", password);
            let began = Instant::now();
            (browser.submit(&form), began.elapsed())
        };
        let (first, mut usual) = try_with(&mut browser, "a wrong password");
        for _ in 0..8 {
            // the quickest of all: a busy machine makes single ones slower
            usual = usual.min(try_with(&mut browser, "a wrong password").1);
        }
        // after so many failures the right password has to wait as well, and nobody can tell
        let (throttled, time) = try_with(&mut browser, BOB.password);
        assert_eq!(app.show(&throttled), app.show(&first));
        assert!(time * 10 > usual, "the hash is computed all the same: {time:?} against {usual:?}");
        // somebody else is not concerned
        browser.sign_in(&ALICE);
    }

    fn se_06_consent_is_remembered_for_what_was_allowed(database) {
        let app = TestApp::spawn(database);
        let mut browser = Browser::new(&app);
        let ask = |scope: &str| Authorize::new(WEB).set("scope", scope);
        browser.authorize(&ask("notes:read offline_access"), &ALICE);
        assert!(!asks_for_consent(&mut browser, &ask("notes:read offline_access")));
        assert!(!asks_for_consent(&mut browser, &ask("notes:read")), "less is no question");
        let more = browser.begin(&ask("notes:read notes:write"));
        assert!(is_consent(&more));
        assert!(html::find_heading(&more.body).contains("asks for more"), "{}", more.body);
        assert!(asks_for_consent(&mut browser, &ask("mail:read")));
        browser.decide(&more, "allow");
        assert!(!asks_for_consent(&mut browser, &ask("notes:read notes:write offline_access")));
        // nobody else has said yes
        let mut other = Browser::new(&app);
        other.sign_in(&BOB);
        assert!(asks_for_consent(&mut other, &ask("notes:read")));
        // and it can be taken back
        let page = browser.get(&format!("/account/apps/{}/end", WEB.id));
        browser.submit(&find_form(&page, "/account/apps/end"));
        assert!(asks_for_consent(&mut browser, &ask("notes:read")));
    }

    fn se_07_after_signing_in_nobody_is_sent_elsewhere(database) {
        let app = TestApp::spawn(database);
        for name in ["next", "return_to", "continue", "redirect", "redirect_uri", "url", "done", "goto"] {
            for target in ["https://evil.example/", "//evil.example", "/\\evil.example", "https:evil.example"] {
                let mut browser = Browser::new(&app);
                let page = browser.get(&format!("/login?{name}={}", encode(target)));
                assert!(!page.body.contains("evil"), "{name}: {}", page.body);
                let form =
                    login_form(&page).set("email", "nobody@example.com").set("password", "wrong").set(name, target);
                assert!(!browser.submit(&form).body.contains("evil"));
            }
        }
        let mut browser = Browser::new(&app);
        let page = browser.get("/login?next=https://evil.example/");
        let form = login_form(&page).set("email", ALICE.email).set("password", ALICE.password);
        let response = browser.submit(&form.set("next", "https://evil.example/"));
        assert_eq!(response.location(), format!("{}/account", app.issuer));
    }

    fn se_09_a_second_press_gives_no_second_code(database) {
        let app = TestApp::spawn(database);
        let mut browser = Browser::new(&app);
        browser.sign_in(&ALICE);
        let page = browser.begin(&Authorize::new(CLI));
        let first = browser.decide(&page, "allow");
        assert!(Answer::find(&first).is_some());
        for decision in ["allow", "deny", "allow"] {
            let again = browser.decide(&page, decision);
            assert!(Answer::find(&again).and_then(|answer| answer.get("code")).is_none(), "{again:?}");
            assert!(again.status < 500 && again.is_html());
        }
        let form = consent_form(&page).set("decision", "allow");
        assert!(html::read_text(&browser.submit(&form).body).contains("You have answered this already"));
    }

    fn se_09_of_many_presses_at_once_one_gets_a_code(database) {
        let app = TestApp::spawn(database);
        let mut browser = Browser::new(&app);
        browser.sign_in(&ALICE);
        let page = browser.begin(&Authorize::new(CLI));
        let form = consent_form(&page).set("decision", "allow");
        let cookies: Vec<String> = browser.cookies().iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = Request::post(&form.action).header("Cookie", &cookies.join("; ")).form(&form.fields);
        let answers = run_at_once(10, |_| app.send(&request));
        let codes = answers.iter().filter_map(Answer::find).filter(|answer| answer.get("code").is_some()).count();
        assert_eq!(codes, 1);
        assert!(answers.iter().all(|answer| answer.status < 500), "{answers:?}");
    }

    fn bb_03_silent_answers_are_redirects(database) {
        let app = TestApp::spawn(database);
        let mut browser = Browser::new(&app);
        let silent = |client| Authorize::new(client).set("prompt", "none");
        assert_eq!(redirected_error(&app, &silent(OWN_CLI)), "login_required");
        browser.sign_in(&ALICE);
        let answer = Answer::find(&browser.get(&silent(WEB).target())).expect("a redirect");
        assert_eq!((answer.by_redirect, answer.get("error").as_deref()), (true, Some("consent_required")));
        let answer = Answer::find(&browser.get(&silent(OWN_CLI).target())).expect("a redirect");
        assert!(answer.by_redirect && answer.get("code").is_some(), "{}", answer.url);
    }
}
