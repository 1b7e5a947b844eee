//! Making links and looking at them.

use gatepost_protocol::secret::{Secret, SecretKind, TokenHash};
use gatepost_store::people::identities::lock_user;
use gatepost_store::people::mail_links::{self, MailLinkRow};
use gatepost_store::people::users;
use gatepost_store::{Db, Outcome, Tx};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::audit::{Actor, Event, record_event};
use crate::kernel::call::Call;
use crate::kernel::error::{Error, Result};
use crate::kernel::journey::{Journey, ProvesOwner};
use crate::outbox::Whence;
use crate::people::email::Email;
use crate::people::mailed_links::kind::{Asking, Kind};

/// What a link goes on with, sealed in its row.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Payload {
    /// for the page in another browser
    pub(super) code: String,
    pub(super) journey: Option<Journey>,
    pub(super) person: Option<NewPerson>,
    pub(super) change: Option<Change>,
}

/// Who gets an account when the address is proven.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct NewPerson {
    pub(super) name: String,
    pub(super) password_hash: Option<String>,
}

/// The address before a change.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Change {
    pub(super) old_email: String,
    pub(super) old_key: String,
    /// whether it was proven
    pub(super) old_verified: bool,
}

/// A link before it is made.
pub(super) struct Draft<'a> {
    pub(super) kind: Kind,
    pub(super) email: &'a Email,
    pub(super) user_id: Option<String>,
    pub(super) payload: Payload,
    pub(super) asked_by: Actor<'a>,
}

/// A link that was made, for its letter.
pub(super) struct Made {
    pub(super) check: Check,
    pub(super) url: String,
    pub(super) code: String,
}

/// The browser of a link that an administrator asked for: none, and whoever reads the mail opens it where they like.
pub(super) const NO_BROWSER: &str = "";

fn payload_aad(id: &str) -> String {
    format!("mail_links/sealed_data/{id}")
}

fn code_message(id: &str, code: &str) -> Vec<u8> {
    format!("mail_links/code/{id}/{code}").into_bytes()
}

/// What a link goes on with.
pub(super) fn open_payload(call: &Call, row: &MailLinkRow) -> Result<Payload> {
    let plain = call.engine.stored.open(&payload_aad(&row.id), &row.sealed_data);
    let payload = plain.and_then(|plain| serde_json::from_slice(&plain).ok());
    payload.ok_or_else(|| Error::Internal(format!("mailed link {} does not open", row.id)))
}

/// Whether this is the code of a link, in constant time.
pub(super) fn check_code(call: &Call, row: &MailLinkRow, typed: &str) -> bool {
    let digits: String = typed.chars().filter(|c| !c.is_whitespace() && *c != '-').take(20).collect();
    call.engine.stored.check_mac(&code_message(&row.id, &digits), &row.code_mac)
}

/// Eight digits, each of the hundred million as likely as any other to within 10⁻¹¹.
fn make_code(call: &Call) -> Result<String> {
    let mut bytes = [0; 8];
    call.engine.random().fill(&mut bytes).map_err(|_| Error::Internal("the system gives no random bytes".into()))?;
    Ok(format!("{:08}", u64::from_be_bytes(bytes) % 100_000_000))
}

/// Writes a link down; older ones of its kind to the same address die (R-24: newest only).
pub(super) fn insert_link(call: &Call, tx: &mut Tx<'_>, asking: &Asking, draft: Draft<'_>) -> Result<Made> {
    let Draft { kind, email, user_id, mut payload, asked_by } = draft;
    if kind != Kind::StopChange {
        mail_links::revoke_address_links(tx, kind.as_str(), &email.key, call.now)?;
    }
    let (id, secret, code) = (call.engine.make_id()?, call.engine.make_secret(SecretKind::MailLink)?, make_code(call)?);
    payload.code.clone_from(&code);
    payload.journey = Some(asking.journey.clone());
    let plain = serde_json::to_vec(&payload).map_err(|error| Error::Internal(error.to_string()))?;
    let row = MailLinkRow {
        kind: kind.as_str().to_owned(),
        token_hash: TokenHash::of(&secret).to_base64(),
        code_mac: call.engine.stored.mac(&code_message(&id, &code)),
        email: email.display.clone(),
        email_key: email.key.clone(),
        user_id,
        browser: asking.browser.clone(),
        sealed_data: call.engine.stored.seal(call.engine.random(), &payload_aad(&id), &plain),
        ip: call.origin.ip.clone(),
        user_agent: call.origin.user_agent.clone(),
        created_at: call.now,
        expires_at: call.now + kind.ttl(),
        attempts: 0,
        used_at: None,
        id,
    };
    mail_links::insert_mail_link(tx, &row)?;
    let subject = row.user_id.as_deref().unwrap_or_default();
    record_event(call, tx, Event::done(asked_by, "mail_link.asked", subject), &json!({"kind": row.kind}))?;
    let page = if kind == Kind::Reset { "reset" } else { "link" };
    let url = call.engine.issuer.url(&format!("/{page}/{}", secret.expose()));
    Ok(Made { check: Check::new(call, asking, kind, email, row.id), url, code })
}

