//! Invitations: who may make one, what a code is worth, and the one place where a use is taken.

use gatepost_protocol::secret::{Secret, SecretKind, TokenHash};
use gatepost_store::people::invites::{self, InviteFilter, InvitePerson, InviteRow, InviteState, InviteUseRow};
use gatepost_store::people::throttles;
use gatepost_store::people::users::{self, ROLE_ADMIN, ROLE_USER};
use gatepost_store::{Db, Outcome, Tx};
use serde_json::json;

use crate::audit::{Actor, Event, record_event};
use crate::kernel::call::Call;
use crate::kernel::error::Result;
use crate::kernel::manage::{ManageFault, Managed};
use crate::outbox::{Letter, queue_letter};
use crate::people::acting::check_actor;
use crate::people::email::Email;
use crate::people::sign_in::method::Method;
use crate::people::sign_in::throttle::name_network;

const DAY: i64 = 86_400;
/// How long an invitation is good for if nobody says otherwise, in seconds.
pub const DEFAULT_TTL: i64 = 7 * DAY;
/// …and at most.
pub const MAX_TTL: i64 = 30 * DAY;
/// Most accounts that one invitation is good for.
pub const MAX_USES: i64 = 1000;
/// Longest note, in characters.
pub const MAX_NOTE: usize = 200;
/// Longest text that is looked at for a code: a link with a long address in front of it.
const MAX_TYPED: usize = 2048;
/// Letters of the code that lists show.
const START_LETTERS: usize = 4;
/// Codes of one network that may fail within [`WINDOW`]; after that every code gets the same answer as a bad one.
const FAILURE_LIMIT: i64 = 10;
const WINDOW: i64 = 600;

/// An invitation to make.
#[derive(Clone, Debug)]
pub struct InviteSpec {
    /// what the invited people and other administrators read
    pub note: String,
    /// the only address that may use it
    pub email: Option<Email>,
    /// the role of whoever uses it
    pub role: &'static str,
    /// how many accounts it is good for
    pub max_uses: i64,
    /// for how long, in seconds
    pub ttl: i64,
    /// show the link even where it can be mailed: then having it proves nothing about the address
    pub show_link: bool,
}

impl Default for InviteSpec {
    fn default() -> Self {
        let role = ROLE_USER;
        Self { note: String::new(), email: None, role, max_uses: 1, ttl: DEFAULT_TTL, show_link: false }
    }
}

/// A new invitation.
#[derive(Clone)]
pub struct Minted {
    /// the row
    pub row: InviteRow,
    /// the link, this once; `None` where only the mailbox gets it
    pub link: Option<String>,
    /// a letter is on its way
    pub mailed: bool,
}

impl std::fmt::Debug for Minted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Minted({})", self.row.id)
    }
}

/// Why a code that was good is not any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InviteEnd {
    /// an administrator ended it, or whoever made it may not invite any more
    Revoked,
    /// all its uses are taken
    UsedUp,
    /// its time is over
    Expired,
}

/// Why an invitation cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InviteRefusal {
    /// unknown, used up, too old or revoked: strangers are not told which. The reason is there only for the proven owner of the
    /// address that it is for
    NotGood(Option<InviteEnd>),
    /// it is for another address
    OtherAddress,
    /// it is for this address, and nothing proves that the person reads mail there (IV4)
    Unproven,
}

/// What an invitation says to whoever has its code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InviteFacts {
    /// the name of whoever made it; `None` for the people who run this installation
    pub inviter: Option<String>,
    /// until when it is good, in unix seconds
    pub until: i64,
    /// the only address that may use it
    pub email: Option<String>,
    /// what the inviter wrote
    pub note: String,
    /// having the code proves to read mail at that address
    pub proves_email: bool,
}

/// A use that was taken in this transaction.
pub(crate) struct Claimed {
    pub(crate) row: InviteRow,
}

impl Claimed {
    /// The role that it gives; a word that no version knows gives nothing.
    pub(crate) fn role(&self) -> &'static str {
        if self.row.role == ROLE_ADMIN { ROLE_ADMIN } else { ROLE_USER }
    }

    /// Gives the use back, because no account came of it.
    pub(crate) fn give_back(self, tx: &mut Tx<'_>) -> Result<()> {
        Ok(invites::update_invite_refund(tx, &self.row.id)?)
    }

    /// Writes down who took the use.
    pub(crate) fn note_user(&self, call: &Call, tx: &mut Tx<'_>, user_id: &str, with: Method) -> Result<()> {
        let row = InviteUseRow {
            invite_id: self.row.id.clone(),
            number: self.row.uses,
            user_id: Some(user_id.to_owned()),
            method: with.as_str().to_owned(),
            used_at: call.now,
        };
        invites::insert_invite_use(tx, &row)?;
        let event = Event::done(Actor::User(user_id), "invite.used", &self.row.id);
        record_event(call, tx, event, &json!({"use": row.number, "of": self.row.max_uses, "role": self.row.role}))
    }
}

