//! `[mail]`: the mail server, and what letters say about their sender.

use std::fmt;
use std::net::IpAddr;

use lettre::Address;
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};
use url::{Host, Url};

use super::checker::Checker;
use super::layers::Origin;
use super::schema::quote_text;
use super::types::{FromSetting, SecretText};

/// `[mail]`
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct MailSettings {
    /// `None`: no letters are written.
    pub(crate) smtp_url: Option<MailServer>,
    /// Beats the password in the address.
    pub(crate) smtp_password: SecretText,
    /// Always set after loading where letters are sent.
    pub(crate) from: Option<String>,
    pub(crate) reply_to: Option<String>,
}

/// Where letters go; shown without user name and password.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum MailServer {
    /// to the terminal, for development
    Print,
    /// to a mail server
    Smtp(SmtpAddress),
}

/// A mail server and how to talk with it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct SmtpAddress {
    /// a name, or an address without brackets
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) tls: SmtpTls,
    pub(crate) user: Option<String>,
    pub(crate) password: Option<String>,
}

/// How the connection is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SmtpTls {
    /// from the first byte (RFC 8314)
    Implicit,
    /// STARTTLS, or nothing is sent
    Required,
    /// STARTTLS where the server offers it, which an attacker can take out
    Opportunistic,
    /// none
    None,
}

impl SmtpAddress {
    fn parse(text: &str) -> Option<Self> {
        let url = Url::parse(text).ok()?;
        let mut tls = match url.scheme() {
            "smtps" => SmtpTls::Implicit,
            "smtp" => SmtpTls::None,
            _ => return None,
        };
        if !matches!(url.path(), "" | "/") || url.fragment().is_some() {
            return None;
        }
        for (name, value) in url.query_pairs() {
            tls = match (name.as_ref(), value.as_ref(), tls) {
                ("tls", "required", SmtpTls::None) => SmtpTls::Required,
                ("tls", "opportunistic", SmtpTls::None) => SmtpTls::Opportunistic,
                _ => return None,
            };
        }
        let host = match url.host()? {
            Host::Domain(name) if !name.is_empty() => name.to_owned(),
            Host::Domain(_) => return None,
            Host::Ipv4(ip) => ip.to_string(),
            Host::Ipv6(ip) => ip.to_string(),
        };
        let port = url.port().unwrap_or(match tls {
            SmtpTls::Implicit => 465,
            SmtpTls::Required => 587,
            SmtpTls::Opportunistic | SmtpTls::None => 25,
        });
        let decode = |text: &str| percent_decode_str(text).decode_utf8().ok().map(std::borrow::Cow::into_owned);
        let user = if url.username().is_empty() { None } else { Some(decode(url.username())?) };
        let password = match url.password() {
            Some(password) if !password.is_empty() => Some(decode(password)?),
            _ => None,
        };
        Some(Self { host, port, tls, user, password })
    }

    /// Whether the letters stay on this computer.
    pub(crate) fn is_loopback(&self) -> bool {
        self.host == "localhost" || self.host.parse::<IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback())
    }

    /// `host:port`, for people.
    pub(crate) fn place(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

impl FromSetting for MailServer {
    const KIND: &'static str = "mail server address";
    const SAMPLE: &'static str = "print:";

    fn from_text(text: &str) -> Result<Self, String> {
        if text == "print:" {
            return Ok(Self::Print);
        }
        let wanted =
            "is not a mail server address; write \"smtps://USER:PASSWORD@HOST\" or \"smtp://HOST:587?tls=required\"";
        SmtpAddress::parse(text).map(Self::Smtp).ok_or_else(|| wanted.to_owned())
    }
}

impl fmt::Display for MailServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Smtp(address) = self else { return f.write_str("print:") };
        let (scheme, tls) = match address.tls {
            SmtpTls::Implicit => ("smtps", ""),
            SmtpTls::Required => ("smtp", "?tls=required"),
            SmtpTls::Opportunistic => ("smtp", "?tls=opportunistic"),
            SmtpTls::None => ("smtp", ""),
        };
        write!(f, "{scheme}://{}{tls}", address.place())
    }
}

