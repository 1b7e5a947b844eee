//! OAuth 2.1: using a bearer token (BE), at `/api/v1/whoami`.

use crate::support::declared::{CLI, SERVICE};
use crate::support::*;

const PATH: &str = "/api/v1/whoami";

fn assert_invalid_token(response: &Response) {
    assert_eq!(response.status, 401, "{response:?}");
    let challenge = response.header("www-authenticate").expect("a challenge");
    assert!(challenge.starts_with("Bearer realm=") && challenge.contains("error=\"invalid_token\""), "{challenge}");
    assert_eq!(response.header("cache-control"), Some("no-store"));
}

for_each_database! {
    fn be_01_the_scheme_has_no_case(database) {
        let app = TestApp::spawn(database);
        let token = app.get_service_token(SERVICE, "notes:read").access;
        for scheme in ["Bearer", "bearer", "BEARER"] {
            let response = app.send(&Request::get(PATH).header("Authorization", &format!("{scheme} {token}")));
            assert_eq!(response.status, 200, "{scheme}");
        }
        for header in [
            format!("Bearer{token}"),
            format!("Token {token}"),
            format!("Bearer {token} x"),
            "Bearer".into(),
            "Bearer ".into(),
        ] {
            let response = app.send(&Request::get(PATH).header("Authorization", &header));
            assert_eq!(response.status, 401, "{header}");
        }
    }

    fn be_02_no_token_in_the_address(database) {
        let app = TestApp::spawn(database);
        let token = app.get_service_token(SERVICE, "notes:read").access;
        let response = app.get(&format!("{PATH}?access_token={token}"));
        assert_eq!(response.status, 401);
        let challenge = response.header("www-authenticate").expect("a challenge");
        assert!(!challenge.contains("error="), "as if there were none: {challenge}");
    }

    fn be_04_the_challenge_says_what_is_wrong(database) {
        let app = Setup::new(database).set("tokens.access_ttl", "1s").spawn();
        let response = app.get(PATH);
        assert_eq!(response.status, 401);
        assert_eq!(response.header("www-authenticate"), Some(format!("Bearer realm=\"{}\"", app.issuer).as_str()));
        let token = app.get_service_token(SERVICE, "notes:read").access;
        assert_eq!(app.send(&Request::get(PATH).bearer(&token)).status, 200);
        let_seconds_pass(1);
        assert_invalid_token(&app.send(&Request::get(PATH).bearer(&token)));
        assert_invalid_token(&app.send(&Request::get(PATH).bearer("unknown")));
    }

    fn be_04_a_revoked_token_is_invalid_at_once(database) {
        let app = TestApp::spawn(database);
        let tokens = app.get_tokens(CLI);
        assert_eq!(app.send(&Request::get(PATH).bearer(&tokens.access)).status, 200);
        app.revoke(CLI, tokens.refresh());
        assert_invalid_token(&app.send(&Request::get(PATH).bearer(&tokens.access)));
    }

    fn be_05_other_kinds_are_no_access_tokens(database) {
        let app = TestApp::spawn(database);
        let code = app.get_code(CLI);
        let tokens = app.get_tokens(CLI);
        let mut browser = Browser::new(&app);
        browser.sign_in(&ALICE);
        let session = browser.session_cookie().expect("a session").1.to_owned();
        for other in [code.code.as_str(), tokens.refresh(), &session, &CLI.secret().replace(' ', "")] {
            assert_invalid_token(&app.send(&Request::get(PATH).bearer(other)));
        }
    }
}
