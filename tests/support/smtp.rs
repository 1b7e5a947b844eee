//! A mail server for one test: it speaks SMTP on a port of its own, reads what it is given, and can refuse or say nothing.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// How long a letter may take; far above what is normal.
const LIMIT: Duration = Duration::from_secs(30);

/// How the mail server behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Behaviour {
    /// takes every letter
    Take,
    /// answers each recipient with this code
    Refuse(u16),
    /// answers each sign-in with 535
    RefuseSignIn,
    /// takes connections and never says a word
    Hang,
}

/// A letter that was taken.
#[derive(Clone, Debug)]
pub(crate) struct Letter {
    /// recipient of the envelope
    pub(crate) to: String,
    /// sender of the envelope
    pub(crate) from: String,
    /// decoded
    pub(crate) subject: String,
    /// the plain text part, decoded
    pub(crate) text: String,
    /// the HTML part, decoded
    pub(crate) html: String,
    /// header lines as they came, unfolded
    pub(crate) headers: Vec<(String, String)>,
}

impl Letter {
    /// The first address that stands alone on its line: what the button opens.
    #[track_caller]
    pub(crate) fn link(&self) -> String {
        let mut lines = self.text.lines();
        lines.find(|line| line.starts_with("http")).unwrap_or_else(|| panic!("no link in {}", self.text)).to_owned()
    }

    /// The eight digits without the space.
    #[track_caller]
    pub(crate) fn code(&self) -> String {
        let words: Vec<&str> = self.text.split_whitespace().collect();
        let is_half = |word: &str| word.len() == 4 && word.bytes().all(|b| b.is_ascii_digit());
        let pair = words.windows(2).find(|pair| is_half(pair[0]) && is_half(pair[1]));
        pair.unwrap_or_else(|| panic!("no code in {}", self.text)).concat()
    }

