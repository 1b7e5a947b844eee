//! Redirect URIs: registration, comparison, and how they carry an answer. Raw strings throughout (RU-01).

use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::uri::{has_uri_characters, has_whole_percents, split_authority};

const MAX_LEN: usize = 2048;
const LOOPBACK_HOSTS: [&str; 3] = ["127.0.0.1", "[::1]", "localhost"];
const DANGEROUS_SCHEMES: [&str; 12] = [
    "javascript",
    "data",
    "vbscript",
    "file",
    "blob",
    "about",
    "filesystem",
    "mailto",
    "ws",
    "wss",
    "ftp",
    "view-source",
];
/// What form encoding leaves alone.
const FORM: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Why a redirect URI is not registered, as a sentence for the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RedirectUriFault {
    /// longer than 2,048 bytes
    TooLong,
    /// spaces, control characters, backslashes, letters outside ASCII: what no URI may have (RFC 3986 §2)
    Characters,
    /// `%` without two hexadecimal digits
    Percent,
    /// `*`
    Wildcard,
    /// `#`
    Fragment,
    /// no scheme, or nothing behind it
    NotAbsolute,
    /// `user@`
    UserInfo,
    /// a scheme that runs or reads things
    DangerousScheme(String),
    /// `http` to another computer
    PlainHttp,
    /// a private scheme without a dot
    SchemeWithoutDot(String),
    /// a port that is none
    Port,
    /// something that a URL parser would rewrite
    NotNormal,
}

impl fmt::Display for RedirectUriFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => f.write_str("it is longer than 2048 bytes"),
            Self::Characters => f.write_str(
                "it has spaces, backslashes, letters outside ASCII or other characters that no address may have",
            ),
            Self::Percent => f.write_str("a percent sign must be followed by two hexadecimal digits"),
            Self::Wildcard => f.write_str("wildcards are not allowed: register each address"),
            Self::Fragment => f.write_str("a part after # never reaches a server; leave it out"),
            Self::NotAbsolute => f.write_str("it must be a full address with a scheme"),
            Self::UserInfo => f.write_str("a user name in the address is not allowed"),
            Self::DangerousScheme(scheme) => write!(f, "the scheme {scheme}: is not allowed"),
            Self::PlainHttp => {
                f.write_str("http is allowed only for this computer (127.0.0.1, [::1], localhost). Use https.")
            }
            Self::SchemeWithoutDot(scheme) => {
                write!(f, "the scheme {scheme}: must be a reversed domain name of yours, like com.example.app:")
            }
            Self::Port => f.write_str("the port must be a number from 1 to 65535"),
            Self::NotNormal => f.write_str("write it in its plain form: lower-case host, no dot segments"),
        }
    }
}

impl std::error::Error for RedirectUriFault {}

/// Whether this URI may be registered (R-12, OAuth 2.1 §2.3, RFC 8252 §7).
pub fn check_registration(uri: &str) -> Result<(), RedirectUriFault> {
    use RedirectUriFault as Fault;
    if uri.len() > MAX_LEN {
        return Err(Fault::TooLong);
    }
    if !has_uri_characters(uri) {
        return Err(Fault::Characters);
    }
    if !has_whole_percents(uri) {
        return Err(Fault::Percent);
    }
    if uri.contains('*') {
        return Err(Fault::Wildcard);
    }
    if uri.contains('#') {
        return Err(Fault::Fragment);
    }
    let (scheme, rest) = uri.split_once(':').ok_or(Fault::NotAbsolute)?;
    let lower = scheme.to_ascii_lowercase();
    let scheme_ok = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    if !scheme_ok || rest.is_empty() {
        return Err(Fault::NotAbsolute);
    }
    if DANGEROUS_SCHEMES.contains(&lower.as_str()) {
        return Err(Fault::DangerousScheme(lower));
    }
    match scheme {
        "https" | "http" => check_web_uri(uri, scheme, rest),
        _ if lower == "https" || lower == "http" => Err(Fault::NotNormal),
        // a reversed domain name has at least two labels (OAuth 2.1 §2.3.1)
        _ if !scheme.contains('.') || scheme.split('.').any(str::is_empty) => Err(Fault::SchemeWithoutDot(lower)),
        _ => check_private_uri(uri, rest),
    }
}

/// `com.example.app:/cb` is the form of RFC 8252 §7.1; `com.example.app://cb` is common and does no harm, so it passes.
fn check_private_uri(uri: &str, rest: &str) -> Result<(), RedirectUriFault> {
    use RedirectUriFault as Fault;
    let (authority, path) = rest.strip_prefix("//").map_or(("", rest), split_authority);
    if authority.contains('@') {
        return Err(Fault::UserInfo);
    }
    if has_dot_segments(path) {
        return Err(Fault::NotNormal);
    }
    // the parser is asked only whether it is a URI at all; what is kept is the text
    url::Url::parse(uri).map(|_| ()).map_err(|_| Fault::NotAbsolute)
}

