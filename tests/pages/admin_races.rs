//! A hundred at once: there is one first administrator, and always one who is left.

use super::admin_people::{administrator, id_of};
use crate::races::{browser_request, count_status, send_at_once};
use crate::storage::run_statement;
use crate::support::flow::{find_form, login_form};
use crate::support::*;

const CROWD: usize = 100;
const ADMINS: &str = "SELECT count(*) FROM users WHERE role = 'instance_admin' AND disabled_at IS NULL";

/// What is tested is who wins, not how long the last of them waits for a hash or a connection.
fn patient(database: Database) -> Setup {
    Setup::new(database)
        .set("database.pool_wait", "20s")
        .set("password.hash_queue", 1000)
        .set("password.hash_wait", "30s")
        .set("http.handler_timeout", "60s")
}

#[track_caller]
fn assert_no_trouble(answers: &[Response]) {
    let bad: Vec<_> = answers.iter().filter(|answer| answer.status >= 500).collect();
    assert!(bad.is_empty(), "{} of {}: {:?}", bad.len(), answers.len(), bad[0]);
}

/// A form of an administrator that is not sent yet.
fn prepare(browser: &mut Browser<'_>, id: &str, word: &str) -> Request {
    let path = format!("/admin/users/{id}/{word}");
    let page = browser.get(&path);
    let form = find_form(&page, &path);
    browser_request(browser, &form.action, &form.fields)
}

for_each_database! {
    /// The address of the settings makes one administrator, once, however often its owner signs in at the same time.
    fn r_38_the_address_of_the_settings_makes_one_administrator(database) {
        let app = patient(database).set("admin.email", ALICE.email).spawn();
        let sign_in = |person: &Person| {
            let mut browser = Browser::new(&app);
            let page = browser.get("/login");
            let form = login_form(&page).set("email", person.email).set("password", person.password).set("with", "password");
            (app.port(), browser_request(&browser, &form.action, &form.fields))
        };
        // not before the address is proven
        assert_eq!(send_at_once(&[sign_in(&ALICE)])[0].status, 303);
        assert_eq!(run_statement(&app.database_url, ADMINS), "0");
        run_statement(&app.database_url, "UPDATE users SET email_verified = TRUE");
        let requests: Vec<_> = (0..CROWD).map(|number| sign_in(if number % 4 == 3 { &BOB } else { &ALICE })).collect();
        let answers = send_at_once(&requests);
        assert_no_trouble(&answers);
        assert_eq!(run_statement(&app.database_url, ADMINS), "1");
        let made = run_statement(&app.database_url, "SELECT subject_id FROM audit_events WHERE action = 'user.role_changed'");
        assert_eq!(made, id_of(&app, &ALICE), "once");
    }

    /// A set-up link and the address of the settings at the same moment: one administrator.
    fn r_38_both_ways_at_once_make_one_administrator(database) {
        let app = patient(database).set("admin.email", ALICE.email).spawn();
        run_statement(&app.database_url, "UPDATE users SET email_verified = TRUE");
        let printed = app.run_ok(&["admin", "setup-link"]);
        let link = printed.split_whitespace().find(|word| word.contains("/setup/gp_setup_")).expect("a link");
        let path = link.strip_prefix(&app.issuer).expect("below the issuer").to_owned();
        let mut requests = Vec::new();
        for number in 0..40 {
            let mut browser = Browser::new(&app);
            let request = if number % 2 == 0 {
                let page = browser.get("/login");
                let form = login_form(&page).set("email", ALICE.email).set("password", ALICE.password).set("with", "password");
                browser_request(&browser, &form.action, &form.fields)
            } else {
                let page = browser.get(&path);
                let form = find_form(&page, &path).set("email", &format!("first{number}@example.com")).set("name", "First").set("password", "eleven copper garden gates");
                browser_request(&browser, &form.action, &form.fields)
            };
            requests.push((app.port(), request));
        }
        assert_no_trouble(&send_at_once(&requests));
        assert_eq!(run_statement(&app.database_url, ADMINS), "1");
    }

    /// Two administrators take each other's and their own rights away, in every way, a hundred at once: one is left.
    fn r_37_the_last_administrator_survives_a_hundred_at_once(database) {
        let app = patient(database).spawn();
        let (alice, bob) = (id_of(&app, &ALICE), id_of(&app, &BOB));
        for words in [&["demote"][..], &["disable"], &["demote", "disable"], &["demote", "disable", "delete"]] {
            for person in [&ALICE, &BOB] {
                app.run_ok(&["user", "enable", person.email]);
                app.run_ok(&["user", "role", person.email, "instance_admin"]);
            }
            let mut browsers = [administrator(&app, &ALICE), administrator(&app, &BOB)];
            let mut requests = Vec::new();
            for number in 0..CROWD {
                let word = words[number / 4 % words.len()];
                // each at the other, and each at itself
                let target = if number % 4 < 2 { [&bob, &alice] } else { [&alice, &bob] }[number % 2];
                requests.push((app.port(), prepare(&mut browsers[number % 2], target, word)));
            }
            let answers = send_at_once(&requests);
            assert_no_trouble(&answers);
            assert!(count_status(&answers, 303) > 0, "{words:?}: {:?}", answers[0]);
            assert_eq!(run_statement(&app.database_url, ADMINS), "1", "{words:?}");
        }
    }

    /// Whoever has lost the role, but asked for the page before, does nothing any more.
    fn r_36_a_form_of_somebody_who_was_an_administrator_does_nothing(database) {
        let app = patient(database).spawn();
        let mut ada = administrator(&app, &ALICE);
        let bob = id_of(&app, &BOB);
        app.run_ok(&["user", "role", BOB.email, "instance_admin"]);
        let request = prepare(&mut ada, &bob, "disable");
        app.run_ok(&["user", "role", ALICE.email, "user"]);
        let answer = app.send(&request);
        assert_ne!(answer.status, 200);
        assert_eq!(run_statement(&app.database_url, ADMINS), "1", "{answer:?}");
    }
}
