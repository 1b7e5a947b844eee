//! The one client for addresses outside: it looks at every address before it connects to it, follows nothing, and reads little.

use std::error::Error as StdError;
use std::fmt;
use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use openidconnect::http::Uri;
use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use crate::settings::providers::is_loopback;

const CONNECT_LIMIT: Duration = Duration::from_secs(3);
/// For one answer, from the look-up of the name to the last byte.
pub(crate) const TOTAL_LIMIT: Duration = Duration::from_secs(5);
/// Most bytes of an answer.
const MAX_BODY: usize = 64 * 1024;

/// How far a client may reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// the public internet, by https
    Public,
    /// also the operator's own network, by https
    Private,
    /// also this computer, there by http as well
    Loopback,
}

/// Why there is no answer. Nothing of the answer itself is in it.
#[derive(Debug)]
pub(crate) enum FetchFault {
    /// the scheme or the address is not allowed
    Forbidden(String),
    /// no connection, no answer in time, or it broke off
    Unreachable(String),
    /// more than [`MAX_BODY`]
    TooLarge,
    /// what was to be sent is no request
    Malformed,
}

impl fmt::Display for FetchFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Forbidden(what) => write!(f, "{what} is not an address to connect to"),
            Self::Unreachable(why) => write!(f, "no answer: {why}"),
            Self::TooLarge => write!(f, "the answer is larger than {MAX_BODY} bytes"),
            Self::Malformed => f.write_str("the request cannot be sent"),
        }
    }
}

impl StdError for FetchFault {}

/// A client with one reach.
#[derive(Clone, Debug)]
pub(crate) struct Fetcher {
    reach: Reach,
    client: reqwest::Client,
}

impl Fetcher {
    /// Reads the certificates that the system trusts; a sentence says what is wrong with them.
    pub(crate) fn new(reach: Reach) -> Result<Self, String> {
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .referer(false)
            .https_only(reach != Reach::Loopback)
            .connect_timeout(CONNECT_LIMIT)
            .timeout(TOTAL_LIMIT)
            .pool_idle_timeout(Duration::from_secs(30))
            .user_agent(concat!("gatepost/", env!("CARGO_PKG_VERSION")))
            .dns_resolver(Arc::new(CheckedResolver(reach)))
            .build()
            .map_err(|error| format!("the client for other servers cannot be made: {}", describe(&error)))?;
        Ok(Self { reach, client })
    }

    /// Sends a request and reads its answer.
    pub(crate) async fn send(&self, request: HttpRequest) -> Result<HttpResponse, FetchFault> {
        self.check_address(request.uri())?;
        let request = reqwest::Request::try_from(request).map_err(|_| FetchFault::Malformed)?;
        let unreachable = |error: reqwest::Error| FetchFault::Unreachable(describe(&error));
        let mut response = self.client.execute(request).await.map_err(unreachable)?;
        let (status, headers) = (response.status(), std::mem::take(response.headers_mut()));
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            if body.len() + chunk.len() > MAX_BODY {
                return Err(FetchFault::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        let mut answer = HttpResponse::new(body);
        (*answer.status_mut(), *answer.headers_mut()) = (status, headers);
        Ok(answer)
    }

    /// Whether people's browsers may be sent to this address, and we may connect to it as far as its letters tell. Names are looked up
    /// and checked by the resolver; addresses in figures never come to it, so they are checked here.
    fn check_address(&self, uri: &Uri) -> Result<(), FetchFault> {
        let refuse = || FetchFault::Forbidden(uri.host().unwrap_or("it").to_owned());
        let url = Url::parse(&uri.to_string()).map_err(|_| refuse())?;
        if !is_allowed_url(&url, self.reach) {
            return Err(refuse());
        }
        match url.host() {
            Some(Host::Ipv4(ip)) if !is_allowed(IpAddr::V4(ip), self.reach) => Err(refuse()),
            Some(Host::Ipv6(ip)) if !is_allowed(IpAddr::V6(ip), self.reach) => Err(refuse()),
            Some(_) => Ok(()),
            None => Err(refuse()),
        }
    }
}

impl<'c> AsyncHttpClient<'c> for Fetcher {
    type Error = FetchFault;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, FetchFault>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.send(request))
    }
}

/// https, or http on this computer where that is within reach.
pub(crate) fn is_allowed_url(url: &Url, reach: Reach) -> bool {
    let by_http = url.scheme() == "http" && reach == Reach::Loopback && is_loopback(url);
    (url.scheme() == "https" || by_http) && url.username().is_empty() && url.password().is_none()
}

/// The causes of an error without the address, which may hold a code.
fn describe(error: &reqwest::Error) -> String {
    let mut causes = Vec::new();
    let mut next = error.source();
    while let Some(cause) = next {
        causes.push(cause.to_string());
        next = cause.source();
    }
    if error.is_timeout() || causes.is_empty() {
        causes.insert(0, if error.is_timeout() { "it took too long" } else { "the connection failed" }.to_owned());
    }
    causes.join(": ")
}

/// Looks names up and leaves out what must not be connected to; the connection goes to one of the addresses that it gives.
struct CheckedResolver(Reach);

impl Resolve for CheckedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.0;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<SocketAddr> = found.filter(|address| is_allowed(address.ip(), reach)).collect();
            match allowed.is_empty() {
                true => Err(Box::new(FetchFault::Forbidden(name.as_str().to_owned())).into()),
                false => Ok(Box::new(allowed.into_iter()) as Addrs),
            }
        })
    }
}

