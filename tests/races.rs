//! A hundred requests at the same moment, each on a connection of its own: exactly one wins, and nobody gets a 5xx.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Barrier;
use std::time::Duration;

use crate::storage::run_statement;
use crate::support::declared::{NOTES, OWN_CLI, POST, REPLAY, SERVICE, WEB};
use crate::support::flow::{consent_form, find_form, is_consent, login_form};
use crate::support::{
    ALICE, Answer, Authorize, Browser, Database, INACTIVE, Request, Response, Setup, TestApp, TestClient, Tokens,
    error_of, hash_of,
};

const CROWD: usize = 100;

/// Sends all requests so that their last bytes arrive together; the answers in the same order.
pub(crate) fn send_at_once(requests: &[(u16, Request)]) -> Vec<Response> {
    let barrier = Barrier::new(requests.len());
    std::thread::scope(|scope| {
        let barrier = &barrier;
        let send = |(port, request): &(u16, Request)| {
            let bytes = request.to_bytes(*port);
            let (last, first) = bytes.split_last().expect("a request has bytes");
            let mut stream = TcpStream::connect(("127.0.0.1", *port)).expect("the server listens");
            stream.set_nodelay(true).expect("an option");
            stream.set_read_timeout(Some(Duration::from_secs(60))).expect("an option");
            stream.write_all(first).expect("the server reads");
            barrier.wait();
            stream.write_all(&[*last]).expect("the server reads");
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).expect("the server answers");
            read_answer(&answer).unwrap_or_else(|| panic!("not an answer: {}", String::from_utf8_lossy(&answer)))
        };
        let threads: Vec<_> = requests.iter().map(|request| scope.spawn(move || send(request))).collect();
        threads.into_iter().map(|thread| thread.join().expect("an answer")).collect()
    })
}

/// An answer to a request with `Connection: close`, as far as a status and headers can be found in it.
pub(crate) fn read_answer(bytes: &[u8]) -> Option<Response> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&bytes[..end]).ok()?;
    let mut lines = head.split("\r\n");
    let status = lines.next()?.strip_prefix("HTTP/1.1 ").or_else(|| head.strip_prefix("HTTP/1.0 "))?;
    let status = status.get(..3)?.parse().ok()?;
    let pair =
        |line: &str| line.split_once(':').map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()));
    let headers = lines.map(pair).collect::<Option<_>>()?;
    Some(Response { status, headers, body: String::from_utf8_lossy(&bytes[end + 4..]).into_owned() })
}

/// The same request a hundred times, at the first node.
fn crowd(app: &TestApp, request: &Request) -> Vec<Response> {
    send_at_once(&vec![(app.port(), request.clone()); CROWD])
}

/// The same form of a client a hundred times at the token endpoint; the one good answer.
fn exchange_at_once(app: &TestApp, client: TestClient, form: Vec<(&str, String)>) -> Tokens {
    let request = client.prove(Request::post(&app.at("/oauth2/token")), form);
    one_winner(&crowd(app, &request))
}

/// One 200, and nothing else but `invalid_grant`.
pub(crate) fn one_winner(answers: &[Response]) -> Tokens {
    let (good, bad): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
    for answer in bad {
        assert_eq!(error_of(answer), (400, "invalid_grant".to_owned()));
    }
    assert_eq!(good.len(), 1, "exactly one must win");
    Tokens::read(good[0])
}

pub(crate) fn count_status(answers: &[Response], status: u16) -> usize {
    answers.iter().filter(|answer| answer.status == status).count()
}

#[track_caller]
fn assert_no_trouble(answers: &[Response]) {
    let bad: Vec<_> = answers.iter().filter(|answer| answer.status >= 500).collect();
    assert!(bad.is_empty(), "{} of {}: {:?}", bad.len(), answers.len(), bad[0]);
}

/// A hundred requests at once in a debug build, beside other tests, on two cores: what is tested is who wins, not how long
/// the last of them waits for a connection.
fn unhurried(database: Database) -> Setup {
    Setup::new(database).set("database.pool_wait", "20s")
}

/// Everybody waits until it is their turn to be hashed.
fn patient(database: Database) -> Setup {
    unhurried(database)
        .set("signup.mode", "open")
        .set("password.hash_queue", 1000)
        .set("password.hash_wait", "30s")
        .set("http.handler_timeout", "60s")
}

