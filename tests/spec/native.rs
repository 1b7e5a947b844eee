//! RFC 8252: native apps (N) and command-line clients (CLI). The table of loopback addresses is in `redirect_uri.rs`.

use super::{asks_for_consent, redirected_error};
use crate::support::app::run_command;
use crate::support::declared::{CLI, LOCALHOST, OWN_CLI, SCHEME, SPA, WEB};
use crate::support::html::{find_heading, find_refresh, read_text};
use crate::support::*;

fn check(declared: &str) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("gatepost.toml");
    let setup = Setup::new(Database::Sqlite).declare(declared);
    std::fs::write(&config, setup.to_toml("https://auth.example", 8480, "sqlite:none.db")).expect("written");
    let output = run_command(&config, &["config", "check"], "");
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn n_01_the_type_of_a_client_is_registered() {
    let (code, said) =
        check("\n[[clients]]\nclient_id = \"new\"\nname = \"New\"\nredirect_uris = [\"http://127.0.0.1/cb\"]\n");
    assert_eq!(code, Some(2));
    assert!(said.contains("clients.new.kind"), "{said}");
}

#[test]
fn n_02_a_program_cannot_have_a_secret() {
    for kind in ["native", "browser"] {
        for field in [
            format!("secret_hash = {:?}", hash_of("x")),
            format!("secret = {:?}", random_text(32)),
            "auth_method = \"client_secret_basic\"".into(),
        ] {
            let declared = format!(
                "\n[[clients]]\nclient_id = \"new\"\nname = \"New\"\nkind = {kind:?}\nredirect_uris = [\"http://127.0.0.1/cb\"]\n{field}\n"
            );
            let (code, said) = check(&declared);
            assert_eq!(code, Some(2), "{kind} {field}");
            assert!(said.contains("clients.new."), "{said}");
        }
    }
}

