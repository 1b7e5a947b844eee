//! Without its database a server says 503 and nothing else: never anything about a token, a client or a session.

mod cluster;
mod ways_in;

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

pub(crate) use cluster::Cluster;

use crate::races::{browser_request, read_answer};
use crate::storage::{run_statement, sqlite_program};
use crate::support::declared::{NOTES, OWN_CLI, SERVICE, WEB};
use crate::support::flow::{consent_form, find_form, is_consent, login_form};
use crate::support::http::send;
use crate::support::{
    ALICE, Answer, Authorize, Browser, Code, Database, Request, Response, Setup, Smtp, TestApp, Tokens, run_at_once,
    wait_until,
};
use ways_in::prepare_ways_in;

/// What R-52 allows for an answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(3);
/// What R-52 allows for recovery.
const RECOVERY_LIMIT: Duration = Duration::from_secs(5);

/// Sends one request and measures.
fn time_answer(port: u16, request: &Request) -> (Response, Duration) {
    let began = Instant::now();
    let bytes = send(port, &request.to_bytes(port)).unwrap_or_else(|error| panic!("{}: {error}", request.target));
    let answer = read_answer(&bytes).unwrap_or_else(|| panic!("{}: no answer", request.target));
    (answer, began.elapsed())
}

/// 503 in time, with a time to come back, and nothing about anything else.
#[track_caller]
fn assert_unavailable(what: &str, (answer, took): &(Response, Duration)) {
    assert_eq!(answer.status, 503, "{what}: {answer:?}");
    assert!(*took <= ANSWER_LIMIT, "{what} took {took:?}");
    let wait: u32 = answer.header("retry-after").expect("Retry-After").parse().expect("seconds");
    assert!((1..=30).contains(&wait), "{what}: Retry-After: {wait}");
    assert_says_nothing_else(what, answer);
}

#[track_caller]
fn assert_says_nothing_else(what: &str, answer: &Response) {
    for words in ["invalid_grant", "invalid_client", "invalid_token", "\"active\"", "gp_at_", "gp_ac_"] {
        assert!(!answer.body.contains(words), "{what}: {answer:?}");
    }
    for cookie in answer.header_all("set-cookie") {
        let is_deleted = cookie.to_ascii_lowercase().contains("max-age=0") || cookie.contains("gp_session=;");
        assert!(!is_deleted, "{what} deletes a cookie: {cookie}");
    }
    assert!(answer.header("location").is_none(), "{what} redirects: {answer:?}");
}

/// Everything that somebody could do at the moment when the database goes away.
struct Prepared {
    requests: Vec<(String, Request)>,
    session: Request,
    tokens: Tokens,
    code: Code,
}

fn prepare(app: &TestApp) -> Prepared {
    let mut browser = Browser::new(app);
    browser.sign_in(&ALICE);
    let consent_page = browser.begin(&Authorize::new(WEB));
    assert!(is_consent(&consent_page), "{consent_page:?}");
    let consent = consent_form(&consent_page).set("decision", "allow");
    let mut own = Vec::new();
    for path in ["/account", "/account/security", "/account/password", "/account/sessions", "/account/apps"] {
        own.push((format!("GET {path}"), signed_in(&browser, Request::get(&app.at(path)))));
    }
    for path in ["/login", "/signup", "/logout", "/"] {
        own.push((format!("GET {path}, signed in"), signed_in(&browser, Request::get(&app.at(path)))));
    }
    let authorize = Request::get(&app.at(&Authorize::new(OWN_CLI).target()));
    own.push(("GET authorize, signed in".into(), signed_in(&browser, authorize.clone())));
    own.push(("GET authorize".into(), authorize));
    own.push(("POST consent".into(), browser_request(&browser, &consent.action, &consent.fields)));
    let page = browser.get("/account/sessions");
    let csrf = find_csrf(&page);
    for (path, fields) in [
        ("/account/sessions/end-others", vec![]),
        ("/account/sessions/end", vec![("id".to_owned(), "x".to_owned())]),
        ("/account/apps/end", vec![("client_id".to_owned(), OWN_CLI.id.to_owned())]),
        ("/logout", vec![]),
    ] {
        let fields = [fields, vec![("csrf".to_owned(), csrf.clone())]].concat();
        own.push((format!("POST {path}"), browser_request(&browser, &app.at(path), &fields)));
    }
    let mut stranger = Browser::new(app);
    let page = stranger.get("/login");
    let form = login_form(&page).set("email", ALICE.email).set("password", ALICE.password).set("with", "password");
    own.push(("POST login".into(), browser_request(&stranger, &form.action, &form.fields)));
    let page = stranger.get("/signup");
    let form = find_form(&page, "/signup").set("email", "late@example.com").set("name", "Late");
    let form = form.set("password", "eleven copper garden gates");
    own.push(("POST signup".into(), browser_request(&stranger, &form.action, &form.fields)));
    let tokens = app.get_tokens(OWN_CLI);
    let code = app.get_code(OWN_CLI);
    own.extend(prepare_protocol(app, &tokens, &code));
    let session = signed_in(&browser, Request::get(&app.at("/account")));
    Prepared { requests: own, session, tokens, code }
}

