//! Addresses that are proven: of a new account, and of one that is there.

use super::mailed_links::without_wait;
use crate::support::declared::{OWN_CLI, WEB};
use crate::support::flow::{find_form, is_consent, is_login};
use crate::support::html::{find_addresses, find_heading, read_text};
use crate::support::letters::{VERIFY_SUBJECT, has_button, shown_code, wait_for_subject};
use crate::support::*;

const CAROL: Person = Person { email: "carol@example.com", name: "Carol", password: "four green glass bottles" };

fn start(database: Database) -> (Smtp, TestApp) {
    let smtp = Smtp::start();
    let app = Setup::new(database).with_mail(&smtp).set("signup.mode", "open").spawn();
    (smtp, app)
}

/// Whether `gatepost user list` says that the address is proven; `None` where there is no account.
fn is_verified(app: &TestApp, email: &str) -> Option<bool> {
    let list = app.run_ok(&["user", "list", "--json"]);
    let rows: Vec<serde_json::Value> = match serde_json::from_str::<serde_json::Value>(&list) {
        Ok(serde_json::Value::Array(rows)) => rows,
        Ok(row) => vec![row],
        Err(_) => list.lines().map(|line| serde_json::from_str(line).expect("JSON lines")).collect(),
    };
    rows.iter().find(|row| row["email"] == email).map(|row| row["email_verified"].as_bool().expect("a flag"))
}

/// Fills in the sign-up page that this is; gives the answer to the form.
fn fill_in(browser: &mut Browser<'_>, page: &Response, person: &Person) -> Response {
    let form = find_form(page, "/signup").set("email", person.email).set("name", person.name);
    browser.submit(&form.set("password", person.password))
}

for_each_database! {
    fn the_account_is_made_when_the_address_is_proven(database) {
        let (smtp, app) = start(database);
        let mut browser = Browser::new(&app);
        let response = browser.sign_up(&CAROL);
        let page = browser.follow(response);
        assert_eq!(find_heading(&page.body), "Check your email");
        assert_eq!((browser.session_cookie(), is_verified(&app, CAROL.email)), (None, None));
        let letter = wait_for_subject(&smtp, CAROL.email, VERIFY_SUBJECT);
        let mut early = Browser::new(&app);
        let login = early.get("/login");
        assert!(is_login(&early.fill_in_login(&login, &CAROL)), "there is no account yet");
        // elsewhere there is only the code
        let page = early.open(&app, &letter);
        assert_eq!((shown_code(&page), has_button(&page, "go")), (Some(letter.code()), false));
        let page = browser.open(&app, &letter);
        assert!(has_button(&page, "go"), "{page:?}");
        let response = browser.press(&page, "go");
        assert_eq!((response.status, response.location()), (303, format!("{}/account", app.issuer).as_str()));
        let page = browser.get("/account");
        assert!(page.body.contains(CAROL.name) && !page.body.contains("Not confirmed"), "{}", page.body);
        assert_eq!(is_verified(&app, CAROL.email), Some(true));
        Browser::new(&app).sign_in(&CAROL);
        assert_eq!(browser.open(&app, &letter).status, 410);
    }

    ///
    fn an_address_with_an_account_gets_the_same_answer_and_another_letter(database) {
        let (smtp, app) = start(database);
        let taken = Person { email: ALICE.email, ..CAROL };
        let free = Person { email: "zzzzz@example.com", ..CAROL };
        let [(location, page, cookies), other] = [taken, free].map(|person| {
            let mut browser = Browser::new(&app);
            let response = browser.sign_up(&person);
            assert_eq!(response.status, 303, "{response:?}");
            let page = browser.follow(response.clone());
            let names: Vec<String> = browser.cookies().iter().map(|(name, _)| name.clone()).collect();
            (response.location().len(), without_wait(&read_text(&page.body)).replace(person.email, "EMAIL"), names)
        });
        assert_eq!((location, page, cookies), other);
        let letter = smtp.wait_for(ALICE.email);
        assert_eq!(letter.subject, "You already have a Gatepost account");
        assert!(!letter.text.contains("/link/"), "{}", letter.text);
        assert_eq!(smtp.wait_for("zzzzz@example.com").subject, VERIFY_SUBJECT);
        Browser::new(&app).sign_in(&ALICE);
    }

    fn the_request_of_the_app_is_not_lost(database) {
        let (smtp, app) = start(database);
        for (client, by_code) in [(WEB, true), (OWN_CLI, false)] {
            let email = if by_code { "one@example.com" } else { "two@example.com" };
            let person = Person { email, ..CAROL };
            let mut browser = Browser::new(&app);
            let page = browser.begin(&Authorize::new(client));
            let link =
                find_addresses(&page.body).into_iter().find(|address| address.contains("/signup")).expect("a link");
            let page = browser.send(Request::get(&link));
            let response = fill_in(&mut browser, &page, &person);
            let check = browser.follow(response);
            let letter = wait_for_subject(&smtp, person.email, VERIFY_SUBJECT);
            let response = match by_code {
                true => browser.type_code(&check, &letter.code()),
                false => {
                    let page = browser.open(&app, &letter);
                    browser.press(&page, "go")
                }
            };
            let page = browser.follow(response);
            match by_code {
                true => assert!(is_consent(&page), "{page:?}"),
                false => assert!(Answer::find(&page).and_then(|answer| answer.get("code")).is_some(), "{page:?}"),
            }
        }
    }

    /// Of two who begin with one address the newer is asked, and the other's password opens nothing
    fn only_the_newest_of_two_sign_ups_counts(database) {
        let (smtp, app) = start(database);
        let (mut squatter, mut owner) = (Browser::new(&app), Browser::new(&app));
        squatter.sign_up(&Person { password: "the password of somebody else", ..CAROL });
        let first = wait_for_subject(&smtp, CAROL.email, VERIFY_SUBJECT);
        owner.sign_up(&CAROL);
        let second = wait_for_subject(&smtp, CAROL.email, VERIFY_SUBJECT);
        // the owner presses the wrong one: it does nothing, and asks nobody to confirm a stranger's password
        let page = owner.open(&app, &first);
        assert_eq!((page.status, has_button(&page, "again")), (410, false), "{page:?}");
        let page = owner.open(&app, &second);
        assert_eq!(owner.press(&page, "go").status, 303);
        Browser::new(&app).sign_in(&CAROL);
    }

    fn somebody_who_is_in_confirms_their_address(database) {
        let (smtp, app) = start(database);
        assert_eq!(is_verified(&app, ALICE.email), Some(false));
        let mut browser = Browser::new(&app);
        browser.sign_in(&ALICE);
        let page = browser.get("/account");
        assert!(read_text(&page.body).contains("Not confirmed"), "{}", page.body);
        let response = browser.submit(&find_form(&page, "/account/email/verify"));
        let check = browser.follow(response);
        assert_eq!(find_heading(&check.body), "Check your email");
        let letter = wait_for_subject(&smtp, ALICE.email, VERIFY_SUBJECT);
        let response = browser.type_code(&check, &letter.code());
        let page = browser.follow(response);
        assert!(read_text(&page.body).contains("Your email address is confirmed"), "{page:?}");
        assert!(!read_text(&page.body).contains("Not confirmed"));
        assert_eq!(is_verified(&app, ALICE.email), Some(true));
        // the password and the session are the same person's
        Browser::new(&app).sign_in(&ALICE);
    }
}