fn check_web_uri(uri: &str, scheme: &str, rest: &str) -> Result<(), RedirectUriFault> {
    use RedirectUriFault as Fault;
    let rest = rest.strip_prefix("//").ok_or(Fault::NotAbsolute)?;
    let (authority, path) = split_authority(rest);
    if authority.contains('@') {
        return Err(Fault::UserInfo);
    }
    let (host, port) = split_port(authority);
    if port.is_some_and(|port| !is_port(port)) {
        return Err(Fault::Port);
    }
    let url = url::Url::parse(uri).map_err(|_| Fault::NotAbsolute)?;
    if url.host_str() != Some(host) || host.ends_with('.') {
        return Err(Fault::NotNormal);
    }
    if scheme == "http" && !LOOPBACK_HOSTS.contains(&host) {
        return Err(Fault::PlainHttp);
    }
    if has_dot_segments(path) { Err(Fault::NotNormal) } else { Ok(()) }
}

/// Whether the path has `.` or `..` in it, in any spelling that a browser would resolve.
fn has_dot_segments(path_and_query: &str) -> bool {
    let path = path_and_query.split('?').next().unwrap_or_default();
    path.split('/').any(|part| matches!(part.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | ".."))
}

/// Host and port of an authority; an IPv6 address keeps its brackets.
fn split_port(authority: &str) -> (&str, Option<&str>) {
    let host_end = authority.rfind(']').map_or(0, |at| at + 1);
    match authority[host_end..].find(':') {
        Some(at) => (&authority[..host_end + at], Some(&authority[host_end + at + 1..])),
        None => (authority, None),
    }
}

/// 1 to 65535, digits only, no leading zero.
fn is_port(port: &str) -> bool {
    !port.starts_with('0') && port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok()
}

/// The parts of a loopback URI around its port: `http://host` and everything from the path on.
fn split_loopback(uri: &str) -> Option<(&str, &str)> {
    let rest = uri.strip_prefix("http://")?;
    // with `@` in it the authority is none of these hosts: `http://127.0.0.1@evil.example/` leads to evil.example
    let (authority, path) = split_authority(rest);
    let (host, port) = split_port(authority);
    let good = LOOPBACK_HOSTS.contains(&host) && port.is_none_or(is_port) && !path.starts_with(['#', '\\']);
    good.then_some((host, path))
}

/// Whether a requested URI is this registered one: byte for byte, except that the port of a loopback address may differ
/// (OAuth 2.1 §4.1.1, RFC 8252 §7.3). Host spellings are not interchangeable.
pub fn matches(registered: &str, requested: &str) -> bool {
    if registered == requested {
        return true;
    }
    match (split_loopback(registered), split_loopback(requested)) {
        (Some(registered), Some(requested)) => registered == requested,
        _ => false,
    }
}

/// Whether it leads to a program on the same computer.
pub fn is_loopback(uri: &str) -> bool {
    split_loopback(uri).is_some()
}

/// Where a redirect URI leads, in words that people understand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// a web site
    Https {
        /// its name, with the port unless that is 443, and never with a user name that could pass for the host
        host: String,
    },
    /// a program on this computer
    Loopback,
    /// an app on this device
    PrivateScheme {
        /// without the colon
        scheme: String,
    },
}

/// Where this URI leads.
pub fn describe_target(uri: &str) -> Target {
    if is_loopback(uri) {
        return Target::Loopback;
    }
    match uri.strip_prefix("https://") {
        Some(rest) => {
            let (authority, _) = split_authority(rest);
            let host = authority.rsplit('@').next().unwrap_or_default();
            Target::Https { host: host.strip_suffix(":443").unwrap_or(host).to_owned() }
        }
        None => Target::PrivateScheme { scheme: uri.split(':').next().unwrap_or_default().to_owned() },
    }
}

/// The URI with parameters added to its query; what was there stays as it was (OAuth 2.1 §4.1.2).
pub fn append_params(uri: &str, pairs: &[(&str, &str)]) -> String {
    let mut out = String::with_capacity(uri.len() + 200);
    out.push_str(uri);
    let mut separator = match uri.find('?') {
        None => "?",
        Some(_) if uri.ends_with(['?', '&']) => "",
        Some(_) => "&",
    };
    for (name, value) in pairs {
        out.push_str(separator);
        out.extend(utf8_percent_encode(name, FORM));
        out.push('=');
        out.extend(utf8_percent_encode(value, FORM));
        separator = "&";
    }
    out
}

#[cfg(test)]
mod tests;
