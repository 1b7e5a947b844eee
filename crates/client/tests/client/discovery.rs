//! RFC 8414 §3.

use gatepost_client::{ServerError, discover};

use crate::support::FakeServer;

#[tokio::test]
async fn the_openid_form_is_the_second_try() {
    let server = FakeServer::start();
    server.lock().metadata_only_appended = true;
    let found = discover(&server.issuer).await.unwrap();
    assert_eq!(found.token_endpoint, format!("{}/token", server.issuer));
}

#[tokio::test]
async fn another_issuer_in_the_answer_is_refused_and_both_are_named() {
    let server = FakeServer::start();
    server.lock().claimed_issuer = Some("https://id.example.com".to_owned());
    let error = discover(&server.issuer).await.unwrap_err();
    assert!(matches!(error, ServerError::IssuerMismatch { .. }));
    assert_eq!(
        error.to_string(),
        format!(
            "{} answered as https://id.example.com. Its public_url and your server address must be equal.",
            server.issuer
        )
    );
}

#[tokio::test]
async fn a_trailing_slash_is_another_issuer() {
    let server = FakeServer::start();
    let error = discover(&format!("{}/", server.issuer)).await.unwrap_err();
    assert!(matches!(error, ServerError::IssuerMismatch { .. }), "{error}");
}

#[tokio::test]
async fn nobody_there_is_told_in_two_words() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let error = discover(&format!("http://127.0.0.1:{port}")).await.unwrap_err();
    assert_eq!(error.to_string(), format!("http://127.0.0.1:{port} does not answer (connection refused)"));
}
