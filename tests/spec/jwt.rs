//! RFC 9068: JWT access tokens (JT).

use std::collections::BTreeSet;

use crate::support::declared::{JWT, NOTES, POST, SERVICE, WEB};
use crate::support::jwt::verify_jwt;
use crate::support::*;

fn jwt_request() -> Authorize {
    Authorize::new(WEB).set("scope", "jwt:read offline_access")
}

for_each_database! {
    fn jt_01_the_header(database) {
        let app = TestApp::spawn(database);
        let (header, _) = verify_jwt(&app, &app.get_service_token(SERVICE, "jwt:read").access);
        assert_eq!(header["typ"], "at+jwt");
        assert!(header["kid"].is_string());
        let names: BTreeSet<&str> = header.as_object().expect("an object").keys().map(String::as_str).collect();
        assert_eq!(names, BTreeSet::from(["alg", "kid", "typ"]));
        let keys = app.get("/oauth2/jwks").json().to_string();
        assert!(keys.contains("RS256") && keys.contains("ES256"), "{keys}");
    }

    fn jt_02_the_claims(database) {
        let app = TestApp::spawn(database);
        let tokens = app.get_tokens_by(&jwt_request());
        let (_, claims) = verify_jwt(&app, &tokens.access);
        let user = app.introspect(JWT, &tokens.access).json();
        assert_eq!(claims["iss"], app.issuer.as_str());
        assert_eq!(claims["client_id"], WEB.id);
        assert_eq!(claims["sub"], user["sub"]);
        assert_eq!(claims["scope"], tokens.scope.as_str());
        let number = |name: &str| claims[name].as_i64().unwrap_or_else(|| panic!("{name}: {claims}"));
        assert_eq!(number("exp") - number("iat"), tokens.json["expires_in"]);
        assert!(number("auth_time") <= number("iat"));
        let next = Tokens::read(&app.refresh(WEB, tokens.refresh()));
        let (_, later) = verify_jwt(&app, &next.access);
        assert_eq!(later["auth_time"], claims["auth_time"], "a refresh is no sign-in");
        assert_ne!(later["jti"], claims["jti"]);
    }

    fn jt_02_every_token_has_an_id_of_its_own(database) {
        let app = TestApp::spawn(database);
        let ids: BTreeSet<String> =
            (0..100).map(|_| verify_jwt_id(&app.get_service_token(SERVICE, "jwt:read").access)).collect();
        assert_eq!(ids.len(), 100);
    }

    fn jt_03_the_audience_is_the_api(database) {
        let app = TestApp::spawn(database);
        let (_, claims) = verify_jwt(&app, &app.get_service_token(SERVICE, "jwt:read").access);
        assert_eq!(claims["aud"], JWT.resource);
        let (_, claims) = verify_jwt(&app, &app.get_tokens_by(&jwt_request().set("resource", JWT.resource)).access);
        assert_eq!(claims["aud"], JWT.resource);
    }

    fn jt_04_the_subject_of_a_service_is_no_person(database) {
        let app = TestApp::spawn(database);
        let (_, claims) = verify_jwt(&app, &app.get_service_token(SERVICE, "jwt:read").access);
        assert_eq!(claims["sub"], "client:test-service");
        assert!(claims.get("auth_time").is_none());
        let (_, claims) = verify_jwt(&app, &app.get_tokens_by(&jwt_request()).access);
        let subject = claims["sub"].as_str().expect("text");
        assert!(!subject.contains(':') && !subject.contains('@'), "{subject}");
    }

    fn jt_05_what_was_changed_or_is_another_jwt_is_refused(database) {
        let app = TestApp::spawn(database);
        let token = app.get_service_token(SERVICE, "jwt:read").access;
        let whoami = |token: &str| app.send(&Request::get("/api/v1/whoami").bearer(token)).status;
        assert_eq!(whoami(&token), 200);
        let parts: Vec<&str> = token.split('.').collect();
        for changed in [
            format!("{}.{}.", parts[0], parts[1]),
            format!("eyJhbGciOiJub25lIn0.{}.", parts[1]),
            format!("{}.{}.{}", parts[0], parts[1], "A".repeat(86)),
            format!("{token}A"),
            format!("{token}="),
        ] {
            assert_eq!(whoami(&changed), 401, "{changed}");
            assert_eq!(app.introspect(JWT, &changed).body, INACTIVE);
        }
    }

    fn jt_06_no_claims_beyond_those_that_an_api_needs(database) {
        let app = TestApp::spawn(database);
        let (_, claims) = verify_jwt(&app, &app.get_tokens_by(&jwt_request()).access);
        let names: BTreeSet<&str> = claims.as_object().expect("an object").keys().map(String::as_str).collect();
        assert_eq!(
            names,
            BTreeSet::from(["aud", "auth_time", "client_id", "exp", "iat", "iss", "jti", "scope", "sub"])
        );
        assert!(!claims.to_string().contains(ALICE.email));
    }

    fn jt_08_the_api_chooses_the_form(database) {
        let app = TestApp::spawn(database);
        for (scope, is_jwt) in [("jwt:read", true), ("notes:read", false), ("jwt:read notes:read", false)] {
            let tokens = app.get_service_token(SERVICE, scope);
            assert_eq!(tokens.access.starts_with("eyJ"), is_jwt, "{scope}");
            assert_eq!(tokens.access.starts_with("gp_at_"), !is_jwt, "{scope}");
        }
        // an API that introspects gets an opaque one although another wants JWTs
        let both = app.get_service_token(SERVICE, "jwt:read notes:read");
        assert!(app.is_active(JWT, &both.access) && app.is_active(NOTES, &both.access));
        let form = vec![("grant_type", "client_credentials".into()), ("resource", JWT.resource.into())];
        assert!(Tokens::read(&app.token(POST, form)).access.starts_with("eyJ"));
    }
}

/// The id without a look at the signature.
fn verify_jwt_id(token: &str) -> String {
    use base64::Engine;
    let claims = token.split('.').nth(1).expect("claims");
    let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(claims).expect("base64url");
    let claims: serde_json::Value = serde_json::from_slice(&claims).expect("JSON");
    claims["jti"].as_str().expect("text").to_owned()
}
