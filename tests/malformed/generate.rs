//! What no decent client sends, by a die that always falls the same.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::support::declared::{NOTES, WEB};
use crate::support::http::{encode, encode_form};

/// SplitMix64: every run sends the same.
pub(super) struct Dice(pub(super) u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    fn chance(&mut self, one_in: usize) -> bool {
        self.below(one_in) == 0
    }

    fn pick<'l, T: ?Sized>(&mut self, list: &[&'l T]) -> &'l T {
        list[self.below(list.len())]
    }

    fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.next() as u8).collect()
    }
}

/// Paths that take a form and answer in JSON.
const JSON_PATHS: [&str; 3] = ["/oauth2/token", "/oauth2/introspect", "/oauth2/revoke"];
/// Everything else that a router line names.
const OTHER_PATHS: [&str; 24] = [
    "/oauth2/authorize",
    "/oauth2/jwks",
    "/.well-known/oauth-authorization-server",
    "/.well-known/openid-configuration",
    "/",
    "/login",
    "/signup",
    "/consent",
    "/logout",
    "/setup/gp_setup_x",
    "/account",
    "/account/security",
    "/account/password",
    "/account/sessions",
    "/account/sessions/end",
    "/account/sessions/end-others",
    "/account/apps",
    "/account/apps/test-cli/end",
    "/account/apps/end",
    "/assets/gatepost.css",
    "/api/v1/whoami",
    "/healthz",
    "/readyz",
    "/metrics",
];
const METHODS: [&str; 10] = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "CONNECT", "BREW"];
const NAMES: [&str; 26] = [
    "grant_type",
    "code",
    "code_verifier",
    "redirect_uri",
    "refresh_token",
    "scope",
    "client_id",
    "client_secret",
    "resource",
    "token",
    "token_type_hint",
    "state",
    "response_type",
    "code_challenge",
    "code_challenge_method",
    "prompt",
    "max_age",
    "login_hint",
    "csrf",
    "tx",
    "email",
    "password",
    "name",
    "decision",
    "id",
    "request",
];
/// Values on the wire, encoded already.
const VALUES: [&str; 48] = [
    "",
    "%00",
    "a%00b",
    "%ff",
    "%c3%28",
    "%ed%a0%80",
    "%f0%9f%92%a9",
    "%",
    "%z",
    "%zz",
    "%1",
    "%25",
    "+",
    "%20",
    "%0d%0aX-Injected:%20yes",
    "%0aSet-Cookie:%20x%3dy",
    "%0d%0a%0d%0a<script>alert(1)</script>",
    "%e2%80%a8X-Injected:%20yes",
    "<script>alert(1)</script>",
    "%22%3e%3cimg%20src=x%20onerror=alert(1)%3e",
    "'%20OR%201=1--",
    "%27;DROP%20TABLE%20users;--",
    "{{7*7}}",
    "%7b%25%20include%20x%20%25%7d",
    "..%2f..%2fetc%2fpasswd",
    "authorization_code",
    "refresh_token",
    "password",
    "urn:ietf:params:oauth:grant-type:device_code",
    "gp_at_",
    "gp_rt_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAaaaaaa",
    "gp_ac_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAaaaaaa",
    "gp_at_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAaaaaaa",
    "gp_ss_%c3%a9",
    "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.",
    "eyJ..",
    "test.web_basic",
    "test-cli",
    "https://web.example/callback",
    "https://web.example/callback%0d%0aX-Injected:%20yes",
    "http://127.0.0.1:51004/callback",
    "javascript:alert(1)",
    "notes:read",
    "notes:read%20%20mail:read",
    "S256",
    "none%20login",
    "-1",
    "99999999999999999999999999",
];
/// Ways to write a path so that two programs read it differently.
const CONFUSIONS: [&str; 34] = [
    "//oauth2/token",
    "/oauth2//token",
    "/%6fauth2/token",
    "/oauth2/%74oken",
    "/oauth2%2ftoken",
    "/oauth2/token/",
    "/oauth2/token;x=y",
    "/oauth2/token%00",
    "/oauth2/token%20",
    "/oauth2/../oauth2/token",
    "/./oauth2/./token",
    "/OAUTH2/TOKEN",
    "/oauth2\\token",
    "/%2e%2e/%2e%2e/etc/passwd",
    "/../../../../etc/passwd",
    "http://evil.example/oauth2/token",
    "//evil.example/login",
    "*",
    "/*",
    "/?",
    "/#",
    "/%",
    "/%ff%fe",
    "/%zz",
    "/setup/",
    "/setup/..%2f..%2fadmin",
    "/setup/%0d%0aX-Injected:%20yes",
    "/assets/..%2f..%2fCargo.toml",
    "/assets/%2e%2e/gatepost.css",
    "/assets/%00",
    "/account/apps/%0d%0aX-Injected:%20yes/end",
    "/account/apps/%ff/end",
    "/.well-known/",
    "/.well-known/oauth-authorization-server/%2e%2e/x",
];