/// What the browser that asked keeps of a request, sealed and bound to it: the page "Check your email" is about this. It is made
/// in the same way whether or not a letter went out.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Check {
    id: String,
    kind: Kind,
    email: String,
    browser: String,
    created_at: i64,
    /// the code was typed here, so that a new password may be chosen
    proved: bool,
}

impl Check {
    const AAD: &'static str = "mail-check";

    pub(super) fn new(call: &Call, asking: &Asking, kind: Kind, email: &Email, id: String) -> Self {
        let (email, browser) = (email.display.clone(), asking.browser.clone());
        Self { id, kind, email, browser, created_at: call.now, proved: false }
    }

    /// The check of a request that made no letter because of a limit: its page looks the same.
    pub(super) fn without_letter(call: &Call, asking: &Asking, kind: Kind, email: &Email) -> Result<Self> {
        Ok(Self::new(call, asking, kind, email, call.engine.make_id()?))
    }

    /// The check of a link that is old, by which its owner asks for a new one.
    pub(super) fn of_row(call: &Call, kind: Kind, row: &MailLinkRow, browser: &str) -> Self {
        let (email, browser) = (row.email.clone(), browser.to_owned());
        let created_at = row.created_at.min(call.now);
        Self { id: row.id.clone(), kind, email, browser, created_at, proved: false }
    }

    /// The same after its code was typed.
    pub(super) fn proved(&self) -> Self {
        Self { proved: true, ..self.clone() }
    }

    /// The same with the address as typed: how an account spells it is not for its asker.
    pub(super) fn named(self, typed: &Email) -> Self {
        Self { email: typed.display.clone(), ..self }
    }

    /// The form in which it travels.
    pub fn seal(&self, call: &Call) -> Result<String> {
        let plain = serde_json::to_vec(self).map_err(|error| Error::Internal(error.to_string()))?;
        Ok(call.engine.requests.seal(call.engine.random(), Self::AAD, &plain))
    }

    /// What the browser brings back; `None` where it is not ours, too old, or another browser's.
    pub fn open(call: &Call, sealed: &str, browser: &str) -> Option<Self> {
        let plain = call.engine.requests.open(Self::AAD, sealed)?;
        let check: Self = serde_json::from_slice(&plain).ok()?;
        let fresh = call.now - check.created_at <= call.policy().request_ttl;
        (fresh && check.browser == browser).then_some(check)
    }

    /// What was asked for.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Where the letter went, as typed.
    pub fn email(&self) -> &str {
        &self.email
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn browser(&self) -> &str {
        &self.browser
    }

    pub(super) fn created_at(&self) -> i64 {
        self.created_at
    }

    pub(super) fn is_proved(&self) -> bool {
        self.proved
    }
}

/// A link that works, as its page shows it.
#[derive(Clone)]
pub struct Opened {
    /// what it does
    pub kind: Kind,
    /// where it was sent
    pub email: String,
    /// where and when it was asked for
    pub asked: Whence,
    /// in another browser than the one that asked: the code to type there
    pub code: Option<String>,
    /// for a change of the address: the one before
    pub old_email: Option<String>,
}

impl std::fmt::Debug for Opened {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Opened({})", self.kind.as_str())
    }
}

/// What is behind a token.
#[derive(Clone, Debug)]
pub enum Found {
    /// it works
    Live(Box<Opened>),
    /// used, replaced or too old; by this its owner can ask for a new one, where that makes sense
    Gone(Option<Check>),
}

