//! Two nodes on one PostgreSQL, and commands beside a server: what one does, the other knows within a second.

use std::thread;
use std::time::{Duration, Instant};

use crate::races::{one_winner, send_at_once};
use crate::storage::run_statement;
use crate::support::app::{Node, run_command};
use crate::support::declared::{NOTES, OWN_CLI, SERVICE, WEB};
use crate::support::{ALICE, Authorize, Browser, Database, INACTIVE, Request, TestApp, Tokens, error_of, wait_until};

/// What R-7 allows.
const LIMIT: Duration = Duration::from_secs(1);

fn two_nodes() -> (TestApp, Node) {
    let app = TestApp::spawn(Database::Postgres);
    let second = app.start_second_node();
    (app, second)
}

fn is_active_at(app: &TestApp, port: u16, token: &str) -> bool {
    let answer = app.introspect_at(port, NOTES, token);
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.body != INACTIVE
}

/// Asks a node about a token again and again, so that it keeps the answer; then `end` happens elsewhere. How long after
/// the end was acknowledged the node still said yes.
fn measure_delay(app: &TestApp, port: u16, token: &str, end: impl FnOnce()) -> Duration {
    for _ in 0..3 {
        assert!(is_active_at(app, port, token), "it must be good before it ends");
    }
    let last_yes = thread::scope(|scope| {
        let asking = scope.spawn(|| {
            let mut last_yes = Instant::now();
            let began = Instant::now();
            loop {
                let asked = Instant::now();
                if !is_active_at(app, port, token) {
                    return last_yes;
                }
                last_yes = asked;
                assert!(began.elapsed() < Duration::from_secs(20), "it never ended");
            }
        });
        end();
        let ended = Instant::now();
        let last_yes = asking.join().expect("the other thread measures");
        last_yes.saturating_duration_since(ended)
    });
    // and it stays so
    assert!(!is_active_at(app, port, token));
    last_yes
}

#[track_caller]
fn assert_in_time(what: &str, delays: &[Duration]) {
    let longest = delays.iter().max().expect("it was measured");
    println!("{what}: at most {} ms until the other node knew", longest.as_millis());
    assert!(*longest <= LIMIT, "{what}: {longest:?}");
}

#[test]
fn r_02_a_code_is_redeemed_once_on_two_nodes() {
    let (app, second) = two_nodes();
    for _ in 0..3 {
        let code = app.get_code(WEB);
        let request = WEB.prove(Request::post("/oauth2/token"), code.form());
        let mut requests = Vec::new();
        for _ in 0..50 {
            requests.push((app.port(), request.clone()));
            requests.push((second.port, request.clone()));
        }
        let tokens = one_winner(&send_at_once(&requests));
        // the losers were valid replays
        for port in [app.port(), second.port] {
            assert!(!is_active_at(&app, port, &tokens.access));
        }
    }
}

#[test]
fn r_08_a_refresh_token_is_rotated_once_on_two_nodes() {
    let (app, second) = two_nodes();
    let first = app.get_tokens(WEB);
    let form = vec![("grant_type", "refresh_token".to_owned()), ("refresh_token", first.refresh().to_owned())];
    let request = WEB.prove(Request::post("/oauth2/token"), form);
    let mut requests = Vec::new();
    for _ in 0..25 {
        requests.push((app.port(), request.clone()));
        requests.push((second.port, request.clone()));
    }
    let tokens = one_winner(&send_at_once(&requests));
    assert!(!is_active_at(&app, second.port, &tokens.access), "without a grace the family dies");
}

#[test]
fn r_07_a_revocation_reaches_the_other_node_within_a_second() {
    let (app, second) = two_nodes();
    let mut delays = Vec::new();
    for _ in 0..8 {
        let token = app.get_service_token(SERVICE, "notes:read").access;
        delays.push(measure_delay(&app, second.port, &token, || {
            assert_eq!(app.revoke(SERVICE, &token).status, 200);
        }));
    }
    for _ in 0..4 {
        let tokens = app.get_tokens(OWN_CLI);
        delays.push(measure_delay(&app, second.port, &tokens.access, || {
            assert_eq!(app.revoke(OWN_CLI, tokens.refresh()).status, 200);
        }));
    }
    assert_in_time("a revocation", &delays);
}

#[test]
fn r_09_a_disabled_account_reaches_every_node_within_a_second() {
    let (app, second) = two_nodes();
    let mut delays = Vec::new();
    for port in [app.port(), second.port] {
        let tokens = app.get_tokens(OWN_CLI);
        delays.push(measure_delay(&app, port, &tokens.access, || {
            app.run_ok(&["user", "disable", ALICE.email]);
        }));
        let refused = error_of(&app.refresh(OWN_CLI, tokens.refresh()));
        assert_eq!(refused, (400, "invalid_grant".to_owned()));
        app.run_ok(&["user", "enable", ALICE.email]);
    }
    assert_in_time("a disabled account", &delays);
}