/// The code in what somebody typed or pasted: spaces and line breaks do not count, and a whole link will do.
pub fn read_invite_code(typed: &str) -> Option<Secret> {
    if typed.len() > MAX_TYPED {
        return None;
    }
    let text: String = typed.chars().filter(|c| !c.is_whitespace()).collect();
    let text = text.rsplit_once("/invite/").map_or(text.as_str(), |(_, code)| code);
    let text = text.split(['?', '#', '/']).next().unwrap_or_default();
    Secret::parse(SecretKind::Invite, text)
}

/// What became of an invitation.
pub fn find_state(row: &InviteRow, inviter: Option<&InvitePerson>, now: i64) -> InviteState {
    let may_invite = |person: &InvitePerson| person.role == ROLE_ADMIN && person.disabled_at.is_none();
    if row.revoked_at.is_some() {
        InviteState::Revoked
    } else if row.uses >= row.max_uses {
        InviteState::UsedUp
    } else if row.expires_at <= now {
        InviteState::Expired
    } else if !row.by_operator && !inviter.is_some_and(may_invite) {
        InviteState::InviterGone
    } else {
        InviteState::Open
    }
}

fn name_end(state: InviteState) -> Option<InviteEnd> {
    match state {
        InviteState::Revoked | InviteState::InviterGone => Some(InviteEnd::Revoked),
        InviteState::UsedUp => Some(InviteEnd::UsedUp),
        InviteState::Expired => Some(InviteEnd::Expired),
        InviteState::Open => None,
    }
}

/// Whether a code would work now, for forms and before a trip to another provider; looking does not use it up. `email`: the address
/// that the person wants to use, if it is known yet. A refusal is told by [`count_refusal`] alone, which counts it.
pub fn check_invite(
    call: &Call,
    db: &mut Db,
    code: &str,
    email: Option<&Email>,
) -> Result<std::result::Result<InviteFacts, UncountedRefusal>> {
    let bucket = throttles::find_throttle(db, &failure_bucket(call))?;
    let is_throttled = bucket.is_some_and(|row| call.now < row.expires_at && row.failures >= FAILURE_LIMIT);
    let not_good = Ok(Err(UncountedRefusal(InviteRefusal::NotGood(None))));
    let Some(secret) = read_invite_code(code).filter(|_| !is_throttled) else { return not_good };
    let Some(row) = invites::find_invite_by_code(db, &TokenHash::of(&secret).to_base64())? else { return not_good };
    let Some((row, inviter)) = invites::find_invite(db, &row.id)? else { return not_good };
    if find_state(&row, inviter.as_ref(), call.now) != InviteState::Open {
        return not_good;
    }
    if let (Some(bound), Some(email)) = (&row.email_key, email)
        && *bound != email.key
    {
        return Ok(Err(UncountedRefusal(InviteRefusal::OtherAddress)));
    }
    Ok(Ok(InviteFacts {
        inviter: inviter.map(|person| person.name),
        until: row.expires_at,
        email: row.email,
        note: row.note,
        proves_email: row.mailed_only,
    }))
}

/// Bucket of a network whose codes failed.
fn failure_bucket(call: &Call) -> String {
    TokenHash::of_text(&format!("invite:{}", name_network(&call.origin.ip))).to_base64()
}

/// Counts a try before its code is looked at; `false` where there were too many.
fn admit_try(call: &Call, tx: &mut Tx<'_>) -> Result<bool> {
    let bucket = failure_bucket(call);
    let window_end = throttles::find_throttle(tx, &bucket)?
        .filter(|row| call.now < row.expires_at)
        .map_or(call.now + WINDOW, |row| row.expires_at);
    let row = throttles::update_throttle_count(tx, &bucket, call.now, window_end)?;
    Ok(row.is_some_and(|row| row.failures <= FAILURE_LIMIT))
}

/// Why [`check_invite`] refused, which is not told before it is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct UncountedRefusal(InviteRefusal);

#[cfg(test)]
impl UncountedRefusal {
    pub(crate) fn peek(self) -> InviteRefusal {
        self.0
    }
}

