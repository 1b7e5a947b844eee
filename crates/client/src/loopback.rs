//! A few lines of HTTP on a port of this computer, for the one answer that a browser brings (RFC 8252 §7.3).

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;

/// A code, a state and an `iss` fit many times.
const MAX_HEAD_BYTES: usize = 16 * 1024;
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
const WRITE_TIMEOUT: Duration = Duration::from_secs(5);
/// Browsers open connections ahead and leave them silent: these must not keep the real one out, nor pile up.
const MAX_WAITING: usize = 64;

/// An open port on 127.0.0.1, or on `[::1]` where there is no IPv4.
pub(crate) struct Loopback {
    listener: TcpListener,
    readers: JoinSet<Option<Visit>>,
    origin: String,
    port: u16,
}

/// One request, not answered yet.
pub(crate) struct Visit {
    stream: TcpStream,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
}

impl Loopback {
    pub(crate) async fn bind() -> io::Result<Self> {
        let listener = match TcpListener::bind(("127.0.0.1", 0)).await {
            Ok(listener) => listener,
            Err(_) => TcpListener::bind(("::1", 0)).await?,
        };
        let address = listener.local_addr()?;
        Ok(Self { listener, readers: JoinSet::new(), origin: format!("http://{address}"), port: address.port() })
    }

    /// Such as `http://127.0.0.1:51004`.
    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The next request whose head came in whole. Slow and broken ones drop out without a word.
    pub(crate) async fn next_visit(&mut self) -> Visit {
        loop {
            tokio::select! {
                accepted = self.listener.accept(), if self.readers.len() < MAX_WAITING => match accepted {
                    Ok((stream, _)) => {
                        self.readers.spawn(read_visit(stream));
                    }
                    // out of file handles, for example: do not spin
                    Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
                },
                Some(read) = self.readers.join_next() => {
                    if let Ok(Some(visit)) = read {
                        return visit;
                    }
                }
            }
        }
    }
}

impl Visit {
    pub(crate) fn is(&self, method: &str, path: &str) -> bool {
        self.method == method && self.path == path
    }

    /// Answers with a page. A browser that hangs up is no error.
    pub(crate) async fn answer_page(self, status: &str, csp: &str, html: &str) {
        let head = format!("Content-Type: text/html; charset=utf-8\r\nContent-Security-Policy: {csp}\r\n");
        self.answer(status, &head, html).await;
    }

    pub(crate) async fn answer_redirect(self, path: &str) {
        self.answer("303 See Other", &format!("Location: {path}\r\n"), "").await;
    }

    pub(crate) async fn answer_not_found(self) {
        self.answer("404 Not Found", "Content-Type: text/plain\r\n", "Nothing here.\n").await;
    }

    async fn answer(mut self, status: &str, head: &str, body: &str) {
        let response = format!(
            "HTTP/1.1 {status}\r\n{head}Content-Length: {}\r\nCache-Control: no-store\r\nReferrer-Policy: no-referrer\r\n\
             X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n{body}",
            body.len()
        );
        let _ = timeout(WRITE_TIMEOUT, async {
            self.stream.write_all(response.as_bytes()).await?;
            self.stream.shutdown().await
        })
        .await;
    }
}

async fn read_visit(mut stream: TcpStream) -> Option<Visit> {
    let head = timeout(HEAD_TIMEOUT, read_head(&mut stream)).await.ok()??;
    let line = head.lines().next()?;
    let mut words = line.split(' ');
    let (method, target, version) = (words.next()?, words.next()?, words.next()?);
    if words.next().is_some() || !version.starts_with("HTTP/1.") || !target.starts_with('/') {
        return None;
    }
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let (method, path, query) = (method.to_owned(), path.to_owned(), query.to_owned());
    Some(Visit { stream, method, path, query })
}

async fn read_head(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::with_capacity(2048);
    let mut buffer = [0_u8; 2048];
    while !head.windows(4).any(|window| window == b"\r\n\r\n") {
        let count = stream.read(&mut buffer).await.ok()?;
        if count == 0 || head.len() + count > MAX_HEAD_BYTES {
            return None;
        }
        head.extend_from_slice(&buffer[..count]);
    }
    String::from_utf8(head).ok()
}
