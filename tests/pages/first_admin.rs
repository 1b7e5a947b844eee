//! `/setup/{token}`: the first administrator, by a link that works once.

use std::time::Duration;

use crate::support::flow::find_form;
use crate::support::html::{find_heading, read_text};
use crate::support::*;

const ADA: Person = Person { email: "ada@example.com", name: "Ada", password: "four green glass bottles" };

/// The path of a fresh link.
fn make_link(app: &TestApp) -> String {
    let printed = app.run_ok(&["admin", "setup-link"]);
    let link = printed.split_whitespace().find(|word| word.contains("/setup/gp_setup_"));
    let link = link.unwrap_or_else(|| panic!("no link in {printed:?}"));
    link.strip_prefix(&app.issuer).unwrap_or_else(|| panic!("{link} is elsewhere")).to_owned()
}

fn fill_in(browser: &mut Browser<'_>, path: &str, person: &Person) -> Response {
    let page = browser.get(path);
    let form = find_form(&page, path).set("email", person.email).set("name", person.name);
    browser.submit(&form.set("password", person.password))
}

for_each_database! {
    fn a_link_makes_one_administrator_and_is_gone(database) {
        let app = TestApp::spawn(database);
        let path = make_link(&app);
        let mut browser = Browser::new(&app);
        for _ in 0..2 {
            assert_eq!(browser.get(&path).status, 200, "looking does not use it up");
        }
        let response = fill_in(&mut browser, &path, &ADA);
        assert_eq!(response.status, 303, "{response:?}");
        assert!(browser.session_cookie().is_some());
        let gone = browser.get(&path);
        assert_eq!(gone.status, 404);
        let users = app.run_ok(&["user", "show", ADA.email, "--json"]);
        assert!(users.contains("admin"), "{users}");
        let output = app.run(&["admin", "setup-link"]);
        assert_ne!(output.status.code(), Some(0), "there is an administrator now");
    }

    fn of_fifty_at_once_one_wins(database) {
        let app = Setup::new(database)
            .set("password.hash_wait", "30s")
            .set("password.hash_queue", 100)
            .set("http.handler_timeout", "60s")
            .spawn();
        let path = make_link(&app);
        let mut browsers: Vec<Browser<'_>> = (0..50).map(|_| Browser::new(&app)).collect();
        let requests: Vec<Request> = browsers
            .iter_mut()
            .enumerate()
            .map(|(number, browser)| {
                let page = browser.get(&path);
                let email = format!("ada{number}@example.com");
                let form =
                    find_form(&page, &path).set("email", &email).set("name", ADA.name).set("password", ADA.password);
                let cookies: Vec<String> =
                    browser.cookies().iter().map(|(name, value)| format!("{name}={value}")).collect();
                Request::post(&path).header("Cookie", &cookies.join("; ")).form(&form.fields)
            })
            .collect();
        let answers = run_at_once(50, |number| app.send(&requests[number]).status);
        assert_eq!(answers.iter().filter(|status| **status == 303).count(), 1, "{answers:?}");
        assert!(answers.iter().all(|status| [303, 404].contains(status)), "{answers:?}");
    }

    fn other_links_are_gone(database) {
        let app = TestApp::spawn(database);
        let (old, new) = (make_link(&app), make_link(&app));
        for path in [old.as_str(), &format!("{new}x"), &new[..new.len() - 1], "/setup/x", "/setup/gp_setup_x"] {
            let page = app.get(path);
            assert_eq!(page.status, 404, "{path}");
            assert!(read_text(&page.body).contains("gatepost admin setup-link"), "the way on: {}", page.body);
        }
        assert_eq!(app.get(&new).status, 200);
    }

    fn a_mistake_does_not_use_the_link_up(database) {
        let app = TestApp::spawn(database);
        let path = make_link(&app);
        let mut browser = Browser::new(&app);
        for person in
            [Person { password: "short", ..ADA }, Person { email: "x", ..ADA }, Person { email: ALICE.email, ..ADA }]
        {
            assert_eq!(fill_in(&mut browser, &path, &person).status, 422, "{person:?}");
        }
        let page = browser.get(&path);
        let form = find_form(&page, &path).set("email", ADA.email).set("name", ADA.name).set("password", ADA.password);
        assert_eq!(browser.submit(&form.clone().without("csrf")).status, 400);
        assert_eq!(browser.submit(&form).status, 303);
    }

    fn the_first_start_prints_a_link(database) {
        let app = Setup::new(database).empty().spawn();
        wait_until("a link is printed", Duration::from_secs(5), || app.node.log().contains("(lost it?"));
        let log = app.node.log();
        let link = log
            .split_whitespace()
            .find(|word| word.contains("/setup/gp_setup_"))
            .unwrap_or_else(|| panic!("no link: {log}"));
        let path = link.strip_prefix(&app.issuer).expect("below the issuer").to_owned();
        let page = app.get(&path);
        assert_eq!(page.status, 200, "{}", find_heading(&page.body));
    }
}
