//! `/.well-known/oauth-authorization-server` and `/.well-known/openid-configuration`

use crate::support::*;

/// Everything that the document says, for an issuer without or with a path.
fn document(issuer: &str) -> serde_json::Value {
    serde_json::json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/oauth2/authorize"),
        "token_endpoint": format!("{issuer}/oauth2/token"),
        "jwks_uri": format!("{issuer}/oauth2/jwks"),
        "scopes_supported": ["jwt:read", "mail:read", "notes:read", "notes:write", "offline_access"],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
        "token_endpoint_auth_methods_supported": ["none", "client_secret_basic", "client_secret_post"],
        "revocation_endpoint": format!("{issuer}/oauth2/revoke"),
        "revocation_endpoint_auth_methods_supported": ["none", "client_secret_basic", "client_secret_post"],
        "introspection_endpoint": format!("{issuer}/oauth2/introspect"),
        "introspection_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "introspection_signing_alg_values_supported": ["ES256"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
        "ui_locales_supported": ["en"],
        "protected_resources": ["https://jwt.example/api", "https://mail.example", "https://notes.example/api"],
    })
}

fn sorted(mut document: serde_json::Value) -> serde_json::Value {
    for name in ["protected_resources", "scopes_supported"] {
        let list = document[name].as_array_mut().expect("a list");
        list.sort_by_key(|value| value.as_str().map(str::to_owned));
    }
    document
}

for_each_database! {
    fn without_a_path_there_is_one_place_each(database) {
        let app = TestApp::spawn(database);
        for place in ["/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"] {
            let response = app.get(place);
            let (head, _) = {
                let shown = app.show(&response);
                shown.split_once("\n\n").map(|(a, b)| (a.to_owned(), b.to_owned())).expect("a body")
            };
            assert_eq!(
                head,
                "200\n\
                 access-control-allow-origin: *\n\
                 access-control-expose-headers: WWW-Authenticate\n\
                 cache-control: public, max-age=300\n\
                 content-type: application/json"
            );
            assert_eq!(sorted(response.json()), document(&app.issuer));
        }
    }

    fn with_a_path_there_are_three_places(database) {
        let app = Setup::new(database).path("/api/v1/auth").spawn();
        for place in [
            "/.well-known/oauth-authorization-server/api/v1/auth",
            "/.well-known/openid-configuration/api/v1/auth",
            "/api/v1/auth/.well-known/openid-configuration",
        ] {
            let response = app.send(&Request::get(place));
            assert_eq!(response.status, 200, "{place}: {response:?}");
            assert_eq!(sorted(response.json()), document(&app.issuer));
        }
        for place in
            ["/.well-known/oauth-authorization-server", "/.well-known/openid-configuration/other", "/oauth2/token"]
        {
            assert_eq!(app.send(&Request::get(place)).status, 404, "{place}");
        }
    }

    fn a_whole_flow_works_below_a_path(database) {
        let app = Setup::new(database).path("/api/v1/auth").spawn();
        let request = Authorize::new(declared::WEB);
        let tokens = app.get_tokens_by(&request);
        let next = Tokens::read(&app.refresh(declared::WEB, tokens.refresh()));
        assert!(app.is_active(declared::NOTES, &next.access));
        assert_eq!(app.introspect(declared::NOTES, &next.access).json()["iss"], app.issuer.as_str());
        let mut browser = Browser::new(&app);
        assert_eq!(browser.authorize(&request, &ALICE).get("iss"), Some(app.issuer.clone()));
    }
}
