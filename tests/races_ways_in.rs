//! A hundred people at the same moment with one invitation: exactly as many accounts as it has uses, and nothing half made (R-3, IV1).

use crate::pages::invites::{add_invite, fill_in};
use crate::races::{browser_request, count_status, send_at_once};
use crate::storage::run_statement;
use crate::support::app::Node;
use crate::support::flow::find_form;
use crate::support::{Browser, Database, Person, Request, Setup, TestApp};

const CROWD: usize = 100;

/// Everybody waits until it is their turn.
fn patient(database: Database) -> TestApp {
    Setup::new(database)
        .set("signup.mode", "invite")
        .set("database.pool_wait", "20s")
        .set("password.hash_queue", 1000)
        .set("password.hash_wait", "30s")
        .set("http.handler_timeout", "60s")
        .spawn()
}

/// A hundred filled-in forms with this invitation, each of a browser of its own, for these nodes in turn.
fn make_crowd(app: &TestApp, path: &str, ports: &[u16], email: impl Fn(usize) -> String) -> Vec<(u16, Request)> {
    let make = |number: usize| {
        let mut browser = Browser::new(app);
        let page = browser.get(path);
        let form = find_form(&page, "/signup").set("email", &email(number));
        let form = form.set("name", "Taker").set("password", "eleven copper garden gates");
        (ports[number % ports.len()], browser_request(&browser, &form.action, &form.fields))
    };
    (0..CROWD).map(make).collect()
}

fn somebody(number: usize) -> String {
    format!("taker{number}@example.com")
}

#[track_caller]
fn assert_taken(app: &TestApp, requests: &[(u16, Request)], uses: usize) {
    let count = |what: &str| run_statement(&app.database_url, &format!("SELECT count(*) FROM {what}"));
    let sessions = count("sessions");
    let answers = send_at_once(requests);
    assert_eq!(count_status(&answers, 303), uses);
    assert_eq!(count_status(&answers, 422), CROWD - uses, "and nothing else, no 5xx");
    assert_eq!(count("users WHERE email_key LIKE 'taker%'"), uses.to_string());
    assert_eq!(count("invite_uses"), uses.to_string());
    assert_eq!(
        count("(SELECT DISTINCT user_id FROM invite_uses WHERE user_id IS NOT NULL) AS people"),
        uses.to_string()
    );
    let began = count("sessions").parse::<usize>().expect("a number") - sessions.parse::<usize>().expect("a number");
    assert_eq!(began, uses, "nobody else has a session");
    assert_eq!(count("invites WHERE uses = max_uses"), "1");
    assert_eq!(count("audit_events WHERE action = 'invite.used' AND result = 'done'"), uses.to_string());
}

for_each_database! {
    fn iv1_a_hundred_takers_of_one_use_are_one_account(database) {
        let app = patient(database);
        let (_, path) = add_invite(&app, &[]);
        let crowd = make_crowd(&app, &path, &[app.port()], somebody);
        assert_taken(&app, &crowd, 1);
    }

    fn iv1_a_hundred_takers_of_seven_uses_are_seven_accounts(database) {
        let app = patient(database);
        let (_, path) = add_invite(&app, &["--uses", "7"]);
        let crowd = make_crowd(&app, &path, &[app.port()], somebody);
        assert_taken(&app, &crowd, 7);
    }

    /// Whoever loses the race for the address gives the use back.
    fn iv1_one_person_a_hundred_times_takes_one_use(database) {
        let app = patient(database);
        let (_, path) = add_invite(&app, &["--uses", "7"]);
        let requests = make_crowd(&app, &path, &[app.port()], |_| "taker@example.com".into());
        let answers = send_at_once(&requests);
        assert_eq!((count_status(&answers, 303), count_status(&answers, 422)), (1, CROWD - 1));
        let uses = run_statement(&app.database_url, "SELECT uses FROM invites");
        let ledger = run_statement(&app.database_url, "SELECT count(*) FROM invite_uses");
        assert_eq!((uses.as_str(), ledger.as_str()), ("1", "1"));
    }
}

fn two_nodes() -> (TestApp, Node) {
    let app = patient(Database::Postgres);
    let second = app.start_second_node();
    (app, second)
}

#[test]
fn iv1_seven_uses_on_two_nodes_are_seven_accounts() {
    let (app, second) = two_nodes();
    let (_, path) = add_invite(&app, &["--uses", "7"]);
    let crowd = make_crowd(&app, &path, &[app.port(), second.port], somebody);
    assert_taken(&app, &crowd, 7);
}

#[test]
fn the_mode_and_a_revocation_hold_on_every_node_at_once() {
    let (app, second) = two_nodes();
    let (id, path) = add_invite(&app, &["--uses", "7"]);
    let at_both = |path: &str| [app.port(), second.port].map(|port| Request::get(path).send(port).status);
    assert_eq!(at_both(&path), [200, 200]);
    app.run_ok(&["invite", "revoke", &id]);
    assert_eq!(at_both(&path), [404, 404]);
    app.run_ok(&["signup-mode", "closed"]);
    assert_eq!(at_both("/signup"), [403, 403]);
    app.run_ok(&["signup-mode", "open"]);
    let mut browser = Browser::new(&app);
    browser.use_port(second.port);
    let page = browser.get("/signup");
    let carol = Person { email: "carol@example.com", name: "Carol", password: "four green glass bottles" };
    assert_eq!(fill_in(&mut browser, &page, &carol).status, 303);
}