/// Whether an address may be connected to.
fn is_allowed(ip: IpAddr, reach: Reach) -> bool {
    let class = match ip {
        IpAddr::V4(ip) => classify_v4(ip),
        IpAddr::V6(ip) => classify_v6(ip),
    };
    match class {
        Class::Public => true,
        Class::Private => reach == Reach::Private,
        Class::Loopback => reach != Reach::Public,
        Class::Never => false,
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    Public,
    /// networks of companies and homes
    Private,
    /// this computer
    Loopback,
    /// link-local with the metadata of clouds, multicast, documentation, reserved
    Never,
}

/// RFC 6890 and its registry.
fn classify_v4(ip: Ipv4Addr) -> Class {
    let [a, b, c, _] = ip.octets();
    match (a, b, c) {
        (127, ..) => Class::Loopback,
        (10, ..) | (172, 16..=31, _) | (192, 168, _) | (100, 64..=127, _) => Class::Private,
        (0, ..) | (169, 254, _) | (192, 0, 0) | (192, 0, 2) | (192, 88, 99) | (198, 18..=19, _) => Class::Never,
        (198, 51, 100) | (203, 0, 113) | (224..=255, ..) => Class::Never,
        _ => Class::Public,
    }
}

/// The same for IPv6; what carries an IPv4 address inside is as good as that one.
fn classify_v6(ip: Ipv6Addr) -> Class {
    if ip.is_loopback() {
        return Class::Loopback;
    }
    if let Some(inner) = find_inner_v4(ip) {
        return match classify_v4(inner) {
            Class::Public => Class::Public,
            // this computer or network through a translator is nothing that anybody set up
            Class::Private | Class::Loopback | Class::Never if ip.to_ipv4_mapped().is_none() => Class::Never,
            other => other,
        };
    }
    match ip.segments() {
        [0xfc00..=0xfdff, ..] => Class::Private,
        // only 2000::/3 is given out; of that not Teredo, ORCHID, benchmarking and documentation
        [0x2001, 0x0000..=0x01ff, ..] | [0x2001, 0x0db8, ..] | [0x3fff, 0x0000..=0x0fff, ..] => Class::Never,
        [0x2000..=0x3fff, ..] => Class::Public,
        _ => Class::Never,
    }
}

/// The IPv4 address inside a mapped, NAT64 (RFC 6052, RFC 8215) or 6to4 (RFC 3056) address.
fn find_inner_v4(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    let make = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Ipv4Addr::new(a, b, c, d)
    };
    match ip.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low] => Some(make(high, low)),
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x64, 0xff9b, 1, _, _, _, high, low] => Some(make(high, low)),
        [0x2002, high, low, ..] => Some(make(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_addresses_are_never_connected_to() {
        for never in [
            "0.0.0.0",
            "169.254.169.254",
            "192.0.0.1",
            "192.0.2.1",
            "198.18.0.1",
            "198.51.100.7",
            "203.0.113.9",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "2001:db8::1",
            "2001::1",
            "::ffff:169.254.169.254",
            "64:ff9b::7f00:1",
            "64:ff9b::a00:1",
            "64:ff9b:1::a9fe:a9fe",
            "2002:7f00:1::",
            "2002:c0a8:1::",
            "::7f00:1",
            "100::1",
        ] {
            let ip: IpAddr = never.parse().expect("an address");
            for reach in [Reach::Public, Reach::Private, Reach::Loopback] {
                assert!(!is_allowed(ip, reach), "{never} with {reach:?}");
            }
        }
        for private in
            ["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "fd00::1", "::ffff:10.0.0.1"]
        {
            let ip: IpAddr = private.parse().expect("an address");
            assert!(!is_allowed(ip, Reach::Public) && !is_allowed(ip, Reach::Loopback), "{private}");
            assert!(is_allowed(ip, Reach::Private), "{private}");
        }
        for here in ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"] {
            let ip: IpAddr = here.parse().expect("an address");
            assert!(!is_allowed(ip, Reach::Public) && is_allowed(ip, Reach::Loopback), "{here}");
        }
        for public in ["8.8.8.8", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2002:808:808::", "64:ff9b::808:808"]
        {
            assert!(is_allowed(public.parse().expect("an address"), Reach::Public), "{public}");
        }
    }

    #[test]
    fn addresses_in_figures_and_plain_http_are_refused_before_connecting() {
        let fetcher = Fetcher::new(Reach::Public).expect("a client");
        for uri in [
            "http://example.com/",
            "https://127.0.0.1/",
            "https://[::1]/",
            "https://2130706433/",
            "https://0x7f.1/",
            "https://169.254.169.254/latest",
            "https://user:pass@example.com/",
            "ftp://example.com/",
        ] {
            let uri: Uri = uri.parse().expect("an address");
            assert!(matches!(fetcher.check_address(&uri), Err(FetchFault::Forbidden(_))), "{uri}");
        }
        assert!(fetcher.check_address(&"https://example.com/a?b=c".parse().expect("an address")).is_ok());
        let here = Fetcher::new(Reach::Loopback).expect("a client");
        assert!(here.check_address(&"http://127.0.0.1:8080/".parse().expect("an address")).is_ok());
        assert!(here.check_address(&"http://example.com/".parse().expect("an address")).is_err());
    }

    #[test]
    fn names_of_this_computer_are_refused_by_the_resolver() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let fetcher = Fetcher::new(Reach::Public).expect("a client");
        let request = openidconnect::http::Request::get("https://localhost:1/").body(Vec::new()).expect("a request");
        let answer = runtime.block_on(fetcher.send(request));
        let Err(FetchFault::Unreachable(why)) = answer else { panic!("{answer:?}") };
        assert!(why.contains("localhost is not an address to connect to"), "{why}");
    }
}
