//! The way to the mail server.

use std::time::{Duration, UNIX_EPOCH};

use gatepost_engine::outbox::LEASE;
use gatepost_protocol::issuer::Issuer;
use lettre::message::header::{Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::{Error as SmtpError, PoolConfig};
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};

use crate::outbox::email::Rendered;
use crate::settings::Settings;
use crate::settings::mail::{SmtpAddress, SmtpTls};

/// For the connection, and for each answer.
const STEP_TIMEOUT: Duration = Duration::from_secs(10);
/// For one letter: well before another node may take it.
const LETTER_TIMEOUT: Duration = Duration::from_secs(LEASE.cast_unsigned() - 20);
/// Connections that are kept open for a while.
const CONNECTIONS: u32 = 8;

/// Why a letter did not arrive at the mail server. The sentences hold no address and nothing that the server said: it likes to
/// repeat addresses.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// another try may help
    Later(String),
    /// no other try helps
    Refused(String),
}

/// The connections to a mail server.
pub(crate) struct Sender {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    head: Letterhead,
}

/// What is the same on all letters.
pub(crate) struct Letterhead {
    from: Mailbox,
    reply_to: Option<Mailbox>,
    /// the right side of message ids
    host: String,
}

/// Why a mail server does not take us at all.
#[derive(Debug)]
pub(crate) struct Trouble {
    /// what it answered
    pub(crate) code: Option<u16>,
    /// for the operator alone: the words of the server are in it
    pub(crate) text: String,
}

/// `Auto-Submitted: auto-generated` (RFC 3834 §5): no answers of machines, please.
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

impl Sender {
    /// Opens nothing yet; a sentence says what cannot work.
    pub(crate) fn new(settings: &Settings, address: &SmtpAddress, issuer: &Issuer) -> Result<Self, String> {
        let mail = &settings.mail;
        let protect = || {
            let parameters = TlsParameters::new(address.host.clone());
            parameters.map_err(|error| format!("mail.smtp_url: TLS cannot be prepared: {error}"))
        };
        let tls = match address.tls {
            SmtpTls::Implicit => Tls::Wrapper(protect()?),
            SmtpTls::Required => Tls::Required(protect()?),
            SmtpTls::Opportunistic => Tls::Opportunistic(protect()?),
            SmtpTls::None => Tls::None,
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&address.host)
            .port(address.port)
            .tls(tls)
            .timeout(Some(STEP_TIMEOUT))
            .hello_name(name_of(issuer.host()))
            .pool_config(PoolConfig::new().max_size(CONNECTIONS));
        let password = mail.smtp_password.expose().or(address.password.as_deref());
        if let (Some(user), Some(password)) = (&address.user, password) {
            builder = builder.credentials(Credentials::new(user.clone(), password.to_owned()));
        }
        Ok(Self { transport: builder.build(), head: Letterhead::new(settings, issuer)? })
    }

    /// Sends a letter; every try of one letter has the same id.
    pub(crate) async fn send(&self, to: &str, id: &str, rendered: &Rendered, now: i64) -> Result<(), Failure> {
        let message = self.head.make_message(to, id, rendered, now)?;
        let error = match tokio::time::timeout(LETTER_TIMEOUT, self.transport.send(message)).await {
            Ok(Ok(_)) => return Ok(()),
            Ok(Err(error)) => error,
            Err(_) => return Err(Failure::Later("the mail server takes too long".to_owned())),
        };
        // a refusal says something about the letter only where the server takes us at all
        if error.is_permanent() && self.look().await.is_ok() {
            return Err(Failure::Refused(describe(&error)));
        }
        Err(Failure::Later(describe(&error)))
    }

    /// Connects, greets and signs in, and sends nothing.
    pub(crate) async fn look(&self) -> Result<(), Trouble> {
        let silent = || Trouble { code: None, text: "it does not answer in time".to_owned() };
        match tokio::time::timeout(STEP_TIMEOUT, self.transport.test_connection()).await {
            Ok(Ok(true)) => Ok(()),
            Ok(Ok(false)) | Err(_) => Err(silent()),
            Ok(Err(error)) if error.is_timeout() => Err(silent()),
            Ok(Err(error)) => Err(Trouble { code: error.status().map(u16::from), text: describe_fully(&error) }),
        }
    }
}

impl Letterhead {
    /// A sentence says which address of the settings is none.
    pub(crate) fn new(settings: &Settings, issuer: &Issuer) -> Result<Self, String> {
        let mail = &settings.mail;
        let mailbox =
            |text: &str| text.parse::<Address>().map_err(|error| format!("mail.from or mail.reply_to: {error}"));
        let from = Mailbox::new(Some(settings.brand.name.clone()), mailbox(mail.from.as_deref().unwrap_or_default())?);
        let reply_to = mail.reply_to.as_deref().map(mailbox).transpose()?.map(|address| Mailbox::new(None, address));
        Ok(Self { from, reply_to, host: name_of(issuer.host()).to_string() })
    }

    /// The letter as it goes over the wire.
    pub(crate) fn make_message(&self, to: &str, id: &str, rendered: &Rendered, now: i64) -> Result<Message, Failure> {
        let to: Address =
            to.parse().map_err(|_| Failure::Refused("the address is none that mail servers take".to_owned()))?;
        let sent_at = UNIX_EPOCH + Duration::from_secs(now.max(0).cast_unsigned());
        let mut builder = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(rendered.subject.clone())
            .message_id(Some(format!("<{id}@{}>", self.host)))
            .date(sent_at)
            .header(AutoSubmitted);
        if let Some(reply_to) = &self.reply_to {
            builder = builder.reply_to(reply_to.clone());
        }
        let parts = MultiPart::alternative_plain_html(rendered.text.clone(), rendered.html.clone());
        builder.multipart(parts).map_err(|error| Failure::Refused(error.to_string()))
    }
}

/// A host as it stands in EHLO and in message ids: addresses in brackets (RFC 5321 §4.1.3).
fn name_of(host: &str) -> ClientId {
    match host.trim_matches(['[', ']']).parse() {
        Ok(std::net::IpAddr::V4(ip)) => ClientId::Ipv4(ip),
        Ok(std::net::IpAddr::V6(ip)) => ClientId::Ipv6(ip),
        Err(_) => ClientId::Domain(host.to_owned()),
    }
}

/// What happened, without what the server said: it likes to repeat addresses.
fn describe(error: &SmtpError) -> String {
    match error.status() {
        Some(code) => format!("the mail server answered {code}"),
        None if error.is_timeout() => "the mail server does not answer in time".to_owned(),
        None => describe_fully(error),
    }
}

/// The error with its causes.
fn describe_fully(error: &SmtpError) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        let words = inner.to_string();
        if !text.contains(&words) {
            text.push_str(&format!(": {words}"));
        }
        source = inner.source();
    }
    text
}
