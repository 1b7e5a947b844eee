//! Another address for an account: LG11.

use super::mailed_links::without_wait;
use crate::storage::run_statement;
use crate::support::declared::{CLI, NOTES};
use crate::support::flow::{find_form, is_login};
use crate::support::html::{find_heading, read_text};
use crate::support::letters::{LINK_SUBJECT, has_button, wait_for_subject};
use crate::support::smtp::Letter;
use crate::support::*;

const NEW: &str = "ada@example.org";
const CONFIRM: &str = "Confirm your new email";
const CHANGING: &str = "Your Gatepost email is being changed";

fn start(database: Database) -> (Smtp, TestApp) {
    let smtp = Smtp::start();
    let app = Setup::new(database).with_mail(&smtp).spawn();
    (smtp, app)
}

/// Asks for another address; gives "Check your email".
fn ask(browser: &mut Browser<'_>, email: &str) -> Response {
    let page = browser.get("/account/email");
    let response = browser.submit(&find_form(&page, "/account/email").set("email", email));
    assert_eq!(response.status, 303, "{response:?}");
    browser.follow(response)
}

/// The letter to the new address, and the one to Alice's.
fn letters(smtp: &Smtp) -> (Letter, Letter) {
    (wait_for_subject(smtp, NEW, CONFIRM), wait_for_subject(smtp, ALICE.email, CHANGING))
}

