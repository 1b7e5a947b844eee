//! RFC 6750 §3, on the wire.

use actix_web::http::StatusCode;
use actix_web::http::header::{AUTHORIZATION, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::test::{TestRequest, call_service, init_service};
use actix_web::{App, web};
use gatepost_client::actix::{Authorized, BearerSettings, RequiredScopes};
use gatepost_client::{ClientIdentity, IntrospectionOptions, Introspector};
use serde_json::json;

use crate::support::FakeServer;

struct Write;

impl RequiredScopes for Write {
    const SCOPES: &'static [&'static str] = &["notes:write"];
}

async fn ask(server: &FakeServer, request: TestRequest) -> (StatusCode, Option<String>, Option<String>) {
    let options = IntrospectionOptions::new(&server.issuer, ClientIdentity::confidential("api", "s"), "https://h");
    let settings = BearerSettings::new(Introspector::new(options).unwrap())
        .with_realm("notes")
        .with_resource_metadata("https://h/.well-known/oauth-protected-resource");
    let app = App::new()
        .app_data(web::Data::new(settings))
        .route("/", web::get().to(|caller: Authorized<Write>| async move { caller.subject.clone() }));
    let app = init_service(app).await;
    let response = call_service(&app, request.to_request()).await;
    let header = |name| {
        response
            .headers()
            .get(name)
            .map(|value: &actix_web::http::header::HeaderValue| value.to_str().unwrap().to_owned())
    };
    (response.status(), header(WWW_AUTHENTICATE), header(RETRY_AFTER))
}

fn with_token() -> TestRequest {
    TestRequest::get().insert_header((AUTHORIZATION, "bearer gp_at_1"))
}

const METADATA: &str = r#"resource_metadata="https://h/.well-known/oauth-protected-resource""#;

#[actix_web::test]
async fn no_credentials_no_error_code_and_a_token_in_the_query_is_none() {
    let server = FakeServer::start();
    let basic = TestRequest::get().insert_header((AUTHORIZATION, "Basic eDp5"));
    for request in [TestRequest::get(), TestRequest::get().uri("/?access_token=gp_at_1"), basic] {
        let (status, challenge, _) = ask(&server, request).await;
        assert_eq!(status, 401);
        assert_eq!(challenge.unwrap(), format!(r#"Bearer realm="notes", {METADATA}, scope="notes:write""#));
    }
    assert_eq!(server.lock().introspections, 0);
}

#[actix_web::test]
async fn a_bad_token_is_invalid_token() {
    let server = FakeServer::start();
    for request in [with_token(), TestRequest::get().insert_header((AUTHORIZATION, "Bearer"))] {
        let (status, challenge, _) = ask(&server, request).await;
        assert_eq!(status, 401);
        assert!(challenge.unwrap().contains(r#"error="invalid_token""#));
    }
}

#[actix_web::test]
async fn a_token_that_may_not_is_told_what_is_missing() {
    let server = FakeServer::start();
    server.lock().introspection = json!({"active": true, "sub": "u1", "aud": "https://h", "scope": "notes:read"});
    let (status, challenge, _) = ask(&server, with_token()).await;
    assert_eq!(status, 403);
    let challenge = challenge.unwrap();
    assert!(challenge.starts_with(r#"Bearer realm="notes", error="insufficient_scope""#), "{challenge}");
    assert!(challenge.ends_with(&format!(r#"scope="notes:write", {METADATA}"#)), "{challenge}");
}

#[actix_web::test]
async fn a_good_token_passes() {
    let server = FakeServer::start();
    server.lock().introspection = json!({"active": true, "sub": "u1", "aud": "https://h", "scope": "notes:write"});
    assert_eq!(ask(&server, with_token()).await.0, 200);
}

#[actix_web::test]
async fn a_server_that_is_away_is_503_without_a_challenge() {
    let server = FakeServer::start();
    server.lock().down = true;
    assert_eq!(ask(&server, with_token()).await, (StatusCode::SERVICE_UNAVAILABLE, None, Some("7".to_owned())));
}

#[actix_web::test]
async fn two_headers_are_a_bad_request() {
    let server = FakeServer::start();
    let request = with_token().append_header((AUTHORIZATION, "Bearer gp_at_2"));
    assert_eq!(ask(&server, request).await.0, 400);
}