/// Counts a code that [`check_invite`] refused as a guess, if it can be one, and says why it was refused.
pub fn count_refusal(call: &Call, tx: &mut Tx<'_>, refused: UncountedRefusal) -> Result<Outcome<InviteRefusal>> {
    match refused.0 {
        InviteRefusal::NotGood(_) => {
            admit_try(call, tx)?;
            Ok(Outcome::Commit(refused.0))
        }
        // the code is good, so it was no guess
        InviteRefusal::OtherAddress | InviteRefusal::Unproven => Ok(Outcome::Rollback(refused.0)),
    }
}

/// Who wants to use an invitation.
pub(crate) struct Taker<'a> {
    /// the address of the new account
    pub(crate) email: &'a Email,
    /// whether the person has proven to read mail there
    pub(crate) proven: bool,
}

/// Takes one use of an invitation. Where it is refused nothing is written but the count of failures, which `RefusedSignUp` commits
///
///
/// The inviter's row is locked first: whoever takes the rights of the inviter away comes before this, and is seen, or after it (IV6).
pub(crate) fn claim_invite(
    call: &Call,
    tx: &mut Tx<'_>,
    code: &str,
    taker: &Taker<'_>,
) -> Result<std::result::Result<Claimed, InviteRefusal>> {
    let admitted = admit_try(call, tx)?;
    let Some(secret) = read_invite_code(code).filter(|_| admitted) else {
        return Ok(Err(InviteRefusal::NotGood(None)));
    };
    let hash = TokenHash::of(&secret).to_base64();
    let Some(seen) = invites::find_invite_by_code(tx, &hash)? else {
        record_event(call, tx, Event::refused(Actor::Nobody, "invite.used", ""), &json!(null))?;
        return Ok(Err(InviteRefusal::NotGood(None)));
    };
    let alive = match (&seen.created_by, seen.by_operator) {
        (_, true) => true,
        (Some(id), false) => invites::take_inviter_lock(tx, id)?,
        (None, false) => false,
    };
    let is_owner = seen.email_key.as_deref() == Some(taker.email.key.as_str());
    let proven = taker.proven || seen.mailed_only;
    if seen.email_key.is_none() || (is_owner && proven) {
        let taken = if alive { invites::consume_invite_use(tx, &hash, call.now, &taker.email.key)? } else { None };
        if let Some(row) = taken {
            throttles::update_throttle_refund(tx, &failure_bucket(call))?;
            return Ok(Ok(Claimed { row }));
        }
    }
    let refusal = refuse_claim(call, tx, &seen.id, (is_owner, proven))?;
    if refusal == InviteRefusal::OtherAddress || refusal == InviteRefusal::Unproven {
        // the code is good, so it was no guess
        throttles::update_throttle_refund(tx, &failure_bucket(call))?;
    }
    record_event(call, tx, Event::refused(Actor::Nobody, "invite.used", &seen.id), &json!(null))?;
    Ok(Err(refusal))
}

/// Why a use could not be taken, as it is now.
fn refuse_claim(call: &Call, tx: &mut Tx<'_>, id: &str, (is_owner, proven): (bool, bool)) -> Result<InviteRefusal> {
    let found = invites::find_invite(tx, id)?;
    let end = found.and_then(|(row, inviter)| name_end(find_state(&row, inviter.as_ref(), call.now)));
    Ok(match (end, is_owner, proven) {
        (Some(end), true, true) => InviteRefusal::NotGood(Some(end)),
        (Some(_), _, _) => InviteRefusal::NotGood(None),
        (None, false, _) => InviteRefusal::OtherAddress,
        (None, true, false) => InviteRefusal::Unproven,
        // it was over a moment ago and is not any more: a role was given back
        (None, true, true) => InviteRefusal::NotGood(None),
    })
}

fn refuse<T>(fault: ManageFault) -> Managed<T> {
    Ok(Outcome::Rollback(Err(fault)))
}

/// What is wrong with an invitation to make, as a sentence.
fn find_fault(spec: &InviteSpec) -> Option<String> {
    if !(1..=MAX_USES).contains(&spec.max_uses) {
        return Some(format!("an invitation is good for 1 to {MAX_USES} accounts"));
    }
    if spec.email.is_some() && spec.max_uses != 1 {
        return Some("an invitation for one address is good for one account".into());
    }
    if !(60..=MAX_TTL).contains(&spec.ttl) {
        return Some(format!("an invitation is good for at most {} days", MAX_TTL / DAY));
    }
    if spec.note.chars().count() > MAX_NOTE {
        return Some(format!("the note must have at most {MAX_NOTE} characters"));
    }
    None
}

