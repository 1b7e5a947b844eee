//! `kill -9` at any moment: what was acknowledged is there, and what was ended stays ended.
//!
//! Threads do what clients do and keep a ledger of every answer that they got. Then the process dies, starts again, and the ledger is compared
//! with what it says. What was under way when it died may have happened or not; everything else must be as it was said.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use crate::outage::Cluster;
use crate::races::read_answer;
use crate::storage::run_statement;
use crate::support::declared::{NOTES, OWN_CLI, SERVICE};
use crate::support::http::send;
use crate::support::{
    ALICE, Answer, Authorize, Browser, Code, Database, INACTIVE, Request, Response, Setup, TestApp, Tokens,
};

/// What R-51 allows from the start of the process to its first good answer.
const START_LIMIT: Duration = Duration::from_secs(5);
const THREADS: usize = 6;

/// What was acknowledged.
#[derive(Default)]
struct Ledger {
    /// access tokens that were issued and not ended
    active: Vec<String>,
    /// access tokens that were revoked, or whose family was
    ended: Vec<String>,
    /// codes that were handed out and not sent anywhere
    codes: Vec<Code>,
    /// codes that were redeemed
    redeemed: Vec<Code>,
    /// refresh tokens that are the newest of a live family
    refreshable: Vec<String>,
    /// refresh tokens that were rotated, or whose family was revoked
    rotated: Vec<String>,
}

impl Ledger {
    fn append(&mut self, mut other: Self) {
        self.active.append(&mut other.active);
        self.ended.append(&mut other.ended);
        self.codes.append(&mut other.codes);
        self.redeemed.append(&mut other.redeemed);
        self.refreshable.append(&mut other.refreshable);
        self.rotated.append(&mut other.rotated);
    }

    fn len(&self) -> usize {
        self.active.len() + self.ended.len() + self.codes.len() + self.redeemed.len() + self.rotated.len()
    }
}

/// The answer, unless the process died under it.
fn ask(app: &TestApp, request: &Request) -> Option<Response> {
    let answer = read_answer(&send(app.port(), &request.to_bytes(app.port())).ok()?)?;
    let length: usize = answer.header("content-length").map_or(0, |length| length.parse().expect("a number"));
    // cut off in the middle: it was not acknowledged
    (answer.body.len() >= length).then_some(answer)
}

/// What it takes to be Alice's browser, on any thread.
fn authorize_request(app: &TestApp, cookies: &str) -> (Request, Authorize) {
    let authorize = Authorize::new(OWN_CLI);
    (Request::get(&app.at(&authorize.target())).header("Cookie", cookies), authorize)
}

/// What a client does, again and again until the process is gone. `None`: it is gone.
fn live_once(app: &TestApp, cookies: &str, round: u32, ledger: &mut Ledger) -> Option<()> {
    let token = || Request::post(&app.at("/oauth2/token"));
    let service = vec![("grant_type", "client_credentials".to_owned()), ("scope", "notes:read".to_owned())];
    ledger.active.push(Tokens::read(&good(ask(app, &SERVICE.prove(token(), service))?)?).access);

    let (request, authorize) = authorize_request(app, cookies);
    let answer = Answer::find(&good(ask(app, &request)?)?).expect("a redirect");
    let code = answer.get("code").unwrap_or_else(|| panic!("no code in {}", answer.url));
    let code = Code {
        code,
        verifier: authorize.verifier.clone(),
        redirect_uri: authorize.get("redirect_uri"),
        client: OWN_CLI,
    };
    if round % 4 == 3 {
        ledger.codes.push(code);
        return Some(());
    }
    let first = Tokens::read(&good(ask(app, &OWN_CLI.prove(token(), code.form()))?)?);
    ledger.redeemed.push(code);

    // from here on the first tokens are not known to be good: they may be rotated or revoked by what is under way
    let refresh =
        |refresh: &str| vec![("grant_type", "refresh_token".to_owned()), ("refresh_token", refresh.to_owned())];
    let second = Tokens::read(&good(ask(app, &OWN_CLI.prove(token(), refresh(first.refresh())))?)?);
    ledger.rotated.push(first.refresh().to_owned());

    let revoke =
        |token: &str| OWN_CLI.prove(Request::post(&app.at("/oauth2/revoke")), vec![("token", token.to_owned())]);
    match round % 3 {
        0 => {
            good(ask(app, &revoke(second.refresh()))?)?;
            ledger.ended.extend([first.access, second.access.clone()]);
            ledger.rotated.push(second.refresh().to_owned());
        }
        1 => {
            ledger.active.push(second.access.clone());
            ledger.refreshable.push(second.refresh().to_owned());
            good(ask(app, &revoke(&first.access))?)?;
            ledger.ended.push(first.access);
        }
        _ => {
            ledger.active.extend([first.access, second.access.clone()]);
            ledger.refreshable.push(second.refresh().to_owned());
        }
    }
    Some(())
}

/// A good answer; 503 means that the database is gone, which is an end as well.
fn good(answer: Response) -> Option<Response> {
    if answer.status == 503 {
        return None;
    }
    assert!(answer.status == 200 || answer.status == 303, "{answer:?}");
    Some(answer)
}

