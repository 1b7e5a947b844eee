//! The audit log on a real database: whoever writes to it behind our back is found out (AD9), and nothing in it is a secret (LO1).

use std::process::Output;
use std::time::Duration;

use crate::storage::run_statement;
use crate::support::declared::{CLI, SERVICE};
use crate::support::flow::find_form;
use crate::support::*;

fn count(app: &TestApp, from: &str) -> u32 {
    run_statement(&app.database_url, &format!("SELECT count(*) FROM {from}")).parse().expect("a number")
}

fn wait_until_sealed(app: &TestApp) {
    let open = "audit_events WHERE seal IS NULL";
    wait_until("everything is sealed", Duration::from_secs(60), || {
        count(app, open) == 0 && count(app, "audit_seals") > 0
    });
}

fn say(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn rename(browser: &mut Browser<'_>, name: &str) -> u16 {
    let page = browser.get("/account");
    browser.submit(&find_form(&page, "/account").set("name", name)).status
}

/// What somebody with the database and without the key can do, what `verify` says to it, and the number of faults that it must not
/// exceed much.
fn list_tampering(seal: &str) -> Vec<(String, &'static str)> {
    let one = format!("(SELECT min(id) FROM audit_events WHERE seal = {seal})");
    let other = format!("(SELECT max(id) FROM audit_events WHERE seal = {seal})");
    let copy =
        "id || 'x', at, actor_kind, actor_id, action, subject_id, result, ip, user_agent, request_id, detail, mac";
    let into = "INSERT INTO audit_events (id, at, actor_kind, actor_id, action, subject_id, result, ip, user_agent, \
                request_id, detail, mac, seal)";
    vec![
        (format!("UPDATE audit_events SET ip = '203.0.113.99' WHERE id = {one}"), "was changed"),
        (format!("UPDATE audit_events SET at = at + 1 WHERE id = {one}"), "was changed"),
        (format!("UPDATE audit_events SET detail = '{{\"with\":\"x\"}}' WHERE id = {one}"), "was changed"),
        (format!("UPDATE audit_events SET mac = '' WHERE id = {one}"), "was changed"),
        (format!("DELETE FROM audit_events WHERE id = {one}"), "lacks 1 of its"),
        (format!("UPDATE audit_events SET seal = NULL WHERE id = {one}"), "lacks 1 of its"),
        (format!("UPDATE audit_events SET seal = 999 WHERE id = {one}"), "is under a seal that is not there"),
        (format!("{into} SELECT {copy}, seal FROM audit_events WHERE id = {one}"), "was put there or changed"),
        (format!("{into} SELECT {copy}, NULL FROM audit_events WHERE id = {one}"), "has no valid mark"),
        (
            format!(
                "DELETE FROM audit_events WHERE id = {one}; {into} SELECT {copy}, seal FROM audit_events WHERE id = {other}"
            ),
            "was changed",
        ),
        (format!("UPDATE audit_seals SET events = events - 1 WHERE number = {seal}"), "more events than"),
        (format!("UPDATE audit_seals SET last_at = last_at + 1 WHERE number = {seal}"), "seal 1 was changed"),
        (format!("UPDATE audit_seals SET mac = previous || 'x' WHERE number = {seal}"), "seal 1 was changed"),
        (format!("DELETE FROM audit_seals WHERE number = {seal}"), "is under a seal that is not there"),
        (format!("UPDATE audit_seals SET number = 5 WHERE number = {seal}"), "no retention has removed"),
    ]
}

for_each_database! {
    fn ad_9_each_way_of_tampering_is_found_and_named(database) {
        let mut app = Setup::new(database).set("sweep.interval", "1h").spawn();
        let mut browser = Browser::new(&app);
        browser.sign_in(&ALICE);
        assert_eq!(rename(&mut browser, "Alice P."), 303);
        drop(browser);
        wait_until_sealed(&app);
        let good = app.run(&["audit", "verify"]);
        assert!(good.status.success() && say(&good).contains("verified up to seal"), "{}", say(&good));
        // nobody mends anything while we look
        app.node.kill();
        for table in ["audit_events", "audit_seals"] {
            run_statement(&app.database_url, &format!("CREATE TABLE kept_{table} AS SELECT * FROM {table}"));
        }
        for (tampering, words) in list_tampering("1") {
            for statement in tampering.split("; ") {
                run_statement(&app.database_url, statement);
            }
            let found = app.run(&["audit", "verify"]);
            assert_eq!(found.status.code(), Some(1), "{tampering}: {}", say(&found));
            assert!(say(&found).contains(words), "{tampering}: {}", say(&found));
            let document: serde_json::Value =
                serde_json::from_slice(&app.run(&["audit", "verify", "--json"]).stdout).expect("JSON");
            assert_eq!(document["verified"], false, "{tampering}");
            assert!(document["fault_count"].as_u64().is_some_and(|count| count > 0), "{document}");
            for table in ["audit_events", "audit_seals"] {
                run_statement(&app.database_url, &format!("DELETE FROM {table}"));
                run_statement(&app.database_url, &format!("INSERT INTO {table} SELECT * FROM kept_{table}"));
            }
        }
        let document: serde_json::Value = serde_json::from_str(&app.run_ok(&["audit", "verify", "--json"])).expect("JSON");
        // an end that was cut off is in order, but for whoever noted the head
        let head = format!("{}:{}", document["seal"], document["head"].as_str().expect("a hash"));
        app.run_ok(&["audit", "verify", "--expect", &head]);
        for table in ["audit_events", "audit_seals"] {
            run_statement(&app.database_url, &format!("DELETE FROM {table}"));
        }
        app.run_ok(&["audit", "verify"]);
        let cut = app.run(&["audit", "verify", "--expect", &head]);
        assert_eq!(cut.status.code(), Some(1));
        assert!(say(&cut).contains("was cut off"), "{}", say(&cut));
    }

    /// Two nodes where the database can have two; the sealers run all the while.
    fn ad_9_the_chain_holds_while_people_come_and_go(database) {
        let app = Setup::new(database).set("sweep.interval", "1h").spawn();
        let second = (database == Database::Postgres).then(|| app.start_second_node());
        let began = std::time::Instant::now();
        let done: usize = run_at_once(8, |index| {
            let mut browser = Browser::new(&app);
            browser.sign_in(if index % 2 == 0 { &ALICE } else { &BOB });
            if let Some(node) = second.as_ref().filter(|_| index % 4 < 2) {
                browser.use_port(node.port);
            }
            let mut done = 0;
            while done < 25 || began.elapsed() < Duration::from_secs(25) {
                assert_eq!(rename(&mut browser, &format!("Name {done}")), 303);
                done += 1;
                std::thread::sleep(Duration::from_millis(20));
            }
            done
        })
        .into_iter()
        .sum();
        assert!(done >= 200);
        wait_until_sealed(&app);
        let report: serde_json::Value = serde_json::from_str(&app.run_ok(&["audit", "verify", "--json"])).expect("JSON");
        assert_eq!(report["events"], count(&app, "audit_events"), "{report}");
        assert!(report["seal"].as_u64().is_some_and(|seal| seal >= 2), "{report}");
        assert_eq!(count(&app, "audit_events WHERE action = 'user.renamed'") as usize, done);
    }

    fn the_log_is_listed_and_exported(database) {
        let app = TestApp::spawn(database);
        let mut browser = Browser::new(&app);
        browser.sign_in(&ALICE);
        rename(&mut browser, "Alice P.");
        let listed = app.run_ok(&["audit", "list", "--person", ALICE.email, "--json"]);
        let listed: serde_json::Value = serde_json::from_str(&listed).expect("JSON");
        let actions: Vec<_> = listed["events"].as_array().expect("a list").iter().map(|event| &event["action"]).collect();
        assert!(["user.renamed", "session.started"].iter().all(|action| actions.iter().any(|found| *found == action)), "{listed}");
        assert!(listed["events"].as_array().expect("a list").iter().all(|event| event.get("mac").is_none()));
        let text = app.run_ok(&["audit", "list", "--action", "session.", "--limit", "1"]);
        assert!(text.contains("session.started") && !text.contains("user.renamed"), "{text}");
        let exported = app.run_ok(&["audit", "export"]);
        let lines: Vec<serde_json::Value> =
            exported.lines().map(|line| serde_json::from_str(line).expect("a document a line")).collect();
        assert_eq!(lines.len() as u32, count(&app, "audit_events"));
        assert!(lines.is_sorted_by_key(|line| line["at"].as_i64()));
        assert_eq!(app.run_ok(&["audit", "export", "--until", "2001-01-01"]), "");
        assert_eq!(app.run(&["audit", "list", "--since", "soon"]).status.code(), Some(2));
    }

    fn lo_1_no_secret_is_in_the_log(database) {
        let app = TestApp::spawn(database);
        let mut browser = Browser::new(&app);
        let page = browser.get("/login");
        browser.fill_in_login(&page, &Person { password: "canary of a wrong password", ..ALICE });
        browser.sign_in(&ALICE);
        let tokens = app.get_tokens(CLI);
        let service = app.get_service_token(SERVICE, "notes:read");
        let code = app.get_code(CLI);
        app.redeem(&code);
        // again: that is written down
        app.redeem(&code);
        let cookie = browser.session_cookie().expect("a session").1.to_owned();
        let log = app.run_ok(&["audit", "export"]);
        assert!(log.contains("code.replayed"), "{log}");
        for secret in [ALICE.password, "canary of", &tokens.access, tokens.refresh(), &service.access, &cookie, "gp_"] {
            assert!(!log.contains(secret), "{secret}");
            assert!(!log.contains(&hash_of(secret)), "the hash of {secret}");
        }
    }
}
