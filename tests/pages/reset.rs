//! A new password by mail: LG10.

use super::admin_people::{act, administrator, id_of};
use crate::races::send_at_once;
use crate::storage::run_statement;
use crate::support::declared::{CLI, NOTES, OWN_CLI};
use crate::support::flow::{find_form, is_login};
use crate::support::html::{find_addresses, find_heading, read_text};
use crate::support::letters::{LINK_SUBJECT, RESET_SUBJECT, link_form, shown_code, target_of, wait_for_subject};
use crate::support::*;

const NEW: &str = "eleven red paper boats";
const BY_ADMINISTRATOR: &str = "Choose a new Gatepost password";

fn start(database: Database) -> (Smtp, TestApp) {
    let smtp = Smtp::start();
    let app = Setup::new(database).with_mail(&smtp).spawn();
    (smtp, app)
}

fn choose(browser: &mut Browser<'_>, page: &Response, new: &str) -> Response {
    browser.submit(&link_form(page).set("new", new))
}

for_each_database! {
    fn a_new_password_ends_everything_that_was(database) {
        let (smtp, app) = start(database);
        let tokens = app.get_tokens(CLI);
        let (mut browser, mut other, mut stranger) = (Browser::new(&app), Browser::new(&app), Browser::new(&app));
        other.sign_in(&ALICE);
        // whoever has a session began to change the address, and asked for a sign-in link
        let page = other.get("/account/email");
        other.submit(&find_form(&page, "/account/email").set("email", "mallory@example.com"));
        let change = wait_for_subject(&smtp, "mallory@example.com", "Confirm your new email");
        let link_check = stranger.ask_link(ALICE.email);
        let link = wait_for_subject(&smtp, ALICE.email, LINK_SUBJECT);

        let check = browser.ask_reset(ALICE.email);
        assert_eq!(find_heading(&check.body), "Check your email");
        let letter = wait_for_subject(&smtp, ALICE.email, RESET_SUBJECT);
        let page = browser.open(&app, &letter);
        assert_eq!(find_heading(&page.body), "Choose a new password");
        assert_eq!(link_form(&page).field("username"), Some(ALICE.email));
        assert_eq!((other.get("/account").status, app.is_active(NOTES, &tokens.access)), (200, true), "nothing yet");
        let response = choose(&mut browser, &page, NEW);
        assert_eq!(response.status, 303, "{response:?}");
        let page = browser.follow(response);
        assert!(read_text(&page.body).contains("Your password is changed"), "{page:?}");

        assert_eq!(other.get("/account").status, 303, "other sessions are over");
        assert!(!app.is_active(NOTES, &tokens.access));
        assert_eq!(error_of(&app.refresh(CLI, tokens.refresh())), (400, "invalid_grant".into()));
        assert_eq!(other.open(&app, &change).status, 410, "the change of the address");
        assert_eq!(stranger.type_code(&link_check, &link.code()).status, 422, "the sign-in link");
        assert_eq!(browser.open(&app, &letter).status, 410, "the link itself");
        let mut again = Browser::new(&app);
        let page = again.get("/login");
        assert!(is_login(&again.fill_in_login(&page, &ALICE)), "the old password");
        again.sign_in(&Person { password: NEW, ..ALICE });
        wait_for_subject(&smtp, ALICE.email, "Password changed");
    }

    /// The code of the letter's page, typed where it was asked for, leads to the same page there
    fn in_another_browser_there_is_only_the_code(database) {
        let (smtp, app) = start(database);
        let (mut browser, mut other) = (Browser::new(&app), Browser::new(&app));
        let check = browser.ask_reset(ALICE.email);
        let letter = wait_for_subject(&smtp, ALICE.email, RESET_SUBJECT);
        let page = other.open(&app, &letter);
        let code = shown_code(&page).expect("the code");
        assert!(link_form(&page).field("new").is_none(), "{page:?}");
        let forged = link_form(&page).set("new", NEW);
        assert_eq!((other.submit(&forged).status, other.session_cookie()), (410, None));
        let response = browser.type_code(&check, &code);
        let page = browser.follow(response);
        assert_eq!(find_heading(&page.body), "Choose a new password", "{page:?}");
        // what is sealed in the address is good only here
        let action = link_form(&page).action;
        assert_eq!(other.send(Request::get(&action)).status, 410);
        assert_eq!(choose(&mut browser, &page, NEW).status, 303);
        assert_eq!(browser.get("/account").status, 200);
        assert_eq!(browser.send(Request::get(&action)).status, 410);
        assert_eq!(browser.open(&app, &letter).status, 410);
    }

    fn a_weak_password_does_not_use_the_link_up(database) {
        let (smtp, app) = start(database);
        let mut browser = Browser::new(&app);
        browser.ask_reset(ALICE.email);
        let page = browser.open(&app, &wait_for_subject(&smtp, ALICE.email, RESET_SUBJECT));
        for (new, words) in [
            ("", "Enter a password."),
            ("too short", "Use at least 15 characters; this has 9."),
            ("passwordpassword", "lists of stolen passwords"),
            (ALICE.email, "too close to your name or email address"),
        ] {
            let page = choose(&mut browser, &page, new);
            assert_eq!((page.status, browser.session_cookie()), (422, None), "{new}");
            assert!(read_text(&page.body).contains(words), "{words}: {}", read_text(&page.body));
        }
        assert_eq!(choose(&mut browser, &page, NEW).status, 303);
    }

    ///
    fn of_many_uses_of_a_link_one_sets_the_password(database) {
        let (smtp, app) = start(database);
        let mut browser = Browser::new(&app);
        browser.ask_reset(ALICE.email);
        let page = browser.open(&app, &wait_for_subject(&smtp, ALICE.email, RESET_SUBJECT));
        let cookies: Vec<String> = browser.cookies().iter().map(|(name, value)| format!("{name}={value}")).collect();
        let requests: Vec<_> = (0..20)
            .map(|index| {
                let form = link_form(&page).set("new", &format!("eleven red paper boats {index}"));
                let request = Request::post(&form.action).header("Origin", app.origin());
                (app.port(), request.header("Cookie", &cookies.join("; ")).form(&form.fields))
            })
            .collect();
        let answers = send_at_once(&requests);
        let set: Vec<usize> = (0..20).filter(|index| answers[*index].status == 303).collect();
        assert_eq!(set.len(), 1, "{:?}", answers.iter().map(|answer| answer.status).collect::<Vec<_>>());
        // an overloaded pool for hashes may say 503
        assert!(answers.iter().all(|answer| [303, 410, 503].contains(&answer.status)));
        let password: &'static str = Box::leak(format!("eleven red paper boats {}", set[0]).into_boxed_str());
        Browser::new(&app).sign_in(&Person { password, ..ALICE });
    }

    fn the_request_of_the_app_is_not_lost(database) {
        let (smtp, app) = start(database);
        let mut browser = Browser::new(&app);
        let page = browser.begin(&Authorize::new(OWN_CLI).add("login_hint", ALICE.email));
        let link = find_addresses(&page.body).into_iter().find(|address| address.contains("/reset")).expect("a link");
        let page = browser.send(Request::get(&link));
        let form = find_form(&page, "/reset");
        assert_eq!(form.field("email"), Some(ALICE.email), "typed once");
        let response = browser.submit(&form);
        browser.follow(response);
        let page = browser.open(&app, &wait_for_subject(&smtp, ALICE.email, RESET_SUBJECT));
        let response = choose(&mut browser, &page, NEW);
        let page = browser.follow(response);
        assert!(Answer::find(&page).and_then(|answer| answer.get("code")).is_some(), "{page:?}");
    }

    /// LG10: the address of a link comes from the settings, never from what a request says about itself
    fn a_forged_host_does_not_get_into_a_letter(database) {
        let (smtp, app) = start(database);
        let mut browser = Browser::new(&app);
        let page = browser.get("/reset");
        let form = find_form(&page, "/reset").set("email", ALICE.email);
        let cookies: Vec<String> = browser.cookies().iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = Request::post(&form.action)
            .header("Host", "evil.example")
            .header("X-Forwarded-Host", "evil.example")
            .header("Forwarded", "host=evil.example")
            .header("Cookie", &cookies.join("; "));
        app.send(&request.form(&form.fields));
        let honest = find_form(&browser.get("/reset"), "/reset").set("email", BOB.email);
        assert_eq!(browser.submit(&honest).status, 303);
        let letter = wait_for_subject(&smtp, BOB.email, RESET_SUBJECT);
        assert!(target_of(&app, &letter).starts_with("/reset/"));
        assert!(smtp.letters().iter().all(|letter| !letter.text.contains("evil")), "{:?}", smtp.letters());
    }

    /// An administrator asks for it: it works in any browser, once, and nothing of it is the administrator's (LG10).
    fn an_administrator_sends_a_reset_link(database) {
        let (smtp, app) = start(database);
        let mut admin = administrator(&app, &ALICE);
        let id = id_of(&app, &BOB);
        let mut bob = Browser::new(&app);
        bob.sign_in(&BOB);
        for left in (0..3).rev() {
            let response = act(&mut admin, &id, "send-reset");
            let page = admin.follow(response);
            assert!(read_text(&page.body).contains("The reset link is on its way"), "{left}: {page:?}");
        }
        let mut letter = wait_for_subject(&smtp, BOB.email, BY_ADMINISTRATOR);
        let first = letter.link();
        for _ in 0..2 {
            letter = wait_for_subject(&smtp, BOB.email, BY_ADMINISTRATOR);
        }
        assert_eq!(Browser::new(&app).send(Request::get(first.strip_prefix(app.origin()).expect("ours"))).status, 410);
        let response = act(&mut admin, &id, "send-reset");
        assert!(read_text(&admin.follow(response).body).contains("No letter was sent"), "a fourth");
        assert_eq!(bob.get("/account").status, 200, "nothing yet");
        let asked = "SELECT count(*) FROM audit_events WHERE action = 'mail_link.asked' AND actor_kind = 'user' AND subject_id = ";
        assert_eq!(run_statement(&app.database_url, &format!("{asked}'{id}'")), "3");

        let mut browser = Browser::new(&app);
        let page = browser.open(&app, &letter);
        assert_eq!(find_heading(&page.body), "Choose a new password", "{page:?}");
        let response = choose(&mut browser, &page, NEW);
        let page = browser.follow(response);
        assert!(read_text(&page.body).contains(BOB.email), "{page:?}");
        assert_eq!(bob.get("/account").status, 303, "signed out");
        assert_eq!(Browser::new(&app).open(&app, &letter).status, 410);

        app.run_ok(&["user", "disable", BOB.email]);
        let page = admin.get(&format!("/admin/users/{id}"));
        assert!(!page.body.contains("/send-reset"), "{page:?}");
    }

    /// Where letters can be sent nobody but the new person knows the password.
    fn whoever_an_administrator_adds_chooses_a_password(database) {
        let (smtp, app) = start(database);
        let mut admin = administrator(&app, &ALICE);
        let form = find_form(&admin.get("/admin/users/new"), "/admin/users/new");
        let page = admin.submit(&form.set("name", "Grace").set("email", "grace@example.com"));
        assert!(read_text(&page.body).contains("We sent a link to grace@example.com."), "{page:?}");
        let letter = wait_for_subject(&smtp, "grace@example.com", "Your Gatepost account");
        let mut grace = Browser::new(&app);
        let page = grace.open(&app, &letter);
        let response = choose(&mut grace, &page, NEW);
        assert!(read_text(&grace.follow(response).body).contains("grace@example.com"));
        let row = "SELECT count(*) FROM users WHERE email = 'grace@example.com' AND email_verified";
        assert_eq!(run_statement(&app.database_url, row), "1");
    }
}