/// Looks at a link; that changes nothing (ML1).
pub fn find_link(call: &Call, db: &mut Db, presented: &str, browser: &str) -> Result<Found> {
    let Some(row) = find_row(db, presented)? else { return Ok(Found::Gone(None)) };
    let Some(kind) = Kind::parse(&row.kind) else { return Ok(Found::Gone(None)) };
    let here = row.browser == browser || row.browser == NO_BROWSER;
    if !is_live(call, &row) || !has_owner(call, db, kind, &row)? {
        // whoever typed the password of a new account may not be who reads the letter: elsewhere it begins anew
        let again = matches!(kind, Kind::SignIn | Kind::Reset) || (kind == Kind::SignUp && here);
        return Ok(Found::Gone(again.then(|| Check::of_row(call, kind, &row, browser))));
    }
    let payload = open_payload(call, &row)?;
    let needs_code = !here && kind != Kind::StopChange;
    Ok(Found::Live(Box::new(Opened {
        kind,
        email: row.email,
        asked: Whence { at: row.created_at, ip: row.ip, user_agent: row.user_agent },
        code: needs_code.then_some(payload.code),
        old_email: payload.change.map(|change| change.old_email),
    })))
}

/// The row of a token.
pub(super) fn find_row(db: &mut Db, presented: &str) -> Result<Option<MailLinkRow>> {
    let Some(secret) = Secret::parse(SecretKind::MailLink, presented) else { return Ok(None) };
    Ok(mail_links::find_mail_link_by_token(db, &TokenHash::of(&secret))?)
}

/// Takes the lock of the account before that of its link, as whoever sets an account anew does: two of them never wait for each other.
pub(super) fn lock_owner(tx: &mut Tx<'_>, row: &MailLinkRow) -> Result<()> {
    if let Some(id) = &row.user_id {
        lock_user(tx, id)?;
    }
    Ok(())
}

/// A link that was used up in this transaction, which only whoever reads the mail at its address can do.
pub(super) struct UsedUp(MailLinkRow);

impl std::ops::Deref for UsedUp {
    type Target = MailLinkRow;
    fn deref(&self) -> &MailLinkRow {
        &self.0
    }
}

impl ProvesOwner for UsedUp {}

/// Uses a link up: one UPDATE decides who goes on.
pub(super) fn use_up(call: &Call, tx: &mut Tx<'_>, id: &str) -> Result<Option<UsedUp>> {
    Ok(mail_links::consume_mail_link(tx, id, call.now)?.map(UsedUp))
}

/// A link that is asked for again in the browser that asked first.
pub(super) struct SameBrowser(());

impl SameBrowser {
    /// Whether this is that browser.
    pub(super) fn check(row: &MailLinkRow, browser: &str) -> Option<Self> {
        (row.browser == browser).then_some(Self(()))
    }
}

impl ProvesOwner for SameBrowser {}

/// Whether a link was not used, and is not too old.
pub(super) fn is_live(call: &Call, row: &MailLinkRow) -> bool {
    row.used_at.is_none() && call.now < row.expires_at
}

/// Whether the account of a link is there, enabled, and has the address that the link is about.
fn has_owner(call: &Call, db: &mut Db, kind: Kind, row: &MailLinkRow) -> Result<bool> {
    if kind == Kind::SignUp {
        return Ok(true);
    }
    let Some(id) = &row.user_id else { return Ok(false) };
    let Some(user) = users::find_user(db, id)? else { return Ok(false) };
    let key = match kind {
        Kind::ChangeEmail => open_payload(call, row)?.change.map(|change| change.old_key),
        // it stops a change before and after it came about
        Kind::StopChange => return Ok(true),
        Kind::SignUp | Kind::SignIn | Kind::Confirm | Kind::Verify | Kind::Reset => Some(row.email_key.clone()),
    };
    Ok(user.disabled_at.is_none() && key.as_deref() == Some(user.email_key.as_str()))
}

/// "This was not me": whoever has the letter may end its link, in any browser.
pub fn refuse_link(call: &Call, tx: &mut Tx<'_>, presented: &str) -> Result<Outcome<bool>> {
    let Some(row) = find_row(tx, presented)?.filter(|row| row.kind != Kind::StopChange.as_str()) else {
        return Ok(Outcome::Rollback(false));
    };
    let Some(row) = use_up(call, tx, &row.id)? else { return Ok(Outcome::Rollback(false)) };
    let subject = row.user_id.as_deref().unwrap_or_default();
    record_event(call, tx, Event::done(Actor::Nobody, "mail_link.disowned", subject), &json!({"kind": row.kind}))?;
    Ok(Outcome::Commit(true))
}