for_each_database! {
    fn n_03_programs_use_pkce_with_s256(database) {
        let app = TestApp::spawn(database);
        for client in [CLI, LOCALHOST, SCHEME] {
            let plain = Authorize::new(client).set("code_challenge_method", "plain");
            assert_eq!(redirected_error(&app, &plain), "invalid_request");
            assert_eq!(redirected_error(&app, &plain.without("code_challenge_method")), "invalid_request");
        }
    }

    fn n_06_claimed_https_loopback_and_private_schemes_work(database) {
        let app = TestApp::spawn(database);
        for client in [SPA, CLI, LOCALHOST, SCHEME] {
            assert_eq!(app.redeem(&app.get_code(client)).status, 200, "{}", client.id);
        }
    }

    fn n_07_a_private_scheme_is_sent_byte_for_byte(database) {
        let app = TestApp::spawn(database);
        let answer = Browser::new(&app).authorize(&Authorize::new(SCHEME), &ALICE);
        assert!(answer.url.starts_with("com.example.app:/Callback?code=gp_ac_"), "{}", answer.url);
        let refused = app.get(&Authorize::new(SCHEME).set("scope", "bogus").target());
        let refused = Answer::find(&refused).expect("an answer");
        assert!(refused.url.starts_with("com.example.app:/Callback?error="), "{}", refused.url);
        for other in [
            "com.example.app://Callback",
            "com.example.app:/callback",
            "COM.example.app:/Callback",
            "com.example.app:/Callback/",
        ] {
            assert_eq!(app.get(&Authorize::new(SCHEME).set("redirect_uri", other).target()).status, 400, "{other}");
        }
    }

    fn n_08_a_program_that_can_be_impersonated_is_never_waved_through(database) {
        let app = TestApp::spawn(database);
        let mut browser = Browser::new(&app);
        browser.sign_in(&ALICE);
        for client in [CLI, LOCALHOST, SCHEME] {
            for _ in 0..2 {
                assert!(asks_for_consent(&mut browser, &Authorize::new(client)), "{}", client.id);
                browser.authorize(&Authorize::new(client), &ALICE);
            }
            let silent = browser.get(&Authorize::new(client).set("prompt", "none").target());
            assert_eq!(Answer::find(&silent).expect("an answer").get("error").as_deref(), Some("consent_required"));
        }
        // the operator can say otherwise for programs of the house
        assert!(!asks_for_consent(&mut browser, &Authorize::new(OWN_CLI)));
    }

    fn n_10_a_private_scheme_gets_a_page_with_a_link(database) {
        let app = TestApp::spawn(database);
        let mut browser = Browser::new(&app);
        browser.sign_in(&ALICE);
        let page = browser.begin(&Authorize::new(SCHEME));
        let handed = browser.decide(&page, "allow");
        assert_eq!(handed.status, 200);
        let url = find_refresh(&handed.body).expect("it goes on by itself");
        assert!(url.starts_with("com.example.app:/Callback?code="), "{url}");
        assert!(html::find_addresses(&handed.body).contains(&url), "and by a link");
        assert!(read_text(&handed.body).contains("Open Scheme App"), "{}", handed.body);
    }

    fn n_11_a_refusal_reaches_the_program(database) {
        let app = TestApp::spawn(database);
        let mut browser = Browser::new(&app);
        browser.sign_in(&ALICE);
        let page = browser.begin(&Authorize::new(CLI));
        let answer = Answer::find(&browser.decide(&page, "deny")).expect("an answer");
        assert!(answer.url.starts_with("http://127.0.0.1:51004/callback?error=access_denied&"), "{}", answer.url);
        assert_eq!(redirected_error(&app, &Authorize::new(CLI).set("prompt", "none")), "login_required");
    }

    fn n_12_a_form_that_ends_at_a_client_hands_over(database) {
        let app = TestApp::spawn(database);
        let mut browser = Browser::new(&app);
        browser.sign_in(&ALICE);
        for client in [CLI, WEB] {
            let page = browser.begin(&Authorize::new(client));
            assert!(page.header("content-security-policy").is_some_and(|policy| policy.contains("form-action 'self'")));
            let handed = browser.decide(&page, "allow");
            let policy = handed.header("content-security-policy").expect("a policy");
            assert_eq!((handed.status, handed.header("location")), (200, None));
            assert!(policy.contains("form-action 'none'"), "{policy}");
            let url = find_refresh(&handed.body).expect("it goes on by itself");
            assert!(url.starts_with(client.redirect), "{url}");
            assert!(html::find_addresses(&handed.body).contains(&url), "and by a link");
            assert_eq!(html::find_forms(&handed.body).len(), 0);
        }
        // also when signing in is all there is to do
        let mut browser = Browser::new(&app);
        let page = browser.begin(&Authorize::new(OWN_CLI));
        let handed = browser.fill_in_login(&page, &ALICE);
        assert_eq!(handed.status, 200);
        assert!(find_refresh(&handed.body).is_some_and(|url| url.starts_with(OWN_CLI.redirect)));
        // and a request that needs no page is a plain redirect
        assert_eq!(browser.get(&Authorize::new(OWN_CLI).target()).status, 303);
    }

    fn n_13_nothing_turns_http_loopback_addresses_into_https(database) {
        let app = Setup::new(database).public_url("https://auth.example").spawn();
        let page = app.get("/login");
        let policy = page.header("content-security-policy").expect("a policy");
        assert!(
            !policy.contains("upgrade-insecure-requests") && !policy.contains("block-all-mixed-content"),
            "{policy}"
        );
        let answer = Answer::find(&app.get(&Authorize::new(CLI).set("scope", "bogus").target())).expect("a redirect");
        assert!(answer.url.starts_with("http://127.0.0.1:51004/callback?"), "{}", answer.url);
    }

    fn cli_02_the_person_is_told_that_it_is_a_program_on_this_computer(database) {
        let app = TestApp::spawn(database);
        let mut browser = Browser::new(&app);
        browser.sign_in(&ALICE);
        let text = read_text(&browser.begin(&Authorize::new(CLI)).body);
        assert!(text.contains("a program on this computer") && text.contains(CLI.redirect), "{text}");
        let text = read_text(&browser.begin(&Authorize::new(SCHEME)).body);
        assert!(
            text.contains("Any app on this device could use this name") && text.contains("com.example.app"),
            "{text}"
        );
    }

    fn cli_03_nobody_is_told_to_close_the_page_too_early(database) {
        let app = TestApp::spawn(database);
        let mut browser = Browser::new(&app);
        browser.sign_in(&ALICE);
        let page = browser.begin(&Authorize::new(CLI));
        let handed = browser.decide(&page, "allow");
        assert!(find_heading(&handed.body).starts_with("Taking you back to"), "{}", handed.body);
        assert!(!read_text(&handed.body).contains("close this page"), "{}", handed.body);
    }

    fn cli_04_tokens_of_programs_rotate_and_end(database) {
        let app = TestApp::spawn(database);
        let first = app.get_tokens(CLI);
        let second = Tokens::read(&app.refresh(CLI, first.refresh()));
        assert_ne!(first.refresh(), second.refresh());
        // idle and absolute ends: f_06
    }
}

#[test]
fn cli_04_a_program_must_rotate() {
    let declared = "\n[[clients]]\nclient_id = \"new\"\nname = \"New\"\nkind = \"native\"\nredirect_uris = [\"http://127.0.0.1/cb\"]\nrefresh_rotation = \"keep\"\n";
    let (code, said) = check(declared);
    assert_eq!(code, Some(2));
    assert!(said.contains("clients.new.refresh_rotation"), "{said}");
}
