//! Thousands of requests that no decent client sends, the same at every run (R-14, R-44, R-45, R-48).
//!
//! Whatever comes: never a 5xx, never a token or code, never a header that the sender wrote, JSON where JSON is due, and a server that is alive
//! afterwards and has not panicked.

mod generate;

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use generate::{Case, Dice, make_case};

use crate::races::read_answer;
use crate::support::declared::{NOTES, WEB};
use crate::support::{Authorize, Database, INACTIVE, Request, Response, Setup, TestApp};

const SEED: u64 = 0x6761_7465_706f_7374;
const THREADS: u64 = 6;
const PER_THREAD: usize = 1000;

/// Sends and reads until there is an answer or the server closes; a sender that has nothing more to say closes its half. A server that was sent
/// more than it wanted answers at once and closes a second later.
fn exchange(port: u16, bytes: &[u8], wait: Duration) -> Vec<u8> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("the server listens");
    stream.set_read_timeout(Some(wait)).expect("an option");
    stream.set_write_timeout(Some(wait)).expect("an option");
    // a server that has seen enough may close
    drop(stream.write_all(bytes));
    drop(stream.shutdown(Shutdown::Write));
    let mut answer = Vec::new();
    let mut buffer = [0; 16_384];
    while let Ok(count @ 1..) = stream.read(&mut buffer) {
        answer.extend(&buffer[..count]);
        if is_complete(&answer, bytes.starts_with(b"HEAD ")) {
            break;
        }
    }
    answer
}

fn is_complete(answer: &[u8], is_head: bool) -> bool {
    let Some(answer) = read_final(answer) else { return false };
    let length = answer.header_all("content-length").first().and_then(|length| length.parse::<usize>().ok());
    // the body of an answer that is not UTF-8 would be longer here, and none of ours is
    answer.status >= 200 && (is_head || length.is_some_and(|length| answer.body.len() >= length))
}

/// The final answer: what comes before it is about `Expect`.
fn read_final(mut bytes: &[u8]) -> Option<Response> {
    const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";
    while let Some(rest) = bytes.strip_prefix(CONTINUE) {
        bytes = rest;
    }
    read_answer(bytes)
}

fn check(case: &Case, bytes: &[u8]) -> Result<(), String> {
    let Some(answer) = read_final(bytes) else {
        return match case.raw || bytes.is_empty() {
            true => Ok(()),
            false => Err("the answer is not HTTP".into()),
        };
    };
    if answer.status >= 500 {
        return Err(format!("status {}", answer.status));
    }
    let everything = format!("{:?}\n{}", answer.headers, answer.body);
    for secret in ["gp_at_", "gp_rt_", "gp_ac_", "gp_ss_", "gp_cs_"] {
        // what was sent may be shown again; anything longer is new
        let shown = everything.match_indices(secret).any(|(at, _)| {
            let found: String =
                everything[at..].chars().take_while(|c| c.is_ascii_alphanumeric() || "-_".contains(*c)).collect();
            found.len() > 40 && !found.contains("AAAAAAAAAAAA")
        });
        if shown {
            return Err(format!("it gives a secret: {secret}"));
        }
    }
    if answer.body.contains("\"active\":true") {
        return Err("something is active".into());
    }
    if answer.headers.iter().any(|(name, value)| name.starts_with("x-injected") || value.contains('\n')) {
        return Err("the sender wrote a header".into());
    }
    if answer.header_all("set-cookie").iter().any(|cookie| cookie.starts_with("x=")) {
        return Err("the sender wrote a cookie".into());
    }
    if answer.body.contains("<script>alert") || answer.body.contains("<img src=x") {
        return Err("the sender wrote into the page".into());
    }
    for location in answer.header_all("location") {
        if location.contains("code=") || location.contains("evil.example") || location.starts_with("javascript:") {
            return Err(format!("it redirects to {location}"));
        }
    }
    check_json(case, &answer)
}

fn check_json(case: &Case, answer: &Response) -> Result<(), String> {
    if !case.json_is_due || answer.status < 400 {
        return Ok(());
    }
    let types = answer.header_all("content-type");
    let [content_type] = types.as_slice() else { return Err(format!("{} content types", types.len())) };
    if *content_type != "application/json" {
        return Err(format!("{} with {content_type}", answer.status));
    }
    let json: serde_json::Value = serde_json::from_str(&answer.body).map_err(|error| format!("not JSON: {error}"))?;
    match json["error"].as_str() {
        Some(_) if json["access_token"].is_null() => Ok(()),
        _ => Err(format!("not an OAuth error: {json}")),
    }
}

