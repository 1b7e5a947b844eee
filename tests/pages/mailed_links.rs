//! Sign-in links, ML1 to ML6.

use crate::races::send_at_once;
use crate::support::declared::{OWN_CLI, WEB};
use crate::support::flow::{find_form, is_consent, is_login};
use crate::support::html::{find_forms, find_heading, read_text};
use crate::support::letters::{LINK_SUBJECT, has_button, link_form, shown_code, target_of, wait_for_subject};
use crate::support::*;

const GONE: &str = "This link no longer works";

fn start(database: Database) -> (Smtp, TestApp) {
    let smtp = Smtp::start();
    let app = Setup::new(database).with_mail(&smtp).spawn();
    (smtp, app)
}

/// How many answers brought a session.
fn count_sessions(answers: &[Response]) -> usize {
    let has_session = |answer: &&Response| answer.header_all("set-cookie").iter().any(|line| line.contains("gp_ss_"));
    answers.iter().filter(has_session).count()
}

/// A form as this browser would send it, for sending many at once.
fn request_of(app: &TestApp, browser: &Browser<'_>, action: &str, fields: &[(String, String)]) -> Request {
    let cookies: Vec<String> = browser.cookies().iter().map(|(name, value)| format!("{name}={value}")).collect();
    let request = Request::post(action).header("Origin", app.origin()).header("Connection", "close");
    request.header("Cookie", &cookies.join("; ")).form(fields)
}

/// The page without the seconds that go by.
pub(super) fn without_wait(body: &str) -> String {
    let (before, after) = body.split_once("sent again in ").unwrap_or((body, "."));
    format!("{before}{}", after.split_once('.').map_or("", |(_, after)| after))
}

/// A page without what is random in it, and without the address that was typed.
fn normal_form(page: &Response, email: &str) -> (u16, Vec<(String, String)>, String) {
    let mut body = page.body.replace(email, "EMAIL");
    for form in find_forms(&page.body) {
        for (name, value) in form.fields.iter().filter(|(name, _)| ["csrf", "check", "tx"].contains(&name.as_str())) {
            body = body.replace(value.as_str(), &format!("{name} of {} letters", value.len()));
        }
    }
    let mut headers = page.headers.clone();
    headers.retain(|(name, _)| !["date", "content-length", "location", "set-cookie"].contains(&name.as_str()));
    headers.sort();
    let body = without_wait(&body);
    (page.status, headers, body)
}