/// One thing to send.
pub(super) struct Case {
    pub(super) bytes: Vec<u8>,
    /// what the answer must be like
    pub(super) json_is_due: bool,
    /// not HTTP: it may be answered by closing
    pub(super) raw: bool,
}

fn make_form(dice: &mut Dice) -> Vec<u8> {
    let pairs = match dice.below(12) {
        0 => 101 + dice.below(60),
        1 => 0,
        _ => 1 + dice.below(8),
    };
    let mut form = Vec::new();
    for _ in 0..pairs {
        let name = dice.pick(&NAMES);
        let value = dice.pick(&VALUES);
        let pair = match dice.below(14) {
            0 => format!("{name}[]={value}"),
            1 => format!("{name}[a][b]={value}"),
            2 => format!("{name}={value}&{name}={value}"),
            3 => name.to_owned(),
            4 => format!("={value}"),
            5 => format!("{name}=={value}"),
            6 => format!("{name}%3d={value}"),
            7 => format!("{}={value}", name.to_uppercase()),
            8 => format!("%{name}={value}"),
            9 => format!("{name}={}", "a".repeat(dice.below(6000))),
            _ => format!("{name}={value}"),
        };
        if !form.is_empty() {
            form.push(if dice.chance(15) { b';' } else { b'&' });
        }
        form.extend(pair.into_bytes());
    }
    match dice.below(12) {
        0 => {
            let at = dice.below(form.len() + 1);
            let noise = dice.bytes(8);
            form.splice(at..at, noise);
        }
        1 => form.extend(b"&&&&"),
        2 => form.push(0),
        _ => {}
    }
    form
}

fn make_authorization(dice: &mut Dice) -> String {
    let basic = |text: &[u8]| format!("Basic {}", STANDARD.encode(text));
    match dice.below(18) {
        0 => "Basic".into(),
        1 => "Basic ".into(),
        2 => "Basic !!!!".into(),
        3 => basic(b"no colon"),
        4 => basic(b":"),
        5 => basic(b"\xff\xfe:\xff"),
        6 => basic(b"a\0b:c"),
        7 => basic(b"%zz:%"),
        8 => basic(format!("{}:wrong", WEB.id).as_bytes()),
        9 => format!("Basic {}", "QUFB".repeat(1500)),
        10 => format!("Bearer {}", dice.pick(&VALUES)),
        11 => "Bearer".into(),
        12 => "DPoP x".into(),
        13 => "Digest username=\"a\", realm=\"b\"".into(),
        14 => format!("{},{}", basic(b"a:b"), basic(b"c:d")),
        15 => String::new(),
        // good credentials get deeper into the endpoint
        16 => basic(format!("{}:{}", encode(NOTES.id), encode(&NOTES.secret())).as_bytes()),
        _ => basic(format!("{}:{}", encode(WEB.id), encode(&WEB.secret())).as_bytes()),
    }
}

