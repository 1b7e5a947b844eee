//! A redirect URI in words.

use serde::Serialize;
use url::Host;
use url::Url;

/// Where the browser goes after the decision.
#[derive(Serialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ReturnKind {
    /// A web address.
    Web,
    /// A program that listens on this computer (RFC 8252 §7.3).
    Loopback,
    /// A private scheme, which any app on the device could have taken (RFC 8252 §7.1).
    Scheme,
}

/// The redirect URI in words.
#[derive(Serialize, Clone, Debug)]
pub(crate) struct ReturnTo {
    /// Which wording to use.
    pub(crate) kind: ReturnKind,
    /// Host with port, or the scheme with its colon.
    pub(crate) host: String,
    /// The URI as sent.
    pub(crate) uri: String,
}

impl ReturnTo {
    /// Reads a redirect URI; one that cannot be read counts as a private scheme, the most careful wording.
    pub(crate) fn new(uri: &str) -> Self {
        let (kind, host) = match Url::parse(uri) {
            Ok(url) if matches!(url.scheme(), "http" | "https") => {
                let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
                let host = format!("{}{port}", url.host_str().unwrap_or_default());
                (if is_loopback(&url) { ReturnKind::Loopback } else { ReturnKind::Web }, host)
            }
            Ok(url) => (ReturnKind::Scheme, format!("{}:", url.scheme())),
            Err(_) => (ReturnKind::Scheme, uri.split_inclusive(':').next().unwrap_or_default().to_owned()),
        };
        Self { kind, host, uri: uri.to_owned() }
    }
}

/// True for `127.0.0.0/8`, `[::1]` and `localhost`.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}