for_each_database! {
    fn the_address_changes_when_the_new_one_is_proven(database) {
        let (smtp, app) = start(database);
        let (mut browser, mut other, mut late) = (Browser::new(&app), Browser::new(&app), Browser::new(&app));
        browser.sign_in(&ALICE);
        other.sign_in(&ALICE);
        late.ask_link(ALICE.email);
        let link = wait_for_subject(&smtp, ALICE.email, LINK_SUBJECT);
        let check = ask(&mut browser, NEW);
        assert_eq!(find_heading(&check.body), "Check your email");
        let (confirm, changing) = letters(&smtp);
        assert!(changing.text.contains("a…@e….org") && !changing.text.contains(NEW), "{}", changing.text);
        let page = browser.get("/account");
        assert!(read_text(&page.body).contains(&format!("Waits for you to confirm {NEW}")), "{}", page.body);
        assert_eq!(late.open(&app, &link).status, 200, "nothing has changed yet");
        // elsewhere there is only the code
        assert!(!has_button(&late.open(&app, &confirm), "go"));
        let before = browser.session_cookie().expect("a session").1.to_owned();
        let page = browser.open(&app, &confirm);
        let response = browser.press(&page, "go");
        let page = browser.follow(response);
        assert!(read_text(&page.body).contains("Your email address is changed"), "{page:?}");
        assert!(read_text(&page.body).contains(NEW));
        assert_ne!(browser.session_cookie().expect("a session").1, before, "a new session here");
        assert_eq!(other.get("/account").status, 303, "other sessions are over");
        assert_eq!(late.open(&app, &link).status, 410, "what went to the old address is dead");
        assert_eq!(browser.open(&app, &confirm).status, 410);
        Browser::new(&app).sign_in(&Person { email: NEW, ..ALICE });
        let page = late.get("/login");
        assert!(is_login(&late.fill_in_login(&page, &ALICE)));
    }

    fn the_code_does_it_as_well(database) {
        let (smtp, app) = start(database);
        let mut browser = Browser::new(&app);
        browser.sign_in(&ALICE);
        let check = ask(&mut browser, NEW);
        let (confirm, _) = letters(&smtp);
        assert_eq!(browser.type_code(&check, &confirm.code()).status, 303);
        assert!(read_text(&browser.get("/account").body).contains(NEW));
    }

    /// The owner of the old address stops a change that somebody else asked for, in a browser of their own
    fn the_old_address_stops_a_change_that_waits(database) {
        let (smtp, app) = start(database);
        let (mut browser, mut owner) = (Browser::new(&app), Browser::new(&app));
        browser.sign_in(&ALICE);
        let check = ask(&mut browser, NEW);
        let (confirm, changing) = letters(&smtp);
        for method in ["GET", "HEAD"] {
            let target = crate::support::letters::target_of(&app, &changing);
            assert_eq!(app.send(&Request::new(method, &target)).status, 200);
        }
        assert_eq!(browser.get("/account").status, 200, "looking stops nothing");
        let page = owner.open(&app, &changing);
        assert_eq!(find_heading(&page.body), format!("Keep {} as the address?", ALICE.email));
        let page = owner.press(&page, "go");
        assert_eq!((page.status, find_heading(&page.body).as_str()), (200, "The change is stopped"));
        assert_eq!(owner.session_cookie(), None);
        assert_eq!(browser.get("/account").status, 303, "whoever asked is out");
        assert_eq!(browser.open(&app, &confirm).status, 410);
        assert_eq!(browser.get("/login").status, 200);
        assert_ne!(browser.type_code(&check, &confirm.code()).status, 303);
        Browser::new(&app).sign_in(&ALICE);
    }

    fn the_old_address_takes_a_change_back(database) {
        let (smtp, app) = start(database);
        // of an address that was never proven the owner is not yet known: then the password would go as well (SO1)
        let proven = format!("UPDATE users SET email_verified = TRUE WHERE email_key = '{}'", ALICE.email);
        run_statement(&app.database_url, &proven);
        let tokens = app.get_tokens(CLI);
        let (mut browser, mut owner) = (Browser::new(&app), Browser::new(&app));
        browser.sign_in(&ALICE);
        let check = ask(&mut browser, NEW);
        let (confirm, changing) = letters(&smtp);
        assert_eq!(browser.type_code(&check, &confirm.code()).status, 303);
        // on to a third address, which gives the second one a stop link as well
        ask(&mut browser, "third@example.org");
        let third = wait_for_subject(&smtp, "third@example.org", CONFIRM);
        let second_stop = wait_for_subject(&smtp, NEW, CHANGING);
        let page = browser.open(&app, &third);
        assert_eq!(browser.press(&page, "go").status, 303);
        let page = owner.open(&app, &changing);
        assert_eq!(owner.press(&page, "go").status, 200);
        assert_eq!(browser.get("/account").status, 303);
        assert!(!app.is_active(NOTES, &tokens.access));
        assert_eq!(browser.open(&app, &second_stop).status, 410, "not taken back once more");
        assert_eq!(owner.open(&app, &changing).status, 410);
        Browser::new(&app).sign_in(&ALICE);
        let page = owner.get("/login");
        assert!(is_login(&owner.fill_in_login(&page, &Person { email: "third@example.org", ..ALICE })));
    }

    ///
    fn a_taken_address_gets_the_same_page(database) {
        let (smtp, app) = start(database);
        let mut browser = Browser::new(&app);
        browser.sign_in(&ALICE);
        let mut text_of = |email| without_wait(&read_text(&ask(&mut browser, email).body)).replace(email, "EMAIL");
        let (free, taken) = (text_of("zoe@example.com"), text_of(BOB.email));
        assert_eq!(free, taken);
        let letter = smtp.wait_for(BOB.email);
        assert_eq!(letter.subject, "You already have a Gatepost account");
        assert!(!letter.text.contains("/link/"), "{}", letter.text);
        assert!(read_text(&browser.get("/account").body).contains(&format!("Waits for you to confirm {}", BOB.email)));
    }

    fn a_change_that_waits_ends_with_everything_else(database) {
        let (smtp, app) = start(database);
        for end in ["cancel", "end-others"] {
            let mut browser = Browser::new(&app);
            browser.sign_in(&ALICE);
            ask(&mut browser, NEW);
            let (confirm, _) = letters(&smtp);
            match end {
                "cancel" => {
                    let page = browser.get("/account");
                    assert_eq!(browser.submit(&find_form(&page, "/account/email/cancel")).status, 303);
                }
                _ => {
                    Browser::new(&app).sign_in(&ALICE);
                    let page = browser.get("/account/sessions");
                    assert_eq!(browser.submit(&find_form(&page, "/account/sessions/end-others")).status, 303);
                }
            }
            let page = browser.open(&app, &confirm);
            assert_eq!((page.status, has_button(&page, "again")), (410, false), "{end}");
            assert!(!read_text(&browser.get("/account").body).contains("Waits"), "{end}");
        }
    }

    fn mistakes_are_told(database) {
        let (_smtp, app) = start(database);
        let mut browser = Browser::new(&app);
        browser.sign_in(&ALICE);
        let page = browser.get("/account/email");
        for (typed, words) in [
            ("", "Enter your email address."),
            ("no address", "That is not an email address."),
            ("ALICE@example.com", "That is your address already."),
        ] {
            let page = browser.submit(&find_form(&page, "/account/email").set("email", typed));
            assert_eq!(page.status, 422, "{typed}");
            assert!(read_text(&page.body).contains(words), "{words}: {}", read_text(&page.body));
        }
        let mut nobody = Browser::new(&app);
        assert_eq!(nobody.get("/account/email").status, 303);
    }
}