for_each_database! {
    /// ML1, ML2
    fn looking_changes_nothing_and_the_button_works_once(database) {
        let (smtp, app) = start(database);
        let mut browser = Browser::new(&app);
        let page = browser.ask_link(ALICE.email);
        assert_eq!(find_heading(&page.body), "Check your email");
        assert!(read_text(&page.body).contains(ALICE.email) && browser.session_cookie().is_none());
        let letter = wait_for_subject(&smtp, ALICE.email, LINK_SUBJECT);
        let target = target_of(&app, &letter);
        for method in ["GET", "HEAD", "GET", "HEAD"] {
            // a scanner without cookies, and the browser itself
            for response in [app.send(&Request::new(method, &target)), browser.send(Request::new(method, &target))] {
                assert_eq!(response.status, 200, "{method}: {response:?}");
                assert_eq!(count_sessions(&[response]), 0, "{method}");
            }
        }
        let page = browser.open(&app, &letter);
        assert_eq!(find_heading(&page.body), format!("Sign in as {}?", ALICE.email));
        assert!(shown_code(&page).is_none(), "{}", page.body);
        let response = browser.press(&page, "go");
        assert_eq!((response.status, response.location()), (303, format!("{}/account", app.issuer).as_str()));
        assert_eq!(browser.get("/account").status, 200);
        // again, in the same browser
        let again = browser.open(&app, &letter);
        assert_eq!((again.status, find_heading(&again.body).as_str()), (410, GONE));
        let before = browser.session_cookie().map(|(_, value)| value.to_owned());
        let csrf = find_form(&browser.get("/account"), "/logout").field("csrf").expect("a token").to_owned();
        let response = browser.submit(&link_form(&page).set("with", "go").set("csrf", &csrf));
        assert_eq!(response.status, 410, "{response:?}");
        assert_eq!(browser.session_cookie().map(|(_, value)| value.to_owned()), before);
    }

    /// ML3: who opens the link elsewhere, even with everything that the page lets them do, is never signed in
    fn another_browser_sees_the_code_and_gets_no_session(database) {
        let (smtp, app) = start(database);
        let (mut browser, mut other) = (Browser::new(&app), Browser::new(&app));
        let check = browser.ask_link(ALICE.email);
        let letter = wait_for_subject(&smtp, ALICE.email, LINK_SUBJECT);
        let page = other.open(&app, &letter);
        assert_eq!(find_heading(&page.body), "Type this code where you started");
        assert!(!has_button(&page, "go"), "{}", page.body);
        assert_eq!(shown_code(&page), Some(letter.code()));
        let response = other.press(&page, "go");
        assert_eq!((response.status, other.session_cookie()), (410, None), "{response:?}");
        // what it did has not used the link up
        let response = browser.type_code(&check, &letter.code());
        assert_eq!((response.status, response.location()), (303, format!("{}/account", app.issuer).as_str()));
        assert_eq!(browser.get("/account").status, 200);
        // used by its code, the link is used as well, and the code again
        assert_eq!(browser.open(&app, &letter).status, 410);
        let mut third = Browser::new(&app);
        assert_eq!(third.open(&app, &letter).status, 410);
    }

    /// The page of a code is bound to its browser: a stolen address of it is worth nothing
    fn the_code_is_good_only_where_it_was_asked_for(database) {
        let (smtp, app) = start(database);
        let (mut browser, mut other) = (Browser::new(&app), Browser::new(&app));
        let check = browser.ask_link(ALICE.email);
        let code = wait_for_subject(&smtp, ALICE.email, LINK_SUBJECT).code();
        let sealed = find_form(&check, "/verify").field("check").expect("sealed").to_owned();
        let own = other.ask_link(BOB.email);
        let form = find_form(&own, "/verify").set("check", &sealed).set("code", &code).set("with", "code");
        assert_eq!((other.submit(&form).status, other.session_cookie()), (410, None));
        let form = find_form(&own, "/verify").set("code", &code).set("with", "code");
        assert_eq!((other.submit(&form).status, other.session_cookie()), (422, None));
        assert_eq!(browser.type_code(&check, &format!(" {} {} ", &code[..4], &code[4..])).status, 303);
    }

    fn a_link_has_five_codes(database) {
        let (smtp, app) = start(database);
        let mut browser = Browser::new(&app);
        let check = browser.ask_link(ALICE.email);
        let letter = wait_for_subject(&smtp, ALICE.email, LINK_SUBJECT);
        let wrong = if letter.code() == "00000000" { "00000001" } else { "00000000" };
        for words in ["4 more tries", "3 more tries", "2 more tries", "1 more try.", "That code no longer works."] {
            let page = browser.type_code(&check, wrong);
            assert_eq!(page.status, 422);
            assert!(read_text(&page.body).contains(words), "{words}: {}", read_text(&page.body));
        }
        let page = browser.type_code(&check, &letter.code());
        assert_eq!((page.status, browser.session_cookie()), (422, None), "{page:?}");
    }

    /// ML4
    fn only_the_newest_link_works(database) {
        let (smtp, app) = start(database);
        let (mut browser, mut stranger) = (Browser::new(&app), Browser::new(&app));
        browser.ask_link(ALICE.email);
        let first = wait_for_subject(&smtp, ALICE.email, LINK_SUBJECT);
        stranger.ask_link("ALICE@example.com");
        let second = wait_for_subject(&smtp, ALICE.email, LINK_SUBJECT);
        assert_eq!(browser.open(&app, &first).status, 410);
        let check = browser.ask_link(ALICE.email);
        let third = wait_for_subject(&smtp, ALICE.email, LINK_SUBJECT);
        assert_eq!(stranger.open(&app, &second).status, 410);
        assert_eq!(browser.type_code(&check, &third.code()).status, 303);
    }

    /// ML2, R-2
    fn of_a_hundred_uses_of_a_link_one_gets_a_session(database) {
        let (smtp, app) = start(database);
        let mut browser = Browser::new(&app);
        browser.ask_link(ALICE.email);
        let page = browser.open(&app, &wait_for_subject(&smtp, ALICE.email, LINK_SUBJECT));
        let form = link_form(&page).set("with", "go");
        let request = request_of(&app, &browser, &form.action, &form.fields);
        let answers = send_at_once(&vec![(app.port(), request); 100]);
        assert_eq!(count_sessions(&answers), 1);
        assert!(answers.iter().all(|answer| [303, 410].contains(&answer.status)), "{:?}", answers.first());
    }

    /// ML2, R-2, R-3
    fn of_a_hundred_uses_of_a_code_one_gets_a_session(database) {
        let (smtp, app) = start(database);
        let mut browser = Browser::new(&app);
        let check = browser.ask_link(ALICE.email);
        let code = wait_for_subject(&smtp, ALICE.email, LINK_SUBJECT).code();
        let form = find_form(&check, "/verify").set("code", &code).set("with", "code");
        let request = request_of(&app, &browser, &form.action, &form.fields);
        let answers = send_at_once(&vec![(app.port(), request); 100]);
        assert_eq!(count_sessions(&answers), 1);
        assert!(answers.iter().all(|answer| [303, 410, 422].contains(&answer.status)), "{:?}", answers.first());
    }

    /// a hundred wrong codes at the same moment are five tries
    fn of_a_hundred_wrong_codes_five_are_looked_at(database) {
        let (smtp, app) = start(database);
        let mut browser = Browser::new(&app);
        let check = browser.ask_link(ALICE.email);
        let code = wait_for_subject(&smtp, ALICE.email, LINK_SUBJECT).code();
        let wrong: u64 = (code.parse::<u64>().expect("digits") + 1) % 100_000_000;
        let form = find_form(&check, "/verify").set("code", &format!("{wrong:08}")).set("with", "code");
        let request = request_of(&app, &browser, &form.action, &form.fields);
        let answers = send_at_once(&vec![(app.port(), request); 100]);
        let looked_at = answers.iter().filter(|answer| answer.body.contains("That code is not right")).count();
        // the fifth is told that there are none left
        assert_eq!((looked_at, count_sessions(&answers)), (4, 0));
        assert_eq!((browser.type_code(&check, &code).status, browser.session_cookie()), (422, None));
    }

    /// ML5, R-24: three an hour to an address in every spelling, and the page is the same
    fn three_letters_an_hour_to_an_address(database) {
        let (smtp, app) = start(database);
        for email in [ALICE.email, "Alice@example.com", "ALICE@EXAMPLE.COM"] {
            Browser::new(&app).ask_link(email);
            wait_for_subject(&smtp, ALICE.email, LINK_SUBJECT);
        }
        let mut browser = Browser::new(&app);
        let page = browser.ask_link(ALICE.email);
        assert_eq!(find_heading(&page.body), "Check your email");
        let wait = read_text(&page.body);
        assert!(["sent again in 1 hour", "sent again in 60", "sent again in 59"].iter().any(|words| wait.contains(words)), "{wait}");
        assert!(!has_button(&page, "again"));
        let response = browser.type_code(&page, "12345678");
        assert_eq!((response.status, browser.session_cookie()), (422, None));
        // letters to others go on; whatever was sent before this one has arrived before it
        browser.ask_link(BOB.email);
        wait_for_subject(&smtp, BOB.email, LINK_SUBJECT);
        assert!(!smtp.letters().iter().any(|letter| letter.to == ALICE.email), "{:?}", smtp.letters());
    }

    /// ML5, R-24: counted by what a proxy says, ten an hour, a /64 of IPv6 together
    fn ten_letters_an_hour_from_a_network(database) {
        let smtp = Smtp::start();
        let proxies = toml::Value::Array(vec!["127.0.0.1".into()]);
        let app = Setup::new(database).with_mail(&smtp).set("server.trusted_proxies", proxies).spawn();
        let ask = |ip: &str, email: &str| {
            let mut browser = Browser::new(&app).with_header("X-Forwarded-For", ip);
            let page = browser.ask_link(email);
            assert_eq!(find_heading(&page.body), "Check your email");
        };
        for index in 0..12 {
            ask(&format!("2001:db8:1:2::{index:x}"), &format!("person{index}@example.com"));
        }
        ask("2001:db8:1:3::1", "other@example.com");
        smtp.wait_for("other@example.com");
        for index in 0..10 {
            smtp.wait_for(&format!("person{index}@example.com"));
        }
        assert_eq!(smtp.count(), 0, "{:?}", smtp.letters());
    }

    /// R-28, LG1
    fn known_and_unknown_addresses_get_the_same_answer(database) {
        let (smtp, app) = start(database);
        app.run_ok(&["user", "disable", BOB.email]);
        let people = [ALICE.email, "zzzzz@example.com", "bob@example.com"];
        let mut pages = Vec::new();
        for (index, email) in people.into_iter().enumerate() {
            let mut browser = Browser::new(&app);
            let page = browser.ask_link(email);
            let wrong = browser.type_code(&page, "1");
            let ask = browser.get("/reset");
            let response = browser.submit(&find_form(&ask, "/reset").set("email", email));
            let location = response.location().len() + (ALICE.email.len() - email.len());
            let reset = browser.follow(response.clone());
            let cookies: Vec<_> = browser.cookies().iter().map(|(name, value)| (name.clone(), value.len())).collect();
            assert_eq!(browser.session_cookie(), None);
            let show = |page: &Response| normal_form(page, email);
            // addresses of other lengths are sealed to other lengths, by a third of a letter
            match index {
                2 => assert_eq!((page.status, wrong.status, reset.status), (200, 422, 200)),
                _ => pages.push((show(&page), show(&wrong), show(&reset), location, cookies)),
            }
        }
        let (known, unknown) = (&pages[0], &pages[1]);
        assert_eq!(known, unknown);
        assert_eq!(smtp.wait_for("zzzzz@example.com").subject, "Sign-in asked for zzzzz@example.com");
        assert_eq!(smtp.wait_for(BOB.email).subject, "Sign-in asked for bob@example.com");
    }

    /// what an app asked for goes on after the link and after the code
    fn the_request_of_the_app_is_not_lost(database) {
        let (smtp, app) = start(database);
        for by_code in [true, false] {
            for client in [WEB, OWN_CLI] {
                let person = if client.id == WEB.id { ALICE } else { BOB };
                let mut browser = Browser::new(&app);
                let page = browser.begin(&Authorize::new(client));
                let check = browser.ask_link_on(&page, person.email);
                let letter = wait_for_subject(&smtp, person.email, LINK_SUBJECT);
                let response = match by_code {
                    true => browser.type_code(&check, &letter.code()),
                    false => {
                        let page = browser.open(&app, &letter);
                        browser.press(&page, "go")
                    }
                };
                let page = browser.follow(response);
                match client.id == WEB.id && by_code {
                    true => {
                        assert!(is_consent(&page), "{page:?}");
                        let page = browser.decide(&page, "allow");
                        assert!(Answer::find(&page).and_then(|answer| answer.get("code")).is_some(), "{page:?}");
                    }
                    false => assert!(Answer::find(&page).and_then(|answer| answer.get("code")).is_some(), "{page:?}"),
                }
            }
        }
    }

    ///
    fn the_link_of_a_disabled_account_is_dead_at_once(database) {
        let (smtp, app) = start(database);
        let mut browser = Browser::new(&app);
        let check = browser.ask_link(ALICE.email);
        let letter = wait_for_subject(&smtp, ALICE.email, LINK_SUBJECT);
        let page = browser.open(&app, &letter);
        app.run_ok(&["user", "disable", ALICE.email]);
        assert_eq!(browser.open(&app, &letter).status, 410);
        assert_eq!(browser.press(&page, "go").status, 410);
        assert_eq!(browser.type_code(&check, &letter.code()).status, 422);
        assert_eq!(browser.session_cookie(), None);
    }

    fn whoever_did_not_ask_can_end_the_link(database) {
        let (smtp, app) = start(database);
        let (mut browser, mut owner) = (Browser::new(&app), Browser::new(&app));
        let check = browser.ask_link(ALICE.email);
        let letter = wait_for_subject(&smtp, ALICE.email, LINK_SUBJECT);
        let page = owner.open(&app, &letter);
        let page = owner.press(&page, "disown");
        assert_eq!((page.status, find_heading(&page.body).as_str()), (200, "The link is dead"));
        assert_eq!(browser.open(&app, &letter).status, 410);
        assert_eq!((browser.type_code(&check, &letter.code()).status, browser.session_cookie()), (422, None));
    }

    /// SO1: whoever used the account before its address was proven may have been somebody else
    fn the_owner_of_an_address_ends_what_others_had_before(database) {
        let (smtp, app) = start(database);
        let (mut squatter, mut owner) = (Browser::new(&app), Browser::new(&app));
        squatter.sign_in(&ALICE);
        let check = owner.ask_link(ALICE.email);
        let letter = wait_for_subject(&smtp, ALICE.email, LINK_SUBJECT);
        assert_eq!(owner.type_code(&check, &letter.code()).status, 303);
        assert_eq!((owner.get("/account").status, squatter.get("/account").status), (200, 303));
        let page = squatter.get("/login");
        assert!(is_login(&squatter.fill_in_login(&page, &ALICE)));
        assert_eq!(wait_for_subject(&smtp, ALICE.email, "Password changed").to, ALICE.email);
    }

    fn a_dead_link_offers_a_new_one(database) {
        let (smtp, app) = start(database);
        let mut browser = Browser::new(&app);
        browser.ask_link(ALICE.email);
        let letter = wait_for_subject(&smtp, ALICE.email, LINK_SUBJECT);
        let page = browser.open(&app, &letter);
        browser.press(&page, "disown");
        let page = browser.open(&app, &letter);
        assert_eq!(page.status, 410);
        assert!(read_text(&page.body).contains("You can ask for a new one in"), "{}", read_text(&page.body));
        for unknown in ["/link/x", "/link/gp_ml_x", "/reset/x", "/verify", "/verify?check=x"] {
            let page = browser.get(unknown);
            assert_eq!((page.status, find_heading(&page.body).as_str()), (410, GONE), "{unknown}");
        }
    }

    fn without_a_mail_server_there_is_none_of_it(database) {
        let app = TestApp::spawn(database);
        let mut browser = Browser::new(&app);
        let page = browser.get("/login");
        assert!(!has_button(&page, "link") && !page.body.contains("/reset"), "{}", page.body);
        let form = find_form(&page, "/login").set("email", ALICE.email).set("with", "link");
        assert_eq!(browser.submit(&form).status, 404);
        for path in ["/verify", "/link/x", "/reset", "/reset/x"] {
            assert_eq!(browser.get(path).status, 404, "{path}");
        }
        browser.sign_in(&ALICE);
        assert!(!browser.get("/account").body.contains("/account/email"));
        assert_eq!(browser.get("/account/email").status, 404);
    }

    /// wrong and throttled look the same here, too, and the way out is named
    fn a_wrong_password_names_the_link(database) {
        let (_smtp, app) = start(database);
        let mut browser = Browser::new(&app);
        let page = browser.get("/login");
        let page = browser.fill_in_login(&page, &Person { password: "wrong", ..ALICE });
        assert!(read_text(&page.body).contains("Check both, or email me a sign-in link."), "{}", page.body);
        let page = browser.submit(&find_form(&page, "/login").set("email", "").set("with", "link"));
        assert_eq!(page.status, 422);
        assert!(read_text(&page.body).contains("Enter your email address."), "{}", page.body);
    }

    /// ML6: neither the token nor the code is in the log or in the database
    fn no_log_and_no_row_holds_a_link(database) {
        let (smtp, app) = start(database);
        let mut browser = Browser::new(&app);
        let check = browser.ask_link(ALICE.email);
        let letter = wait_for_subject(&smtp, ALICE.email, LINK_SUBJECT);
        let token = target_of(&app, &letter).rsplit('/').next().expect("a token").to_owned();
        browser.open(&app, &letter);
        browser.type_code(&check, "12345678");
        let rows = crate::storage::run_statement(&app.database_url, "SELECT * FROM mail_links");
        let log = app.node.log();
        for (what, text) in [("row", &rows), ("log", &log)] {
            assert!(!text.contains(&token) && !text.contains(&letter.code()), "{what}: {text}");
        }
        assert!(!rows.is_empty());
    }
}