fn show_bytes(bytes: &[u8]) -> String {
    let cut = &bytes[..bytes.len().min(900)];
    cut.escape_ascii().to_string().replace("\\r\\n", "\n")
}

fn count_panics(app: &TestApp) -> String {
    let page = app.get("/metrics").body;
    let line = page.lines().find(|line| line.starts_with("gatepost_panics_total "));
    line.unwrap_or_else(|| panic!("no such counter: {page}")).to_owned()
}

#[test]
fn r_48_six_thousand_malformed_requests_find_nothing() {
    let app = Setup::new(Database::Sqlite)
        .set("observability.metrics", "main")
        .set("signup.mode", "open")
        .set("log.level", "warn")
        .spawn();
    let port = app.port();
    let faults: Vec<String> = std::thread::scope(|scope| {
        let run = |thread: u64| {
            let mut dice = Dice(SEED.wrapping_add(thread));
            let mut faults = Vec::new();
            for number in 0..PER_THREAD {
                let case = make_case(&mut dice, port);
                // what is not finished would be waited for; here the sender goes away instead
                let wait = if case.raw { Duration::from_millis(250) } else { Duration::from_secs(15) };
                let began = Instant::now();
                let answer = exchange(port, &case.bytes, wait);
                let late = (!case.raw && began.elapsed() > Duration::from_secs(4)).then_some("it took too long");
                let checked = check(&case, &answer);
                if let Err(fault) = checked.and_then(|()| late.map_or(Ok(()), |late| Err(late.to_owned()))) {
                    faults.push(format!(
                        "--- {thread}/{number}: {fault}\n{}\n... got\n{}",
                        show_bytes(&case.bytes),
                        show_bytes(&answer)
                    ));
                }
            }
            faults
        };
        let threads: Vec<_> = (0..THREADS).map(|thread| scope.spawn(move || run(thread))).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("the thread did not panic")).collect()
    });
    assert!(
        faults.is_empty(),
        "{} faults, of which the first:\n{}",
        faults.len(),
        faults[..faults.len().min(3)].join("\n")
    );
    assert_eq!(app.get("/healthz").status, 200);
    assert_eq!(app.get("/readyz").status, 200);
    assert_eq!(count_panics(&app), "gatepost_panics_total 0");
    // and it still works
    let tokens = app.get_tokens(WEB);
    assert!(app.is_active(NOTES, &tokens.access));
}

/// Reads until the server closes or the time is over; the answer and how long it took.
fn read_slowly(stream: &mut TcpStream, began: Instant) -> (Option<Response>, Duration) {
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("an option");
    let mut answer = Vec::new();
    drop(stream.read_to_end(&mut answer));
    (read_answer(&answer), began.elapsed())
}

#[test]
fn r_45_a_body_that_does_not_come_is_given_ten_seconds() {
    let app = TestApp::spawn(Database::Sqlite);
    let paths = ["/oauth2/token", "/oauth2/introspect", "/oauth2/revoke", "/oauth2/authorize", "/login"];
    std::thread::scope(|scope| {
        for path in paths {
            let port = app.port();
            scope.spawn(move || {
                let began = Instant::now();
                let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("the server listens");
                let head = format!(
                    "POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/x-www-form-urlencoded\r\n\
                     Content-Length: 1000\r\n\r\n"
                );
                stream.write_all(head.as_bytes()).expect("the server reads");
                // a byte now and then does not buy more time
                let mut trickle = stream.try_clone().expect("the same connection");
                let trickling = scope.spawn(move || {
                    for _ in 0..30 {
                        if trickle.write_all(b"a").is_err() {
                            break;
                        }
                        std::thread::sleep(Duration::from_millis(400));
                    }
                });
                let (answer, took) = read_slowly(&mut stream, began);
                let answer = answer.unwrap_or_else(|| panic!("{path}: no answer after {took:?}"));
                assert_eq!(answer.status, 408, "{path}: {answer:?}");
                assert!((9.9..12.0).contains(&took.as_secs_f64()), "{path}: {took:?}");
                drop(stream);
                trickling.join().expect("no panic");
            });
        }
    });
    assert_eq!(app.get("/healthz").status, 200);
}

#[test]
fn r_45_a_head_that_does_not_come_is_given_five_seconds() {
    let app = TestApp::spawn(Database::Sqlite);
    let began = Instant::now();
    let mut stream = TcpStream::connect(("127.0.0.1", app.port())).expect("the server listens");
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x").expect("the server reads");
    let (answer, took) = read_slowly(&mut stream, began);
    assert!(answer.is_none_or(|answer| answer.status == 408));
    assert!((4.5..8.0).contains(&took.as_secs_f64()), "{took:?}");
}

