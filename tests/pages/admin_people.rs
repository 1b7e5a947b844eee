//! `/admin/users`: finding people, adding them, and what is done to them.

use std::time::{Duration, Instant};

use crate::storage::run_statement;
use crate::support::declared::{NOTES, OWN_CLI, WEB};
use crate::support::flow::{Authorize, find_form};
use crate::support::html::{find_forms, find_heading, read_text};
use crate::support::*;

/// The id of somebody.
pub(crate) fn id_of(app: &TestApp, person: &Person) -> String {
    run_statement(&app.database_url, &format!("SELECT id FROM users WHERE email = '{}'", person.email))
}

/// Makes somebody an administrator on the host, and signs in.
pub(crate) fn administrator<'a>(app: &'a TestApp, person: &Person) -> Browser<'a> {
    app.run_ok(&["user", "role", person.email, "instance_admin"]);
    let mut browser = Browser::new(app);
    browser.sign_in(person);
    browser
}

/// Opens the page of an act and presses its button.
pub(crate) fn act(browser: &mut Browser<'_>, id: &str, word: &str) -> Response {
    let path = format!("/admin/users/{id}/{word}");
    let page = browser.get(&path);
    assert_eq!(page.status, 200, "{page:?}");
    browser.submit(&find_form(&page, &path))
}

fn add_crowd(app: &TestApp, count: usize) {
    for number in 0..count {
        let row = format!(
            "INSERT INTO users (id, email, email_key, email_verified, name, role, created_at, updated_at, last_sign_in_at) \
             VALUES ('c{number:03}', 'crowd{number:03}@example.com', 'crowd{number:03}@example.com', TRUE, 'Crowd {number}', \
             'user', 1, 1, {})",
            if number % 2 == 0 { "NULL".to_owned() } else { format!("{}", 1000 + number / 4) }
        );
        run_statement(&app.database_url, &row);
    }
}

/// The ids of the people on a page, in order.
fn listed(page: &Response) -> Vec<String> {
    let parts = page.body.split("<td class=\"person\"><a href=\"").skip(1);
    parts.filter_map(|part| part.split('"').next()?.rsplit('/').next().map(str::to_owned)).collect()
}

fn link<'p>(page: &'p Response, word: &str) -> Option<&'p str> {
    let at = page.body.find(&format!(">{word}</a>"))?;
    let start = page.body[..at].rfind("href=\"")? + 6;
    page.body[start..at].split('"').next()
}

