//! Redirect URIs: registration, comparison, and how they carry an answer. Raw strings throughout (RU-01).

use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

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
    /// spaces, control characters, backslashes or letters outside ASCII
    Characters,
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
            Self::Characters => f.write_str("it has spaces, backslashes, control characters or letters outside ASCII"),
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
    if !uri.bytes().all(|byte| byte.is_ascii_graphic()) || uri.contains(['\\', '"', '<', '>']) {
        return Err(Fault::Characters);
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
        _ if !scheme.contains('.') => Err(Fault::SchemeWithoutDot(lower)),
        // the parser is asked only whether it is a URI at all; what is kept is the text
        _ => url::Url::parse(uri).map(|_| ()).map_err(|_| Fault::NotAbsolute),
    }
}

fn check_web_uri(uri: &str, scheme: &str, rest: &str) -> Result<(), RedirectUriFault> {
    use RedirectUriFault as Fault;
    let rest = rest.strip_prefix("//").ok_or(Fault::NotAbsolute)?;
    let authority = &rest[..rest.find(['/', '?']).unwrap_or(rest.len())];
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
    let path = &rest[authority.len()..rest.find('?').unwrap_or(rest.len())];
    let dots = |part: &str| matches!(part.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..");
    if path.split('/').any(dots) {
        return Err(Fault::NotNormal);
    }
    Ok(())
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
    let end = rest.find(['/', '?', '#', '\\', '@']).unwrap_or(rest.len());
    let (host, port) = split_port(&rest[..end]);
    let good = LOOPBACK_HOSTS.contains(&host) && port.is_none_or(is_port);
    good.then(|| (host, &rest[end..]))
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
        /// its name, with a port if it has an unusual one
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
        Some(rest) => Target::Https { host: rest[..rest.find(['/', '?']).unwrap_or(rest.len())].to_owned() },
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

/// How a URI differs from what is registered; for the developer who sent it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// the registered URI that shares most with it
    pub closest: Option<String>,
    /// one sentence
    pub reason: String,
}

/// Explains why a URI is none of the registered ones.
pub fn explain_mismatch(registered: &[String], sent: &str) -> Mismatch {
    let shared = |a: &str| a.bytes().zip(sent.bytes()).take_while(|(x, y)| x == y).count();
    let closest = registered.iter().max_by_key(|uri| shared(uri)).cloned();
    let reason = match &closest {
        None => "No redirect address is registered.".to_owned(),
        Some(closest) => explain_pair(closest, sent).to_owned(),
    };
    Mismatch { closest, reason }
}

fn explain_pair(registered: &str, sent: &str) -> &'static str {
    if registered.trim_end_matches('/') == sent.trim_end_matches('/') {
        return "They differ in a slash at the end.";
    }
    if registered.eq_ignore_ascii_case(sent) {
        return "They differ in upper and lower case.";
    }
    if sent.starts_with("http://") && !is_loopback(sent) {
        return "http is allowed for loopback only.";
    }
    if let (Some((host, path)), Some((sent_host, sent_path))) = (split_loopback(registered), split_loopback(sent)) {
        if host != sent_host && path == sent_path {
            return "127.0.0.1, [::1] and localhost are three different addresses: register the one that is used.";
        }
        return "Only the port may differ, and only for 127.0.0.1, [::1] and localhost.";
    }
    let without_query = |uri: &str| uri.split('?').next().map(str::to_owned);
    if without_query(registered) == without_query(sent) {
        return "They differ in the part after the question mark.";
    }
    "An address must be registered exactly as it is sent."
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn n_04_the_loopback_table_of_the_specification() {
        let table = [
            ("http://127.0.0.1/cb", "http://127.0.0.1:51004/cb", true),
            ("http://127.0.0.1:3000/cb", "http://127.0.0.1:4000/cb", true),
            ("http://127.0.0.1:3000/cb", "http://127.0.0.1/cb", true),
            ("http://[::1]/cb", "http://[::1]:61023/cb", true),
            ("http://localhost/callback", "http://localhost:3118/callback", true),
            ("http://127.0.0.1/cb", "http://localhost:51004/cb", false),
            ("http://127.0.0.1/cb", "http://[::1]:51004/cb", false),
            ("http://127.0.0.1/cb", "http://127.0.0.1:51004/cb/", false),
            ("http://127.0.0.1/cb", "http://127.0.0.1:51004/cb?x=1", false),
            ("http://127.0.0.1/cb", "https://127.0.0.1:51004/cb", false),
            ("https://127.0.0.1/cb", "https://127.0.0.1:8443/cb", false),
            ("http://127.0.0.1/cb", "http://127.0.0.1:51004@evil.example/cb", false),
            ("http://127.0.0.1/cb", "http://127.0.0.1.evil.example:80/cb", false),
            ("http://127.0.0.1/cb", "http://127.0.0.1:0/cb", false),
            ("http://127.0.0.1/cb", "http://127.0.0.1:65536/cb", false),
            ("http://127.0.0.1/cb", "http://127.0.0.1:abc/cb", false),
            ("http://127.0.0.1/cb", "http://127.0.0.1:/cb", false),
            ("http://127.0.0.1/cb", "http://2130706433:5000/cb", false),
            ("http://127.0.0.1/cb", "http://0x7f.1:5000/cb", false),
            ("http://127.0.0.1/cb", "http://127.1:5000/cb", false),
            ("http://127.0.0.1:33418/", "http://127.0.0.1:59656/", true),
            ("http://127.0.0.1:33418/", "http://127.0.0.1:33418", false),
            ("http://example.com/cb", "http://example.com:81/cb", false),
            ("http://127.0.0.1/cb", "http://127.0.0.1:51004\\@evil/cb", false),
        ];
        for (registered, requested, expected) in table {
            assert_eq!(matches(registered, requested), expected, "{registered} {requested}");
        }
    }

    #[test]
    fn r_02_everything_else_is_compared_byte_for_byte() {
        let registered = "https://app.example/cb";
        for other in [
            "https://APP.example/cb",
            "https://app.example/cb/",
            "https://app.example:443/cb",
            "https://app.example/%63b",
            "https://app.example/a/../cb",
            "https://app.example/cb?x",
            "https://a.app.example/cb",
            "http://app.example/cb",
            "https://app.example.evil/cb",
            "https://x@app.example/cb",
            "https://app.example\\/cb",
            "https://app.example/c\tb",
            "HTTPS://app.example/cb",
            "",
        ] {
            assert!(!matches(registered, other), "{other}");
        }
    }

    #[test]
    fn r_12_what_may_be_registered() {
        for good in [
            "https://app.example/cb",
            "https://app.example",
            "https://app.example:8443/cb?x=1",
            "http://127.0.0.1/cb",
            "http://127.0.0.1:3000/",
            "http://[::1]/cb",
            "http://localhost/callback",
            "com.example.app:/cb",
            "com.example.app:cb",
        ] {
            assert_eq!(check_registration(good), Ok(()), "{good}");
        }
        for bad in [
            "https://x/cb#",
            "https://x/cb#f",
            "/cb",
            "x/cb",
            "",
            "http://example.com/cb",
            "https://*.example/cb",
            "https://u@x/cb",
            "javascript:alert(1)",
            "JavaScript:alert(1)",
            "data:text/html,x",
            "myapp:/cb",
            "HTTPS://x/cb",
            "https://X.example/cb",
            "https://x/a/../b",
            "https://x/%2e%2e/b",
            "https://x:0/",
            "https://x:99999/",
            "https://x\\y/",
            "https://ü.example/",
            "https://x /",
            "ftp://x/",
            "https:cb",
            "http://127.0.0.1.evil/cb",
            "https://x./cb",
        ] {
            assert!(check_registration(bad).is_err(), "{bad}");
        }
        assert!(check_registration(&format!("https://x/{}", "a".repeat(2048))).is_err());
    }

    #[test]
    fn a_07_answers_are_added_to_the_query_that_is_there() {
        let pairs = [("code", "a b"), ("state", "x&y=%+ü")];
        assert_eq!(append_params("https://x/cb", &pairs), "https://x/cb?code=a%20b&state=x%26y%3D%25%2B%C3%BC");
        assert_eq!(append_params("https://x/cb?q=1", &[("code", "c")]), "https://x/cb?q=1&code=c");
        assert_eq!(append_params("https://x/cb?", &[("code", "c")]), "https://x/cb?code=c");
        assert_eq!(append_params("com.example.app:/cb", &[("code", "c")]), "com.example.app:/cb?code=c");
    }

    #[test]
    fn mistakes_are_explained() {
        let registered = ["https://notes.example/callback".to_owned()];
        assert_eq!(
            explain_mismatch(&registered, "https://notes.example/callback/").reason,
            "They differ in a slash at the end."
        );
        assert_eq!(
            explain_mismatch(&registered, "http://notes.example/callback").reason,
            "http is allowed for loopback only."
        );
        let loopback = ["http://127.0.0.1/cb".to_owned()];
        assert!(explain_mismatch(&loopback, "http://localhost:9/cb").reason.contains("three different"));
        assert_eq!(explain_mismatch(&[], "x").closest, None);
    }

    proptest::proptest! {
        #[test]
        fn nothing_panics(a: String, b: String) {
            drop(check_registration(&a));
            matches(&a, &b);
            explain_mismatch(&[a.clone()], &b);
            describe_target(&a);
        }

        #[test]
        fn only_loopback_uris_match_what_they_do_not_equal(a in "[a-z:/.\\[\\]0-9@?#%\\\\]{0,40}", b in "[a-z:/.\\[\\]0-9@?#%\\\\]{0,40}") {
            proptest::prop_assert!(!matches(&a, &b) || a == b || (is_loopback(&a) && is_loopback(&b)));
        }
    }
}