/// The limit is 16 KiB, whether the size is announced or not.
#[test]
fn r_44_a_body_over_the_limit_is_413_and_one_at_the_limit_is_not() {
    let app = TestApp::spawn(Database::Sqlite);
    let paths = [
        "/oauth2/token",
        "/oauth2/introspect",
        "/oauth2/revoke",
        "/oauth2/authorize",
        "/login",
        "/signup",
        "/consent",
        "/logout",
    ];
    for path in paths {
        for (size, is_too_large) in [(16_384, false), (16_385, true), (200_000, true), (3_000_000, true)] {
            let body = format!("a={}", "b".repeat(size - 2));
            let announced = app.send(&Request::post(path).raw_form(&body));
            assert_eq!(announced.status == 413, is_too_large, "{path} with {size}: {}", announced.status);
            let head = format!(
                "POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\
                 Content-Type: application/x-www-form-urlencoded\r\n\r\n{size:x}\r\n{body}\r\n0\r\n\r\n",
                app.port()
            );
            let chunked = read_answer(&exchange(app.port(), head.as_bytes(), Duration::from_secs(15)));
            // a server that closes early may be faster than the reader
            let status = chunked.map(|answer| answer.status);
            assert!(status.is_none_or(|status| (status == 413) == is_too_large), "{path} with {size}: {status:?}");
        }
    }
}

#[test]
fn r_44_an_address_over_8_kib_is_414_and_one_at_the_limit_is_not() {
    let app = TestApp::spawn(Database::Sqlite);
    for path in ["/oauth2/authorize", "/login", "/", "/healthz", "/oauth2/jwks", "/nothing-here"] {
        for (size, is_too_long) in [(8192, false), (8193, true), (20_000, true)] {
            let target = format!("{path}?{}", "a".repeat(size - path.len() - 1));
            let answer = app.send(&Request::get(&target));
            assert_eq!(answer.status == 414, is_too_long, "{path} with {size}: {}", answer.status);
            assert!(answer.status < 500, "{path} with {size}: {}", answer.status);
        }
    }
}

#[test]
fn r_14_what_must_come_once_and_comes_twice_is_refused() {
    let app = TestApp::spawn(Database::Sqlite);
    for name in ["response_type", "scope", "state", "code_challenge", "code_challenge_method", "prompt"] {
        let request = Authorize::new(WEB).set(name, "x").add(name, "x");
        let answer = app.get(&request.target());
        assert_eq!(answer.status, 303, "{name}: {answer:?}");
        assert!(answer.location().starts_with("https://web.example/callback?error=invalid_request"), "{answer:?}");
    }
    for name in ["client_id", "redirect_uri"] {
        let answer = app.get(&Authorize::new(WEB).add(name, "x").target());
        assert_eq!(answer.status, 400, "{name}: {answer:?}");
    }
}

/// A compressed body is not looked into (R-44).
#[test]
fn r_44_a_compressed_body_is_415() {
    let app = TestApp::spawn(Database::Sqlite);
    for path in ["/oauth2/token", "/oauth2/introspect", "/oauth2/revoke", "/login"] {
        for encoding in ["gzip", "br", "deflate", "zstd"] {
            let request = Request::post(path).header("Content-Encoding", encoding).raw_form("a=b");
            assert_eq!(app.send(&request).status, 415, "{path} {encoding}");
        }
    }
}

#[test]
fn r_48_a_token_is_unknown_however_it_is_bent() {
    let app = TestApp::spawn(Database::Sqlite);
    let token = app.get_tokens(WEB).access;
    assert!(app.is_active(NOTES, &token));
    let mut bent = vec![
        format!(" {token}"),
        format!("{token} "),
        format!("{token}\u{200b}"),
        token.to_uppercase(),
        token.replacen("gp_at_", "gp_rt_", 1),
        token.replacen("gp_at_", "", 1),
        format!("Bearer {token}"),
        format!("{token}{token}"),
        token[..token.len() - 1].to_owned(),
        format!("{token}A"),
    ];
    for at in 0..token.len() {
        let mut bytes = token.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        bent.push(String::from_utf8(bytes).expect("ASCII"));
    }
    for bent in bent {
        let request = Request::post("/oauth2/introspect").basic(NOTES.id, &NOTES.secret());
        let answer = app.send(&request.form(&[("token", bent.as_str())]));
        assert_eq!((answer.status, answer.body.as_str()), (200, INACTIVE), "{bent:?}");
    }
    assert!(app.is_active(NOTES, &token));
}
