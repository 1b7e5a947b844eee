//! OAuth 2.1: the token endpoint (T).

use std::collections::BTreeSet;

use super::redirected_error;
use crate::support::declared::{CLI, NOTES, OWN_CLI, POST, SERVICE, SPA, WEB};
use crate::support::http::encode_form;
use crate::support::tokens::change;
use crate::support::*;

for_each_database! {
    fn t_01_post_only(database) {
        let app = TestApp::spawn(database);
        let code = app.get_code(CLI);
        let mut form = code.form();
        form.push(("client_id", CLI.id.into()));
        for method in ["GET", "HEAD", "PUT", "DELETE", "PATCH"] {
            let target = format!("/oauth2/token?{}", encode_form(&form));
            for request in [Request::new(method, &target), Request::new(method, "/oauth2/token").form(&form)] {
                let response = app.send(&request);
                assert_eq!((response.status, response.header("allow")), (405, Some("POST")), "{method}");
                assert!(!response.body.contains("gp_"));
            }
        }
        assert_eq!(app.redeem(&code).status, 200);
    }

    fn t_02_a_form_in_the_body(database) {
        let app = TestApp::spawn(database);
        let code = app.get_code(CLI);
        let mut form = code.form();
        form.push(("client_id", CLI.id.into()));
        let body = encode_form(&form);
        let post = || Request::post("/oauth2/token");
        for request in [
            post().header("Content-Type", "application/json").body(r#"{"grant_type":"authorization_code"}"#),
            post().header("Content-Type", "multipart/form-data; boundary=x").body("--x--"),
            post().header("Content-Type", "text/plain").body(body.clone()),
            post().body(body.clone()),
            post().header("Content-Type", "application/x-www-form-urlencodedx").body(body.clone()),
            Request::post(&format!("/oauth2/token?{body}")),
        ] {
            assert_eq!(error_of(&app.send(&request)), (400, "invalid_request".into()), "{request:?}");
        }
        let in_query = Request::post(&format!("/oauth2/token?{body}")).raw_form("");
        assert_eq!(app.send(&in_query).status, 401);
        for ending in ["", "; charset=UTF-8", ";charset=utf-8"] {
            let kind = format!("application/x-www-form-urlencoded{ending}");
            let form = change(form.clone(), "code", &app.get_code(CLI).code);
            let response = app.send(&post().header("Content-Type", &kind).body(encode_form(&form)));
            // read, and refused only because the verifier belongs to another code
            assert_eq!(error_of(&response), (400, "invalid_grant".into()), "{kind}");
        }
        let upper = post().header("Content-Type", "APPLICATION/X-WWW-FORM-URLENCODED").body(body);
        assert_eq!(app.send(&upper).status, 200);
    }

    fn t_03_the_members_of_the_answer(database) {
        let app = TestApp::spawn(database);
        let response = app.redeem(&app.get_code(WEB));
        let json = Tokens::read(&response).json;
        assert_eq!(response.header("cache-control"), Some("no-store"));
        assert_eq!(json["token_type"], "Bearer");
        assert!(json["expires_in"].is_i64(), "a number: {json}");
        assert_eq!(json["scope"], WEB.scope());
    }

    fn t_04_each_error_has_its_code_and_status(database) {
        let app = TestApp::spawn(database);
        let code = app.get_code(POST);
        let pair = |name, value: &str| vec![(name, value.to_owned())];
        for (form, expected) in [
            (vec![], (400, "invalid_request")),
            (pair("grant_type", "authorization_code"), (400, "invalid_request")),
            (pair("grant_type", "refresh_token"), (400, "invalid_request")),
            (pair("grant_type", "foo"), (400, "unsupported_grant_type")),
            (change(code.form(), "code", "x"), (400, "invalid_grant")),
            (change(code.form(), "redirect_uri", "https://x.example"), (400, "invalid_grant")),
            (change(pair("grant_type", "client_credentials"), "scope", "bogus"), (400, "invalid_scope")),
            (
                change(pair("grant_type", "client_credentials"), "resource", "https://x.example"),
                (400, "invalid_target"),
            ),
        ] {
            let answer = app.token(POST, form.clone());
            assert_eq!(error_of(&answer), (expected.0, expected.1.into()), "{form:?}");
        }
        assert_eq!(error_of(&app.token(SERVICE, code.form())), (400, "unauthorized_client".into()));
        assert_eq!(error_of(&app.post_form("/oauth2/token", &[])), (401, "invalid_client".into()));
    }

    fn t_05_the_client_is_checked_before_the_grant(database) {
        let app = TestApp::spawn(database);
        let post = |form: &[(&str, &str)]| error_of(&app.post_form("/oauth2/token", form));
        for grant in ["authorization_code", "refresh_token", "client_credentials", "foo", ""] {
            for code in ["x", &app.get_code(WEB).code] {
                let form = [("grant_type", grant), ("code", code), ("client_id", WEB.id)];
                assert_eq!(post(&form), (401, "invalid_client".into()), "{grant}");
            }
        }
        let form = [("grant_type", "foo"), ("client_id", CLI.id)];
        assert_eq!(post(&form), (400, "unsupported_grant_type".into()));
        let form = [("grant_type", "client_credentials"), ("client_id", CLI.id), ("scope", "bogus")];
        assert_eq!(post(&form), (400, "unauthorized_client".into()));
    }

    fn t_06_only_its_own_client_redeems_a_code(database) {
        let app = TestApp::spawn(database);
        let code = app.get_code(CLI);
        for other in [OWN_CLI, WEB, POST, SPA] {
            assert_eq!(error_of(&app.token(other, code.form())), (400, "invalid_grant".into()), "{}", other.id);
        }
        let nobody = app.send(&Request::post("/oauth2/token").form(&code.form()));
        assert_eq!(error_of(&nobody), (401, "invalid_client".into()));
        assert_eq!(app.redeem(&code).status, 200, "tries of others do not count");
    }

    fn t_07_code_replay_revokes(database) {
        let app = TestApp::spawn(database);
        let code = app.get_code(CLI);
        let first = Tokens::read(&app.redeem(&code));
        let second = Tokens::read(&app.refresh(CLI, first.refresh()));
        assert!(app.is_active(NOTES, &first.access) && app.is_active(NOTES, &second.access));
        assert_eq!(error_of(&app.redeem(&code)), (400, "invalid_grant".into()));
        assert!(!app.is_active(NOTES, &first.access) && !app.is_active(NOTES, &second.access));
        assert_eq!(error_of(&app.refresh(CLI, second.refresh())), (400, "invalid_grant".into()));
    }

    fn t_07_a_replay_that_lacks_something_revokes_nothing(database) {
        let app = TestApp::spawn(database);
        let code = app.get_code(WEB);
        let tokens = Tokens::read(&app.redeem(&code));
        let without_verifier: Vec<_> = code.form().into_iter().filter(|(name, _)| *name != "code_verifier").collect();
        for answer in [
            app.token(WEB, change(code.form(), "code_verifier", &random_text(32))),
            app.token(WEB, without_verifier),
            app.token(POST, code.form()),
            app.token(WEB, change(code.form(), "redirect_uri", "https://x.example/")),
        ] {
            assert_eq!(error_of(&answer), (400, "invalid_grant".into()));
        }
        let wrong = Request::post("/oauth2/token").basic(WEB.id, "wrong").form(&code.form());
        assert_eq!(error_of(&app.send(&wrong)), (401, "invalid_client".into()));
        assert!(app.is_active(NOTES, &tokens.access));
        assert_eq!(app.refresh(WEB, tokens.refresh()).status, 200);
    }

    fn t_08_of_many_at_once_one_wins(database) {
        let app = TestApp::spawn(database);
        let code = app.get_code(CLI);
        let answers = run_at_once(20, |_| app.redeem(&code));
        let won = answers.iter().filter(|answer| answer.status == 200).count();
        assert_eq!(won, 1);
        for lost in answers.iter().filter(|answer| answer.status != 200) {
            assert_eq!(error_of(lost), (400, "invalid_grant".into()));
        }
        // the others were valid in all else, so nobody can know which of them was the thief
        let tokens = answers.iter().find(|answer| answer.status == 200).map(Tokens::read).expect("one");
        assert!(!app.is_active(NOTES, &tokens.access));
    }

    fn t_09_a_code_is_short_lived(database) {
        let app = Setup::new(database).set("tokens.code_ttl", "1s").spawn();
        let code = app.get_code(OWN_CLI);
        let_seconds_pass(1);
        assert_eq!(error_of(&app.redeem(&code)), (400, "invalid_grant".into()));
    }

    fn t_10_a_redirect_uri_is_the_same_or_absent(database) {
        let app = TestApp::spawn(database);
        let code = app.get_code(WEB);
        for other in
            ["https://web.example/callback/", "https://WEB.example/callback", "https://web.example:443/callback", "x"]
        {
            let answer = app.token(WEB, change(code.form(), "redirect_uri", other));
            assert_eq!(error_of(&answer), (400, "invalid_grant".into()), "{other}");
        }
        let absent: Vec<_> = code.form().into_iter().filter(|(name, _)| *name != "redirect_uri").collect();
        assert_eq!(app.token(WEB, absent).status, 200);
    }

    fn t_11_codes_cannot_be_guessed(database) {
        let app = TestApp::spawn(database);
        let mut browser = Browser::new(&app);
        browser.sign_in(&ALICE);
        let codes: Vec<String> = (0..20).map(|_| browser.get_code(&Authorize::new(OWN_CLI), &ALICE).code).collect();
        assert_eq!(codes.iter().collect::<BTreeSet<_>>().len(), 20);
        let mut count = [0_u32; 128];
        for code in &codes {
            let body = code.strip_prefix("gp_ac_").expect("the prefix of codes");
            assert_eq!(body.len(), 49, "256 bits and a checksum");
            body.bytes().for_each(|byte| count[usize::from(byte)] += 1);
        }
        let total = f64::from(count.iter().sum::<u32>());
        let shares = count.iter().filter(|n| **n > 0).map(|n| f64::from(*n) / total);
        let bits: f64 = shares.map(|share| -share * share.log2()).sum();
        assert!(bits * 43.0 > 240.0, "{bits} bits a character");
    }

    fn t_12_grants_that_oauth_21_removed(database) {
        let app = TestApp::spawn(database);
        for grant in [
            "password",
            "implicit",
            "urn:ietf:params:oauth:grant-type:jwt-bearer",
            "urn:ietf:params:oauth:grant-type:device_code",
        ] {
            let form = vec![
                ("grant_type", grant.to_owned()),
                ("username", ALICE.email.into()),
                ("password", ALICE.password.into()),
            ];
            assert_eq!(error_of(&app.token(WEB, form)), (400, "unsupported_grant_type".into()), "{grant}");
        }
        let request = Authorize::new(WEB).set("response_type", "token");
        assert_eq!(redirected_error(&app, &request), "unsupported_response_type");
        let document = app.get("/.well-known/oauth-authorization-server").json();
        let grants = document["grant_types_supported"].to_string();
        assert_eq!(grants, r#"["authorization_code","refresh_token","client_credentials"]"#);
    }

    fn t_13_client_credentials_are_for_services_with_a_secret(database) {
        let app = TestApp::spawn(database);
        let form = |scope: &str| vec![("grant_type", "client_credentials".to_owned()), ("scope", scope.to_owned())];
        assert_eq!(error_of(&app.token(CLI, form("notes:read"))), (400, "unauthorized_client".into()));
        assert_eq!(error_of(&app.token(SERVICE, form("openid"))), (400, "invalid_scope".into()));
        let response = app.token(SERVICE, form("notes:read"));
        assert!(response.json().get("refresh_token").is_none());
        let answer = app.introspect(NOTES, &Tokens::read(&response).access).json();
        assert_eq!(answer["sub"], "client:test-service", "no person has such a subject");
    }
}
