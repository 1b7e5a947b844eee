//! `/invite/{code}` and the sign-up page in each mode.

use crate::storage::run_statement;
use crate::support::app::run_command;
use crate::support::declared::{CLI, OWN_CLI};
use crate::support::flow::{find_form, is_login};
use crate::support::html::{find_addresses, find_heading, read_text};
use crate::support::*;

pub(crate) const CAROL: Person =
    Person { email: "carol@example.com", name: "Carol", password: "four green glass bottles" };
pub(crate) const ROOT: Person =
    Person { email: "root@example.com", name: "Root", password: "eleven copper garden gates" };
const SENTENCE: &str = "This invitation does not work. It may be mistyped, used up or expired.";

pub(crate) fn invite_only(database: Database) -> TestApp {
    Setup::new(database).set("signup.mode", "invite").spawn()
}

/// Makes an invitation with the command; its id, and the path of its link.
pub(crate) fn add_invite(app: &TestApp, more: &[&str]) -> (String, String) {
    let mut args = vec!["invite", "add", "--json"];
    args.extend_from_slice(more);
    let made: serde_json::Value = serde_json::from_str(&app.run_ok(&args)).expect("JSON");
    let link = made["link"].as_str().expect("a link");
    let path = link.strip_prefix(&app.issuer).expect("a link of ours").to_owned();
    (made["id"].as_str().expect("an id").to_owned(), path)
}

