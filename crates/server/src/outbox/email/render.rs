//! What letters say: from one list of blocks come the plain text and the HTML, so that both have the same words and links.

use gatepost_engine::outbox::{Envelope, Letter, Notice, Whence};
use gatepost_protocol::issuer::Issuer;
use serde::Serialize;

use crate::pages::kit::brand::Brand;
use crate::pages::kit::names::{clean_name, clean_text, describe_browser};
use crate::pages::kit::render::Pages;
use crate::pages::kit::texts::Catalogue;
use crate::pages::kit::view::View;

/// Longest subject, in characters: what a phone shows.
const SUBJECT_LENGTH: usize = 50;
/// Longest name inside a subject, so that the act stays readable.
const SUBJECT_NAME_LENGTH: usize = 20;
/// Most lines of what an inviter wrote, and most characters of each.
const NOTE_LINES: usize = 20;
const NOTE_LENGTH: usize = 200;

/// A letter, ready to be sent.
#[derive(Clone, Debug)]
pub(crate) struct Rendered {
    /// one line without control characters
    pub(crate) subject: String,
    pub(crate) text: String,
    pub(crate) html: String,
}

/// Writes letters in one language for one brand.
pub(crate) struct Writer {
    texts: Catalogue,
    brand: Brand,
    host: String,
}

/// A part of a letter, all plain text.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
enum Block {
    /// a paragraph
    Text { text: String },
    /// somebody's own words
    Quote { lines: Vec<String> },
    /// labels and values
    Facts { rows: Vec<(String, String)> },
    /// what the letter is for
    Button { label: String, url: String },
    /// another way
    Link { label: String, url: String },
    /// digits to be typed on another device
    Code { label: String, digits: String },
}

/// The HTML of a letter.
#[derive(Serialize)]
struct LetterView {
    title: String,
    blocks: Vec<Block>,
    accent: String,
    on_accent: String,
}

impl View for LetterView {
    const TEMPLATE: &'static str = "mail.html";
}

/// Values for the sentences, by name.
type Values = Vec<(&'static str, String)>;

impl Writer {
    /// A sentence says what is wrong with the texts.
    pub(crate) fn new(brand: &Brand, issuer: &Issuer) -> Result<Self, String> {
        Ok(Self { texts: Catalogue::load("en")?, brand: brand.clone(), host: issuer.host().to_owned() })
    }

    /// Writes a letter at the time `now`; it works until `expires_at`. The error names the text that is missing.
    pub(crate) fn write(
        &self,
        pages: &Pages,
        envelope: &Envelope,
        (now, expires_at): (i64, i64),
    ) -> Result<Rendered, String> {
        let left = expires_at.saturating_sub(now).max(0).cast_unsigned();
        let values = vec![
            ("brand", self.brand.name.clone()),
            ("email", clean_text(&envelope.to, 254)),
            ("time", self.texts.write_duration(left)?),
        ];
        let (subject, blocks) = Draft { texts: &self.texts, values }.write(&envelope.letter)?;
        self.finish(pages, subject, blocks)
    }

    /// Writes the letter with which an operator tries whether letters arrive.
    pub(crate) fn write_test(&self, pages: &Pages, to: &str) -> Result<Rendered, String> {
        let values = vec![("brand", self.brand.name.clone()), ("email", clean_text(to, 254))];
        let draft = Draft { texts: &self.texts, values };
        let blocks = vec![draft.text("mail.test.lead")?, draft.text("mail.test.end")?];
        self.finish(pages, draft.fill("mail.test.subject")?, blocks)
    }

    fn finish(&self, pages: &Pages, subject: String, mut blocks: Vec<Block>) -> Result<Rendered, String> {
        let subject = clean_text(&subject, SUBJECT_LENGTH);
        let values = vec![("brand", self.brand.name.clone()), ("host", self.host.clone())];
        blocks.push(Draft { texts: &self.texts, values }.text("mail.sender")?);
        let text = write_text(&blocks);
        let (accent, on_accent) = self.brand.mark_colours();
        let view = LetterView { title: subject.clone(), blocks, accent, on_accent };
        let html = pages.try_render(&view).ok_or("the template mail.html fails")?;
        Ok(Rendered { subject, text, html })
    }
}

/// A letter while it is written.
struct Draft<'a> {
    texts: &'a Catalogue,
    values: Values,
}

