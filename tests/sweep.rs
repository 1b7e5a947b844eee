//! What has ended is removed, what is alive stays, and nodes take turns.

use std::time::Duration;

use crate::storage::run_statement;
use crate::support::declared::{NOTES, OWN_CLI, SERVICE};
use crate::support::{Database, Setup, TestApp, wait_until};

const TABLES: [&str; 7] =
    ["authorization_codes", "access_tokens", "refresh_tokens", "grants", "sessions", "setup_links", "throttles"];

fn count(app: &TestApp, table: &str) -> u32 {
    run_statement(&app.database_url, &format!("SELECT count(*) FROM {table}")).parse().expect("a number")
}

/// Makes everything that is in these tables now as old as it must be to be removed.
fn make_old(app: &TestApp) {
    for table in TABLES {
        run_statement(&app.database_url, &format!("UPDATE {table} SET expires_at = 1000"));
    }
    run_statement(&app.database_url, "UPDATE audit_events SET at = 1000");
}

/// Makes something for each table, and returns tokens that are good.
fn fill(app: &TestApp) -> (String, String) {
    let tokens = app.get_tokens(OWN_CLI);
    let service = app.get_service_token(SERVICE, "notes:read");
    run_statement(
        &app.database_url,
        "INSERT INTO throttles (bucket, failures, window_started_at, blocked_until, expires_at) \
         VALUES ('a' || (SELECT count(*) FROM throttles), 1, 0, 0, 99999999999)",
    );
    (tokens.access, service.access)
}

for_each_database! {
    fn the_command_removes_what_has_ended_and_nothing_else(database) {
        let app = Setup::new(database).set("sweep.interval", "1h").spawn();
        fill(&app);
        make_old(&app);
        let (user_token, service_token) = fill(&app);
        let before: Vec<u32> = TABLES.iter().map(|table| count(&app, table)).collect();
        let said = app.run_ok(&["sweep", "--json"]);
        let said: serde_json::Value = serde_json::from_str(&said).expect("JSON");
        let mut total = 0;
        for (table, before) in TABLES.iter().zip(before) {
            let after = count(&app, table);
            total += before - after;
            assert!(after >= 1 || *table == "setup_links", "{table}: what is alive must stay");
            assert!(after < before, "{table}: {before} rows, then {after}");
            let old = run_statement(&app.database_url, &format!("SELECT count(*) FROM {table} WHERE expires_at = 1000"));
            assert_eq!(old, "0", "{table}");
            assert_eq!(said["removed"][table], before - after, "{said}");
        }
        let events = said["removed"]["audit_events"].as_u64().expect("a number") as u32;
        assert_eq!(said["total"], total + events);
        assert!(app.is_active(NOTES, &user_token));
        assert!(app.is_active(NOTES, &service_token));
        let again: serde_json::Value = serde_json::from_str(&app.run_ok(&["sweep", "--json"])).expect("JSON");
        assert_eq!(again["total"], 0);
    }

    fn rows_stay_as_long_as_the_settings_say(database) {
        let app = Setup::new(database).set("sweep.interval", "1h").set("sweep.keep_access_tokens", "24h").spawn();
        app.get_service_token(SERVICE, "notes:read");
        app.get_service_token(SERVICE, "notes:read");
        let now = std::time::SystemTime::UNIX_EPOCH.elapsed().expect("a clock").as_secs();
        let day = 86_400;
        // one that ended a day and a minute ago, and one that ended a minute less than a day ago
        for (time, which) in [(now - day - 60, "min"), (now - day + 60, "max")] {
            run_statement(
                &app.database_url,
                &format!(
                    "UPDATE access_tokens SET expires_at = {time} \
                     WHERE token_hash = (SELECT {which}(token_hash) FROM access_tokens)"
                ),
            );
        }
        app.run_ok(&["sweep"]);
        assert_eq!(count(&app, "access_tokens"), 1);
    }

    /// Many more than one batch; the server answers all the while.
    fn a_big_table_is_swept_in_small_steps(database) {
        let app = Setup::new(database).set("sweep.interval", "1h").set("sweep.batch_size", 100).spawn();
        let live = app.get_service_token(SERVICE, "notes:read");
        run_statement(
            &app.database_url,
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) \
             INSERT INTO access_tokens (token_hash, client_id, scopes, audience, issued_at, expires_at) \
             SELECT 'old' || i, 'test-service', '', '[]', 0, 1000 FROM n",
        );
        assert_eq!(count(&app, "access_tokens"), 5001);
        std::thread::scope(|scope| {
            let sweeping = scope.spawn(|| app.run_ok(&["sweep"]));
            while !sweeping.is_finished() {
                assert!(app.is_active(NOTES, &live.access));
                app.get_service_token(SERVICE, "notes:read");
            }
            sweeping.join().expect("the command ends");
        });
        let old = run_statement(&app.database_url, "SELECT count(*) FROM access_tokens WHERE expires_at = 1000");
        assert_eq!(old, "0");
        assert!(app.is_active(NOTES, &live.access));
    }

    fn the_server_sweeps_by_itself(database) {
        let app = Setup::new(database).set("sweep.interval", "1s").spawn();
        fill(&app);
        make_old(&app);
        let (user_token, service_token) = fill(&app);
        // the first round may have been before that: the next one is this node's turn again
        run_statement(&app.database_url, "UPDATE meta SET value = 0 WHERE key = 'sweep_lease'");
        wait_until("everything old is gone", Duration::from_secs(10), || {
            TABLES.iter().all(|table| {
                let old = format!("SELECT count(*) FROM {table} WHERE expires_at = 1000");
                run_statement(&app.database_url, &old) == "0"
            })
        });
        assert!(app.is_active(NOTES, &user_token));
        assert!(app.is_active(NOTES, &service_token));
    }

    /// `sweep.interval` says how often; a shorter one than a minute must not be ignored.
    fn the_next_round_comes_after_the_interval(database) {
        let app = Setup::new(database).set("sweep.interval", "1s").spawn();
        for round in 0..2 {
            app.get_service_token(SERVICE, "notes:read");
            make_old(&app);
            wait_until(&format!("round {round}"), Duration::from_secs(8), || count(&app, "access_tokens") == 0);
        }
    }
}

/// While one node has the turn the others do not sweep; a turn that is over is anybody's.
#[test]
fn nodes_take_turns() {
    let app = Setup::new(Database::Postgres).set("sweep.interval", "1s").spawn();
    let _second = app.start_second_node();
    // a third node, which is only pretended, has the turn
    run_statement(&app.database_url, "UPDATE meta SET value = 99999999999 WHERE key = 'sweep_lease'");
    app.get_service_token(SERVICE, "notes:read");
    // whoever began before that has ended by then
    std::thread::sleep(Duration::from_millis(500));
    make_old(&app);
    std::thread::sleep(Duration::from_millis(3500));
    assert_eq!(count(&app, "access_tokens"), 1, "it was not their turn");
    run_statement(&app.database_url, "UPDATE meta SET value = 1 WHERE key = 'sweep_lease'");
    wait_until("one of the two sweeps", Duration::from_secs(10), || count(&app, "access_tokens") == 0);
    let lease: u64 =
        run_statement(&app.database_url, "SELECT value FROM meta WHERE key = 'sweep_lease'").parse().expect("a number");
    let now = std::time::SystemTime::UNIX_EPOCH.elapsed().expect("a clock").as_secs();
    assert!((now..now + 120).contains(&(lease + 5)), "{lease} at {now}");
}
