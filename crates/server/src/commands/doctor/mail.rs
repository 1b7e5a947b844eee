//! Whether letters can be sent.

use gatepost_protocol::issuer::Issuer;

use super::Check;
use crate::commands::output::program_name;
use crate::outbox::email::{Failure, Sender, Trouble, Writer};
use crate::pages::kit::render::Pages;
use crate::process::clock::unix_now;
use crate::settings::Settings;
use crate::settings::mail::{MailServer, SmtpAddress};

const NAME: &str = "mail";
const CONSEQUENCE: &str = "Sign-in links and resets do not arrive";

/// Connects, greets and signs in; with `to` it sends a test letter.
pub(super) async fn check_mail(settings: &Settings, to: Option<&str>) -> Check {
    let address = match (&settings.mail.smtp_url, to) {
        (Some(MailServer::Smtp(address)), _) => address,
        (Some(MailServer::Print), _) => return Check::good(NAME, "printed by the server, not sent"),
        (None, None) => {
            return Check::warning(NAME, "not set: sign-in links, resets and mailed invitations are off")
                .hint("set mail.smtp_url and mail.from");
        }
        (None, Some(_)) => return Check::problem(NAME, "not set").hint("set mail.smtp_url and mail.from"),
    };
    let issuer = match Issuer::parse(&settings.server.public_url) {
        Ok(issuer) => issuer,
        Err(fault) => return Check::problem(NAME, format!("server.public_url: {fault}")),
    };
    let sender = match Sender::new(settings, address, &issuer) {
        Ok(sender) => sender,
        Err(fault) => return Check::problem(NAME, fault),
    };
    if let Err(trouble) = sender.look().await {
        return explain_trouble(address, &trouble);
    }
    match to {
        Some(to) => send_test(settings, &issuer, (&sender, address), to).await,
        None => Check::good(NAME, describe_server(address)),
    }
}

fn describe_server(address: &SmtpAddress) -> String {
    let who = if address.user.is_some() { " and took the password" } else { "" };
    format!("{} answered{who}", address.place())
}

fn explain_trouble(address: &SmtpAddress, trouble: &Trouble) -> Check {
    let place = address.place();
    let again = format!("{} doctor --mail you@example.com", program_name());
    match trouble.code {
        Some(code @ (530 | 534 | 535 | 538)) => Check::problem(NAME, format!("{place} refused the password ({code})"))
            .more(CONSEQUENCE)
            .more(&trouble.text)
            .hint(format!("set mail.smtp_password_file, then {again}")),
        Some(code) => Check::problem(NAME, format!("{place} refused this computer ({code})"))
            .more(CONSEQUENCE)
            .more(&trouble.text)
            .hint(format!("see what the mail server wants, then {again}")),
        None => Check::problem(NAME, format!("{place} cannot be used"))
            .more(CONSEQUENCE)
            .more(&trouble.text)
            .hint("see that mail.smtp_url names the right host, port and TLS (smtps:// is for port 465, ?tls=required for 587)"),
    }
}

async fn send_test(
    settings: &Settings,
    issuer: &Issuer,
    (sender, address): (&Sender, &SmtpAddress),
    to: &str,
) -> Check {
    let rendered = Pages::new(&settings.brand, issuer.path(), None, &[])
        .and_then(|pages| Writer::new(&settings.brand, issuer)?.write_test(&pages, to));
    let rendered = match rendered {
        Ok(rendered) => rendered,
        Err(fault) => return Check::problem(NAME, format!("the letter cannot be written: {fault}")),
    };
    let now = unix_now();
    let place = address.place();
    match sender.send(to, &format!("test-{now}-{}", std::process::id()), &rendered, now).await {
        Ok(()) => Check::good(NAME, format!("{place} took a letter to {to}"))
            .more("If it does not arrive, look in spam, and at SPF and DKIM of the domain of mail.from"),
        Err(Failure::Refused(why)) => Check::problem(NAME, format!("{place} refused the letter to {to}"))
            .more(why)
            .hint("see that the address is right, and that this mail server takes letters from mail.from"),
        Err(Failure::Later(why)) => Check::problem(NAME, format!("{place} did not take the letter to {to} now"))
            .more(why)
            .hint("try again later"),
    }
}
