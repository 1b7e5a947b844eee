//! `/account/activity`, `/account/data`, `/account/delete`

use crate::storage::run_statement;
use crate::support::declared::{CLI, NOTES};
use crate::support::flow::{find_form, is_login};
use crate::support::html::read_text;
use crate::support::*;

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0";

fn make_stale(app: &TestApp) {
    run_statement(&app.database_url, "UPDATE sessions SET auth_time = auth_time - 400");
}

for_each_database! {
    fn activity_tells_what_happened_in_sentences(database) {
        let app = TestApp::spawn(database);
        let mut browser = Browser::new(&app);
        let page = browser.get("/login");
        browser.fill_in_login(&page, &Person { password: "certainly not this one", ..ALICE });
        browser.sign_in(&ALICE);
        let mut stranger = Browser::new(&app);
        stranger.sign_in(&BOB);
        app.get_tokens(CLI);
        let all = read_text(&browser.get("/account/activity").body);
        for words in ["Signed in with password", "Sign-in failed with password", "from 127.0.0.1", "This session"] {
            assert!(all.contains(words), "{words}: {all}");
        }
        assert!(!all.contains("session.started"), "{all}");
        let allowed = format!("Allowed {} to use the account", CLI.name);
        assert!(all.contains(&allowed), "{all}");
        let changes = read_text(&browser.get("/account/activity?show=changes").body);
        assert!(changes.contains(&allowed) && !changes.contains("Signed in"), "{changes}");
        let sign_ins = read_text(&browser.get("/account/activity?show=sign-ins").body);
        assert!(!sign_ins.contains(&allowed) && sign_ins.contains("Signed in"), "{sign_ins}");
        assert!(!read_text(&stranger.get("/account/activity").body).contains("failed"), "of somebody else");
        for odd in ["?at=x", "?at=o1.%27", "?show=%00", "?at=n99999999999999.zz"] {
            assert_eq!(browser.get(&format!("/account/activity{odd}")).status, 200, "{odd}");
        }
    }

    fn not_you_ends_that_session_and_opens_security(database) {
        let app = TestApp::spawn(database);
        let (mut browser, mut firefox) = (Browser::new(&app), Browser::new(&app).with_header("User-Agent", FIREFOX));
        browser.sign_in(&ALICE);
        firefox.sign_in(&ALICE);
        let page = browser.get("/account/activity");
        let response = browser.submit(&find_form(&page, "/account/activity"));
        let security = browser.follow(response);
        assert!(read_text(&security.body).contains("That session is ended"), "{}", security.body);
        assert_eq!(firefox.get("/account").status, 303);
        assert_eq!(browser.get("/account").status, 200);
        // nobody ends the session of somebody else
        let mut stranger = Browser::new(&app);
        stranger.sign_in(&BOB);
        let form = find_form(&browser.get("/account/activity"), "/account/activity");
        let id = run_statement(
            &app.database_url,
            "SELECT s.id FROM sessions s JOIN users u ON u.id = s.user_id WHERE u.email = 'bob@example.com' \
             ORDER BY s.created_at DESC LIMIT 1",
        );
        browser.submit(&form.set("id", &id));
        assert_eq!(stranger.get("/account").status, 200);
    }

    fn sessions_say_how_and_from_where(database) {
        let app = TestApp::spawn(database);
        let mut browser = Browser::new(&app);
        browser.sign_in(&ALICE);
        Browser::new(&app).sign_in(&ALICE);
        let text = read_text(&browser.get("/account/sessions").body);
        assert!(text.contains("with password") && !text.contains("New place"), "{text}");
        // the other one came from elsewhere, later than the first
        run_statement(
            &app.database_url,
            "UPDATE sessions SET ip = '203.0.113.9', created_at = created_at + 5 \
             WHERE id = (SELECT subject_id FROM audit_events WHERE action = 'session.started' ORDER BY at DESC, id LIMIT 1)",
        );
        run_statement(
            &app.database_url,
            "UPDATE sessions SET ip = '203.0.113.9', created_at = created_at + 5 WHERE ip = '127.0.0.1' \
             AND id <> (SELECT subject_id FROM audit_events WHERE action = 'session.started' ORDER BY at DESC, id LIMIT 1)",
        );
        let text = read_text(&browser.get("/account/sessions").body);
        assert_eq!(text.matches("New place").count(), 1, "not this session: {text}");
    }

    fn ad_8_a_download_has_everything_but_secrets(database) {
        let app = TestApp::spawn(database);
        let tokens = app.get_tokens(CLI);
        let mut browser = Browser::new(&app);
        browser.sign_in(&ALICE);
        let form = find_form(&browser.get("/account/data"), "/account/data");
        let response = browser.submit(&form);
        assert_eq!(response.status, 200);
        assert!(response.header("content-disposition").is_some_and(|value| value.starts_with("attachment")));
        assert_eq!(response.header("cache-control"), Some("no-store"));
        let data: serde_json::Value = serde_json::from_str(&response.body).expect("JSON");
        assert_eq!(data["account"]["email"], ALICE.email);
        assert!(data["sessions"].as_array().is_some_and(|sessions| !sessions.is_empty()));
        assert_eq!(data["apps"]["access"][0]["app"], CLI.id);
        assert_eq!(data["activity"]["complete"], true);
        let events = data["activity"]["events"].as_array().expect("a list");
        assert!(events.iter().any(|event| event["action"] == "data.downloaded"), "{data}");
        let cookie = browser.session_cookie().expect("a session").1.to_owned();
        for secret in [ALICE.password, "argon2", BOB.email, &tokens.access, tokens.refresh(), &cookie] {
            assert!(!response.body.contains(secret) && !response.body.contains(&hash_of(secret)), "{secret}");
        }
        make_stale(&app);
        for path in ["/account/data", "/account/delete"] {
            let response = browser.get(path);
            assert!(response.status == 303 && response.header("location").is_some_and(|to| to.contains("/confirm")), "{path}");
        }
        assert_eq!(browser.submit(&form).status, 303, "a stale sign-in downloads nothing (R-26)");
    }

    fn r_11_a_deleted_account_is_gone_at_once(database) {
        let app = Setup::new(database).set("signup.mode", "open").spawn();
        let tokens = app.get_tokens(CLI);
        let (mut browser, mut other) = (Browser::new(&app), Browser::new(&app));
        browser.sign_in(&ALICE);
        other.sign_in(&ALICE);
        assert!(app.is_active(NOTES, &tokens.access));
        let page = browser.get("/account/delete");
        let text = read_text(&page.body);
        assert!(text.contains("1 app loses its access") && text.contains("browsers are signed out"), "{text}");
        let form = find_form(&page, "/account/delete");
        let response = browser.submit(&form);
        assert!(read_text(&response.body).contains("Your account is deleted"), "{}", response.body);
        assert!(!app.is_active(NOTES, &tokens.access));
        assert_eq!(error_of(&app.refresh(CLI, tokens.refresh())), (400, "invalid_grant".into()));
        assert_eq!([browser.get("/account").status, other.get("/account").status], [303, 303]);
        let mut again = Browser::new(&app);
        let page = again.get("/login");
        assert!(is_login(&again.fill_in_login(&page, &ALICE)), "nobody is there");
        // the next owner of the address begins with nothing
        again.sign_up(&ALICE);
        let text = read_text(&again.get("/account/apps").body);
        assert!(text.contains("No apps use your account"), "{text}");
        let text = read_text(&again.get("/account/activity").body);
        assert!(!text.contains("Allowed"), "{text}");
    }

    fn r_37_the_last_administrator_reads_why_not(database) {
        let app = TestApp::spawn(database);
        run_statement(&app.database_url, "UPDATE users SET role = 'instance_admin' WHERE email = 'alice@example.com'");
        let mut browser = Browser::new(&app);
        browser.sign_in(&ALICE);
        let page = browser.get("/account/delete");
        assert!(read_text(&page.body).contains("You are the last administrator"));
        let form = find_form(&browser.get("/account/data"), "/account/data");
        let csrf = form.field("csrf").expect("a token").to_owned();
        assert_eq!(browser.post("/account/delete", &[("csrf".into(), csrf)]).status, 303);
        assert_eq!(browser.get("/account").status, 200);
    }
}