fn prepare_protocol(app: &TestApp, tokens: &Tokens, code: &Code) -> Vec<(String, Request)> {
    let token = || Request::post(&app.at("/oauth2/token"));
    let refresh = vec![("grant_type", "refresh_token".to_owned()), ("refresh_token", tokens.refresh().to_owned())];
    let service = vec![("grant_type", "client_credentials".to_owned()), ("scope", "notes:read".to_owned())];
    let introspect = Request::post(&app.at("/oauth2/introspect")).basic(NOTES.id, &NOTES.secret());
    let revoke = Request::post(&app.at("/oauth2/revoke"));
    vec![
        ("code".into(), OWN_CLI.prove(token(), code.form())),
        ("refresh".into(), OWN_CLI.prove(token(), refresh)),
        ("client credentials".into(), SERVICE.prove(token(), service)),
        ("introspect".into(), introspect.form(&[("token", tokens.access.as_str())])),
        ("revoke".into(), OWN_CLI.prove(revoke, vec![("token", tokens.access.clone())])),
        ("readyz".into(), Request::get(&app.at("/readyz"))),
    ]
}

fn signed_in(browser: &Browser<'_>, request: Request) -> Request {
    let pairs: Vec<String> = browser.cookies().iter().map(|(name, value)| format!("{name}={value}")).collect();
    request.header("Cookie", &pairs.join("; "))
}

fn find_csrf(page: &Response) -> String {
    let forms = crate::support::html::find_forms(&page.body);
    let csrf = forms.iter().find_map(|form| form.field("csrf"));
    csrf.unwrap_or_else(|| panic!("no form: {page:?}")).to_owned()
}

/// What needs no database goes on.
fn assert_rest_answers(app: &TestApp) {
    for path in
        ["/.well-known/oauth-authorization-server", "/.well-known/openid-configuration", "/oauth2/jwks", "/healthz"]
    {
        let (answer, took) = time_answer(app.port(), &Request::get(&app.at(path)));
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        assert!(took <= ANSWER_LIMIT, "{path} took {took:?}");
    }
    let keys = app.get("/oauth2/jwks").json();
    assert!(keys["keys"].as_array().is_some_and(|keys| !keys.is_empty()), "{keys}");
    let page = app.get("/login");
    assert_eq!(page.status, 200, "the sign-in page of a new browser: {page:?}");
}

