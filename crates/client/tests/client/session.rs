//! Keeping and renewing tokens.

use std::process::{Command, Stdio};
use std::time::Duration;

use gatepost_client::{LogoutOutcome, SessionError, TokenStore, reqwest};

use crate::support::{FakeServer, tokens};

#[tokio::test]
async fn a_good_token_is_given_without_asking() {
    let server = FakeServer::start();
    let session = server.signed_in(TokenStore::in_memory(), 600).await;
    assert_eq!(session.access_token().await.unwrap().expose(), "gp_at_0");
    assert_eq!(server.lock().refreshes, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_callers_at_once_renew_once() {
    let folder = tempfile::tempdir().unwrap();
    let server = FakeServer::start();
    server.lock().refresh_delay = Duration::from_millis(100);
    let session = server.signed_in(TokenStore::in_folder(folder.path()), 5).await;
    let callers: Vec<_> = (0..20)
        .map(|_| {
            let session = session.clone();
            tokio::spawn(async move { session.access_token().await.unwrap().expose().to_owned() })
        })
        .collect();
    for caller in callers {
        assert_eq!(caller.await.unwrap(), "gp_at_1");
    }
    assert_eq!(server.lock().refreshes, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_sessions_with_one_file_renew_once() {
    let folder = tempfile::tempdir().unwrap();
    let server = FakeServer::start();
    server.lock().refresh_delay = Duration::from_millis(100);
    let one = server.signed_in(TokenStore::in_folder(folder.path()), 5).await;
    let other = server.session(TokenStore::in_folder(folder.path()));
    let (a, b) = tokio::join!(one.access_token(), other.access_token());
    assert_eq!((a.unwrap().expose(), b.unwrap().expose()), ("gp_at_1", "gp_at_1"));
    assert_eq!(server.lock().refreshes, 1);
}

/// What each of the processes below does.
async fn print_token_of_this_process(issuer: String) {
    let session = gatepost_client::Session::new(
        issuer,
        gatepost_client::ClientIdentity::public("cli"),
        TokenStore::in_folder(std::env::var("TEST_FOLDER").unwrap()),
    );
    println!("token={}", session.access_token().await.unwrap().expose());
}

#[tokio::test]
async fn four_processes_with_one_file_renew_once() {
    // this test starts itself four times, each in a process of its own
    if let Ok(issuer) = std::env::var("TEST_ISSUER") {
        return print_token_of_this_process(issuer).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let server = FakeServer::start();
    server.lock().refresh_delay = Duration::from_millis(300);
    server.signed_in(TokenStore::in_folder(folder.path()), 5).await;
    let children: Vec<_> = (0..4)
        .map(|_| {
            Command::new(std::env::current_exe().unwrap())
                .args(["session::four_processes_with_one_file_renew_once", "--exact", "--nocapture"])
                .env("TEST_ISSUER", &server.issuer)
                .env("TEST_FOLDER", folder.path())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    for child in children {
        let output = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
        assert!(output.contains("token=gp_at_1"), "{output}");
    }
    assert_eq!(server.lock().refreshes, 1);
}

#[tokio::test]
async fn a_caller_that_gives_up_loses_no_refresh_token() {
    let server = FakeServer::start();
    server.lock().refresh_delay = Duration::from_millis(200);
    let session = server.signed_in(TokenStore::in_memory(), 5).await;
    let gave_up = tokio::time::timeout(Duration::from_millis(50), session.access_token()).await;
    assert!(gave_up.is_err());
    assert_eq!(session.access_token().await.unwrap().expose(), "gp_at_1");
    assert_eq!(server.lock().refreshes, 1);
}

#[tokio::test]
async fn a_401_renews_once_and_a_second_caller_gets_the_new_token() {
    let server = FakeServer::start();
    let session = server.signed_in(TokenStore::in_memory(), 600).await;
    server.lock().access_token = "something else".to_owned();
    let who = session.whoami().await.unwrap();
    assert_eq!((who.sub.as_str(), who.email.as_deref()), ("u1", Some("ada@example.com")));
    assert_eq!(server.lock().refreshes, 1);
    // somebody who was rejected with the same old token asks for nothing more
    assert_eq!(session.force_refresh(&"gp_at_0".into()).await.unwrap().expose(), "gp_at_1");
    assert_eq!(server.lock().refreshes, 1);
}

#[tokio::test]
async fn an_api_that_always_says_401_is_asked_twice_only() {
    let server = FakeServer::start();
    server.lock().api_accepts_nothing = true;
    let session = server.signed_in(TokenStore::in_memory(), 600).await;
    let response = session.send(reqwest::Client::new().get(format!("{}/api/v1/whoami", server.issuer))).await.unwrap();
    assert_eq!(response.status(), 401);
    assert_eq!(server.lock().refreshes, 1);
    assert!(matches!(session.whoami().await, Err(SessionError::Ended { .. })));
    assert_eq!(server.lock().refreshes, 2);
}

#[tokio::test]
async fn a_revoked_sign_in_is_told_with_the_servers_words_and_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let server = FakeServer::start();
    server.lock().refresh_token = "another".to_owned();
    let session = server.signed_in(TokenStore::in_folder(folder.path()), 5).await;
    let error = session.access_token().await.unwrap_err();
    assert!(matches!(error, SessionError::Ended { .. }) && error.needs_login());
    assert_eq!(error.to_string(), "Sign-in ended: an administrator ended this session");
    assert!(matches!(session.access_token().await, Err(SessionError::NotSignedIn)));
}

#[tokio::test]
async fn a_server_that_is_away_for_a_moment_costs_nothing() {
    let server = FakeServer::start();
    server.lock().down = true;
    let session = server.signed_in(TokenStore::in_memory(), 30).await;
    assert_eq!(session.access_token().await.unwrap().expose(), "gp_at_0");
    let session = server.signed_in(TokenStore::in_memory(), -1).await;
    assert!(matches!(session.access_token().await, Err(SessionError::Server(_))));
    server.lock().down = false;
    assert_eq!(session.access_token().await.unwrap().expose(), "gp_at_1");
}

#[tokio::test]
async fn signing_out_revokes_the_refresh_token_and_forgets() {
    let folder = tempfile::tempdir().unwrap();
    let store = TokenStore::in_folder(folder.path());
    let server = FakeServer::start();
    let session = server.signed_in(store.clone(), 600).await;
    assert!(matches!(session.logout().await.unwrap(), LogoutOutcome::Everywhere));
    assert_eq!(server.lock().revoked, ["gp_rt_0"]);
    assert!(store.list_accounts().unwrap().is_empty());
    assert!(matches!(session.access_token().await, Err(SessionError::NotSignedIn)));
    assert!(matches!(session.logout().await.unwrap(), LogoutOutcome::NotSignedIn));
}

#[tokio::test]
async fn signing_out_without_the_server_forgets_and_says_so() {
    let server = FakeServer::start();
    let session = server.signed_in(TokenStore::in_memory(), 600).await;
    server.lock().down = true;
    assert!(matches!(session.logout().await.unwrap(), LogoutOutcome::HereOnly(_)));
    assert!(matches!(session.access_token().await, Err(SessionError::NotSignedIn)));
}

#[tokio::test]
async fn accounts_of_two_servers_do_not_meet() {
    let folder = tempfile::tempdir().unwrap();
    let store = TokenStore::in_folder(folder.path());
    let (one, two) = (FakeServer::start(), FakeServer::start());
    one.signed_in(store.clone(), 600).await;
    let session = two.signed_in(store.clone(), 600).await;
    session.logout().await.unwrap();
    assert_eq!(one.session(store).access_token().await.unwrap().expose(), "gp_at_0");
}

#[cfg(unix)]
#[tokio::test]
async fn the_file_is_for_its_owner_only_and_is_closed_again_if_it_was_opened() {
    use std::os::unix::fs::PermissionsExt as _;
    let outer = tempfile::tempdir().unwrap();
    let folder = outer.path().join("new/gatepost");
    let store = TokenStore::in_folder(&folder);
    let server = FakeServer::start();
    let session = server.signed_in(store.clone(), 600).await;
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let file = folder.join("tokens.json");
    assert_eq!((mode(&folder), mode(&file)), (0o700, 0o600));

    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    store.load(session.account()).await.unwrap().unwrap();
    assert_eq!(mode(&file), 0o600);

    let left: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().ends_with(".tmp")), "{left:?}");
}

#[tokio::test]
async fn a_damaged_file_is_named_and_shows_no_content() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("tokens.json"), "{\"version\":1,\"entries\":[\"gp_rt_x\"]}").unwrap();
    let server = FakeServer::start();
    let error = server.session(TokenStore::in_folder(folder.path())).access_token().await.unwrap_err().to_string();
    assert!(error.contains("tokens.json cannot be read") && !error.contains("gp_rt_x"), "{error}");
}

#[tokio::test]
async fn tokens_survive_the_way_through_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let server = FakeServer::start();
    let session = server.signed_in(TokenStore::in_folder(folder.path()), 600).await;
    let kept = TokenStore::in_folder(folder.path()).load(session.account()).await.unwrap().unwrap();
    assert_eq!(kept, tokens(600));
}