/// Load until `strike` has struck; what was acknowledged until then.
fn live_until(app: &TestApp, cookies: &str, strike: impl FnOnce()) -> Ledger {
    let all = Mutex::new(Ledger::default());
    let stop = AtomicBool::new(false);
    let rounds = AtomicU32::new(0);
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                let mut ledger = Ledger::default();
                while !stop.load(Ordering::Relaxed) {
                    let round = rounds.fetch_add(1, Ordering::Relaxed);
                    if live_once(app, cookies, round, &mut ledger).is_none() {
                        break;
                    }
                }
                all.lock().expect("no thread panicked").append(ledger);
            });
        }
        strike();
        stop.store(true, Ordering::Relaxed);
    });
    all.into_inner().expect("no thread panicked")
}

fn is_active(app: &TestApp, token: &str) -> bool {
    app.introspect(NOTES, token).body != INACTIVE
}

/// Compares at most this many of each kind, the newest first: those were acknowledged last.
fn compare(app: &TestApp, ledger: &Ledger, most: usize) {
    fn newest<T>(list: &[T], most: usize) -> impl Iterator<Item = &T> {
        list.iter().rev().take(most)
    }
    for token in newest(&ledger.active, most) {
        assert!(is_active(app, token), "an acknowledged token is lost");
    }
    for token in newest(&ledger.ended, most) {
        assert!(!is_active(app, token), "a revoked token is good again");
    }
}

/// Uses up what is in the ledger: codes that were not sent work once; used codes and rotated tokens do not.
fn use_up(app: &TestApp, ledger: &Ledger, most: usize) {
    for code in ledger.codes.iter().rev().take(most) {
        assert_eq!(app.redeem(code).status, 200, "an acknowledged code is lost");
        assert_eq!(app.redeem(code).status, 400, "a code works twice");
    }
    for token in ledger.refreshable.iter().rev().take(most) {
        assert_eq!(app.refresh(OWN_CLI, token).status, 200, "an acknowledged refresh token is lost");
    }
    for token in ledger.rotated.iter().rev().take(most) {
        assert_eq!(app.refresh(OWN_CLI, token).status, 400, "a rotated token works again");
    }
    for code in ledger.redeemed.iter().rev().take(most) {
        assert_eq!(app.redeem(code).status, 400, "a used code works again");
    }
}

fn sign_in(app: &TestApp) -> String {
    let mut browser = Browser::new(app);
    browser.sign_in(&ALICE);
    let pairs: Vec<String> = browser.cookies().iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join("; ")
}

/// Kills and starts again; how long the start took.
fn start_again(app: &mut TestApp) -> Duration {
    let began = Instant::now();
    app.start_again();
    let took = began.elapsed();
    assert!(took <= START_LIMIT, "the start took {took:?}");
    took
}

fn survive_kills(database: Database, cycles: usize, load: Duration) {
    let mut app = Setup::new(database).set("log.level", "warn").spawn();
    let cookies = sign_in(&app);
    let mut all = Ledger::default();
    let mut longest = Duration::ZERO;
    for cycle in 0..cycles {
        let process = app.node.id();
        let ledger = live_until(&app, &cookies, || {
            // never the same moment
            std::thread::sleep(load + Duration::from_millis((cycle * 37 % 100) as u64));
            kill(process);
        });
        app.node.kill();
        longest = longest.max(start_again(&mut app));
        assert_ne!(ledger.len(), 0, "no load in cycle {cycle}");
        compare(&app, &ledger, 40);
        if database == Database::Sqlite {
            assert_eq!(run_statement(&app.database_url, "PRAGMA integrity_check"), "ok");
        }
        // codes live a minute, so that they are tried at once; the rest is kept for the end
        use_up(&app, &Ledger { codes: ledger.codes, ..Ledger::default() }, 5);
        all.append(Ledger { codes: Vec::new(), ..ledger });
    }
    println!("{cycles} kills, {} acknowledged, longest start {} ms", all.len(), longest.as_millis());
    compare(&app, &all, 1000);
    use_up(&app, &all, 150);
}

/// `kill -9`, from outside: the child is collected later.
fn kill(process: u32) {
    let status = std::process::Command::new("kill").args(["-KILL", &process.to_string()]).status();
    assert!(status.expect("kill runs").success());
}

#[test]
fn r_51_fifty_kills_lose_nothing_on_sqlite() {
    survive_kills(Database::Sqlite, 50, Duration::from_millis(400));
}

#[test]
fn r_51_ten_kills_lose_nothing_on_postgres() {
    survive_kills(Database::Postgres, 10, Duration::from_millis(400));
}

/// The database dies, and the server lives.
#[test]
fn r_51_three_crashes_of_postgres_lose_nothing() {
    let cluster = Cluster::start_new();
    let app = Setup::new(Database::Postgres).database_url(&cluster.url).set("log.level", "warn").spawn();
    app.add_user(&ALICE);
    let cookies = sign_in(&app);
    let mut all = Ledger::default();
    for _ in 0..3 {
        let ledger = live_until(&app, &cookies, || {
            std::thread::sleep(Duration::from_millis(500));
            cluster.run("kill");
        });
        cluster.run("start");
        crate::support::wait_until("the server is ready", START_LIMIT, || app.get("/readyz").status == 200);
        assert_ne!(ledger.len(), 0);
        compare(&app, &ledger, 40);
        use_up(&app, &Ledger { codes: ledger.codes, ..Ledger::default() }, 5);
        all.append(Ledger { codes: Vec::new(), ..ledger });
    }
    compare(&app, &all, 500);
    use_up(&app, &all, 100);
}