for_each_database! {
    /// The losers are replays that are valid in all else, so that what the winner got dies with them (OAuth 2.1 §4.1.3).
    fn r_02_a_code_is_redeemed_once(database) {
        let app = unhurried(database).spawn();
        for client in [WEB, OWN_CLI] {
            let code = app.get_code(client);
            let tokens = exchange_at_once(&app, client, code.form());
            assert!(!app.is_active(NOTES, &tokens.access));
            assert_eq!(error_of(&app.refresh(client, tokens.refresh())), (400, "invalid_grant".to_owned()));
        }
    }

    /// Losers without the verifier prove nothing, so the winner keeps what it got.
    fn r_02_a_code_that_thieves_without_the_verifier_rush_for_survives(database) {
        let app = unhurried(database).spawn();
        let code = app.get_code(WEB);
        let good = WEB.prove(Request::post(&app.at("/oauth2/token")), code.form());
        let stolen = POST.prove(Request::post(&app.at("/oauth2/token")), code.form());
        let mut requests = vec![(app.port(), stolen); CROWD - 1];
        requests.push((app.port(), good));
        let tokens = one_winner(&send_at_once(&requests));
        assert!(app.is_active(NOTES, &tokens.access));
        assert_eq!(app.refresh(WEB, tokens.refresh()).status, 200);
    }

    fn r_08_a_refresh_token_is_rotated_once_and_within_the_grace_nothing_is_revoked(database) {
        let app = unhurried(database).set("tokens.reuse_grace", "30s").spawn();
        for client in [WEB, OWN_CLI] {
            let first = app.get_tokens(client);
            let form = vec![
                ("grant_type", "refresh_token".to_owned()),
                ("refresh_token", first.refresh().to_owned()),
            ];
            let second = exchange_at_once(&app, client, form);
            assert!(app.is_active(NOTES, &first.access));
            assert!(app.is_active(NOTES, &second.access));
            let third = Tokens::read(&app.refresh(client, second.refresh()));
            assert!(app.is_active(NOTES, &third.access));
        }
    }

    fn r_08_without_a_grace_the_family_dies(database) {
        let app = unhurried(database).set("tokens.reuse_grace", "0s").spawn();
        let first = app.get_tokens(WEB);
        let form =
            vec![("grant_type", "refresh_token".to_owned()), ("refresh_token", first.refresh().to_owned())];
        let second = exchange_at_once(&app, WEB, form);
        assert!(!app.is_active(NOTES, &first.access));
        assert!(!app.is_active(NOTES, &second.access));
        assert_eq!(error_of(&app.refresh(WEB, second.refresh())), (400, "invalid_grant".to_owned()));
    }

    /// A client that may have the answer once more gets it exactly once: two good answers, with the same tokens.
    fn r_08_a_replay_is_answered_once(database) {
        let client = REPLAY;
        let app = unhurried(database).set("tokens.reuse_grace", "30s").spawn();
        let first = app.get_tokens(client);
        let form =
            vec![("grant_type", "refresh_token".to_owned()), ("refresh_token", first.refresh().to_owned())];
        let request = client.prove(Request::post(&app.at("/oauth2/token")), form);
        let answers = crowd(&app, &request);
        let good: Vec<Tokens> = answers.iter().filter(|answer| answer.status == 200).map(Tokens::read).collect();
        assert_eq!(good.len(), 2);
        assert_eq!(good[0].access, good[1].access);
        assert_eq!(good[0].refresh, good[1].refresh);
        assert_eq!(count_status(&answers, 400), CROWD - 2);
    }

    fn an_address_gets_one_account(database) {
        let app = patient(database).spawn();
        let mut requests = Vec::new();
        for _ in 0..CROWD {
            let mut browser = Browser::new(&app);
            let page = browser.get("/signup");
            let form = find_form(&page, "/signup").set("email", "New.Person@example.com").set("name", "New Person");
            let form = form.set("password", "eleven copper garden gates");
            requests.push((app.port(), browser_request(&browser, &form.action, &form.fields)));
        }
        let answers = send_at_once(&requests);
        assert_no_trouble(&answers);
        assert_eq!(count_status(&answers, 303), 1);
        assert_eq!(count_status(&answers, 422), CROWD - 1);
        assert_eq!(count_people(&app, "new.person@example.com"), 1);
    }

    fn r_38_a_setup_link_makes_one_administrator(database) {
        const COUNT: usize = 100;
        let app = patient(database).spawn();
        let printed = app.run_ok(&["admin", "setup-link", "--json"]);
        let at = printed.find("/setup/gp_setup_").unwrap_or_else(|| panic!("no link: {printed}"));
        let path: String =
            printed[at..].chars().take_while(|c| c.is_ascii_alphanumeric() || "/_-".contains(*c)).collect();
        let mut requests = Vec::new();
        for number in 0..COUNT {
            let mut browser = Browser::new(&app);
            let page = browser.get(&path);
            let form = find_form(&page, &path).set("email", &format!("admin{number}@example.com"));
            let form = form.set("name", "Administrator").set("password", "eleven copper garden gates");
            requests.push((app.port(), browser_request(&browser, &form.action, &form.fields)));
        }
        let answers = send_at_once(&requests);
        assert_no_trouble(&answers);
        assert_eq!(count_status(&answers, 303), 1);
        assert_eq!(count_status(&answers, 404), COUNT - 1);
        assert_eq!(count_people(&app, "admin"), 1);
        let admins = run_statement(&app.database_url, "SELECT count(*) FROM users WHERE role = 'instance_admin'");
        assert_eq!(admins, "1");
    }

    fn r_02_one_request_gets_one_code(database) {
        let app = unhurried(database).spawn();
        let mut browser = Browser::new(&app);
        let mut page = browser.begin(&Authorize::new(WEB));
        let form = login_form(&page).set("email", ALICE.email).set("password", ALICE.password);
        page = browser.submit(&form.set("with", "password"));
        page = browser.follow(page);
        assert!(is_consent(&page), "{page:?}");
        let form = consent_form(&page).set("decision", "allow");
        let request = browser_request(&browser, &form.action, &form.fields);
        let answers = crowd(&app, &request);
        assert_no_trouble(&answers);
        let codes = answers.iter().filter_map(Answer::find).filter(|answer| answer.get("code").is_some()).count();
        assert_eq!(codes, 1);
        assert_eq!(run_statement(&app.database_url, "SELECT count(*) FROM authorization_codes"), "1");
        assert_eq!(run_statement(&app.database_url, "SELECT count(*) FROM consents"), "1");
    }

    /// Attempts are counted before the password is looked at, so that a burst gains nothing.
    fn r_03_a_burst_of_passwords_gains_nothing(database) {
        let proxy = toml::Value::from(vec!["127.0.0.1"]);
        let app = patient(database).set("database.pool_size", 16).set("server.trusted_proxies", proxy).spawn();
        let mut requests = Vec::new();
        for number in 0..CROWD {
            let mut browser = Browser::new(&app);
            let page = browser.get("/login");
            let form = login_form(&page).set("email", ALICE.email).set("password", &format!("a wrong guess {number}"));
            let form = form.set("with", "password");
            // each from an address of its own, so that only the account stands in the way
            let request = browser_request(&browser, &form.action, &form.fields);
            requests.push((app.port(), request.header("X-Forwarded-For", &format!("192.0.2.{number}"))));
        }
        let answers = send_at_once(&requests);
        assert_no_trouble(&answers);
        let bucket = hash_of(&format!("account:{}", ALICE.email));
        let count = format!("SELECT failures FROM throttles WHERE bucket = '{bucket}'");
        let admitted: i64 = run_statement(&app.database_url, &count).parse().expect("a number");
        // five are free; the sixth costs a second, at whose end a seventh may pass
        assert!((6..=7).contains(&admitted), "{admitted} passwords were looked at");
    }

    /// Tokens that are revoked while they are asked about: as soon as the revocation is answered, all answers are no.
    fn r_07_an_answer_that_was_on_its_way_is_not_kept(database) {
        let app = unhurried(database).spawn();
        for _ in 0..10 {
            let token = app.get_service_token(SERVICE, "notes:read").access;
            let ask = Request::post(&app.at("/oauth2/introspect")).basic(NOTES.id, &NOTES.secret());
            let ask = ask.form(&[("token", token.as_str())]);
            let revoke = Request::post(&app.at("/oauth2/revoke"));
            let revoke = SERVICE.prove(revoke, vec![("token", token.clone())]);
            let mut requests = vec![(app.port(), ask); 30];
            requests.push((app.port(), revoke));
            let answers = send_at_once(&requests);
            assert_eq!(count_status(&answers, 200), 31);
            for _ in 0..3 {
                assert_eq!(app.introspect(NOTES, &token).body, INACTIVE);
            }
        }
    }
}

/// What a browser would send, without sending it.
pub(crate) fn browser_request(browser: &Browser<'_>, target: &str, fields: &[(String, String)]) -> Request {
    let pairs: Vec<String> = browser.cookies().iter().map(|(name, value)| format!("{name}={value}")).collect();
    Request::post(target).header("Sec-Fetch-Site", "same-origin").header("Cookie", &pairs.join("; ")).form(fields)
}

/// How many accounts have an address that begins so.
fn count_people(app: &TestApp, prefix: &str) -> usize {
    let listed: serde_json::Value = serde_json::from_str(&app.run_ok(&["user", "list", "--json"])).expect("JSON");
    let text = listed.to_string().to_lowercase();
    text.matches(&format!("\"email\":\"{prefix}")).count()
}
