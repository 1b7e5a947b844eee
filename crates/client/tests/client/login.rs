//! RFC 8252 §7.3, RFC 9207, RFC 7636.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use gatepost_client::{ClientIdentity, LoginError, LoginEvent, LoginOptions, Tokens, log_in, reqwest::Url};
use tokio::sync::mpsc;

use crate::support::{FakeServer, browse, fetch};

struct Asked {
    redirect_uri: String,
    state: String,
}

/// Runs a login; `browser` gets what the authorization request asked for.
async fn run_login<F: Future<Output = ()> + Send + 'static>(
    server: &Arc<FakeServer>,
    timeout: Duration,
    browser: impl FnOnce(Asked) -> F,
) -> Result<Tokens, LoginError> {
    let mut options = LoginOptions::new(&server.issuer, ClientIdentity::public("cli"));
    options.open_browser = false;
    options.timeout = timeout;
    options.wanted.scopes = vec!["notes:read".to_owned()];
    let (tell, mut told) = mpsc::unbounded_channel::<Url>();
    let login = log_in(&options, move |event| {
        if let LoginEvent::OpenYourself { url, .. } = event {
            tell.send(url.clone()).unwrap();
        }
    });
    let driver = async {
        let Some(url) = told.recv().await else { return };
        let query: HashMap<String, String> = url.query_pairs().into_owned().collect();
        assert_eq!(query["response_type"], "code");
        assert_eq!(query["code_challenge_method"], "S256");
        assert_eq!(query["scope"], "notes:read");
        assert_eq!(query["state"].len(), 43);
        server.lock().challenge = Some(query["code_challenge"].clone());
        browser(Asked { redirect_uri: query["redirect_uri"].clone(), state: query["state"].clone() }).await;
    };
    tokio::join!(login, driver).0
}

fn answer(asked: &Asked, server: &FakeServer, rest: &str) -> String {
    format!("{}?state={}&iss={}&{rest}", asked.redirect_uri, asked.state, server.issuer)
}

const SHORT: Duration = Duration::from_secs(20);

#[tokio::test]
async fn a_login_gives_tokens_and_the_last_page_shows_no_code() {
    let server = Arc::new(FakeServer::start());
    let at = Arc::clone(&server);
    let tokens = run_login(&server, SHORT, |asked| async move {
        assert!(asked.redirect_uri.starts_with("http://127.0.0.1:") && asked.redirect_uri.ends_with("/callback"));
        let page = browse(&answer(&asked, &at, "code=gp_ac_1")).await;
        assert!(page.starts_with("HTTP/1.1 200"), "{page}");
        assert!(
            page.contains("You are signed in") && page.contains("Go back to your terminal; you can close this page.")
        );
        assert!(
            page.contains("Content-Security-Policy: default-src 'none'") && page.contains("Cache-Control: no-store")
        );
        assert!(!page.contains("gp_ac_1") && !page.contains("gp_at_"), "{page}");
    })
    .await
    .unwrap();
    assert_eq!(tokens.access_token.expose(), "gp_at_0");
    assert_eq!(tokens.scopes, ["notes:read", "notes:write"]);
    assert_eq!(tokens.expires_at, Some(tokens.received_at + 3600));
}

#[tokio::test]
async fn stray_requests_and_foreign_states_change_nothing() {
    let server = Arc::new(FakeServer::start());
    let at = Arc::clone(&server);
    run_login(&server, SHORT, |asked| async move {
        let origin = asked.redirect_uri.trim_end_matches("/callback").to_owned();
        // a browser opens connections ahead and says nothing on them
        let _silent = tokio::net::TcpStream::connect(&origin[7..]).await.unwrap();
        for path in ["/favicon.ico", "/", "/done", "/callback/"] {
            assert!(fetch(&format!("{origin}{path}")).await.starts_with("HTTP/1.1 404"), "{path}");
        }
        for query in ["", "?code=gp_ac_1", "?code=gp_ac_1&state=wrong", "?error=access_denied&state=wrong"] {
            assert!(fetch(&format!("{origin}/callback{query}")).await.starts_with("HTTP/1.1 400"), "{query}");
        }
        let twice = answer(&asked, &at, "code=a&code=gp_ac_1");
        assert!(fetch(&twice).await.starts_with("HTTP/1.1 400"));
        browse(&answer(&asked, &at, "code=gp_ac_1")).await;
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn only_a_foreign_state_means_waiting_until_the_time_is_up() {
    let server = Arc::new(FakeServer::start());
    let result = run_login(&server, Duration::from_millis(300), |asked| async move {
        fetch(&format!("{}?code=gp_ac_1&state=wrong", asked.redirect_uri)).await;
    })
    .await;
    assert!(matches!(result, Err(LoginError::TimedOut(_))), "{result:?}");
}

#[tokio::test]
async fn an_answer_of_another_server_is_refused() {
    let server = Arc::new(FakeServer::start());
    let result = run_login(&server, SHORT, |asked| async move {
        let page =
            browse(&format!("{}?code=gp_ac_1&state={}&iss=https://evil.example", asked.redirect_uri, asked.state))
                .await;
        assert!(page.contains("That did not work"), "{page}");
    })
    .await;
    assert!(matches!(result, Err(LoginError::IssuerMismatch { answered: Some(_), .. })), "{result:?}");
}

#[tokio::test]
async fn a_missing_iss_is_refused_when_it_was_promised() {
    let server = Arc::new(FakeServer::start());
    let result = run_login(&server, SHORT, |asked| async move {
        browse(&format!("{}?code=gp_ac_1&state={}", asked.redirect_uri, asked.state)).await;
    })
    .await;
    assert!(matches!(result, Err(LoginError::IssuerMismatch { answered: None, .. })), "{result:?}");
}

#[tokio::test]
async fn no_means_no_and_other_errors_keep_their_words() {
    let server = Arc::new(FakeServer::start());
    let at = Arc::clone(&server);
    let result = run_login(&server, SHORT, |asked| async move {
        let page = browse(&answer(&asked, &at, "error=access_denied")).await;
        assert!(page.contains("That did not work") && page.contains("Nothing was stored."), "{page}");
    })
    .await;
    assert!(matches!(result, Err(LoginError::Denied)), "{result:?}");

    let at = Arc::clone(&server);
    let result = run_login(&server, SHORT, |asked| async move {
        browse(&answer(&asked, &at, "error=invalid_scope&error_description=no+such%1b%5b31m+scope")).await;
    })
    .await;
    let Err(LoginError::Refused { error, description }) = result else { panic!("{result:?}") };
    assert_eq!((error.as_str(), description.as_deref()), ("invalid_scope", Some("no such[31m scope")));
}

#[tokio::test]
async fn a_code_that_the_server_refuses_ends_on_the_failure_page() {
    let server = Arc::new(FakeServer::start());
    let at = Arc::clone(&server);
    let result = run_login(&server, SHORT, |asked| async move {
        assert!(browse(&answer(&asked, &at, "code=another")).await.contains("That did not work"));
    })
    .await;
    assert!(matches!(result, Err(LoginError::Server(_))), "{result:?}");
}