for_each_database! {
    /// All people once, whatever the direction, at most fifty on a page (DO9).
    fn the_list_is_read_page_by_page(database) {
        let app = TestApp::spawn(database);
        let mut ada = administrator(&app, &ALICE);
        add_crowd(&app, 120);
        let mut page = ada.get("/admin/users?limit=100000&page_size=9999");
        assert!(read_text(&page.body).contains("122 people"), "{}", read_text(&page.body));
        let mut pages = vec![listed(&page)];
        while let Some(older) = link(&page, "Older") {
            let older = older.replace("&amp;", "&");
            page = ada.get(&older);
            pages.push(listed(&page));
        }
        assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [50, 50, 22]);
        let mut all: Vec<_> = pages.concat();
        assert_eq!(all[0], id_of(&app, &ALICE), "the newest sign-in is first");
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 122, "nobody twice, nobody left out");
        for expected in pages.iter().rev().skip(1) {
            let newer = link(&page, "Newer").expect("a way back").replace("&amp;", "&");
            page = ada.get(&newer);
            assert_eq!(&listed(&page), expected);
        }
        assert_eq!(link(&page, "Newer"), None);
    }

    fn people_are_found_by_name_address_status_and_role(database) {
        let app = TestApp::spawn(database);
        let mut ada = administrator(&app, &ALICE);
        let (alice, bob) = (id_of(&app, &ALICE), id_of(&app, &BOB));
        run_statement(&app.database_url, &format!("UPDATE users SET name = '100% _Bob_' WHERE id = '{bob}'"));
        app.run_ok(&["user", "disable", BOB.email]);
        for (query, expected) in [
            ("q=ALICE", vec![&alice]),
            ("q=example.com&role=admin", vec![&alice]),
            ("q=example.com&role=user", vec![&bob]),
            ("status=disabled", vec![&bob]),
            ("status=unverified", vec![&alice]),
            ("status=active", vec![]),
            ("q=100%25", vec![&bob]),
            ("q=_bob_", vec![&bob]),
            // a wildcard is a letter here
            ("q=%25", vec![&bob]),
            ("q=a_ice", vec![]),
            ("q=%5C", vec![]),
        ] {
            let page = ada.get(&format!("/admin/users?{query}"));
            assert_eq!(page.status, 200);
            let found = listed(&page);
            assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{query}");
        }
        let page = ada.get("/admin/users?q=nobody-like-this");
        let text = read_text(&page.body);
        assert!(text.contains("Nobody matches “nobody-like-this”.") && text.contains("Clear search"), "{text}");
    }

    /// What looks like SQL is text, in every filter, cursor and path (AD6).
    fn ad_06_filters_are_never_code(database) {
        let app = TestApp::spawn(database);
        let mut ada = administrator(&app, &ALICE);
        let before = run_statement(&app.database_url, "SELECT count(*) FROM users");
        for evil in ["' OR '1'='1", "'; DROP TABLE users; --", "%' ESCAPE '", "\\", "1) UNION SELECT password_hash FROM users--"] {
            let evil = crate::support::http::encode(evil);
            for path in ["/admin/users?q=", "/admin/users?status=", "/admin/users?role=", "/admin/users?older=", "/admin/users?newer=1.",
                "/admin/audit?person=", "/admin/audit?kind=", "/admin/audit?result=", "/admin/audit?since=", "/admin/audit?reference=",
                "/admin/audit?at=o1.", "/admin/users/", "/admin/users.csv?q=", "/admin/audit.jsonl?person="] {
                let page = ada.get(&format!("{path}{evil}"));
                assert!(page.status == 200 || page.status == 404, "{path}{evil}: {page:?}");
                assert!(!page.body.contains("$argon2"), "{path}{evil}");
            }
        }
        assert_eq!(run_statement(&app.database_url, "SELECT count(*) FROM users"), before);
        assert_eq!(listed(&ada.get("/admin/users?q=%27%20OR%20%271%27%3D%271")).len(), 0);
    }

    /// A name of somebody else is never a part of the page or of a spreadsheet (AD5, AD8).
    fn ad_05_names_from_outside_stay_text(database) {
        let app = TestApp::spawn(database);
        let mut ada = administrator(&app, &ALICE);
        let bob = id_of(&app, &BOB);
        let evil = "<script>alert(1)</script><img src=x onerror=alert(1)>";
        run_statement(&app.database_url, &format!("UPDATE users SET name = '{evil}' WHERE id = '{bob}'"));
        for path in [
            "/admin/users".to_owned(), "/admin/users?q=%3Cscript%3Ealert(1)".to_owned(), format!("/admin/users/{bob}"),
            format!("/admin/users/{bob}/disable"), "/admin/audit?person=%3Cscript%3Ealert(1)%40x".to_owned(),
            "/admin".to_owned(),
        ] {
            let page = ada.get(&path);
            assert_eq!(page.status, 200, "{path}");
            assert!(!page.body.contains("<script>alert") && !page.body.contains("<img src=x"), "{path}: {}", page.body);
        }
        run_statement(&app.database_url, &format!("UPDATE users SET name = '=HYPERLINK(\"http://x\",\"y\")' WHERE id = '{bob}'"));
        let csv = ada.get("/admin/users.csv?q=bob");
        assert_eq!(csv.status, 200);
        assert_eq!(csv.header("content-type"), Some("text/csv; charset=utf-8"));
        assert_eq!(csv.header("cache-control"), Some("no-store"));
        assert!(csv.body.contains("\"'=HYPERLINK(\"\"http://x\"\",\"\"y\"\")\""), "{}", csv.body);
        assert_eq!(csv.body.lines().count(), 2, "the filter counts: {}", csv.body);
        let all = ada.get("/admin/users.csv").body;
        assert!(all.contains(ALICE.email) && !all.contains("argon2") && !all.contains("gp_"), "{all}");
        let events = ada.get("/admin/audit.jsonl").body;
        assert!(events.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()), "{events}");
        assert!(events.contains("\"users.exported\"") && !events.contains("gp_ss_") && !events.contains("argon2"), "{events}");
    }

    fn somebody_is_added_with_a_password_that_is_shown_once(database) {
        let app = TestApp::spawn(database);
        let mut ada = administrator(&app, &ALICE);
        let page = ada.get("/admin/users/new");
        let form = find_form(&page, "/admin/users/new").set("name", "Grace Hopper").set("email", "Grace@Example.com");
        // fields that are not asked for change nothing
        let form = form.set("role", "user").set("email_verified", "true").set("id", "mine").set("disabled_at", "1");
        let added = ada.submit(&form);
        assert_eq!(added.status, 200, "{added:?}");
        let at = added.body.find("data-copied=").expect("the password");
        let password = added.body[at..].split(['>', '<']).nth(1).expect("its text").to_owned();
        assert!(password.len() >= 20, "{password}");
        let row = run_statement(&app.database_url, "SELECT role, email_verified, id = 'mine' FROM users WHERE email_key = 'grace@example.com'");
        assert!(row.starts_with("user|") && !row.contains("t|") && !row.contains("|1"), "{row}");
        let events = run_statement(&app.database_url, "SELECT action, detail FROM audit_events WHERE action = 'user.created' AND actor_kind = 'user'");
        assert!(events.contains("administration") && !events.contains(&password), "{events}");
        let grace = Person { email: "grace@example.com", name: "Grace Hopper", password: Box::leak(password.into_boxed_str()) };
        Browser::new(&app).sign_in(&grace);
        let again = ada.submit(&form);
        assert_eq!(again.status, 422);
        assert!(read_text(&again.body).contains("There is an account with this address already."));
        assert_eq!(ada.submit(&form.set("email", "x").set("name", "")).status, 422);
    }

    /// Disabling ends sessions, half sign-ins, mailed links, codes and tokens, and says with numbers what it will end.
    fn r_09_disabling_ends_everything(database) {
        let app = TestApp::spawn(database);
        let mut ada = administrator(&app, &BOB);
        let alice = id_of(&app, &ALICE);
        let mut browser = Browser::new(&app);
        browser.sign_in(&ALICE);
        let tokens = app.get_tokens(OWN_CLI);
        let code = app.get_code(WEB);
        assert!(app.is_active(NOTES, &tokens.access));
        run_statement(&app.database_url, &format!("UPDATE users SET second_step = TRUE WHERE id = '{alice}'"));
        let mut half = Browser::new(&app);
        let page = half.get("/login");
        drop(half.fill_in_login(&page, &ALICE));
        assert!(half.session_cookie().is_some());
        let link = format!(
            "INSERT INTO mail_links (id, kind, token_hash, code_mac, email, email_key, user_id, browser, sealed_data, ip, user_agent, \
             created_at, expires_at, attempts) VALUES ('m', 'sign-in', 'h', 'c', '{0}', '{0}', '{alice}', 'b', '', '', '', 1, 4000000000, 0)",
            ALICE.email
        );
        run_statement(&app.database_url, &link);
        let page = ada.get(&format!("/admin/users/{alice}/disable"));
        let text = read_text(&page.body);
        assert!(text.contains("Takes effect within a second:") && text.contains("1 app"), "{text}");
        let done = act(&mut ada, &alice, "disable");
        assert_eq!(done.status, 303, "{done:?}");
        assert_eq!(app.introspect(NOTES, &tokens.access).body, INACTIVE);
        assert_eq!(error_of(&app.refresh(OWN_CLI, tokens.refresh())), (400, "invalid_grant".to_owned()));
        assert_eq!(error_of(&app.redeem(&code)), (400, "invalid_grant".to_owned()));
        assert_eq!(browser.get("/account").status, 303);
        let live = format!("SELECT count(*) FROM sessions WHERE user_id = '{alice}' AND revoked_at IS NULL");
        assert_eq!(run_statement(&app.database_url, &live), "0");
        assert_eq!(run_statement(&app.database_url, "SELECT count(*) FROM mail_links WHERE used_at IS NULL"), "0");
        let row = format!("SELECT actor_id, detail FROM audit_events WHERE action = 'user.disabled' AND subject_id = '{alice}'");
        let row = run_statement(&app.database_url, &row);
        assert!(row.starts_with(&id_of(&app, &BOB)), "{row}");
        let page = Browser::new(&app).get("/login");
        let answer = Browser::new(&app).fill_in_login(&page, &ALICE);
        assert_ne!(answer.status, 303, "{answer:?}");
        // pressed again, and enabled: nothing comes back by itself
        let page = ada.get(&format!("/admin/users/{alice}"));
        assert!(read_text(&page.body).contains("Disabled"));
        assert_eq!(act(&mut ada, &alice, "enable").status, 303);
        assert_eq!(app.introspect(NOTES, &tokens.access).body, INACTIVE);
        assert_eq!(browser.get("/account").status, 303);
    }

    /// Nothing of the person is left but the audit log; whoever takes the address later inherits nothing.
    fn r_11_deleting_removes_everything_and_the_audit_log_stays(database) {
        let app = Setup::new(database).set("signup.mode", "open").spawn();
        let mut ada = administrator(&app, &BOB);
        let alice = id_of(&app, &ALICE);
        let tokens = app.get_tokens(OWN_CLI);
        let invite = format!(
            "INSERT INTO invites (id, code_hash, code_start, note, created_by, created_at, expires_at, max_uses, uses, role, \
             by_operator, mailed_only) VALUES ('i', 'h', 's', '', '{alice}', 1, 4000000000, 5, 0, 'user', FALSE, FALSE)"
        );
        run_statement(&app.database_url, &invite);
        let done = act(&mut ada, &alice, "delete");
        assert!(done.location().ends_with("/admin/users?done=user-deleted"), "{done:?}");
        assert_eq!(app.introspect(NOTES, &tokens.access).body, INACTIVE);
        for table in ["sessions", "grants", "consents", "authorization_codes"] {
            let left = format!("SELECT count(*) FROM {table} WHERE user_id = '{alice}'");
            assert_eq!(run_statement(&app.database_url, &left), "0", "{table}");
        }
        assert_eq!(run_statement(&app.database_url, "SELECT count(*) FROM invites WHERE revoked_at IS NULL"), "0");
        let kept = format!("SELECT count(*) FROM audit_events WHERE subject_id = '{alice}' AND action = 'user.deleted'");
        assert_eq!(run_statement(&app.database_url, &kept), "1");
        assert_eq!(ada.get(&format!("/admin/users/{alice}")).status, 404);
        assert_eq!(Browser::new(&app).sign_up(&ALICE).status, 303);
        assert_ne!(id_of(&app, &ALICE), alice);
        assert_eq!(app.introspect(NOTES, &tokens.access).body, INACTIVE);
    }

    fn a_role_counts_at_once_and_ends_the_sessions(database) {
        let app = TestApp::spawn(database);
        let mut ada = administrator(&app, &ALICE);
        let bob = id_of(&app, &BOB);
        let mut browser = Browser::new(&app);
        browser.sign_in(&BOB);
        assert_eq!(browser.get("/admin").status, 403);
        assert_eq!(act(&mut ada, &bob, "promote").status, 303);
        assert_eq!(browser.get("/account").status, 303, "no session lives across it (R-29)");
        browser.sign_in(&BOB);
        assert_eq!(browser.get("/admin").status, 200);
        assert!(browser.get("/account").body.contains(">Admin</a>"));
        assert_eq!(act(&mut ada, &bob, "demote").status, 303);
        assert_eq!(browser.get("/admin").status, 303);
        let rows = run_statement(&app.database_url, "SELECT detail FROM audit_events WHERE action = 'user.role_changed' AND actor_kind = 'user' ORDER BY at, id");
        assert!(rows.contains("instance_admin") && rows.lines().count() == 2, "{rows}");
    }

    fn all_sessions_of_a_person_end_and_the_account_stays(database) {
        let app = TestApp::spawn(database);
        let mut ada = administrator(&app, &BOB);
        let tokens = app.get_tokens(OWN_CLI);
        let alice = id_of(&app, &ALICE);
        let done = act(&mut ada, &alice, "end-sessions");
        assert_eq!(done.status, 303);
        assert_eq!(app.introspect(NOTES, &tokens.access).body, INACTIVE);
        Browser::new(&app).sign_in(&ALICE);
        // to oneself: signed out, and told so
        let me = id_of(&app, &BOB);
        let done = act(&mut ada, &me, "end-sessions");
        assert!(done.location().ends_with("/login?done=sign-in-again"), "{done:?}");
        assert_eq!(ada.get("/admin").status, 303);
    }

    /// The last administrator who can sign in is kept, by pages and by commands.
    fn r_37_the_last_administrator_stays(database) {
        let app = TestApp::spawn(database);
        let mut ada = administrator(&app, &ALICE);
        let alice = id_of(&app, &ALICE);
        let page = ada.get(&format!("/admin/users/{alice}"));
        let text = read_text(&page.body);
        assert!(text.contains("This is the last administrator who can sign in."), "{text}");
        for word in ["demote", "disable", "delete"] {
            assert!(!page.body.contains(&format!("/{alice}/{word}\"")), "{word} is not offered");
            let path = format!("/admin/users/{alice}/{word}");
            let asked = ada.get(&path);
            assert!(!find_forms(&asked.body).iter().any(|form| form.action.ends_with(word)), "{word}: no button");
            let csrf = find_form(&ada.get("/admin/users/new"), "/admin/users/new");
            let csrf = csrf.field("csrf").expect("a token").to_owned();
            let refused = ada.post(&path, &[("csrf".to_owned(), csrf)]);
            assert!(refused.location().ends_with("done=last-administrator"), "{word}: {refused:?}");
        }
        // an administrator without any way in does not count
        app.run_ok(&["user", "role", BOB.email, "instance_admin"]);
        run_statement(&app.database_url, &format!("UPDATE users SET password_hash = NULL WHERE email = '{}'", BOB.email));
        for args in [vec!["user", "disable", ALICE.email], vec!["user", "role", ALICE.email, "user"], vec!["user", "delete", ALICE.email, "--yes"]] {
            let output = app.run(&args);
            assert_eq!(output.status.code(), Some(4), "{args:?}: {output:?}");
        }
        assert_eq!(run_statement(&app.database_url, "SELECT count(*) FROM users WHERE role = 'instance_admin' AND disabled_at IS NULL"), "2");
        // one without a way in can go
        app.run_ok(&["user", "role", BOB.email, "user"]);
    }

    fn commands_do_the_same(database) {
        let app = TestApp::spawn(database);
        let tokens = app.get_tokens(OWN_CLI);
        let ended = app.run_ok(&["user", "end-sessions", ALICE.email, "--json"]);
        let ended: serde_json::Value = serde_json::from_str(&ended).expect("JSON");
        assert_eq!((ended["sessions"].as_i64(), ended["apps"].as_i64()), (Some(1), Some(1)), "{ended}");
        wait_until("the server has heard of it", Duration::from_secs(1), || app.introspect(NOTES, &tokens.access).body == INACTIVE);
        assert_eq!(app.run(&["user", "delete", ALICE.email]).status.code(), Some(2), "nobody can be asked");
        assert_eq!(app.run(&["user", "role", ALICE.email, "king"]).status.code(), Some(2));
        app.run_ok(&["user", "delete", ALICE.email, "--yes"]);
        assert_eq!(app.run(&["user", "show", ALICE.email]).status.code(), Some(1));
        let kinds = run_statement(&app.database_url, "SELECT actor_kind FROM audit_events WHERE action = 'user.deleted'");
        assert_eq!(kinds, "operator");
    }

    /// An administrator's sign-in is good for half an hour without use and for twelve hours with it; the account's own pages are not
    /// concerned.
    fn r_29_the_administration_asks_again_after_a_while(database) {
        let app = TestApp::spawn(database);
        let mut ada = administrator(&app, &ALICE);
        let id = id_of(&app, &ALICE);
        for (column, seconds) in [("last_used_at", 30 * 60), ("auth_time", 12 * 3600)] {
            assert_eq!(ada.get("/admin").status, 200, "before {column}");
            // a minute on either side, so that a slow machine makes no difference
            for (age, wanted) in [(seconds - 60, 200), (seconds + 60, 303)] {
                let fresh = "auth_time = created_at, last_used_at = created_at";
                run_statement(&app.database_url, &format!("UPDATE sessions SET {fresh} WHERE user_id = '{id}'"));
                let aged = format!("UPDATE sessions SET {column} = {column} - {age} WHERE user_id = '{id}'");
                run_statement(&app.database_url, &aged);
                let answer = ada.get("/admin");
                assert_eq!(answer.status, wanted, "{column} {age} seconds ago: {answer:?}");
                let asks = answer.header("location").is_some_and(|location| location.contains("/confirm"));
                assert_eq!(asks, wanted == 303, "{answer:?}");
                // looking at something else meanwhile changes nothing
                assert_eq!(ada.get("/account").status, 200);
                assert_eq!(ada.get("/admin").status, wanted, "again: {column} {age} seconds ago");
            }
            let fresh = "UPDATE sessions SET auth_time = created_at, last_used_at = created_at";
            run_statement(&app.database_url, &format!("{fresh} WHERE user_id = '{id}'"));
        }
    }

    fn the_overview_says_what_to_do(database) {
        let app = TestApp::spawn(database);
        let mut ada = administrator(&app, &ALICE);
        let page = ada.get("/admin");
        assert_eq!(find_heading(&page.body), "Overview");
        let text = read_text(&page.body);
        for part in ["No mail server is set", "1 administrator without a second factor", "There is only one administrator", "People 2", "Last events"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        let page = Browser::new(&app).get("/login");
        drop(Browser::new(&app).fill_in_login(&page, &Person { password: "not the right one", ..BOB }));
        drop(administrator(&app, &BOB));
        let text = read_text(&ada.get("/admin").body);
        assert!(!text.contains("only one administrator") && text.contains("2 administrators without"), "{text}");
    }

    fn the_audit_log_is_filtered_and_opens(database) {
        let app = TestApp::spawn(database);
        let mut ada = administrator(&app, &ALICE);
        let bob = id_of(&app, &BOB);
        assert_eq!(act(&mut ada, &bob, "promote").status, 303);
        let page = ada.get(&format!("/admin/audit?person={}&kind=user&result=done", BOB.email));
        let text = read_text(&page.body);
        assert!(text.contains("Role changed") && text.contains(ALICE.email) && !text.contains("Signed in"), "{text}");
        assert!(page.body.contains("<details>") && text.contains("user.role_changed"), "{text}");
        let reference = run_statement(&app.database_url, &format!("SELECT request_id FROM audit_events WHERE action = 'user.role_changed' AND subject_id = '{bob}'"));
        let one = ada.get(&format!("/admin/audit?reference={reference}"));
        assert_eq!(one.body.matches("<details>").count(), 1);
        assert!(read_text(&ada.get("/admin/audit?person=nobody@example.com").body).contains("Nobody has the address"));
        assert!(read_text(&ada.get("/admin/audit?until=2001-01-01").body).contains("Nothing matches this filter."));
    }
}

/// What one node disables is dead on the other within a second.
#[test]
fn r_09_disabling_reaches_the_other_node_within_a_second() {
    let app = TestApp::spawn(Database::Postgres);
    let second = app.start_second_node();
    let mut ada = administrator(&app, &BOB);
    let mut browser = Browser::new(&app);
    drop(browser.get_code(&Authorize::new(OWN_CLI), &ALICE));
    let tokens = app.get_tokens(OWN_CLI);
    for _ in 0..3 {
        assert_ne!(app.introspect_at(second.port, NOTES, &tokens.access).body, INACTIVE, "kept in memory there");
    }
    let done = act(&mut ada, &id_of(&app, &ALICE), "disable");
    let began = Instant::now();
    assert_eq!(done.status, 303);
    while app.introspect_at(second.port, NOTES, &tokens.access).body != INACTIVE {
        assert!(began.elapsed() <= Duration::from_secs(1), "still active on the other node");
    }
    browser.use_port(second.port);
    assert_eq!(browser.get("/account").status, 303);
}