pub(crate) fn add_admin(app: &TestApp) {
    let args = ["user", "add", "--admin", "--email", ROOT.email, "--name", ROOT.name, "--password-stdin"];
    let output = run_command(&app.config, &args, &format!("{}\n", ROOT.password));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Fills in the sign-up form of this page.
pub(crate) fn fill_in(browser: &mut Browser<'_>, page: &Response, person: &Person) -> Response {
    let form = find_form(page, "/signup").set("email", person.email).set("name", person.name);
    browser.submit(&form.set("password", person.password))
}

fn count(app: &TestApp, what: &str) -> String {
    run_statement(&app.database_url, &format!("SELECT count(*) FROM {what}"))
}

#[track_caller]
fn assert_refused(browser: &Browser<'_>, page: &Response, sentence: &str) {
    assert_eq!(page.status, 422, "{page:?}");
    assert!(read_text(&page.body).contains(sentence), "{}", read_text(&page.body));
    assert!(browser.session_cookie().is_none());
}

for_each_database! {
    fn r_34_a_link_makes_an_account_and_works_once(database) {
        let app = invite_only(database);
        let (id, path) = add_invite(&app, &[]);
        let mut browser = Browser::new(&app);
        let page = browser.get(&path);
        assert_eq!((page.status, find_heading(&page.body).as_str()), (200, "Create your account"));
        let text = read_text(&page.body);
        assert!(text.contains("You are invited to") && text.contains("Your invitation is good until"), "{text}");
        assert!(find_form(&page, "/signup").field("invite").is_none(), "nobody has to type it again");
        // looking uses nothing up
        for _ in 0..3 {
            assert_eq!(app.get(&path).status, 200);
        }
        let response = fill_in(&mut browser, &page, &CAROL);
        assert_eq!((response.status, response.location()), (303, format!("{}/account", app.issuer).as_str()));
        let page = app.get(&path);
        assert_eq!(page.status, 404);
        assert!(read_text(&page.body).contains(SENTENCE), "{}", read_text(&page.body));
        let shown: serde_json::Value =
            serde_json::from_str(&app.run_ok(&["invite", "show", &id, "--json"])).expect("JSON");
        assert_eq!((shown["state"].as_str(), shown["uses"].as_i64()), (Some("used-up"), Some(1)));
        assert_eq!(shown["ledger"][0]["email"], CAROL.email);
        Browser::new(&app).sign_in(&CAROL);
    }

    fn the_code_is_typed_with_spaces_or_pasted_as_a_link(database) {
        let app = invite_only(database);
        let (_, path) = add_invite(&app, &["--uses", "3"]);
        let code = path.rsplit('/').next().expect("a code");
        let spaced = format!("  {} {}\t", &code[..20], &code[20..]);
        let link = format!("{}{path}?utm=x", app.issuer);
        for (email, typed) in [("a@example.com", code), ("b@example.com", &spaced), ("c@example.com", &link)] {
            let mut browser = Browser::new(&app);
            let page = browser.get("/signup");
            assert!(read_text(&page.body).contains("No invitation? Ask the people who run"), "{}", page.body);
            let input = page.body.split("<input").find(|part| part.contains("name=\"invite\"")).expect("a field");
            for attribute in ["autocapitalize=\"none\"", "spellcheck=\"false\"", "autocomplete=\"off\""] {
                assert!(input.contains(attribute), "{input}");
            }
            let form = find_form(&page, "/signup").set("invite", typed).set("email", email).set("name", "Carol");
            let response = browser.submit(&form.set("password", CAROL.password));
            assert_eq!(response.status, 303, "{typed}: {response:?}");
        }
    }

    fn r_28_a_bad_code_says_nothing_about_the_address(database) {
        let app = invite_only(database);
        let (used, used_path) = add_invite(&app, &[]);
        let (revoked, revoked_path) = add_invite(&app, &[]);
        let mut browser = Browser::new(&app);
        let page = browser.get(&used_path);
        assert_eq!(fill_in(&mut browser, &page, &CAROL).status, 303);
        app.run_ok(&["invite", "revoke", &revoked]);
        assert_ne!(used, revoked);
        let wrong = format!("gp_inv_{}", "A".repeat(49));
        for code in [used_path.as_str(), &revoked_path, &wrong] {
            let mut bodies = Vec::new();
            for email in [ALICE.email, "nobody@example.com"] {
                let mut browser = Browser::new(&app);
                let page = browser.get("/signup");
                let form = find_form(&page, "/signup").set("invite", code).set("email", email).set("name", "Carol");
                let page = browser.submit(&form.set("password", CAROL.password));
                assert_refused(&browser, &page, SENTENCE);
                bodies.push(read_text(&page.body).replace(email, ""));
            }
            assert_eq!(bodies[0], bodies[1]);
        }
        let mut browser = Browser::new(&app);
        let page = browser.get("/signup");
        let page = fill_in(&mut browser, &page, &CAROL);
        assert_refused(&browser, &page, "Enter the code of your invitation.");
    }

    fn r_04_bad_codes_are_counted_though_refused(database) {
        let app = invite_only(database);
        let (_, path) = add_invite(&app, &[]);
        for number in 0..10 {
            assert_eq!(app.get(&format!("/invite/wrong-{number}")).status, 404);
        }
        assert_eq!(app.get(&path).status, 404, "the same answer for a good one");
        run_statement(&app.database_url, "UPDATE throttles SET expires_at = 0");
        assert_eq!(app.get(&path).status, 200);
    }

    fn iv4_a_bound_invitation_is_for_its_address_alone(database) {
        let app = invite_only(database);
        let (_, path) = add_invite(&app, &["--email", "Carol@Example.com"]);
        let mut browser = Browser::new(&app);
        let page = browser.get(&path);
        let form = find_form(&page, "/signup");
        assert_eq!(form.field("email"), Some("Carol@example.com"));
        assert!(page.body.contains(" readonly ") && read_text(&page.body).contains("The invitation is for this address."));
        let other = fill_in(&mut browser, &page, &Person { email: "eve@example.com", ..CAROL });
        assert_refused(&browser, &other, "This invitation is for another email address.");
        // without a mail server a password proves no address
        let page = browser.get(&path);
        let unproven = fill_in(&mut browser, &page, &CAROL);
        assert_refused(&browser, &unproven, "nothing here can prove that it is yours");
        assert_eq!(count(&app, "invite_uses"), "0");
        // as if the link had been mailed and shown to nobody
        run_statement(&app.database_url, "UPDATE invites SET mailed_only = TRUE");
        let page = browser.get(&path);
        assert_eq!(fill_in(&mut browser, &page, &CAROL).status, 303);
        assert_eq!(count(&app, "users WHERE email_key = 'carol@example.com' AND email_verified"), "1");
    }

    fn iv8_whoever_is_signed_in_is_asked_first(database) {
        let app = invite_only(database);
        let (_, path) = add_invite(&app, &[]);
        let mut browser = Browser::new(&app);
        browser.sign_in(&ALICE);
        let page = browser.get(&path);
        assert_eq!((page.status, find_heading(&page.body).as_str()), (200, "You have an account already"));
        assert!(read_text(&page.body).contains(ALICE.email), "{}", page.body);
        assert_eq!(count(&app, "invite_uses"), "0");
        assert_eq!(browser.get("/account").status, 200, "looking signs nobody out");
        let response = browser.submit(&find_form(&page, "/invite"));
        assert!(browser.session_cookie().is_none());
        let page = browser.follow(response);
        assert!(read_text(&page.body).contains("Your invitation is good until"), "{}", page.body);
        assert_eq!(fill_in(&mut browser, &page, &CAROL).status, 303);
        assert!(browser.get("/account").body.contains(CAROL.email));
    }

    /// From the app to sign-in, to the invitation, back and forth, and to the app with a code.
    fn the_request_of_the_app_and_the_invitation_survive_every_change_of_page(database) {
        let app = invite_only(database);
        for (number, client) in [CLI, OWN_CLI].into_iter().enumerate() {
            let email = ["one@example.com", "two@example.com"][number];
            let (_, path) = add_invite(&app, &[]);
            let mut browser = Browser::new(&app);
            let request = Authorize::new(client);
            let page = browser.begin(&request);
            assert!(read_text(&page.body).contains("Have an invitation? Use it"), "{}", page.body);
            let follow = |browser: &mut Browser<'_>, page: &Response, part: &str| {
                let link = find_addresses(&page.body).into_iter().find(|address| address.contains(part));
                browser.send(Request::get(&link.expect("a link")))
            };
            let page = follow(&mut browser, &page, "/signup?tx=");
            // a mistake elsewhere keeps the code
            let form = find_form(&page, "/signup").set("invite", &path).set("email", "no address");
            let page = browser.submit(&form);
            assert_eq!(page.status, 422);
            let page = follow(&mut browser, &page, "/login?tx=");
            assert!(is_login(&page));
            let page = follow(&mut browser, &page, "/signup?tx=");
            let text = read_text(&page.body);
            assert!(text.contains("Your invitation is good until") && text.contains(client.name), "{text}");
            let response = fill_in(&mut browser, &page, &Person { email, ..CAROL });
            let page = browser.follow(response);
            let page = if client.id == CLI.id { browser.decide(&page, "allow") } else { page };
            assert!(Answer::find(&page).and_then(|answer| answer.get("code")).is_some(), "{page:?}");
        }
        assert_eq!(count(&app, "invite_uses"), "2");
    }

    fn the_mode_is_switched_while_the_server_runs(database) {
        let app = TestApp::spawn(database);
        let (_, path) = add_invite(&app, &["--uses", "5"]);
        assert_eq!((app.get("/signup").status, app.get(&path).status), (403, 403), "closed is closed");
        app.run_ok(&["signup-mode", "invite"]);
        assert_eq!((app.get("/signup").status, app.get(&path).status), (200, 200));
        let mut browser = Browser::new(&app);
        let page = browser.get("/signup");
        app.run_ok(&["signup-mode", "open"]);
        assert_eq!(fill_in(&mut browser, &page, &CAROL).status, 303, "an empty code is fine");
        let mut browser = Browser::new(&app);
        let page = browser.get(&path);
        assert_eq!(fill_in(&mut browser, &page, &Person { email: "dan@example.com", ..CAROL }).status, 303);
        assert_eq!(count(&app, "invite_uses"), "1", "a code that comes along counts");
        let shown: serde_json::Value =
            serde_json::from_str(&app.run_ok(&["signup-mode", "--json"])).expect("JSON");
        assert_eq!((shown["mode"].as_str(), shown["settings"].as_str()), (Some("open"), Some("closed")));
        let mut late = Browser::new(&app);
        let page = late.get(&path);
        app.run_ok(&["signup-mode", "default"]);
        assert_eq!(fill_in(&mut late, &page, &Person { email: "eve@example.com", ..CAROL }).status, 403);
        assert_eq!(count(&app, "users WHERE email_key = 'eve@example.com'"), "0");
        assert_eq!(count(&app, "audit_events WHERE action = 'settings.changed'"), "3");
    }

    fn the_command_lists_shows_and_refuses(database) {
        let app = invite_only(database);
        let (id, path) = add_invite(&app, &["--note", "Berlin team", "--role", "administrator", "--days", "30"]);
        let code = path.rsplit('/').next().expect("a code");
        let list = app.run_ok(&["invite", "list"]);
        assert!(list.contains(&id) && list.contains("Berlin team") && list.contains("0 of 1"), "{list}");
        for printed in [list, app.run_ok(&["invite", "show", &id]), app.run_ok(&["invite", "list", "--json"])] {
            assert!(printed.contains(&code[..11]) && !printed.contains(&code[..14]), "IV7: {printed}");
        }
        app.run_ok(&["invite", "revoke", &id]);
        assert!(app.run_ok(&["invite", "list", "--state", "revoked"]).contains(&id));
        assert!(!app.run_ok(&["invite", "list", "--state", "open"]).contains(&id));
        for (args, exit) in [
            (vec!["invite", "show", "nothing"], 1),
            (vec!["invite", "revoke", "nothing"], 1),
            (vec!["invite", "add", "--uses", "0"], 2),
            (vec!["invite", "add", "--days", "31"], 2),
            (vec!["invite", "add", "--email", "no address"], 2),
            (vec!["invite", "add", "--email", "a@example.com", "--uses", "2"], 2),
            (vec!["signup-mode", "opne"], 2),
        ] {
            assert_eq!(app.run(&args).status.code(), Some(exit), "{args:?}");
        }
    }
}
