//! RFC 7662.

use std::time::Duration;

use gatepost_client::{ClientIdentity, IntrospectionError, IntrospectionOptions, Introspector};
use serde_json::{Value, json};

use crate::support::FakeServer;

const RESOURCE: &str = "https://notes.example.com";

fn options(server: &FakeServer) -> IntrospectionOptions {
    IntrospectionOptions::new(&server.issuer, ClientIdentity::confidential("a:pi", "s/e+c"), RESOURCE)
}

fn active() -> Value {
    json!({"active": true, "sub": "u1", "client_id": "cli", "scope": "notes:read notes:write", "aud": RESOURCE, "exp": 4_000_000_000_u64, "token_type": "Bearer"})
}

#[tokio::test]
async fn a_good_token_is_described_and_the_credentials_are_form_encoded() {
    let server = FakeServer::start();
    server.lock().introspection = active();
    let token = Introspector::new(options(&server)).unwrap().introspect("gp_at_1").await.unwrap();
    assert_eq!(token.subject, "u1");
    assert!(token.has_scope("notes:read") && !token.has_scope("notes"));
    // RFC 6749 §2.3.1: "a%3Api:s%2Fe%2Bc"
    assert_eq!(server.lock().last_authorization.as_deref(), Some("Basic YSUzQXBpOnMlMkZlJTJCYw=="));
}

#[tokio::test]
async fn whatever_speaks_against_a_token_makes_it_inactive() {
    let server = FakeServer::start();
    let introspector = Introspector::new(options(&server)).unwrap();
    let changes = [
        ("active", json!(false)),
        ("aud", json!("https://other.example.com")),
        ("aud", json!(["https://other.example.com"])),
        ("aud", Value::Null),
        ("exp", json!(1)),
        ("iss", json!("https://evil.example")),
    ];
    for (name, value) in changes {
        let mut answer = active();
        answer[name] = value;
        server.lock().introspection = answer.clone();
        let result = introspector.introspect("gp_at_1").await;
        assert!(matches!(result, Err(IntrospectionError::Inactive)), "{answer}");
    }
    let mut answer = active();
    answer["aud"] = json!(["https://other.example.com", "https://notes.example.com/"]);
    server.lock().introspection = answer;
    introspector.introspect("gp_at_1").await.unwrap();
}

#[tokio::test]
async fn a_server_that_is_away_says_nothing_about_the_token() {
    let server = FakeServer::start();
    server.lock().down = true;
    let result = Introspector::new(options(&server)).unwrap().introspect("gp_at_1").await;
    assert!(matches!(result, Err(IntrospectionError::Unavailable { retry_after: Some(7), .. })), "{result:?}");
    server.lock().down = false;
    server.lock().introspection = json!({"active": "true"});
    let result = Introspector::new(options(&server)).unwrap().introspect("gp_at_1").await;
    assert!(matches!(result, Err(IntrospectionError::Unavailable { .. })), "{result:?}");
}

#[tokio::test]
async fn what_cannot_be_a_token_is_not_asked_about() {
    let server = FakeServer::start();
    let result = Introspector::new(options(&server)).unwrap().introspect("two words").await;
    assert!(matches!(result, Err(IntrospectionError::Inactive)));
    assert_eq!(server.lock().introspections, 0);
}

#[tokio::test]
async fn every_request_asks_unless_a_cache_is_wanted() {
    let server = FakeServer::start();
    server.lock().introspection = active();
    let asking = Introspector::new(options(&server)).unwrap();
    asking.introspect("gp_at_1").await.unwrap();
    server.lock().introspection = json!({"active": false});
    assert!(asking.introspect("gp_at_1").await.is_err());
    assert_eq!(server.lock().introspections, 2);

    server.lock().introspection = active();
    let mut wanted = options(&server);
    wanted.cache = Some(Duration::from_secs(3600));
    let caching = Introspector::new(wanted).unwrap();
    caching.introspect("gp_at_1").await.unwrap();
    server.lock().introspection = json!({"active": false});
    caching.introspect("gp_at_1").await.unwrap();
    assert_eq!(server.lock().introspections, 3);
    tokio::time::sleep(Duration::from_millis(1050)).await;
    assert!(caching.introspect("gp_at_1").await.is_err());
}