    /// The value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

#[derive(Debug)]
struct Inside {
    behaviour: Behaviour,
    sign_in: Option<(String, String)>,
    letters: Vec<Letter>,
    connections: usize,
    refusals: usize,
}

#[derive(Debug)]
struct Shared {
    inside: Mutex<Inside>,
    changed: Condvar,
}

/// The mail server; its port is free again some time after it is dropped.
#[derive(Clone, Debug)]
pub(crate) struct Smtp {
    port: u16,
    shared: Arc<Shared>,
}

impl Smtp {
    /// Starts one that takes everything.
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let inside =
            Inside { behaviour: Behaviour::Take, sign_in: None, letters: Vec::new(), connections: 0, refusals: 0 };
        let shared = Arc::new(Shared { inside: Mutex::new(inside), changed: Condvar::new() });
        let served = Arc::downgrade(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let Some(shared) = served.upgrade() else { return };
                shared.lock().connections += 1;
                shared.changed.notify_all();
                thread::spawn(move || drop(serve(stream, &shared)));
            }
        });
        Self { port, shared }
    }

    /// Lets it ask for a user and a password (AUTH PLAIN).
    pub(crate) fn ask_for(self, user: &str, password: &str) -> Self {
        self.shared.lock().sign_in = Some((user.to_owned(), password.to_owned()));
        self
    }

    /// From now on, also on open connections.
    pub(crate) fn behave(&self, behaviour: Behaviour) {
        self.shared.lock().behaviour = behaviour;
    }

    /// For `mail.smtp_url`.
    pub(crate) fn url(&self) -> String {
        format!("smtp://127.0.0.1:{}", self.port)
    }

    /// `127.0.0.1:port`
    pub(crate) fn place(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Letters that were taken until now.
    pub(crate) fn count(&self) -> usize {
        self.shared.lock().letters.len()
    }

    /// All letters until now.
    pub(crate) fn letters(&self) -> Vec<Letter> {
        self.shared.lock().letters.clone()
    }

    /// Waits for the next letter to this address, and takes it out.
    #[track_caller]
    pub(crate) fn wait_for(&self, to: &str) -> Letter {
        self.wait_until(&format!("a letter to {to}"), |inside| {
            let at = inside.letters.iter().position(|letter| letter.to == to)?;
            Some(inside.letters.remove(at))
        })
    }

    /// Waits until somebody has connected this often.
    #[track_caller]
    pub(crate) fn wait_for_connections(&self, count: usize) {
        self.wait_until("connections", |inside| (inside.connections >= count).then_some(()));
    }

    /// Waits until this many recipients were refused.
    #[track_caller]
    pub(crate) fn wait_for_refusals(&self, count: usize) {
        self.wait_until("refusals", |inside| (inside.refusals >= count).then_some(()));
    }

    #[track_caller]
    fn wait_until<T>(&self, what: &str, mut find: impl FnMut(&mut Inside) -> Option<T>) -> T {
        let end = Instant::now() + LIMIT;
        let mut inside = self.shared.lock();
        loop {
            if let Some(found) = find(&mut inside) {
                return found;
            }
            let left = end.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "after {LIMIT:?} still not: {what}; there is {inside:?}");
            inside = self.shared.changed.wait_timeout(inside, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One connection, until QUIT or its end.
fn serve(stream: TcpStream, shared: &Shared) -> std::io::Result<()> {
    let mut out = stream.try_clone()?;
    let mut lines = BufReader::new(stream);
    let mut line = Vec::new();
    if shared.lock().behaviour == Behaviour::Hang {
        // until the other side gives up
        while lines.read_until(b'\n', &mut line)? > 0 {}
        return Ok(());
    }
    out.write_all(b"220 test ESMTP\r\n")?;
    let (mut from, mut to, mut signed_in) = (String::new(), Vec::new(), false);
    loop {
        line.clear();
        if lines.read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        let text = String::from_utf8_lossy(&line).trim_end().to_owned();
        let (behaviour, sign_in) = {
            let inside = shared.lock();
            (inside.behaviour, inside.sign_in.clone())
        };
        let verb = text.split(' ').next().unwrap_or_default().to_uppercase();
        let answer = match verb.as_str() {
            _ if behaviour == Behaviour::Hang => continue,
            "EHLO" | "HELO" if sign_in.is_some() => "250-test\r\n250-8BITMIME\r\n250 AUTH PLAIN".to_owned(),
            "EHLO" | "HELO" => "250-test\r\n250 8BITMIME".to_owned(),
            "AUTH" => {
                signed_in = behaviour != Behaviour::RefuseSignIn && is_right(&text, sign_in.as_ref());
                if signed_in { "235 welcome" } else { "535 no" }.to_owned()
            }
            "NOOP" => "250 fine".to_owned(),
            "RSET" => {
                to.clear();
                "250 forgotten".to_owned()
            }
            "QUIT" => {
                out.write_all(b"221 bye\r\n")?;
                return Ok(());
            }
            _ if sign_in.is_some() && !signed_in => "530 sign in first".to_owned(),
            "MAIL" => {
                from = read_path(&text);
                to.clear();
                "250 fine".to_owned()
            }
            "RCPT" => match behaviour {
                Behaviour::Refuse(code) => {
                    shared.lock().refusals += 1;
                    shared.changed.notify_all();
                    format!("{code} not {}", read_path(&text))
                }
                _ => {
                    to.push(read_path(&text));
                    "250 fine".to_owned()
                }
            },
            "DATA" if to.is_empty() => "503 for whom?".to_owned(),
            "DATA" => {
                out.write_all(b"354 go on\r\n")?;
                let message = read_message(&mut lines)?;
                let mut inside = shared.lock();
                inside.letters.extend(to.drain(..).map(|to| parse_letter(to, from.clone(), &message)));
                drop(inside);
                shared.changed.notify_all();
                "250 taken".to_owned()
            }
            _ => "502 what?".to_owned(),
        };
        out.write_all(format!("{answer}\r\n").as_bytes())?;
    }
}

/// `AUTH PLAIN base64("\0user\0password")` (RFC 4616).
fn is_right(line: &str, sign_in: Option<&(String, String)>) -> bool {
    let given = line.split(' ').nth(2).and_then(|text| STANDARD.decode(text).ok());
    sign_in.is_some_and(|(user, password)| given == Some(format!("\0{user}\0{password}").into_bytes()))
}

/// What stands between `<` and `>`.
fn read_path(line: &str) -> String {
    let inside = line.split_once('<').and_then(|(_, rest)| rest.split_once('>'));
    inside.map_or("", |(path, _)| path).to_owned()
}

/// Lines until the dot, with doubled dots undone (RFC 5321 §4.5.2).
fn read_message(lines: &mut impl BufRead) -> std::io::Result<String> {
    let mut message = Vec::new();
    loop {
        let mut line = Vec::new();
        if lines.read_until(b'\n', &mut line)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        if line == b".\r\n" {
            return Ok(String::from_utf8_lossy(&message).into_owned());
        }
        message.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
    }
}

fn parse_letter(to: String, from: String, message: &str) -> Letter {
    let (headers, body) = split_part(message);
    let find = |name: &str| header_of(&headers, name).unwrap_or_default().to_owned();
    let (mut text, mut html) = (String::new(), String::new());
    let content_type = find("content-type");
    let boundary = content_type.split("boundary=\"").nth(1).and_then(|rest| rest.split('"').next());
    let parts: Vec<&str> = match boundary {
        Some(boundary) => body.split(&format!("--{boundary}")).skip(1).collect(),
        None => vec![message],
    };
    for part in parts.into_iter().filter(|part| !part.starts_with("--")) {
        let (headers, body) = split_part(part.trim_start_matches("\r\n"));
        let kind = header_of(&headers, "content-type").unwrap_or_default();
        let encoding = header_of(&headers, "content-transfer-encoding").unwrap_or("7bit");
        let body = decode_body(encoding, body).replace("\r\n", "\n");
        if kind.starts_with("text/html") {
            html = body;
        } else if kind.starts_with("text/plain") {
            text = body;
        }
    }
    Letter { to, from, subject: decode_words(&find("subject")), text, html, headers }
}

/// Unfolded headers, and the body.
fn split_part(part: &str) -> (Vec<(String, String)>, &str) {
    let (head, body) = part.split_once("\r\n\r\n").unwrap_or((part, ""));
    let mut headers: Vec<(String, String)> = Vec::new();
    for line in head.split("\r\n") {
        match (line.starts_with([' ', '\t']), headers.last_mut(), line.split_once(':')) {
            (true, Some((_, value)), _) => value.push_str(line),
            (false, _, Some((name, value))) => headers.push((name.to_owned(), value.trim().to_owned())),
            _ => {}
        }
    }
    (headers, body)
}

fn header_of<'h>(headers: &'h [(String, String)], name: &str) -> Option<&'h str> {
    headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}

fn decode_body(encoding: &str, body: &str) -> String {
    match encoding.to_lowercase().as_str() {
        "base64" => {
            let packed: String = body.chars().filter(|c| !c.is_whitespace()).collect();
            String::from_utf8_lossy(&STANDARD.decode(packed).expect("base64")).into_owned()
        }
        "quoted-printable" => {
            let joined = body.replace("=\r\n", "");
            String::from_utf8_lossy(&decode_quoted(joined.as_bytes())).into_owned()
        }
        _ => body.to_owned(),
    }
}

/// `=C3=A9` to bytes.
fn decode_quoted(text: &[u8]) -> Vec<u8> {
    let (mut bytes, mut at) = (Vec::new(), 0);
    while let Some(&byte) = text.get(at) {
        let hex = text.get(at + 1..at + 3).and_then(|hex| std::str::from_utf8(hex).ok());
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()).filter(|_| byte == b'=') {
            Some(decoded) => {
                bytes.push(decoded);
                at += 3;
            }
            None => {
                bytes.push(byte);
                at += 1;
            }
        }
    }
    bytes
}

/// Encoded words (RFC 2047) of a header; white space between two of them is no text.
fn decode_words(value: &str) -> String {
    let mut decoded = String::new();
    let mut rest = value;
    while let Some((before, after)) = rest.split_once("=?") {
        if !before.trim().is_empty() {
            decoded.push_str(before);
        }
        let mut parts = after.splitn(4, '?');
        let (_, kind, words, end) =
            (parts.next(), parts.next().unwrap_or_default(), parts.next().unwrap_or_default(), parts.next());
        let bytes = if kind.eq_ignore_ascii_case("b") {
            STANDARD.decode(words).expect("base64")
        } else {
            decode_quoted(words.replace('_', " ").as_bytes())
        };
        decoded.push_str(&String::from_utf8_lossy(&bytes));
        rest = end.and_then(|end| end.strip_prefix('=')).unwrap_or_default();
    }
    decoded + rest
}