/// Asks without end, from several threads, while `act` runs: each answer must be good or 503, in time.
fn under_load<T>(app: &TestApp, tokens: &Tokens, act: impl FnOnce() -> T) -> (T, u32) {
    let stop = AtomicBool::new(false);
    let answered = AtomicU32::new(0);
    std::thread::scope(|scope| {
        let (stop, answered) = (&stop, &answered);
        let ask = move |index: usize| {
            while !stop.load(Ordering::Relaxed) {
                let service = vec![("grant_type", "client_credentials".to_owned()), ("scope", "notes:read".to_owned())];
                let request = match index % 2 {
                    0 => SERVICE.prove(Request::post(&app.at("/oauth2/token")), service),
                    _ => Request::post(&app.at("/oauth2/introspect"))
                        .basic(NOTES.id, &NOTES.secret())
                        .form(&[("token", tokens.access.as_str())]),
                };
                let answer = time_answer(app.port(), &request);
                match answer.0.status {
                    200 => assert!(!answer.0.body.contains("\"active\":false"), "{:?}", answer.0),
                    _ => assert_unavailable("under load", &answer),
                }
                answered.fetch_add(1, Ordering::Relaxed);
            }
        };
        let threads: Vec<_> = (0..8).map(|index| scope.spawn(move || ask(index))).collect();
        // a failed check must stop the threads as well, or the test would wait for them for ever
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(act));
        stop.store(true, Ordering::Relaxed);
        for thread in threads {
            thread.join().expect("all answers were right");
        }
        let outcome = outcome.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        (outcome, answered.load(Ordering::Relaxed))
    })
}

fn spawn_on(cluster: &Cluster, smtp: &Smtp) -> TestApp {
    let setup = Setup::new(Database::Postgres).database_url(&cluster.url).set("signup.mode", "open");
    let app = setup.with_mail(smtp).spawn();
    app.add_user(&ALICE);
    app
}

fn prepare_all(app: &TestApp, smtp: &Smtp) -> Prepared {
    let mut prepared = prepare(app);
    prepared.requests.extend(prepare_ways_in(app, smtp));
    prepared
}

/// What works beside the requests neither spins nor fills the log while the database is away.
fn assert_log_is_calm(app: &TestApp, outages: usize) {
    let log = app.node.log();
    for line in ["cannot look for letters", "sealing the audit log failed", "cannot look after the signing keys"] {
        let count = log.matches(line).count();
        assert!(count <= 6 * outages, "{line:?} {count} times in {outages} outages of seconds");
    }
}

#[test]
fn r_52_without_postgres_every_stateful_endpoint_says_503_and_recovers_by_itself() {
    let cluster = Cluster::start_new();
    let smtp = Smtp::start();
    let app = spawn_on(&cluster, &smtp);
    let prepared = prepare_all(&app, &smtp);
    for stop in ["stop", "kill"] {
        let ((), answered) = under_load(&app, &prepared.tokens, || {
            cluster.run(stop);
            let answers =
                run_at_once(prepared.requests.len(), |index| time_answer(app.port(), &prepared.requests[index].1));
            for ((what, _), answer) in prepared.requests.iter().zip(&answers) {
                assert_unavailable(what, answer);
            }
            assert_rest_answers(&app);
            cluster.run("start");
            let began = Instant::now();
            wait_until("the server is ready again", RECOVERY_LIMIT, || app.get("/readyz").status == 200);
            wait_until("tokens are issued again", RECOVERY_LIMIT, || {
                let form = vec![("grant_type", "client_credentials".to_owned()), ("scope", "notes:read".to_owned())];
                app.token(SERVICE, form).status == 200
            });
            assert!(began.elapsed() <= RECOVERY_LIMIT, "{:?}", began.elapsed());
        });
        assert!(answered > 50, "the load was {answered} requests");
    }
    assert_nothing_lost(&app, &prepared);
    assert_log_is_calm(&app, 2);
}

/// Session, tokens and code are as good as before.
fn assert_nothing_lost(app: &TestApp, prepared: &Prepared) {
    assert_eq!(app.send(&prepared.session).status, 200, "the session");
    assert!(app.is_active(NOTES, &prepared.tokens.access), "the access token");
    assert_eq!(app.refresh(OWN_CLI, prepared.tokens.refresh()).status, 200, "the refresh token");
    assert_eq!(app.redeem(&prepared.code).status, 200, "the code");
}

