//! `/signup`

use crate::support::declared::{OWN_CLI, WEB};
use crate::support::flow::{find_form, is_consent, is_login};
use crate::support::html::{find_addresses, find_heading, read_text};
use crate::support::*;

const CAROL: Person = Person { email: "carol@example.com", name: "Carol", password: "four green glass bottles" };

fn open(database: Database) -> TestApp {
    Setup::new(database).set("signup.mode", "open").spawn()
}

for_each_database! {
    fn closed_unless_the_operator_opens_it(database) {
        let app = TestApp::spawn(database);
        let page = app.get("/signup");
        assert_eq!((page.status, find_heading(&page.body).as_str()), (403, "New accounts are not open to everybody"));
        let login = app.get("/login");
        assert!(!login.body.contains("/signup"), "{}", login.body);
        // nor by a form made by hand
        let mut browser = Browser::new(&app);
        let csrf = find_form(&browser.get("/login"), "/login").field("csrf").expect("a token").to_owned();
        let fields =
            [("csrf", csrf.as_str()), ("email", CAROL.email), ("name", CAROL.name), ("password", CAROL.password)];
        let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(browser.post("/signup", &fields).status, 403);
        let page = browser.get("/login");
        assert!(is_login(&browser.fill_in_login(&page, &CAROL)));
    }

    fn somebody_new_is_signed_in(database) {
        let app = open(database);
        let mut browser = Browser::new(&app);
        let response = browser.sign_up(&CAROL);
        assert_eq!((response.status, response.location()), (303, format!("{}/account", app.issuer).as_str()));
        let page = browser.get("/account").body;
        assert!(page.contains(CAROL.email) && page.contains(CAROL.name), "{page}");
        Browser::new(&app).sign_in(&CAROL);
    }

    fn the_request_of_the_app_is_not_lost(database) {
        let app = open(database);
        for client in [WEB, OWN_CLI] {
            let person =
                Person { email: if client.id == WEB.id { "one@example.com" } else { "two@example.com" }, ..CAROL };
            let mut browser = Browser::new(&app);
            let page = browser.begin(&Authorize::new(client));
            let link =
                find_addresses(&page.body).into_iter().find(|address| address.contains("/signup")).expect("a link");
            let page = browser.send(Request::get(&link));
            assert!(read_text(&page.body).contains(&format!("to continue to {}", client.name)), "{}", page.body);
            let form = find_form(&page, "/signup")
                .set("email", person.email)
                .set("name", person.name)
                .set("password", person.password);
            let response = browser.submit(&form);
            let response = browser.follow(response);
            match client.id == WEB.id {
                true => assert!(is_consent(&response), "{response:?}"),
                false => {
                    assert!(Answer::find(&response).and_then(|answer| answer.get("code")).is_some(), "{response:?}")
                }
            }
        }
    }

    fn an_address_is_taken_in_every_spelling(database) {
        let app = open(database);
        for email in [ALICE.email, "ALICE@example.com", "Alice@EXAMPLE.com", " alice@example.com"] {
            let mut browser = Browser::new(&app);
            let response = browser.sign_up(&Person { email, ..CAROL });
            assert_eq!(response.status, 422, "{email}: {response:?}");
            assert!(
                read_text(&response.body).contains("No new account can be made with this address."),
                "{}",
                response.body
            );
            assert!(browser.session_cookie().is_none());
        }
        Browser::new(&app).sign_in(&ALICE);
    }

    fn each_mistake_is_told_and_what_was_typed_stays(database) {
        let app = open(database);
        for (person, words) in [
            (Person { email: "no address", ..CAROL }, "That is not an email address."),
            (Person { email: "", ..CAROL }, "Enter your email address."),
            (Person { name: "", ..CAROL }, "Enter your name."),
            (Person { password: "too short", ..CAROL }, "Use at least 15 characters; this has 9."),
            (Person { password: "passwordpassword", ..CAROL }, "lists of stolen passwords"),
            (Person { password: "carol@example.com", ..CAROL }, "too close to your name or email address"),
        ] {
            let mut browser = Browser::new(&app);
            let response = browser.sign_up(&person);
            assert_eq!(response.status, 422, "{words}: {response:?}");
            assert!(read_text(&response.body).contains(words), "{words}: {}", read_text(&response.body));
            let form = find_form(&response, "/signup");
            assert_eq!(
                (form.field("email"), form.field("name"), form.field("password")),
                (Some(person.email), Some(person.name), Some(""))
            );
            assert!(browser.session_cookie().is_none());
        }
    }

    fn three_new_accounts_an_hour_from_one_address(database) {
        let app = Setup::new(database).set("signup.mode", "open").unset("limits.signups_per_hour").spawn();
        let emails = ["a1@example.com", "a2@example.com", "a3@example.com", "a4@example.com"];
        let statuses = emails.map(|email| Browser::new(&app).sign_up(&Person { email, ..CAROL }).status);
        assert_eq!(statuses, [303, 303, 303, 429]);
    }

    fn of_many_with_one_address_one_wins(database) {
        let app = open(database);
        let answers = run_at_once(10, |_| Browser::new(&app).sign_up(&CAROL).status);
        assert_eq!(answers.iter().filter(|status| **status == 303).count(), 1, "{answers:?}");
        // an overloaded pool for hashes may say 503, and nothing else
        assert!(answers.iter().all(|status| [303, 422, 503].contains(status)), "{answers:?}");
    }
}
