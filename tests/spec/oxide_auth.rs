//! What oxide-auth would do by itself and the server does otherwise. Each test is one of its behaviours, so that a new version of it
//! cannot bring the behaviour back.

use super::{assert_error_page, is_accepted, redirected_error};
use crate::support::declared::{CLI, LOCALHOST, NOTES, OWN_CLI, POST, SERVICE, TWO, WEB};
use crate::support::tokens::change;
use crate::support::*;

for_each_database! {
    fn oxide_an_unknown_code_is_invalid_grant_and_not_invalid_request(database) {
        let app = TestApp::spawn(database);
        let code = app.get_code(CLI);
        let forged = format!("gp_ac_{}", random_text(36).chars().take(49).collect::<String>());
        assert_eq!(error_of(&app.token(CLI, change(code.form(), "code", &forged))), (400, "invalid_grant".into()));
        app.redeem(&code);
        assert_eq!(error_of(&app.redeem(&code)), (400, "invalid_grant".into()));
    }

    fn oxide_a_wrong_verifier_is_invalid_grant_and_not_invalid_request(database) {
        let app = TestApp::spawn(database);
        let form = change(app.get_code(CLI).form(), "code_verifier", &random_text(32));
        assert_eq!(error_of(&app.token(CLI, form)), (400, "invalid_grant".into()));
    }

    fn oxide_a_bad_attempt_does_not_burn_the_code(database) {
        let app = TestApp::spawn(database);
        let code = app.get_code(CLI);
        app.token(CLI, change(code.form(), "code_verifier", &random_text(32)));
        app.token(CLI, change(code.form(), "redirect_uri", "https://x.example"));
        app.token(OWN_CLI, code.form());
        assert_eq!(app.redeem(&code).status, 200);
    }

    fn oxide_a_replay_has_consequences(database) {
        let app = TestApp::spawn(database);
        let code = app.get_code(CLI);
        let tokens = Tokens::read(&app.redeem(&code));
        app.redeem(&code);
        assert!(!app.is_active(NOTES, &tokens.access));
    }

    fn oxide_redirect_uri_is_optional_in_the_token_request(database) {
        let app = TestApp::spawn(database);
        let form = app.get_code(CLI).form().into_iter().filter(|(name, _)| *name != "redirect_uri").collect();
        assert_eq!(app.token(CLI, form).status, 200);
    }

    fn oxide_redirect_uri_is_compared_as_text(database) {
        let app = TestApp::spawn(database);
        let code = app.get_code(WEB);
        for same_url in
            ["https://web.example:443/callback", "https://WEB.example/callback", "https://web.example/x/../callback"]
        {
            assert_eq!(
                error_of(&app.token(WEB, change(code.form(), "redirect_uri", same_url))),
                (400, "invalid_grant".into())
            );
        }
    }

    fn oxide_client_id_beside_basic_is_fine(database) {
        let app = TestApp::spawn(database);
        let code = app.get_code(WEB);
        let form = change(code.form(), "client_id", WEB.id);
        assert_eq!(app.token(WEB, form).status, 200);
    }

    fn oxide_basic_is_form_decoded_and_an_empty_password_is_no_public_client(database) {
        let app = TestApp::spawn(database);
        let code = app.get_code(WEB);
        for client in [WEB.id, CLI.id] {
            let empty = Request::post("/oauth2/token").basic(client, "").form(&code.form());
            assert_eq!(error_of(&app.send(&empty)), (401, "invalid_client".into()));
        }
        let other_scheme = Request::post("/oauth2/token").header("Authorization", "DPoP x").form(&code.form());
        assert_eq!(error_of(&app.send(&other_scheme)), (401, "invalid_client".into()));
        assert_eq!(app.redeem(&code).status, 200, "the secret has signs that must be decoded");
    }

    fn oxide_the_challenge_has_a_realm(database) {
        let app = TestApp::spawn(database);
        let response = app.send(&Request::post("/oauth2/token").basic(WEB.id, "x").form(&[("grant_type", "x")]));
        assert!(response.header("www-authenticate").is_some_and(|value| value.starts_with("Basic realm=\"")));
    }

    fn oxide_errors_use_the_registered_names_and_are_not_stored(database) {
        let app = TestApp::spawn(database);
        let response = app.token(WEB, vec![("grant_type", "foo".into())]);
        assert_eq!(response.header("cache-control"), Some("no-store"));
        let json = response.json();
        assert!(
            json["error_description"].is_string() && json.get("description").is_none() && json.get("uri").is_none()
        );
        let answer = Answer::find(&app.get(&Authorize::new(WEB).set("scope", "bogus").target())).expect("a redirect");
        assert!(answer.get("error_description").is_some() && answer.get("description").is_none());
    }

    fn oxide_errors_that_it_does_not_know(database) {
        let app = TestApp::spawn(database);
        assert_eq!(redirected_error(&app, &Authorize::new(WEB).set("resource", "https://x.example")), "invalid_target");
        assert_eq!(redirected_error(&app, &Authorize::new(WEB).set("prompt", "none")), "login_required");
        assert_eq!(redirected_error(&app, &Authorize::new(WEB).set("request", "x")), "request_not_supported");
    }

    fn oxide_a_public_client_cannot_refresh_under_another_name(database) {
        let app = TestApp::spawn(database);
        let tokens = app.get_tokens(CLI);
        assert_eq!(error_of(&app.refresh(OWN_CLI, tokens.refresh())), (400, "invalid_grant".into()));
        let form = [("grant_type", "refresh_token"), ("refresh_token", tokens.refresh()), ("client_id", "nobody")];
        assert_eq!(error_of(&app.post_form("/oauth2/token", &form)), (401, "invalid_client".into()));
    }

    fn oxide_client_secret_post_can_refresh(database) {
        let app = TestApp::spawn(database);
        let tokens = app.get_tokens(POST);
        assert_eq!(app.refresh(POST, tokens.refresh()).status, 200);
    }

    fn oxide_narrowing_does_not_stay(database) {
        let app = TestApp::spawn(database);
        let tokens = app.get_tokens(CLI);
        let form = vec![
            ("grant_type", "refresh_token".into()),
            ("refresh_token", tokens.refresh().into()),
            ("scope", "notes:read".into()),
        ];
        let narrow = Tokens::read(&app.token(CLI, form));
        assert_eq!(narrow.scope, "notes:read");
        assert_eq!(Tokens::read(&app.refresh(CLI, narrow.refresh())).scope, CLI.scope());
    }

    fn oxide_a_refresh_token_outlives_the_access_token(database) {
        let app = Setup::new(database).set("tokens.access_ttl", "1s").spawn();
        let tokens = app.get_tokens(OWN_CLI);
        let_seconds_pass(1);
        assert!(!app.is_active(NOTES, &tokens.access));
        assert_eq!(app.refresh(OWN_CLI, tokens.refresh()).status, 200);
    }

    fn oxide_reuse_of_a_rotated_token_ends_the_family(database) {
        let app = TestApp::spawn(database);
        let first = app.get_tokens(CLI);
        let second = Tokens::read(&app.refresh(CLI, first.refresh()));
        app.refresh(CLI, first.refresh());
        assert_eq!(error_of(&app.refresh(CLI, second.refresh())), (400, "invalid_grant".into()));
    }

    fn oxide_the_port_is_free_for_numbers_and_not_for_https(database) {
        let app = TestApp::spawn(database);
        assert!(is_accepted(&app, &Authorize::new(CLI).set("redirect_uri", "http://[::1]:9/callback")));
        assert!(is_accepted(&app, &Authorize::new(CLI).set("redirect_uri", "http://127.0.0.1:9/callback")));
        assert_error_page(
            &app.get(&Authorize::new(LOCALHOST).set("redirect_uri", "https://localhost:9/callback").target()),
        );
    }

    fn oxide_repeated_parameters_are_refused_and_not_dropped(database) {
        let app = TestApp::spawn(database);
        assert_error_page(&app.get(&Authorize::new(WEB).add("redirect_uri", WEB.redirect).target()));
        for name in ["state", "scope"] {
            assert_eq!(redirected_error(&app, &Authorize::new(WEB).add(name, "notes:read")), "invalid_request");
        }
        let two = Authorize::new(WEB).add("resource", NOTES.resource).add("resource", declared::MAIL.resource);
        let tokens = app.get_tokens_by(&two);
        assert!(app.is_active(NOTES, &tokens.access) && app.is_active(declared::MAIL, &tokens.access));
    }

    fn oxide_an_empty_value_is_an_omitted_one(database) {
        let app = TestApp::spawn(database);
        assert_error_page(&app.get(&Authorize::new(TWO).set("redirect_uri", "").target()));
        assert!(is_accepted(&app, &Authorize::new(WEB).set("scope", "")));
    }

    fn oxide_the_shape_of_challenge_and_verifier_is_checked(database) {
        let app = TestApp::spawn(database);
        assert_eq!(redirected_error(&app, &Authorize::new(WEB).set("code_challenge", "any text")), "invalid_request");
        let request = Authorize::new(OWN_CLI).set("code_challenge", &hash_of("short"));
        let code = Code { verifier: "short".into(), ..Browser::new(&app).get_code(&request, &ALICE) };
        assert_eq!(error_of(&app.redeem(&code)), (400, "invalid_grant".into()));
    }

    fn oxide_a_missing_response_type_is_invalid_request(database) {
        let app = TestApp::spawn(database);
        assert_eq!(redirected_error(&app, &Authorize::new(WEB).without("response_type")), "invalid_request");
    }

    fn oxide_iss_is_on_every_answer(database) {
        let app = TestApp::spawn(database);
        let answer = Browser::new(&app).authorize(&Authorize::new(WEB), &ALICE);
        assert_eq!(answer.get("iss"), Some(app.issuer.clone()));
    }

    fn oxide_a_scope_that_is_asked_for_counts(database) {
        let app = TestApp::spawn(database);
        assert_eq!(app.get_tokens_by(&Authorize::new(CLI).set("scope", "notes:read")).scope, "notes:read");
        assert_eq!(redirected_error(&app, &Authorize::new(CLI).set("scope", "bogus")), "invalid_scope");
    }

    fn oxide_client_credentials_need_no_redirect_and_name_their_errors(database) {
        let app = TestApp::spawn(database);
        assert_eq!(app.get_service_token(SERVICE, "notes:read").scope, "notes:read");
        for (scope, error) in [("\"", "invalid_scope"), ("bogus", "invalid_scope")] {
            let form = vec![("grant_type", "client_credentials".to_owned()), ("scope", scope.to_owned())];
            assert_eq!(error_of(&app.token(SERVICE, form)), (400, error.into()));
        }
        let wrong = Request::post("/oauth2/token").basic(SERVICE.id, "x").form(&[("grant_type", "client_credentials")]);
        assert!(app.send(&wrong).header("www-authenticate").is_some());
    }

    fn oxide_scopes_are_in_order(database) {
        let app = TestApp::spawn(database);
        for _ in 0..5 {
            assert_eq!(
                app.get_service_token(SERVICE, "notes:read mail:read jwt:read").scope,
                "jwt:read mail:read notes:read"
            );
        }
    }

    fn oxide_codes_and_tokens_need_no_encoding(database) {
        let app = TestApp::spawn(database);
        let code = app.get_code(CLI);
        let tokens = Tokens::read(&app.redeem(&code));
        for text in [&code.code, &tokens.access, tokens.refresh()] {
            assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)), "{text}");
        }
    }
}