/// A database that is there and does not answer is the worst kind: connections stay open, and nobody says no.
#[test]
fn r_52_a_postgres_that_hangs_is_answered_with_503_in_time() {
    let cluster = Cluster::start_new();
    let smtp = Smtp::start();
    let app = spawn_on(&cluster, &smtp);
    let prepared = prepare_all(&app, &smtp);
    // every connection of the pool is open
    run_at_once(8, |_| app.is_active(NOTES, &prepared.tokens.access));
    cluster.signal("STOP");
    // a node that cannot hear of changes any more trusts what it kept for less than a second
    std::thread::sleep(std::time::Duration::from_secs(1));
    let answers = run_at_once(prepared.requests.len(), |index| {
        let port = app.port();
        let began = Instant::now();
        let bytes = send(port, &prepared.requests[index].1.to_bytes(port)).unwrap_or_default();
        (read_answer(&bytes), began.elapsed())
    });
    cluster.signal("CONT");
    let late: Vec<_> = prepared.requests.iter().zip(&answers).filter(|(_, (_, took))| *took > ANSWER_LIMIT).collect();
    let longest = answers.iter().map(|(_, took)| *took).max().expect("answers");
    assert!(
        late.is_empty(),
        "{} of {} answers took longer than {ANSWER_LIMIT:?}, up to {longest:?}",
        late.len(),
        answers.len()
    );
    for ((what, _), (answer, took)) in prepared.requests.iter().zip(answers) {
        assert_unavailable(what, &(answer.expect("an answer"), took));
    }
    wait_until("the server is ready again", RECOVERY_LIMIT, || app.get("/readyz").status == 200);
    assert_nothing_lost(&app, &prepared);
    assert_log_is_calm(&app, 1);
}

/// Another process that has the write lock of the file.
struct Locker {
    child: Child,
}

impl Locker {
    fn lock(url: &str) -> Self {
        let path = url.strip_prefix("sqlite:").expect("SQLite");
        let mut command = sqlite_program();
        let child = command.arg(path).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = child.expect("sqlite3 is installed: apt-get install sqlite3");
        let stdin = child.stdin.as_mut().expect("piped");
        stdin.write_all(b".timeout 5000\nBEGIN IMMEDIATE;\nSELECT 'locked';\n").expect("it reads");
        stdin.flush().expect("it reads");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("it writes");
        assert_eq!(line.trim(), "locked");
        Self { child }
    }
}

impl Drop for Locker {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn service_request(app: &TestApp) -> Request {
    let form = vec![("grant_type", "client_credentials".to_owned()), ("scope", "notes:read".to_owned())];
    SERVICE.prove(Request::post(&app.at("/oauth2/token")), form)
}

/// While nothing can be written: reads go on.
fn assert_reads_go_on(app: &TestApp, prepared: &Prepared) {
    for _ in 0..5 {
        assert!(app.is_active(NOTES, &prepared.tokens.access));
    }
    assert_eq!(app.send(&prepared.session).status, 200);
    assert_rest_answers(app);
}

/// The protocol requests that write.
fn writing(prepared: &Prepared) -> Vec<&(String, Request)> {
    let names =
        ["code", "refresh", "client credentials", "revoke", "POST consent", "POST login", "GET authorize, signed in"];
    let found: Vec<_> = prepared.requests.iter().filter(|(name, _)| names.contains(&name.as_str())).collect();
    assert_eq!(found.len(), names.len());
    found
}

#[test]
fn r_52_a_locked_sqlite_is_answered_with_503_and_reads_go_on() {
    let app = Setup::new(Database::Sqlite).set("signup.mode", "open").spawn();
    let prepared = prepare(&app);
    let locker = Locker::lock(&app.database_url);
    let requests = writing(&prepared);
    let answers = std::thread::scope(|scope| {
        let reading = scope.spawn(|| assert_reads_go_on(&app, &prepared));
        // they do not come all at once: each waits behind those before it
        let answers = run_at_once(requests.len(), |index| {
            std::thread::sleep(Duration::from_millis(300 * index as u64));
            time_answer(app.port(), &requests[index].1)
        });
        reading.join().expect("reads go on");
        answers
    });
    drop(locker);
    for ((what, _), answer) in requests.iter().zip(&answers) {
        assert_unavailable(what, answer);
    }
    wait_until("tokens are issued again", RECOVERY_LIMIT, || app.send(&service_request(&app)).status == 200);
    assert_nothing_lost(&app, &prepared);
}

/// A small file system of its own, which can be filled to the last byte.
struct SmallDisk {
    folder: tempfile::TempDir,
}

impl SmallDisk {
    fn mount() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", "size=12m", "tmpfs"]).arg(folder.path()).output();
        let mounted = mounted.expect("mount runs");
        assert!(
            mounted.status.success(),
            "this test mounts a small file system, for which it must run as root: {}",
            String::from_utf8_lossy(&mounted.stderr)
        );
        Self { folder }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn fill(&self) {
        let mut file = std::fs::File::create(self.path().join("filler")).expect("a file");
        for size in [65_536, 4096, 512, 1] {
            let piece = vec![b'x'; size];
            while file.write(&piece).is_ok_and(|written| written > 0) {}
        }
    }