impl Draft<'_> {
    fn fill(&self, key: &str) -> Result<String, String> {
        let find = |name: &str| self.values.iter().rev().find(|(known, _)| *known == name);
        self.texts.fill_plain(key, |name| find(name).map(|(_, value)| value.clone()))
    }

    fn with(mut self, name: &'static str, value: String) -> Self {
        self.values.push((name, value));
        self
    }

    fn text(&self, key: &str) -> Result<Block, String> {
        Ok(Block::Text { text: self.fill(key)? })
    }

    fn button(&self, key: &str, url: &str) -> Result<Block, String> {
        Ok(Block::Button { label: self.fill(key)?, url: url.to_owned() })
    }

    fn link(&self, key: &str, url: &str) -> Result<Block, String> {
        Ok(Block::Link { label: self.fill(key)?, url: url.to_owned() })
    }

    fn code(&self, key: &str, code: &str) -> Result<Block, String> {
        Ok(Block::Code { label: self.fill(key)?, digits: group_digits(code) })
    }

    /// Subject and blocks.
    fn write(self, letter: &Letter) -> Result<(String, Vec<Block>), String> {
        match letter {
            Letter::Verify { url, code } => self.write_proof("mail.verify", url, code),
            Letter::ConfirmIdentity { url, code } => self.write_proof("mail.confirm-identity", url, code),
            Letter::ConfirmNewAddress { url, code } => self.write_proof("mail.confirm-new-address", url, code),
            Letter::AlreadyHaveOne { sign_in_url, reset_url } => {
                let blocks = vec![
                    self.text("mail.already-have-one.lead")?,
                    self.button("mail.already-have-one.button", sign_in_url)?,
                    self.link("mail.already-have-one.reset", reset_url)?,
                    self.text("mail.already-have-one.end")?,
                ];
                Ok((self.fill("mail.already-have-one.subject")?, blocks))
            }
            Letter::SignInLink { url, code, asked } => self.write_sign_in_link(url, code, asked),
            Letter::Reset { url } => self.write_one_button("mail.reset", url),
            Letter::ResetByAdministrator { url } => self.write_one_button("mail.reset-by-administrator", url),
            Letter::Welcome { url } => self.write_one_button("mail.welcome", url),
            Letter::NoAccount { sign_up_url } => {
                let way = match sign_up_url {
                    Some(url) => self.button("mail.no-account.button", url)?,
                    None => self.text("mail.no-account.ask")?,
                };
                let blocks = vec![self.text("mail.no-account.lead")?, way, self.text("mail.no-account.end")?];
                Ok((self.fill("mail.no-account.subject")?, blocks))
            }
            Letter::Invite { inviter, note, url, until } => self.write_invite(inviter, note, (url, *until)),
            Letter::AddressChanging { new_masked, stop_url, stop_ttl } => {
                let time = self.texts.write_duration(stop_ttl.max(&0).cast_unsigned())?;
                let draft = self.with("new", clean_text(new_masked, 254)).with("time", time);
                let blocks = vec![
                    draft.text("mail.address-changing.lead")?,
                    draft.text("mail.address-changing.known")?,
                    draft.button("mail.address-changing.button", stop_url)?,
                    draft.text("mail.address-changing.end")?,
                ];
                Ok((draft.fill("mail.address-changing.subject")?, blocks))
            }
            Letter::Notice { notice, whence, secure_url } => self.write_notice(notice, whence, secure_url),
        }
    }

    /// A letter about one thing to do: `key` is its section.
    fn write_one_button(self, key: &str, url: &str) -> Result<(String, Vec<Block>), String> {
        let blocks = vec![
            self.text(&format!("{key}.lead"))?,
            self.button(&format!("{key}.button"), url)?,
            self.text(&format!("{key}.end"))?,
        ];
        Ok((self.fill(&format!("{key}.subject"))?, blocks))
    }

    /// A letter that proves an address: `key` is its section.
    fn write_proof(self, key: &str, url: &str, code: &str) -> Result<(String, Vec<Block>), String> {
        let blocks = vec![
            self.text(&format!("{key}.lead"))?,
            self.button(&format!("{key}.button"), url)?,
            self.code("mail.code", code)?,
            self.text(&format!("{key}.end"))?,
        ];
        Ok((self.fill(&format!("{key}.subject"))?, blocks))
    }

    fn write_sign_in_link(self, url: &str, code: &str, asked: &Whence) -> Result<(String, Vec<Block>), String> {
        let blocks = vec![
            self.text("mail.sign-in-link.lead")?,
            self.facts("mail.facts.asked", asked)?,
            self.button("mail.sign-in-link.button", url)?,
            self.code("mail.code-there", code)?,
            self.text("mail.sign-in-link.end")?,
            self.text("mail.sign-in-link.warning")?,
        ];
        Ok((self.fill("mail.sign-in-link.subject")?, blocks))
    }

    fn write_invite(
        self,
        inviter: &str,
        note: &str,
        (url, until): (&str, i64),
    ) -> Result<(String, Vec<Block>), String> {
        let date = self.texts.write_date(until)?;
        let draft = self.with("inviter", clean_name(inviter)).with("date", date);
        let mut blocks = vec![draft.text("mail.invite.lead")?];
        let lines: Vec<String> = note.lines().take(NOTE_LINES).map(|line| clean_text(line, NOTE_LENGTH)).collect();
        if lines.iter().any(|line| !line.is_empty()) {
            blocks.push(Block::Quote { lines });
        }
        blocks.push(draft.button("mail.invite.button", url)?);
        blocks.push(draft.text("mail.invite.end")?);
        let draft = draft.with("inviter", clean_text(inviter, SUBJECT_NAME_LENGTH));
        Ok((draft.fill("mail.invite.subject")?, blocks))
    }

    fn write_notice(self, notice: &Notice, whence: &Whence, secure_url: &str) -> Result<(String, Vec<Block>), String> {
        let (key, name) = match notice {
            Notice::NewSignIn => ("new-sign-in", ""),
            Notice::PasskeyAdded { name } => ("passkey-added", name.as_str()),
            Notice::PasskeyRemoved { name } => ("passkey-removed", name.as_str()),
            Notice::PasswordChanged => ("password-changed", ""),
            Notice::SecondStepOn => ("second-step-on", ""),
            Notice::SecondStepOff => ("second-step-off", ""),
            Notice::RecoveryCodeUsed { left } => (if *left == 1 { "last-code-left" } else { "recovery-code-used" }, ""),
            Notice::ProviderLinked { provider } => ("provider-linked", provider.as_str()),
            Notice::ProviderUnlinked { provider } => ("provider-unlinked", provider.as_str()),
            Notice::FactorsReset => ("factors-reset", ""),
        };
        let left = if let Notice::RecoveryCodeUsed { left } = notice { left.to_string() } else { String::new() };
        let draft = self.with("name", clean_name(name)).with("left", left);
        let blocks = vec![
            draft.text(&format!("mail.notice.{key}.lead"))?,
            draft.facts("mail.facts.when", whence)?,
            draft.text("mail.notice.known")?,
            draft.button("mail.notice.button", secure_url)?,
            draft.text("mail.notice.end")?,
        ];
        let draft = draft.with("name", clean_text(name, SUBJECT_NAME_LENGTH));
        Ok((draft.fill(&format!("mail.notice.{key}.subject"))?, blocks))
    }

    /// When, in which browser and from where; what is not known is left out.
    fn facts(&self, when_key: &str, whence: &Whence) -> Result<Block, String> {
        let mut rows = vec![(self.fill(when_key)?, self.texts.write_minute(whence.at)?)];
        if !whence.user_agent.is_empty() {
            rows.push((self.fill("mail.facts.browser")?, describe_browser(&whence.user_agent)));
        }
        let ip = clean_text(&whence.ip, 45);
        if !ip.is_empty() {
            rows.push((self.fill("mail.facts.address")?, ip));
        }
        Ok(Block::Facts { rows })
    }
}

/// "4829 1706": people read and type four digits at a time.
fn group_digits(code: &str) -> String {
    match code.split_at_checked(4) {
        Some((first, rest)) if code.len() == 8 => format!("{first} {rest}"),
        _ => code.to_owned(),
    }
}

/// The text part; each address stands alone on its line, so that no program cuts or lengthens it.
fn write_text(blocks: &[Block]) -> String {
    let mut text = String::new();
    for block in blocks {
        if !text.is_empty() {
            text.push('\n');
        }
        match block {
            Block::Text { text: words } => text.push_str(words),
            Block::Quote { lines } => {
                let lines: Vec<_> = lines.iter().map(|line| format!("> {line}").trim_end().to_owned()).collect();
                text.push_str(&lines.join("\n"));
            }
            Block::Facts { rows } => {
                let rows: Vec<_> = rows.iter().map(|(label, value)| format!("{label}: {value}")).collect();
                text.push_str(&rows.join("\n"));
            }
            Block::Button { label, url } | Block::Link { label, url } => text.push_str(&format!("{label}:\n{url}")),
            Block::Code { label, digits } => text.push_str(&format!("{label} {digits}")),
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests;
