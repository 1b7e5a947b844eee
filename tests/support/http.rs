//! A plain HTTP/1.1 client: one connection a request, no redirects, nothing hidden.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

const FORM: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
const TIMEOUT: Duration = Duration::from_secs(30);

/// One name or value of a form.
pub(crate) fn encode(text: &str) -> String {
    utf8_percent_encode(text, FORM).to_string()
}

/// Pairs as `application/x-www-form-urlencoded`.
pub(crate) fn encode_form<N: AsRef<str>, V: AsRef<str>>(pairs: &[(N, V)]) -> String {
    let pairs: Vec<String> =
        pairs.iter().map(|(name, value)| format!("{}={}", encode(name.as_ref()), encode(value.as_ref()))).collect();
    pairs.join("&")
}

/// The pairs of a query or form.
pub(crate) fn decode_form(text: &str) -> Vec<(String, String)> {
    let decode = |part: &str| percent_decode_str(&part.replace('+', " ")).decode_utf8().expect("UTF-8").into_owned();
    let pairs = text.split('&').filter(|piece| !piece.is_empty());
    pairs.map(|piece| piece.split_once('=').unwrap_or((piece, ""))).map(|(n, v)| (decode(n), decode(v))).collect()
}

/// A request before it is sent.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    method: String,
    pub(crate) target: String,
    headers: Vec<(String, String)>,
    body: Option<Vec<u8>>,
}

impl Request {
    /// The target is sent as it is.
    pub(crate) fn new(method: &str, target: &str) -> Self {
        Self { method: method.to_owned(), target: target.to_owned(), headers: Vec::new(), body: None }
    }

    pub(crate) fn get(target: &str) -> Self {
        Self::new("GET", target)
    }

    pub(crate) fn post(target: &str) -> Self {
        Self::new("POST", target)
    }

    /// One header more; the same name may come twice.
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// A body without a content type.
    pub(crate) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// A form as text, encoded already.
    pub(crate) fn raw_form(self, body: &str) -> Self {
        self.header("Content-Type", "application/x-www-form-urlencoded").body(body)
    }

    /// A form.
    pub(crate) fn form<N: AsRef<str>, V: AsRef<str>>(self, pairs: &[(N, V)]) -> Self {
        let body = encode_form(pairs);
        self.raw_form(&body)
    }

    /// HTTP Basic as OAuth wants it: both halves form-encoded first (OAuth 2.1 §2.4.1).
    pub(crate) fn basic(self, id: &str, secret: &str) -> Self {
        let credentials = STANDARD.encode(format!("{}:{}", encode(id), encode(secret)));
        self.header("Authorization", &format!("Basic {credentials}"))
    }

    pub(crate) fn bearer(self, token: &str) -> Self {
        self.header("Authorization", &format!("Bearer {token}"))
    }

    /// The bytes on the wire.
    pub(crate) fn to_bytes(&self, port: u16) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\n", self.method, self.target);
        if !self.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
            head.push_str(&format!("Host: 127.0.0.1:{port}\r\n"));
        }
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if let Some(body) = &self.body {
            head.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        head.push_str("Connection: close\r\n\r\n");
        let mut bytes = head.into_bytes();
        bytes.extend(self.body.iter().flatten());
        bytes
    }

    /// The answer, or nothing where nobody listens or the answer is none.
    pub(crate) fn try_send(&self, port: u16) -> Option<Response> {
        Response::parse(&send(port, &self.to_bytes(port)).ok()?, self.method == "HEAD")
    }

    /// The answer.
    pub(crate) fn send(&self, port: u16) -> Response {
        let bytes = send(port, &self.to_bytes(port))
            .unwrap_or_else(|error| panic!("{} {}: no answer: {error}", self.method, self.target));
        Response::parse(&bytes, self.method == "HEAD").unwrap_or_else(|| {
            panic!("{} {}: not an HTTP answer: {}", self.method, self.target, String::from_utf8_lossy(&bytes))
        })
    }
}

/// Sends bytes and reads until the other side closes.
pub(crate) fn send(port: u16, bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_nodelay(true)?;
    // a server that refuses early closes before everything is written; its answer counts
    let written = stream.write_all(bytes);
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer) {
        Err(error) if answer.is_empty() => return Err(error),
        _ if answer.is_empty() => written?,
        _ => {}
    }
    Ok(answer)
}

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    /// names in lower case, in the order of arrival
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Response {
    pub(crate) fn parse(bytes: &[u8], is_head: bool) -> Option<Self> {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
        let head = std::str::from_utf8(&bytes[..end]).ok()?;
        let mut lines = head.split("\r\n");
        let status = lines.next()?.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()?;
        let headers: Vec<(String, String)> = lines
            .map(|line| line.split_once(':').map(|(n, v)| (n.to_ascii_lowercase(), v.trim().to_owned())))
            .collect::<Option<_>>()?;
        let is_chunked = headers.iter().any(|(name, value)| name == "transfer-encoding" && value == "chunked");
        let rest = &bytes[end + 4..];
        let body = match is_chunked && !is_head {
            true => join_chunks(rest)?,
            false => rest.to_vec(),
        };
        Some(Self { status, headers, body: String::from_utf8(body).ok()? })
    }

    /// The value of a header that comes at most once.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let values = self.header_all(name);
        assert!(values.len() < 2, "{name} comes {} times", values.len());
        values.first().copied()
    }

    pub(crate) fn header_all(&self, name: &str) -> Vec<&str> {
        self.headers.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str()).collect()
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        assert_eq!(self.header("content-type"), Some("application/json"), "{self:?}");
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("not JSON: {error}: {}", self.body))
    }

    /// The target of a redirect.
    pub(crate) fn location(&self) -> &str {
        self.header("location").unwrap_or_else(|| panic!("no redirect: {self:?}"))
    }

    pub(crate) fn is_html(&self) -> bool {
        self.header("content-type").is_some_and(|value| value.starts_with("text/html"))
    }
}

fn join_chunks(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line_end = rest.windows(2).position(|window| window == b"\r\n")?;
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..line_end]).ok()?, 16).ok()?;
        rest = &rest[line_end + 2..];
        if size == 0 {
            return Some(body);
        }
        body.extend(rest.get(..size)?);
        rest = rest.get(size + 2..)?;
    }
}

/// Status, headers by name without those that differ from run to run, body; secrets are cut to their prefix.
pub(crate) fn show(response: &Response) -> String {
    let mut headers: Vec<String> = response
        .headers
        .iter()
        .filter(|(name, _)| !["date", "content-length", "connection", "transfer-encoding"].contains(&name.as_str()))
        .map(|(name, value)| format!("{name}: {value}"))
        .collect();
    headers.sort();
    let body = match response.body.is_empty() {
        true => String::new(),
        false => format!("\n\n{}", response.body),
    };
    hide_secrets(&format!("{}\n{}{body}", response.status, headers.join("\n")))
}

fn hide_secrets(text: &str) -> String {
    let mut shown = text.to_owned();
    for prefix in ["gp_at_", "gp_rt_", "gp_ac_", "gp_ss_", "gp_cs_", "gp_setup_", "gp_br_"] {
        let mut from = 0;
        while let Some(at) = shown[from..].find(prefix).map(|at| from + at + prefix.len()) {
            let letters = shown[at..].bytes().take_while(|b| b.is_ascii_alphanumeric() || b"-_".contains(b)).count();
            shown.replace_range(at..at + letters, "…");
            from = at + "…".len();
        }
    }
    shown
}
