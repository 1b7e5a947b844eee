//! RFC 7662: introspection (IN), and RFC 9701: its signed answers (IJ).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::support::declared::{ANY, CLI, JWT, MAIL, NOTES, POST, SERVICE, WEB};
use crate::support::jwt::verify_jwt;
use crate::support::*;

const SIGNED: &str = "application/token-introspection+jwt";

fn ask(app: &TestApp, api: TestApi, form: &[(&str, &str)]) -> Response {
    app.send(&Request::post("/oauth2/introspect").basic(api.id, &api.secret()).form(form))
}

fn ask_signed(app: &TestApp, token: &str, accept: &str) -> Response {
    let request = Request::post("/oauth2/introspect").basic(NOTES.id, &NOTES.secret()).header("Accept", accept);
    app.send(&request.form(&[("token", token)]))
}

for_each_database! {
    fn in_01_only_apis_may_ask(database) {
        let app = TestApp::spawn(database);
        let token = app.get_tokens(WEB).access;
        let form = [("token", token.as_str())];
        let post = || Request::post("/oauth2/introspect");
        for request in [
            post().form(&form),
            post().form(&[form[0], ("client_id", CLI.id)]),
            post().form(&[form[0], ("client_id", NOTES.id)]),
            post().basic(NOTES.id, "wrong").form(&form),
            post().basic(NOTES.id, "").form(&form),
            post().basic("nobody", &NOTES.secret()).form(&form),
            post().basic(NOTES.id, &MAIL.secret()).form(&form),
            // apps do not introspect: an access token is not for them to look into
            post().basic(WEB.id, &WEB.secret()).form(&form),
            post().form(&[form[0], ("client_id", POST.id), ("client_secret", &POST.secret())]),
            post().bearer(&token).form(&form),
        ] {
            let response = app.send(&request);
            assert_eq!(error_of(&response), (401, "invalid_client".into()), "{request:?}");
        }
    }

    fn in_02_a_form_with_a_token(database) {
        let app = TestApp::spawn(database);
        assert_eq!(error_of(&ask(&app, NOTES, &[])), (400, "invalid_request".into()));
        assert_eq!(error_of(&ask(&app, NOTES, &[("token", "")])), (400, "invalid_request".into()));
        let get = Request::get("/oauth2/introspect?token=x").basic(NOTES.id, &NOTES.secret());
        let response = app.send(&get);
        assert_eq!((response.status, response.header("allow")), (405, Some("POST")));
        let query = Request::post("/oauth2/introspect?token=x").basic(NOTES.id, &NOTES.secret()).raw_form("");
        assert_eq!(error_of(&app.send(&query)), (400, "invalid_request".into()));
        let json = Request::post("/oauth2/introspect")
            .basic(NOTES.id, &NOTES.secret())
            .header("Content-Type", "application/json")
            .body("{}");
        assert_eq!(error_of(&app.send(&json)), (400, "invalid_request".into()));
    }

    fn in_03_whatever_is_not_good_looks_the_same(database) {
        let app = TestApp::spawn(database);
        let code = app.get_code(WEB);
        let good = app.get_tokens(WEB);
        let revoked = app.get_tokens(WEB);
        app.revoke(WEB, &revoked.access);
        let rotated = app.get_tokens(CLI);
        app.refresh(CLI, rotated.refresh());
        app.refresh(CLI, rotated.refresh());
        let jwt = app.get_service_token(SERVICE, "jwt:read").access;
        let changed = other_end(&good.access);
        let hash = hash_of(&good.access);
        let texts = [
            "x",
            "gp_at_",
            "gp_at_x",
            &code.code,
            good.refresh(),
            &revoked.access,
            &rotated.access,
            &jwt,
            &changed,
            &hash,
            &format!(" {}", good.access),
            &format!("{} ", good.access),
            &good.access[..54],
            &good.access.to_uppercase(),
            &good.access.replace("gp_at_", "gp_rt_"),
            &format!("{}x", good.access),
            "eyJ.eyJ.x",
            "..",
            "ü",
            &"x".repeat(10_000),
        ];
        for token in texts {
            let response = app.introspect(NOTES, token);
            assert_eq!((response.status, response.body.as_str()), (200, INACTIVE), "{token}");
            assert_eq!(response.header("cache-control"), Some("no-store"));
        }
        assert!(app.is_active(NOTES, &good.access));
    }

    fn in_03_an_expired_token_is_inactive(database) {
        let app = Setup::new(database).set("tokens.access_ttl", "2s").spawn();
        let token = app.get_service_token(SERVICE, "notes:read").access;
        assert!(app.is_active(NOTES, &token));
        let_seconds_pass(2);
        assert!(!app.is_active(NOTES, &token));
    }

    fn in_04_a_hint_is_only_a_hint(database) {
        let app = TestApp::spawn(database);
        let token = app.get_tokens(WEB).access;
        for hint in ["access_token", "refresh_token", "foo", "", "ü"] {
            let response = ask(&app, NOTES, &[("token", &token), ("token_type_hint", hint)]);
            assert_eq!(response.json()["active"], true, "{hint}");
        }
    }

    fn in_05_the_members_have_their_types(database) {
        let app = TestApp::spawn(database);
        let tokens = app.get_tokens_by(&Authorize::new(WEB).set("scope", "notes:read mail:read"));
        let json = app.introspect(NOTES, &tokens.access).json();
        assert_eq!(json["active"], serde_json::Value::Bool(true));
        for name in ["scope", "client_id", "username", "token_type", "sub", "iss"] {
            assert!(json[name].is_string(), "{name}: {json}");
        }
        for name in ["exp", "iat", "auth_time"] {
            assert!(
                json[name].as_i64().is_some_and(|time| (1_700_000_000..100_000_000_000).contains(&time)),
                "{name}: {json}"
            );
        }
        assert_eq!(
            json["exp"].as_i64().expect("a number") - json["iat"].as_i64().expect("a number"),
            tokens.json["expires_in"]
        );
        assert_eq!(json["aud"], serde_json::json!([MAIL.resource, NOTES.resource]));
        assert!(!json.as_object().expect("an object").values().any(serde_json::Value::is_null), "{json}");
    }

    fn in_06_an_api_sees_only_what_is_meant_for_it(database) {
        let app = TestApp::spawn(database);
        let tokens = app.get_tokens_by(&Authorize::new(WEB).set("scope", "notes:read"));
        assert!(app.is_active(NOTES, &tokens.access));
        for other in [MAIL, JWT] {
            assert!(!app.is_active(other, &tokens.access), "{}", other.id);
        }
        let tokens = app.get_tokens_by(&Authorize::new(WEB).set("resource", MAIL.resource));
        assert!(app.is_active(MAIL, &tokens.access));
        assert!(!app.is_active(NOTES, &tokens.access));
    }

    fn in_08_a_refresh_token_is_nothing_for_an_api(database) {
        let app = TestApp::spawn(database);
        let tokens = app.get_tokens(WEB);
        for hint in ["refresh_token", "access_token"] {
            let response = ask(&app, NOTES, &[("token", tokens.refresh()), ("token_type_hint", hint)]);
            assert_eq!(response.body, INACTIVE);
        }
    }

    fn in_09_after_a_revocation_the_next_answer_is_inactive(database) {
        let app = TestApp::spawn(database);
        for _ in 0..5 {
            let tokens = app.get_service_token(SERVICE, "notes:read");
            assert!(app.is_active(NOTES, &tokens.access) && app.is_active(NOTES, &tokens.access));
            assert_eq!(app.revoke(SERVICE, &tokens.access).status, 200);
            assert!(!app.is_active(NOTES, &tokens.access));
        }
    }

    fn in_09_without_keeping_answers_it_is_the_same(database) {
        let app = Setup::new(database).set("cache.introspection", false).spawn();
        let tokens = app.get_service_token(SERVICE, "notes:read");
        assert!(app.is_active(NOTES, &tokens.access));
        app.revoke(SERVICE, &tokens.access);
        assert!(!app.is_active(NOTES, &tokens.access));
    }

    fn in_10_guessing_is_slowed_down(database) {
        let app = Setup::new(database).set("limits.introspection_failures_per_minute", 3).spawn();
        let wrong = Request::post("/oauth2/introspect").basic(NOTES.id, "wrong").form(&[("token", "x")]);
        for _ in 0..3 {
            assert_eq!(app.send(&wrong).status, 401);
        }
        let response = app.send(&wrong);
        assert_eq!((response.status, response.header("retry-after")), (429, Some("60")));
        assert_eq!(app.introspect(MAIL, "x").status, 200, "another API is not concerned");
    }

    fn in_11_the_endpoint_is_published(database) {
        let app = TestApp::spawn(database);
        let document = app.get("/.well-known/oauth-authorization-server").json();
        assert_eq!(document["introspection_endpoint"], format!("{}/oauth2/introspect", app.issuer));
        let methods = document["introspection_endpoint_auth_methods_supported"].to_string();
        assert_eq!(methods, r#"["client_secret_basic","client_secret_post"]"#);
        let posted = [("token", "x"), ("client_id", NOTES.id), ("client_secret", &NOTES.secret())];
        assert_eq!(app.post_form("/oauth2/introspect", &posted).body, INACTIVE);
    }

    fn in_12_a_jwt_is_inactive_after_its_revocation(database) {
        let app = TestApp::spawn(database);
        let token = app.get_service_token(SERVICE, "jwt:read").access;
        assert!(app.is_active(JWT, &token));
        app.revoke(SERVICE, &token);
        assert!(!app.is_active(JWT, &token));
        // the signature is still good: only asking tells
        verify_jwt(&app, &token);
    }

    fn ij_01_the_signed_form_is_for_those_who_name_it(database) {
        let app = TestApp::spawn(database);
        let token = app.get_service_token(SERVICE, "notes:read").access;
        for accept in [
            SIGNED,
            "application/token-introspection+jwt, application/json;q=0.5",
            "APPLICATION/token-introspection+JWT",
            "*/*;q=0.1, application/token-introspection+jwt",
        ] {
            let response = ask_signed(&app, &token, accept);
            assert_eq!((response.status, response.header("content-type")), (200, Some(SIGNED)), "{accept}");
            assert_eq!(response.header("cache-control"), Some("no-store"));
        }
        for accept in [
            "*/*",
            "application/json",
            "application/*",
            "",
            "application/json, application/token-introspection+jwt;q=0.5",
            "application/token-introspection+jwt;q=0",
        ] {
            assert_eq!(ask_signed(&app, &token, accept).json()["active"], true, "{accept}");
        }
    }

    fn ij_02_the_claims_of_a_signed_answer(database) {
        let app = TestApp::spawn(database);
        let token = app.get_tokens(WEB).access;
        let (header, claims) = verify_jwt(&app, &ask_signed(&app, &token, SIGNED).body);
        assert_eq!(header["typ"], "token-introspection+jwt");
        assert_eq!((&claims["iss"], &claims["aud"]), (&app.issuer.as_str().into(), &NOTES.id.into()));
        assert!(claims["iat"].is_i64());
        let names: Vec<&str> = claims.as_object().expect("an object").keys().map(String::as_str).collect();
        assert_eq!(names, ["aud", "iat", "iss", "token_introspection"], "neither sub nor exp at the top");
        assert_eq!(claims["token_introspection"], app.introspect(NOTES, &token).json());
    }

    fn ij_03_an_inactive_answer_is_signed_too(database) {
        let app = TestApp::spawn(database);
        let response = ask_signed(&app, "nothing", SIGNED);
        let (header, claims) = verify_jwt(&app, &response.body);
        assert_eq!(header["typ"], "token-introspection+jwt");
        assert_eq!(claims["token_introspection"].to_string(), INACTIVE);
    }

    fn ij_04_the_same_callers_and_the_same_tokens(database) {
        let app = TestApp::spawn(database);
        let token = app.get_service_token(SERVICE, "mail:read").access;
        let (_, claims) = verify_jwt(&app, &ask_signed(&app, &token, SIGNED).body);
        assert_eq!(claims["token_introspection"].to_string(), INACTIVE, "the token is for another API");
        let unknown = Request::post("/oauth2/introspect").basic(ANY.id, &ANY.secret()).header("Accept", SIGNED);
        let response = app.send(&unknown.form(&[("token", &token)]));
        assert_eq!(error_of(&response), (401, "invalid_client".into()));
    }

    fn ij_05_the_algorithm_is_published(database) {
        let app = TestApp::spawn(database);
        let document = app.get("/.well-known/oauth-authorization-server").json();
        let published = &document["introspection_signing_alg_values_supported"];
        let (header, _) = verify_jwt(&app, &ask_signed(&app, "x", SIGNED).body);
        assert!(published.as_array().expect("a list").contains(&header["alg"]), "{published} {header}");
    }

    fn ij_06_never_without_a_signature(database) {
        let app = TestApp::spawn(database);
        let body = ask_signed(&app, "x", SIGNED).body;
        let head = URL_SAFE_NO_PAD.decode(body.split('.').next().expect("a header")).expect("base64url");
        let head: serde_json::Value = serde_json::from_slice(&head).expect("JSON");
        assert!(head["alg"] == "ES256" || head["alg"] == "RS256", "{head}");
        // a signed answer is no access token, wherever it is presented (JT-05)
        assert_eq!(app.introspect(JWT, &body).body, INACTIVE);
        assert_eq!(app.send(&Request::get("/api/v1/whoami").bearer(&body)).status, 401);
    }
}
