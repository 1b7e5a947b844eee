//! RFC 8414: authorization server metadata (MD). The whole document is in `endpoints/metadata.rs`.

use super::redirected_error;
use crate::support::declared::{ANY, CLI, POST, SERVICE, WEB};
use crate::support::*;

const INSERTED: &str = "/.well-known/oauth-authorization-server";
const OPENID: &str = "/.well-known/openid-configuration";

for_each_database! {
    fn md_01_the_path_is_inserted(database) {
        let app = Setup::new(database).path("/t1").spawn();
        let get = |target: &str| app.send(&Request::get(target));
        let response = get(&format!("{INSERTED}/t1"));
        assert_eq!((response.status, response.header("content-type")), (200, Some("application/json")));
        for other in [
            INSERTED,
            &format!("{INSERTED}/"),
            &format!("{INSERTED}/t1/"),
            &format!("{INSERTED}/T1"),
            &format!("{INSERTED}/t2"),
        ] {
            assert_eq!(get(other).status, 404, "{other}");
        }
    }

    fn md_02_all_three_places_have_the_same_document(database) {
        let app = Setup::new(database).path("/t1").spawn();
        let places = [format!("{INSERTED}/t1"), format!("{OPENID}/t1"), format!("/t1{OPENID}")];
        let bodies: Vec<String> = places.iter().map(|place| app.send(&Request::get(place)).body).collect();
        assert!(bodies[0].starts_with('{'));
        assert_eq!((&bodies[0], &bodies[0]), (&bodies[1], &bodies[2]));
        let root = TestApp::spawn(database);
        assert_eq!(root.get(INSERTED).body, root.get(OPENID).body);
    }

    fn md_03_the_issuer_is_the_setting_and_nothing_else(database) {
        let app = TestApp::spawn(database);
        let spoofed = Request::get(INSERTED)
            .header("Host", "evil.example")
            .header("X-Forwarded-Host", "evil.example")
            .header("X-Forwarded-Proto", "https")
            .header("Forwarded", "host=evil.example;proto=https");
        let response = app.send(&spoofed);
        assert_eq!(response.json()["issuer"], app.issuer.as_str());
        assert!(!response.body.contains("evil"));
    }

    fn md_04_no_default_is_left_to_be_guessed(database) {
        let app = TestApp::spawn(database);
        let document = app.get(INSERTED).json();
        for name in [
            "issuer",
            "authorization_endpoint",
            "token_endpoint",
            "response_types_supported",
            "response_modes_supported",
            "grant_types_supported",
            "token_endpoint_auth_methods_supported",
            "code_challenge_methods_supported",
        ] {
            assert!(document.get(name).is_some(), "{name} is missing");
        }
        assert_eq!(document["response_modes_supported"], serde_json::json!(["query"]));
    }

    fn md_05_no_jwt_methods_so_no_algorithms(database) {
        let app = TestApp::spawn(database);
        let document = app.get(INSERTED).json();
        for (name, value) in document.as_object().expect("an object") {
            if name.ends_with("auth_methods_supported") {
                assert!(!value.to_string().contains("jwt"), "{name}: {value}");
            }
            assert!(
                !value.to_string().contains("\"none\"") || name.ends_with("auth_methods_supported"),
                "{name}: {value}"
            );
        }
    }

    fn md_06_no_empty_lists_and_no_nulls(database) {
        let app = TestApp::spawn(database);
        let document = app.get(INSERTED);
        assert!(!document.body.contains("[]") && !document.body.contains("null"), "{}", document.body);
        assert!(document.json()["authorization_response_iss_parameter_supported"].is_boolean());
    }

    fn md_07_what_exists_is_published(database) {
        let app = TestApp::spawn(database);
        let document = app.get(INSERTED).json();
        for name in [
            "jwks_uri",
            "scopes_supported",
            "revocation_endpoint",
            "introspection_endpoint",
            "protected_resources",
            "authorization_response_iss_parameter_supported",
            "ui_locales_supported",
        ] {
            assert!(document.get(name).is_some(), "{name} is missing");
        }
    }

    fn md_09_whatever_is_listed_works_and_the_rest_does_not(database) {
        let app = TestApp::spawn(database);
        let document = app.get(INSERTED).json();
        for name in
            ["authorization_endpoint", "token_endpoint", "jwks_uri", "revocation_endpoint", "introspection_endpoint"]
        {
            let path = document[name].as_str().and_then(|url| url.strip_prefix(&app.issuer)).expect("below the issuer");
            assert_ne!(app.get(path).status, 404, "{name}");
        }
        // grants: code and refresh by these clients and ways of authentication, client_credentials by a service
        for client in [CLI, WEB, POST, ANY] {
            let tokens = app.get_tokens(client);
            assert_eq!(app.refresh(client, tokens.refresh()).status, 200, "{}", client.id);
        }
        app.get_service_token(SERVICE, "notes:read");
        for path in
            ["/oauth2/register", "/oauth2/par", "/oauth2/device_authorization", "/oauth2/userinfo", "/oauth2/logout"]
        {
            assert_eq!(app.get(path).status, 404, "{path}");
            assert!(!document.to_string().contains(path));
        }
        for mode in ["fragment", "form_post", "jwt", "query.jwt"] {
            assert_eq!(redirected_error(&app, &Authorize::new(WEB).set("response_mode", mode)), "invalid_request");
        }
    }

    fn md_10_readable_everywhere_and_cacheable(database) {
        let app = TestApp::spawn(database);
        for place in [INSERTED, OPENID] {
            let response = app.get(place);
            assert_eq!(response.header("access-control-allow-origin"), Some("*"));
            assert_eq!(response.header("cache-control"), Some("public, max-age=300"));
            assert_eq!(app.get(&format!("{place}/unknown")).status, 404);
        }
    }

    fn md_11_no_names_of_our_own(database) {
        let app = TestApp::spawn(database);
        let known = [
            "issuer",
            "authorization_endpoint",
            "token_endpoint",
            "jwks_uri",
            "scopes_supported",
            "response_types_supported",
            "response_modes_supported",
            "grant_types_supported",
            "token_endpoint_auth_methods_supported",
            "revocation_endpoint",
            "revocation_endpoint_auth_methods_supported",
            "introspection_endpoint",
            "introspection_endpoint_auth_methods_supported",
            "introspection_signing_alg_values_supported",
            "code_challenge_methods_supported",
            "authorization_response_iss_parameter_supported",
            "ui_locales_supported",
            "protected_resources",
        ];
        for name in app.get(INSERTED).json().as_object().expect("an object").keys() {
            assert!(known.contains(&name.as_str()), "{name}");
        }
    }
}