    fn make_room(&self) {
        std::fs::remove_file(self.path().join("filler")).expect("removed");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        drop(Command::new("umount").arg("--lazy").arg(self.path()).status());
    }
}

#[test]
fn r_53_a_full_disk_is_answered_with_503_and_reads_go_on() {
    let disk = SmallDisk::mount();
    let url = format!("sqlite:{}/gatepost.db", disk.path().display());
    let app = Setup::new(Database::Sqlite).database_url(&url).set("signup.mode", "open").spawn();
    app.add_user(&ALICE);
    let prepared = prepare(&app);
    for _ in 0..2 {
        disk.fill();
        // the log has room left for a few more
        let mut acknowledged = Vec::new();
        let refused = (0..5000).find_map(|_| {
            let answer = time_answer(app.port(), &service_request(&app));
            match answer.0.status {
                200 => {
                    acknowledged.push(Tokens::read(&answer.0).access);
                    None
                }
                _ => Some(answer),
            }
        });
        assert_unavailable("the first that does not fit", &refused.expect("the disk is full"));
        for (what, request) in writing(&prepared) {
            assert_unavailable(what, &time_answer(app.port(), request));
        }
        assert_reads_go_on(&app, &prepared);
        for token in acknowledged.iter().rev().take(20) {
            assert!(app.is_active(NOTES, token), "what was acknowledged is there");
        }
        disk.make_room();
        wait_until("tokens are issued again", RECOVERY_LIMIT, || app.send(&service_request(&app)).status == 200);
    }
    assert_eq!(run_statement(&app.database_url, "PRAGMA integrity_check"), "ok");
    assert_nothing_lost(&app, &prepared);
}

/// A database that can be read only cannot serve; the start says so.
#[test]
fn a_read_only_database_is_refused_at_the_start_in_clear_words() {
    let disk = SmallDisk::mount();
    let url = format!("sqlite:{}/gatepost.db", disk.path().display());
    let mut app = Setup::new(Database::Sqlite).database_url(&url).spawn();
    app.node.stop();
    let remounted = Command::new("mount").args(["-o", "remount,ro"]).arg(disk.path()).status().expect("mount runs");
    assert!(remounted.success());
    let output = app.run(&["serve"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success());
    assert!(said.contains("error: ") && !said.contains("panicked"), "{said}");
    assert!(said.to_lowercase().contains("read-only") || said.to_lowercase().contains("readonly"), "{said}");
}

/// An answer to the app is not made up when the database is gone: the browser stays where it is.
#[test]
fn r_52_an_authorization_is_never_answered_without_the_database() {
    let app = TestApp::spawn(Database::Sqlite);
    let mut browser = Browser::new(&app);
    browser.sign_in(&ALICE);
    let locker = Locker::lock(&app.database_url);
    let response = browser.get(&Authorize::new(OWN_CLI).target());
    drop(locker);
    assert_eq!(response.status, 503, "{response:?}");
    assert!(Answer::find(&response).is_none());
    assert!(browser.session_cookie().is_some());
}
