//! A small blocking HTTP/1.1 client over one keep-alive connection to a server on this machine.

use std::borrow::Cow;
use std::io::{Error, ErrorKind, Read, Result, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::wire::{Header, split_url, write_request};

/// One connection; it is opened at the first request.
pub(crate) struct Conn {
    host: String,
    stream: Option<TcpStream>,
    buffer: Vec<u8>,
}

/// An answer.
#[derive(Default)]
pub(crate) struct Response {
    pub(crate) status: u16,
    head: Vec<u8>,
    pub(crate) body: Vec<u8>,
}

impl Response {
    /// The values of a header, however often it is there.
    pub(crate) fn headers<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> + 'a {
        self.head.split(|byte| *byte == b'\n').filter_map(move |line| {
            let (key, value) = std::str::from_utf8(line).ok()?.trim_end().split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    /// The first value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        self.headers(name).next().map(str::to_string)
    }

    /// The body as text.
    pub(crate) fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }

    /// Status and start of the body, for a message on one line.
    pub(crate) fn clip(&self) -> String {
        let start: String = self.text().chars().take(200).collect();
        format!("{} {}", self.status, start.replace('\n', " "))
    }
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}

impl Conn {
    pub(crate) fn new(host: &str) -> Self {
        Self { host: host.into(), stream: None, buffer: Vec::with_capacity(16_384) }
    }

    fn connect(&mut self) -> Result<()> {
        let stream = TcpStream::connect(&self.host)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        self.stream = Some(stream);
        Ok(())
    }

    /// Sends one request whose bytes are ready; tries once more on a connection that the server had closed.
    pub(crate) fn send(&mut self, request: &[u8]) -> Result<Response> {
        let fresh = self.stream.is_none();
        if fresh {
            self.connect()?;
        }
        let mut answer = self.exchange(request);
        if let Err(error) = &answer {
            let kinds = [ErrorKind::UnexpectedEof, ErrorKind::ConnectionReset, ErrorKind::BrokenPipe];
            if !fresh && kinds.contains(&error.kind()) {
                self.connect()?;
                answer = self.exchange(request);
            }
        }
        if answer.is_err() {
            self.stream = None;
        }
        answer
    }

    fn stream(&mut self) -> Result<&mut TcpStream> {
        self.stream.as_mut().ok_or_else(|| Error::from(ErrorKind::NotConnected))
    }

    fn fill(&mut self) -> Result<()> {
        let mut chunk = [0_u8; 16_384];
        let length = self.stream()?.read(&mut chunk)?;
        if length == 0 {
            return Err(Error::from(ErrorKind::UnexpectedEof));
        }
        self.buffer.extend_from_slice(&chunk[..length]);
        Ok(())
    }

    fn exchange(&mut self, request: &[u8]) -> Result<Response> {
        self.buffer.clear();
        self.stream()?.write_all(request)?;
        let body_at = loop {
            if let Some(index) = find(&self.buffer, b"\r\n\r\n") {
                break index + 4;
            }
            self.fill()?;
        };
        let head = self.buffer[..body_at].to_vec();
        let status = head.get(9..12).and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok());
        let mut response = Response { status: status.unwrap_or(0), head, body: Vec::new() };
        let chunked = response.headers("transfer-encoding").any(|value| value.eq_ignore_ascii_case("chunked"));
        let length = response.headers("content-length").next().and_then(|value| value.parse::<usize>().ok());
        let closes = response.headers("connection").any(|value| value.eq_ignore_ascii_case("close"));
        response.body = match length {
            _ if chunked => self.read_chunks(body_at)?,
            Some(length) => self.read_length(body_at, length)?,
            None if closes && !matches!(response.status, 204 | 304) => self.read_to_end(body_at)?,
            None => Vec::new(),
        };
        if closes {
            self.stream = None;
        }
        Ok(response)
    }

    fn read_length(&mut self, start: usize, length: usize) -> Result<Vec<u8>> {
        while self.buffer.len() < start + length {
            self.fill()?;
        }
        Ok(self.buffer[start..start + length].to_vec())
    }

    fn read_to_end(&mut self, start: usize) -> Result<Vec<u8>> {
        loop {
            match self.fill() {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(self.buffer[start..].to_vec()),
                Err(error) => return Err(error),
            }
        }
    }

    fn read_chunks(&mut self, start: usize) -> Result<Vec<u8>> {
        let mut body = Vec::new();
        let mut at = start;
        loop {
            let line_end = loop {
                if let Some(index) = find(&self.buffer[at..], b"\r\n") {
                    break at + index;
                }
                self.fill()?;
            };
            let line = String::from_utf8_lossy(&self.buffer[at..line_end]).into_owned();
            let digits = line.split(';').next().unwrap_or_default().trim();
            let size = usize::from_str_radix(digits, 16).map_err(|_| Error::from(ErrorKind::InvalidData))?;
            // the sum of a hostile size must not wrap; nothing here is that large
            let end = line_end.checked_add(size).and_then(|end| end.checked_add(4));
            let end = end.ok_or_else(|| Error::from(ErrorKind::InvalidData))?;
            while self.buffer.len() < end {
                self.fill()?;
            }
            body.extend_from_slice(&self.buffer[line_end + 2..end - 2]);
            at = end;
            if size == 0 {
                return Ok(body);
            }
        }
    }
}

/// One GET on a connection of its own.
pub(crate) fn get_once(url: &str, headers: &[Header]) -> std::result::Result<Response, String> {
    let (host, path) = split_url(url).ok_or_else(|| format!("not an http:// address: {url:?}"))?;
    let request = write_request("GET", (&host, &path), headers, None);
    Conn::new(&host).send(&request).map_err(|error| format!("{url}: {error}"))
}