/// Makes an invitation. Its code is given out once: to the mailbox of its address where letters can be sent, else to whoever made it.
/// Nobody invites to a role above their own (IV5).
pub fn mint_invite(call: &Call, tx: &mut Tx<'_>, actor: Actor<'_>, spec: &InviteSpec) -> Managed<Minted> {
    if let Some(fault) = find_fault(spec) {
        return refuse(ManageFault::Invalid(fault));
    }
    let inviter = match actor {
        Actor::Operator => None,
        Actor::User(id) if invites::take_inviter_lock(tx, id)? => users::find_user(tx, id)?,
        _ => return refuse(ManageFault::Forbidden("only administrators can invite".into())),
    };
    let secret = call.engine.make_secret(SecretKind::Invite)?;
    let mailed = spec.email.is_some() && call.policy().mail;
    let start = SecretKind::Invite.prefix().len() + START_LETTERS;
    let row = InviteRow {
        id: call.engine.make_id()?,
        code_hash: TokenHash::of(&secret).to_base64(),
        code_start: secret.expose().chars().take(start).collect(),
        note: spec.note.trim().to_owned(),
        created_by: inviter.as_ref().map(|user| user.id.clone()),
        by_operator: inviter.is_none(),
        created_at: call.now,
        expires_at: call.now + spec.ttl,
        max_uses: spec.max_uses,
        uses: 0,
        email: spec.email.as_ref().map(|email| email.display.clone()),
        email_key: spec.email.as_ref().map(|email| email.key.clone()),
        mailed_only: mailed && !spec.show_link,
        role: spec.role.to_owned(),
        revoked_at: None,
    };
    invites::insert_invite(tx, &row)?;
    let url = call.engine.issuer.url(&format!("/invite/{}", secret.expose()));
    if let Some(email) = &spec.email {
        let inviter = inviter.map(|user| user.name).unwrap_or_default();
        let letter = Letter::Invite { inviter, note: row.note.clone(), url: url.clone(), until: row.expires_at };
        queue_letter(call, tx, &email.display, letter, spec.ttl)?;
    }
    let detail = json!({"role": row.role, "uses": row.max_uses, "until": row.expires_at, "bound": row.email.is_some(), "mailed": mailed});
    record_event(call, tx, Event::done(actor, "invite.created", &row.id), &detail)?;
    let link = (!row.mailed_only).then_some(url);
    Ok(Outcome::Commit(Ok(Minted { row, link, mailed })))
}

/// Ends an invitation at once; accounts that were made with it stay.
pub fn revoke_invite(call: &Call, tx: &mut Tx<'_>, actor: Actor<'_>, id: &str) -> Managed<InviteRow> {
    if let Err(fault) = check_actor(tx, actor)? {
        return refuse(fault);
    }
    let Some((row, _)) = invites::find_invite(tx, id)? else {
        return refuse(ManageFault::NotFound(format!("there is no invitation with the id {id:?}")));
    };
    if invites::revoke_invite(tx, &row.id, call.now)? {
        record_event(call, tx, Event::done(actor, "invite.revoked", &row.id), &json!(null))?;
    }
    Ok(Outcome::Commit(Ok(InviteRow { revoked_at: row.revoked_at.or(Some(call.now)), ..row })))
}

/// An invitation as administrators see it.
#[derive(Clone, Debug)]
pub struct InviteEntry {
    /// the row; its hash is of no use to anybody
    pub row: InviteRow,
    /// who made it, while that account is there
    pub inviter: Option<InvitePerson>,
    /// what became of it
    pub state: InviteState,
}

/// Invitations, newest first, at most `limit`.
pub fn list_invites(call: &Call, db: &mut Db, filter: &InviteFilter, limit: i64) -> Result<Vec<InviteEntry>> {
    let rows = invites::list_invites(db, filter, call.now, limit)?;
    Ok(rows.into_iter().map(|(row, inviter)| make_entry(call, row, inviter)).collect())
}

fn make_entry(call: &Call, row: InviteRow, inviter: Option<InvitePerson>) -> InviteEntry {
    let state = find_state(&row, inviter.as_ref(), call.now);
    InviteEntry { row, inviter, state }
}

/// One invitation with its ledger.
#[derive(Clone, Debug)]
pub struct InviteHistory {
    /// the invitation
    pub entry: InviteEntry,
    /// who took which use when, and the account while it is there
    pub uses: Vec<(InviteUseRow, Option<InvitePerson>)>,
}

/// The invitation with this id, and who used it.
pub fn find_invite_history(call: &Call, db: &mut Db, id: &str) -> Result<Option<InviteHistory>> {
    let Some((row, inviter)) = invites::find_invite(db, id)? else { return Ok(None) };
    let uses = invites::list_invite_uses(db, &row.id)?;
    Ok(Some(InviteHistory { entry: make_entry(call, row, inviter), uses }))
}