const HEADERS: [(&str, &str); 26] = [
    ("Cookie", "gp_session=gp_ss_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAaaaaaa"),
    ("Cookie", "gp_session=a; gp_session=b; gp_browser=%00"),
    ("Cookie", ";;;==;gp_browser=gp_br_;"),
    ("Cookie", "gp_browser=\"quoted; value\""),
    ("Cookie", "\u{fc}=\u{fc}"),
    ("Origin", "null"),
    ("Origin", "https://evil.example"),
    ("Sec-Fetch-Site", "cross-site"),
    ("X-Forwarded-For", "' OR 1=1--, 1.2.3.4"),
    ("X-Forwarded-For", ",,,,,"),
    ("X-Forwarded-Host", "evil.example"),
    ("X-Forwarded-Proto", "javascript"),
    ("Forwarded", "for=\"[::1\";proto=;host=\"a\\\""),
    ("Accept", "application/token-introspection+jwt;q=NaN"),
    ("Accept", "application/token-introspection+jwt;q=-1,;;;q"),
    ("Accept", "*/*;q=inf"),
    ("Accept-Language", "xx-\u{e9},;q=9"),
    ("User-Agent", "\u{1f600}\u{202e}"),
    ("If-None-Match", "\"\", W/\"\", *"),
    ("If-Modified-Since", "Sun, 99 Foo 0000 99:99:99 GMT"),
    ("Range", "bytes=99999999999999999999-0,-1"),
    ("Expect", "100-continue"),
    ("Upgrade", "h2c"),
    ("Connection", "Upgrade, HTTP2-Settings"),
    ("Access-Control-Request-Method", "\u{7f}"),
    ("X-Http-Method-Override", "DELETE"),
];

const CONTENT_TYPES: [&str; 12] = [
    "application/x-www-form-urlencoded",
    "application/x-www-form-urlencoded; charset=utf-16",
    "APPLICATION/X-WWW-FORM-URLENCODED",
    "application/json",
    "application/json; charset=utf-8",
    "multipart/form-data; boundary=x",
    "multipart/form-data",
    "text/plain",
    "application/xml",
    "application/x-www-form-urlencoded, application/json",
    "",
    "\u{fc}/\u{fc}",
];

fn make_body(dice: &mut Dice) -> Vec<u8> {
    match dice.below(14) {
        0 => br#"{"grant_type":"authorization_code","code":["a"]}"#.to_vec(),
        1 => b"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[".to_vec(),
        2 => b"--x\r\nContent-Disposition: form-data; name=\"grant_type\"\r\n\r\nauthorization_code\r\n--x--\r\n"
            .to_vec(),
        3 => {
            let length = dice.below(2000);
            dice.bytes(length)
        }
        4 => format!("token={}", "b".repeat(16_000)).into_bytes(),
        5 => format!("token={}", "b".repeat(17_000 + dice.below(60_000))).into_bytes(),
        6 => b"<?xml version=\"1.0\"?><!DOCTYPE a [<!ENTITY b SYSTEM \"file:///etc/passwd\">]><a>&b;</a>".to_vec(),
        _ => make_form(dice),
    }
}

/// A request that is HTTP and wrong in what it says.
fn make_request(dice: &mut Dice, port: u16) -> Case {
    let is_json = dice.chance(2);
    let path = if is_json { dice.pick(&JSON_PATHS) } else { dice.pick(&OTHER_PATHS) };
    let method = match dice.below(4) {
        0 => dice.pick(&METHODS),
        1 if !is_json => "GET",
        _ => "POST",
    };
    let query = if dice.chance(3) { String::from_utf8_lossy(&make_form(dice)).into_owned() } else { String::new() };
    // what cannot stand in a request line is for the raw cases
    let query: String = query.chars().filter(|sign| sign.is_ascii_graphic()).take(7000).collect();
    let mut bytes =
        format!("{method} {path}{}{query} HTTP/1.1\r\n", if query.is_empty() { "" } else { "?" }).into_bytes();
    let mut add = |name: &str, value: &str| bytes.extend(format!("{name}: {value}\r\n").into_bytes());
    add("Host", &format!("127.0.0.1:{port}"));
    add("Connection", "close");
    let content_type = if dice.chance(3) { dice.pick(&CONTENT_TYPES) } else { CONTENT_TYPES[0] };
    if !dice.chance(12) {
        add("Content-Type", content_type);
    }
    if !dice.chance(3) {
        add("Authorization", &make_authorization(dice));
    }
    if dice.chance(25) {
        add("Authorization", &make_authorization(dice));
    }
    if dice.chance(20) {
        add("Content-Encoding", ["gzip", "br", "identity", "x, y"][dice.below(4)]);
    }
    // what HTTP itself forbids in an address or header is answered before anybody knows what endpoint it is
    let mut is_http = !query.contains(['<', '>', '"', '#']);
    for _ in 0..dice.below(4) {
        let (name, value) = HEADERS[dice.below(HEADERS.len())];
        add(name, value);
        is_http &= !value.contains('\u{7f}');
    }
    let body = if method == "GET" || method == "HEAD" { Vec::new() } else { make_body(dice) };
    add("Content-Length", &body.len().to_string());
    bytes.extend(b"\r\n");
    bytes.extend(body);
    Case { bytes, json_is_due: is_json && is_http && method == "POST", raw: false }
}

