//! OAuth 2.1: transport, parameters, general (G).

use super::{assert_error_page, is_accepted, redirected_error};
use crate::support::app::run_command;
use crate::support::declared::{CLI, NOTES, TWO, WEB};
use crate::support::tokens::change;
use crate::support::*;

#[test]
fn g_01_a_public_address_without_tls_is_refused_unless_it_is_this_computer() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("gatepost.toml");
    for (url, code) in [("http://auth.example.com", 2), ("https://auth.example.com", 0), ("http://127.0.0.1:8480", 0)] {
        let setup = Setup::new(Database::Sqlite);
        std::fs::write(&config, setup.to_toml(url, 8480, "sqlite:none.db")).expect("written");
        let output = run_command(&config, &["config", "check"], "");
        let err = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{url}: {err}");
        assert_eq!(err.contains("server.public_url"), code == 2 || url.starts_with("http:"), "{url}: {err}");
    }
}

for_each_database! {
    fn g_01_behind_a_proxy_every_address_is_https(database) {
        let app = Setup::new(database).public_url("https://auth.example").spawn();
        let document = app.get("/.well-known/oauth-authorization-server").json();
        for (name, value) in document.as_object().expect("an object") {
            if let Some(url) = value.as_str().filter(|text| text.contains("://")) {
                assert!(url.starts_with("https://auth.example"), "{name}: {url}");
            }
        }
    }

    fn g_02_unknown_parameters_are_ignored(database) {
        let app = TestApp::spawn(database);
        let request = Authorize::new(WEB).add("extra", "foobar").add("nonce", "n").add("claims", "{}");
        let code = Browser::new(&app).get_code(&request, &ALICE);
        assert_eq!(app.token(WEB, change(code.form(), "extra", "foobar")).status, 200);
    }

    fn g_03_no_parameter_comes_twice_at_authorize(database) {
        let app = TestApp::spawn(database);
        let request =
            Authorize::new(WEB).add("extra", "x").add("prompt", "login").add("max_age", "5").add("nonce", "x");
        let names = [
            "response_type",
            "scope",
            "state",
            "code_challenge",
            "code_challenge_method",
            "extra",
            "prompt",
            "max_age",
            "nonce",
        ];
        for name in names {
            for value in [request.get(name).expect("it is there"), "other".to_owned(), String::new()] {
                let twice = request.clone().add(name, &value);
                assert_eq!(redirected_error(&app, &twice), "invalid_request", "{name}={value}");
            }
        }
        for name in ["client_id", "redirect_uri"] {
            for value in [request.get(name).expect("it is there"), "https://evil.example/".to_owned(), String::new()] {
                assert_error_page(&app.get(&request.clone().add(name, &value).target()));
            }
        }
    }

    fn g_03_no_parameter_comes_twice_at_token(database) {
        let app = TestApp::spawn(database);
        let code = app.get_code(CLI);
        let mut form = code.form();
        form.extend([("client_id", CLI.id.to_owned()), ("extra", "x".to_owned()), ("scope", "notes:read".to_owned())]);
        for (name, value) in form.clone() {
            for second in [value.as_str(), "other", ""] {
                let mut twice = form.clone();
                twice.push((name, second.to_owned()));
                let response = app.send(&Request::post("/oauth2/token").form(&twice));
                assert_eq!(error_of(&response), (400, "invalid_request".into()), "{name}={second}");
            }
        }
        assert_eq!(app.redeem(&code).status, 200, "none of these spoilt the code");
    }

    fn g_03_no_parameter_comes_twice_at_introspect_and_revoke(database) {
        let app = TestApp::spawn(database);
        for (path, id, secret) in
            [("/oauth2/introspect", NOTES.id, NOTES.secret()), ("/oauth2/revoke", WEB.id, WEB.secret())]
        {
            for form in
                ["token=a&token=a", "token=a&token=b", "token=a&token_type_hint=x&token_type_hint=x", "token=a&x=1&x=2"]
            {
                let response = app.send(&Request::post(path).basic(id, &secret).raw_form(form));
                assert_eq!(error_of(&response), (400, "invalid_request".into()), "{path} {form}");
            }
        }
    }

    fn g_03_query_and_body_are_not_mixed(database) {
        let app = TestApp::spawn(database);
        let code = app.get_code(CLI);
        let mut form = code.form();
        let (_, grant) = form.remove(0);
        form.push(("client_id", CLI.id.to_owned()));
        let split = Request::post(&format!("/oauth2/token?grant_type={grant}")).form(&form);
        assert_eq!(error_of(&app.send(&split)), (400, "invalid_request".into()));
    }

    fn g_04_a_parameter_without_a_value_is_omitted(database) {
        let app = TestApp::spawn(database);
        let request = Authorize::new(WEB);
        let tokens = app.get_tokens_by(&request.clone().set("scope", ""));
        assert_eq!(tokens.scope, WEB.scope(), "the default is everything that the client may have");
        assert_error_page(&app.get(&Authorize::new(TWO).set("redirect_uri", "").target()));
        assert_eq!(redirected_error(&app, &request.clone().set("code_challenge", "")), "invalid_request");
        assert_eq!(redirected_error(&app, &request.clone().set("response_type", "")), "invalid_request");
        let answer = Browser::new(&app).authorize(&request.set("state", ""), &ALICE);
        assert!(answer.get("code").is_some());
        assert_eq!(answer.get("state"), None, "{}", answer.url);
    }

    fn g_05_names_and_values_are_case_sensitive(database) {
        let app = TestApp::spawn(database);
        let request = Authorize::new(WEB);
        assert_eq!(redirected_error(&app, &request.clone().set("response_type", "Code")), "unsupported_response_type");
        assert_eq!(redirected_error(&app, &request.clone().set("code_challenge_method", "s256")), "invalid_request");
        assert_eq!(redirected_error(&app, &request.clone().set("scope", "Notes:Read")), "invalid_scope");
        let renamed = request.without("response_type").add("Response_Type", "code");
        assert_eq!(redirected_error(&app, &renamed), "invalid_request");
        let form = change(app.get_code(WEB).form(), "grant_type", "Authorization_Code");
        assert_eq!(error_of(&app.token(WEB, form)), (400, "unsupported_grant_type".into()));
    }

    fn g_06_plus_and_percent_20_are_both_a_space(database) {
        let app = TestApp::spawn(database);
        for scope in ["notes:read+notes:write", "notes:read%20notes:write", "notes%3Aread%20notes%3awrite"] {
            let request = Authorize::new(CLI).without("scope");
            let mut browser = Browser::new(&app);
            browser.sign_in(&ALICE);
            let page = browser.get(&format!("{}&scope={scope}", request.target()));
            let page = browser.follow(page);
            let handed = browser.decide(&page, "allow");
            let answer = Answer::find(&handed).expect("an answer");
            let code = Code {
                code: answer.get("code").expect("a code"),
                verifier: request.verifier.clone(),
                redirect_uri: request.get("redirect_uri"),
                client: CLI,
            };
            assert_eq!(Tokens::read(&app.redeem(&code)).scope, "notes:read notes:write");
        }
    }

    fn g_07_a_long_state_comes_back_unchanged_or_is_refused(database) {
        let app = TestApp::spawn(database);
        let mut browser = Browser::new(&app);
        let state = "s".repeat(2048);
        let answer = browser.authorize(&Authorize::new(WEB).set("state", &state), &ALICE);
        assert_eq!(answer.get("state"), Some(state.clone()));
        let too_long = Authorize::new(WEB).set("state", &(state + "s"));
        assert_eq!(redirected_error(&app, &too_long), "invalid_request");
        let answer = Answer::find(&app.get(&too_long.target())).expect("a redirect");
        assert_eq!(answer.get("state"), None, "it is not cut either");
        // many other long values are fine, up to the limit of the whole address
        assert!(is_accepted(&app, &Authorize::new(WEB).add("nonce", &"n".repeat(5000))));
        assert_eq!(app.get(&Authorize::new(WEB).add("nonce", &"n".repeat(20_000)).target()).status, 414);
    }
}
