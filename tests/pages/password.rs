//! `/account/password`

use crate::support::declared::{CLI, KEEP, NOTES};
use crate::support::flow::{find_form, is_login};
use crate::support::html::read_text;
use crate::support::*;

const NEW: &str = "eleven red paper boats";

fn change(browser: &mut Browser<'_>, current: &str, new: &str) -> Response {
    let page = browser.get("/account/password");
    let form = find_form(&page, "/account/password").set("current", current).set("new", new);
    browser.submit(&form)
}

for_each_database! {
    fn a_new_password_ends_other_sessions_and_all_grants(database) {
        let app = TestApp::spawn(database);
        let (cli, keep) = (app.get_tokens(CLI), app.get_tokens(KEEP));
        let unused = app.get_code(CLI);
        let (mut browser, mut other, mut stranger) = (Browser::new(&app), Browser::new(&app), Browser::new(&app));
        browser.sign_in(&ALICE);
        other.sign_in(&ALICE);
        stranger.sign_in(&BOB);
        let before = browser.session_cookie().expect("a session").1.to_owned();
        let response = change(&mut browser, ALICE.password, NEW);
        assert_eq!(response.status, 303, "{response:?}");
        assert_ne!(browser.session_cookie().expect("a session").1, before, "a new session here");
        assert!(read_text(&browser.follow(response).body).contains("Your password is changed"));
        assert_eq!(
            [browser.get("/account").status, other.get("/account").status, stranger.get("/account").status],
            [200, 303, 200]
        );
        for (client, tokens) in [(CLI, cli), (KEEP, keep)] {
            assert!(!app.is_active(NOTES, &tokens.access), "{}", client.id);
            assert_eq!(error_of(&app.refresh(client, tokens.refresh())), (400, "invalid_grant".into()));
        }
        assert_eq!(error_of(&app.redeem(&unused)), (400, "invalid_grant".into()));
        let mut again = Browser::new(&app);
        let page = again.get("/login");
        assert!(is_login(&again.fill_in_login(&page, &ALICE)), "the old one is over");
        again.sign_in(&Person { password: NEW, ..ALICE });
    }

    fn each_mistake_is_told_at_its_field(database) {
        let app = TestApp::spawn(database);
        let mut browser = Browser::new(&app);
        browser.sign_in(&ALICE);
        for (current, new, words) in [
            ("a wrong password", NEW, "That is not your current password."),
            (ALICE.password, "short", "Use at least 15 characters; this has 5."),
            (ALICE.password, ALICE.password, "That is your password already."),
            (ALICE.password, "alice@example.com", "That is too close to your name or email address."),
            (ALICE.password, "123456789012345", "lists of stolen passwords"),
            (ALICE.password, "", "Enter a password."),
            ("", NEW, "Enter a password."),
        ] {
            let response = change(&mut browser, current, new);
            assert_eq!(response.status, 422, "{words}");
            assert!(read_text(&response.body).contains(words), "{words}: {}", read_text(&response.body));
            for password in [current, new].iter().filter(|text| text.len() > 5 && **text != ALICE.email) {
                assert!(!response.body.contains(password), "a password is filled in");
            }
        }
        Browser::new(&app).sign_in(&ALICE);
    }

    fn guessing_here_is_slowed_down_like_at_sign_in(database) {
        // at the sixth failure it stops for a day: on a slow machine a wait of seconds would be over before the next try
        let app = Setup::new(database).set("limits.sign_in_hard_stop", 6).spawn();
        let mut browser = Browser::new(&app);
        browser.sign_in(&ALICE);
        for _ in 0..8 {
            change(&mut browser, "a wrong password", NEW);
        }
        let response = change(&mut browser, ALICE.password, NEW);
        assert_eq!(response.status, 422, "even the right one has to wait");
        let mut other = Browser::new(&app);
        let page = other.get("/login");
        assert!(is_login(&other.fill_in_login(&page, &ALICE)), "one bucket for all paths");
    }
}