/// A path that can be read in two ways, with good credentials.
fn make_confusion(dice: &mut Dice, port: u16) -> Case {
    let path = dice.pick(&CONFUSIONS);
    let method = dice.pick(&["GET", "POST"]);
    let code = "gp_ac_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAaaaaaa";
    let body = encode_form(&[("grant_type", "authorization_code"), ("code", code), ("code_verifier", &"v".repeat(43))]);
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\nAuthorization: {}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
        make_authorization(dice),
        body.len()
    );
    Case { bytes: head.into_bytes(), json_is_due: false, raw: true }
}

/// Bytes that are hardly HTTP at all.
fn make_garbage(dice: &mut Dice, port: u16) -> Case {
    let host = format!("Host: 127.0.0.1:{port}\r\n");
    let form = "Content-Type: application/x-www-form-urlencoded\r\n";
    let text = match dice.below(24) {
        0 => return Case { bytes: dice.bytes(300), json_is_due: false, raw: true },
        1 => "\x16\x03\x01\x02\x00\x01\x00\x01\u{fc}\x03\x03".to_owned(),
        2 => "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(),
        3 => "GET".to_owned(),
        4 => "GET /healthz\r\n\r\n".to_owned(),
        5 => format!("GET /healthz HTTP/9.9\r\n{host}\r\n"),
        6 => format!("POST /oauth2/token HTTP/1.1\r\n{host}{form}Content-Length: 50\r\n\r\ngrant_type="),
        7 => format!("POST /oauth2/token HTTP/1.1\r\n{host}{form}Content-Length: -1\r\n\r\n"),
        8 => format!("POST /oauth2/token HTTP/1.1\r\n{host}{form}Content-Length: 99999999999999999999\r\n\r\n"),
        9 => format!("POST /oauth2/token HTTP/1.1\r\n{host}{form}Content-Length: 4\r\nContent-Length: 5\r\n\r\na=bcd"),
        10 => format!(
            "POST /oauth2/token HTTP/1.1\r\n{host}{form}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n\
             GET /metrics HTTP/1.1\r\n{host}\r\n"
        ),
        11 => format!(
            "POST /oauth2/token HTTP/1.1\r\n{host}{form}Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n\
             FFFFFFFFFFFFFFFF\r\na"
        ),
        12 => format!("POST /oauth2/token HTTP/1.1\r\n{host}{form}Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n"),
        13 => format!(
            "POST /oauth2/token HTTP/1.1\r\n{host}{form}Connection: close\r\nTransfer-Encoding: xchunked, chunked\r\n\r\n0\r\n\r\n"
        ),
        14 => format!("GET /healthz HTTP/1.1\r\n{host}{}\r\n", "X-A: b\r\n".repeat(200)),
        15 => format!("GET /healthz HTTP/1.1\r\n{host}X-A: {}\r\n\r\n", "c".repeat(200_000)),
        16 => format!("GET /healthz HTTP/1.1\r\n{host}X A: b\r\n\r\n"),
        17 => format!("GET /healthz HTTP/1.1\r\n{host}X-A : b\r\n : c\r\n\r\n"),
        18 => format!("GET /healthz HTTP/1.1\r\n{host}X-A: a\0b\r\nConnection: close\r\n\r\n"),
        19 => "GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n".to_owned(),
        20 => format!("GET /healthz HTTP/1.1\r\n{host}Host: evil.example\r\nConnection: close\r\n\r\n"),
        21 => format!("GET /log in HTTP/1.1\r\n{host}\r\n"),
        22 => format!("GET /login?\u{fc}=\u{1f600} HTTP/1.1\r\n{host}Connection: close\r\n\r\n"),
        _ => format!("POST /login HTTP/1.0\r\n{form}\r\n"),
    };
    let mut bytes = text.into_bytes();
    if dice.chance(4) {
        let cut = dice.below(bytes.len() + 1);
        bytes.truncate(cut);
    }
    Case { bytes, json_is_due: false, raw: true }
}

pub(super) fn make_case(dice: &mut Dice, port: u16) -> Case {
    match dice.below(20) {
        0 => make_garbage(dice, port),
        1 | 2 => make_confusion(dice, port),
        _ => make_request(dice, port),
    }
}