/// A node whose connection for changes is lost asks the database until it hears again.
#[test]
fn r_07_a_node_that_cannot_hear_does_not_trust_its_memory() {
    let (app, second) = two_nodes();
    let deafen = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
                  WHERE datname = current_database() AND pid <> pg_backend_pid()";
    let mut delays = Vec::new();
    for _ in 0..4 {
        let token = app.get_service_token(SERVICE, "notes:read").access;
        delays.push(measure_delay(&app, second.port, &token, || {
            let killed: u32 = run_statement(&app.database_url, deafen).parse().expect("a number");
            assert!(killed >= 2, "both nodes have connections: {killed}");
            // all connections of the pool are gone as well: nothing but the answer's time may suffer
            assert_eq!(app.revoke(SERVICE, &token).status, 200);
        }));
    }
    assert_in_time("a revocation that nobody heard", &delays);
}

/// No security decision from the memory of one process: what begins on one node goes on at the other.
#[test]
fn r_59_a_sign_in_goes_on_at_another_node() {
    let (app, second) = two_nodes();
    let mut browser = Browser::new(&app);
    let page = browser.begin(&Authorize::new(WEB));
    browser.use_port(second.port);
    let response = browser.fill_in_login(&page, &ALICE);
    browser.use_port(app.port());
    let page = browser.follow(response);
    browser.use_port(second.port);
    let answer = browser.decide(&page, "allow");
    assert!(answer.body.contains("gp_ac_") || answer.body.contains("code="), "{answer:?}");
    // ended on one, gone on the other
    let page = browser.get("/account");
    assert_eq!(page.status, 200, "{page:?}");
}

/// Failures are counted where every node sees them.
#[test]
fn r_59_failed_sign_ins_of_both_nodes_are_counted_together() {
    let (app, second) = two_nodes();
    for number in 0..8 {
        let mut browser = Browser::new(&app);
        browser.use_port(if number % 2 == 0 { app.port() } else { second.port });
        let page = browser.get("/login");
        let guesser = crate::support::Person { password: "not the password at all", ..ALICE };
        assert_ne!(browser.fill_in_login(&page, &guesser).status, 303);
    }
    let bucket = crate::support::hash_of(&format!("account:{}", ALICE.email));
    let counted = format!("SELECT failures FROM throttles WHERE bucket = '{bucket}'");
    let counted: u32 = run_statement(&app.database_url, &counted).parse().expect("a number");
    assert!((6..=8).contains(&counted), "{counted}");
}

for_each_database! {
    /// A command beside the server; on SQLite it leaves a mark that the server looks for.
    fn r_07_what_a_command_does_reaches_the_server_within_a_second(database) {
        let app = TestApp::spawn(database);
        let mut delays = Vec::new();
        for _ in 0..3 {
            let token = app.get_service_token(SERVICE, "notes:read").access;
            delays.push(measure_delay(&app, app.port(), &token, || {
                let output = run_command(&app.config, &["token", "revoke"], &format!("{token}\n"));
                assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            }));
        }
        let tokens = app.get_tokens(OWN_CLI);
        delays.push(measure_delay(&app, app.port(), &tokens.access, || {
            app.run_ok(&["user", "disable", ALICE.email]);
        }));
        assert_in_time("a command", &delays);
    }

    /// A client that a command adds is known at once, and one that it disables is refused within a second.
    fn r_09_a_client_that_a_command_disables_is_refused_within_a_second(database) {
        let app = TestApp::spawn(database);
        let tokens = app.get_tokens(OWN_CLI);
        app.run_ok(&["client", "disable", OWN_CLI.id]);
        let disabled = Instant::now();
        // with a token that is none: a good one would be used up by the first try
        wait_until("the client is refused", LIMIT, || app.refresh(OWN_CLI, "none").status == 401);
        assert!(!is_active_at(&app, app.port(), &tokens.access), "after {:?}", disabled.elapsed());
        app.run_ok(&["client", "enable", OWN_CLI.id]);
        wait_until("the client works again", LIMIT, || app.is_active(NOTES, &tokens.access));
    }
}

#[test]
fn tokens_of_one_node_are_refreshed_at_the_other() {
    let (app, second) = two_nodes();
    let mut tokens = app.get_tokens(WEB);
    for round in 0..6 {
        let port = if round % 2 == 0 { second.port } else { app.port() };
        let form = vec![("grant_type", "refresh_token".to_owned()), ("refresh_token", tokens.refresh().to_owned())];
        tokens = Tokens::read(&WEB.prove(Request::post("/oauth2/token"), form).send(port));
    }
    assert!(is_active_at(&app, second.port, &tokens.access));
}