impl fmt::Debug for MailServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Checks the section.
pub(super) fn check_mail(checker: &mut Checker<'_>, mail: &MailSettings) {
    for (key, address) in [("mail.from", &mail.from), ("mail.reply_to", &mail.reply_to)] {
        if let Some(text) = address
            && text.parse::<Address>().is_err()
        {
            checker.fault(key, format!("{} is not an email address", quote_text(text)));
        }
    }
    match &mail.smtp_url {
        None if mail.smtp_password.is_set() => {
            checker.warn("mail.smtp_password", "does nothing without mail.smtp_url");
        }
        None => {}
        Some(MailServer::Print) if checker.dev => {}
        Some(MailServer::Print) => {
            checker.fault(
                "mail.smtp_url",
                "\"print:\" is for development: whoever reads the log could sign in as anybody",
            );
        }
        Some(MailServer::Smtp(address)) => check_smtp(checker, mail, address),
    }
}

fn check_smtp(checker: &mut Checker<'_>, mail: &MailSettings, address: &SmtpAddress) {
    const URL: &str = "mail.smtp_url";
    const PASSWORD: &str = "mail.smtp_password";
    if mail.from.is_none() {
        checker.fault("mail.from", "missing: the address that letters come from, for example no-reply@example.com");
    }
    let has_password = mail.smtp_password.is_set() || address.password.is_some();
    match (&address.user, has_password) {
        (Some(_), false) => checker.fault(PASSWORD, "missing: mail.smtp_url names a user"),
        (None, true) => checker.fault(URL, "names no user for the password: write smtps://USER@HOST"),
        _ => {}
    }
    let readable = matches!(address.tls, SmtpTls::None | SmtpTls::Opportunistic) && !address.is_loopback();
    if readable && has_password {
        checker.below_floor(URL, "the password would travel readable; write smtps:// or add ?tls=required");
    } else if readable {
        checker.warn(URL, "letters and the links in them may travel readable; weaker than smtps:// or ?tls=required");
    }
    let in_file = [(PASSWORD, mail.smtp_password.is_set()), (URL, address.password.is_some())];
    for (key, _) in in_file.into_iter().filter(|(_, holds_one)| *holds_one) {
        if let Some(Origin::File(file)) = checker.origins.get(key) {
            let text = format!("a password stands readable in {file}; weaker than smtp_password_file or a variable");
            checker.warn(key, text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{assert_fault, faults, load, loaded};
    use super::*;

    const FROM: &str = "mail.from = \"no-reply@example.com\"\n";

    fn address(text: &str) -> SmtpAddress {
        match MailServer::from_text(text) {
            Ok(MailServer::Smtp(address)) => address,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn addresses_are_read_and_shown_without_the_password() {
        let full = address("smtps://us%40er:p%2Fw%20d@smtp.example.com");
        assert_eq!((full.user.as_deref(), full.password.as_deref()), (Some("us@er"), Some("p/w d")));
        for (text, shown) in [
            ("smtps://u:canary@smtp.example.com", "smtps://smtp.example.com:465"),
            ("smtp://smtp.example.com?tls=required", "smtp://smtp.example.com:587?tls=required"),
            ("smtp://h:2525/?tls=opportunistic", "smtp://h:2525?tls=opportunistic"),
            ("smtp://[::1]:1025", "smtp://[::1]:1025"),
            ("print:", "print:"),
        ] {
            let server = MailServer::from_text(text).expect(text);
            assert_eq!((server.to_string(), format!("{server:?}")), (shown.to_owned(), shown.to_owned()));
        }
        for bad in [
            "",
            "smtp.example.com",
            "http://a",
            "smtp:",
            "smtp://",
            "smtps://h?tls=required",
            "smtp://h?tls=no",
            "smtp://h?x=1",
            "smtp://h/path",
            "smtp://h#f",
            "smtps://%ff:x@h",
            "smtp://h:99999",
            "print",
        ] {
            assert!(MailServer::from_text(bad).is_err(), "{bad}");
        }
        assert!(address("smtp://127.0.0.1").is_loopback() && address("smtp://[::ffff:127.0.0.1]").is_loopback());
        assert!(!address("smtp://localhost.example.com").is_loopback());
    }

    #[test]
    fn what_letters_need_is_asked_for() {
        assert_fault(
            "mail.smtp_url = \"smtps://h\"",
            "mail.from: missing: the address that letters come from, for example no-reply@example.com",
        );
        for bad in ["nobody", "a@b\\r\\nBcc: c@d", "A <a@b.example>"] {
            let found = faults(&format!("mail.smtp_url = \"smtps://h\"\nmail.from = \"{bad}\""), &[], false);
            assert!(found.len() == 1 && found[0].starts_with("mail.from: "), "{found:?}");
        }
        assert_fault(
            &format!("{FROM}mail.smtp_url = \"smtps://user@h\""),
            "mail.smtp_password: missing: mail.smtp_url names a user",
        );
        assert_fault(
            &format!("{FROM}mail.smtp_url = \"smtps://h\"\nmail.smtp_password = \"x\""),
            "mail.smtp_url: names no user for the password: write smtps://USER@HOST",
        );
        let found = faults("mail.smtp_url = \"ftp://u:canary@h\"", &[], false);
        assert!(found.len() == 1 && !found[0].contains("canary"), "{found:?}");
        let found = faults("mail.smtp_url = \"print:\"", &[], false);
        assert!(found.len() == 1 && found[0].starts_with("mail.smtp_url: \"print:\" is for development"), "{found:?}");
    }

    #[test]
    fn weaker_ways_are_named_or_refused() {
        let warnings = |file: &str| loaded(&format!("{FROM}{file}"), &[]).warnings;
        let about = |warnings: &[String]| warnings.iter().filter(|text| text.starts_with("mail.")).count();
        assert_eq!(about(&warnings("mail.smtp_url = \"smtps://h\"")), 0);
        let unproven = |file: &str| {
            warnings(&format!("{file}\nsignup.mode = \"open\"")).iter().any(|text| text.starts_with("signup.mode"))
        };
        assert!(unproven("") && !unproven("mail.smtp_url = \"smtps://h\""), "with letters addresses are proven");
        assert_eq!(about(&warnings("mail.smtp_url = \"smtp://127.0.0.1:25\"")), 0);
        assert_eq!(about(&warnings("mail.smtp_url = \"smtp://h:25\"")), 1);
        assert_eq!(about(&warnings("mail.smtp_url = \"smtp://h?tls=opportunistic\"")), 1);
        assert_eq!(about(&warnings("mail.smtp_url = \"smtps://u:p@h\"")), 1, "readable in the file");
        assert_eq!(about(&warnings("mail.smtp_url = \"smtps://u@h\"\nmail.smtp_password = \"p\"")), 1);
        let url = ("GATEPOST__MAIL__SMTP_URL", "smtps://u:p@h");
        assert_eq!(about(&loaded(FROM, &[url]).warnings), 0, "a variable");
        let found = faults(FROM, &[("GATEPOST__MAIL__SMTP_URL", "smtp://u:canary@h:25")], false);
        assert_eq!(found, ["mail.smtp_url: the password would travel readable; write smtps:// or add ?tls=required"]);
    }

    #[test]
    fn development_prints_unless_it_is_told_otherwise() {
        let server = |file: &str| load(file, &[], true).expect("development").settings.mail.smtp_url;
        assert_eq!(server(""), Some(MailServer::Print));
        assert_eq!(server("mail.smtp_url = \"\""), None);
        assert!(matches!(
            server(&format!("{FROM}mail.smtp_url = \"smtp://localhost:1025\"")),
            Some(MailServer::Smtp(_))
        ));
        assert_eq!(loaded("", &[]).settings.mail.smtp_url, None);
    }
}
