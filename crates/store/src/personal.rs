//! What is stored about one person, for the person to read, and its removal. Never a secret, nor the hash or seal of one.

use diesel::prelude::*;

use crate::db::Db;
use crate::error::Result;
use crate::schema::{authenticators, identities, invite_uses, invites, mail_links, passkeys, recovery_codes, users};

/// An account at another provider: provider, issuer, subject, address, linked, last used.
pub type IdentityFacts = (String, String, String, String, i64, i64);
/// A passkey: name, made, last used.
pub type PasskeyFacts = (String, i64, Option<i64>);
/// A recovery code: made, used.
pub type RecoveryFacts = (i64, Option<i64>);
/// An invitation that the person made: note, address, role, made, ends, most uses, uses, ended before its time.
pub type InviteFacts = (String, Option<String>, String, i64, i64, i64, i64, Option<i64>);
/// A mailed link: kind, address, asked for, ends, used, from which address, with which browser.
pub type MailLinkFacts = (String, String, i64, i64, Option<i64>, String, String);

/// Accounts at other providers.
pub fn list_identity_facts(db: &mut Db, user_id: &str) -> Result<Vec<IdentityFacts>> {
    use identities::dsl;
    let query = identities::table.filter(dsl::user_id.eq(user_id)).order(dsl::created_at.asc());
    let facts = (dsl::provider, dsl::issuer, dsl::subject, dsl::email, dsl::created_at, dsl::last_used_at);
    Ok(query.select(facts).load(db)?)
}

/// Passkeys.
pub fn list_passkey_facts(db: &mut Db, user_id: &str) -> Result<Vec<PasskeyFacts>> {
    use passkeys::dsl;
    let query = passkeys::table.filter(dsl::user_id.eq(user_id)).order(dsl::created_at.asc());
    Ok(query.select((dsl::name, dsl::created_at, dsl::last_used_at)).load(db)?)
}

/// Since when there is an authenticator app, if there is one.
pub fn find_authenticator_time(db: &mut Db, user_id: &str) -> Result<Option<i64>> {
    use authenticators::dsl;
    let query = authenticators::table.filter(dsl::user_id.eq(user_id));
    Ok(query.select(dsl::created_at).get_result(db).optional()?)
}

/// Recovery codes.
pub fn list_recovery_facts(db: &mut Db, user_id: &str) -> Result<Vec<RecoveryFacts>> {
    use recovery_codes::dsl;
    let query = recovery_codes::table.filter(dsl::user_id.eq(user_id)).order(dsl::created_at.asc());
    Ok(query.select((dsl::created_at, dsl::used_at)).load(db)?)
}

/// Invitations that the person made.
pub fn list_invite_facts(db: &mut Db, user_id: &str) -> Result<Vec<InviteFacts>> {
    use invites::dsl;
    let query = invites::table.filter(dsl::created_by.eq(user_id)).order(dsl::created_at.asc());
    let facts =
        (dsl::note, dsl::email, dsl::role, dsl::created_at, dsl::expires_at, dsl::max_uses, dsl::uses, dsl::revoked_at);
    Ok(query.select(facts).load(db)?)
}

/// Invitations that the person used: how, and when.
pub fn list_invite_use_facts(db: &mut Db, user_id: &str) -> Result<Vec<(String, i64)>> {
    use invite_uses::dsl;
    let query = invite_uses::table.filter(dsl::user_id.eq(user_id)).order(dsl::used_at.asc());
    Ok(query.select((dsl::method, dsl::used_at)).load(db)?)
}

/// Mailed links of the person.
pub fn list_mail_link_facts(db: &mut Db, user_id: &str) -> Result<Vec<MailLinkFacts>> {
    use mail_links::dsl;
    let query = mail_links::table.filter(dsl::user_id.eq(user_id)).order(dsl::created_at.asc());
    let facts = (dsl::kind, dsl::email, dsl::created_at, dsl::expires_at, dsl::used_at, dsl::ip, dsl::user_agent);
    Ok(query.select(facts).load(db)?)
}

/// Ends the invitations that a person made, for nobody answers for them any more; how many.
pub fn revoke_own_invites(db: &mut Db, user_id: &str, now: i64) -> Result<usize> {
    use invites::dsl;
    let live = invites::table.filter(dsl::created_by.eq(user_id)).filter(dsl::revoked_at.is_null());
    Ok(diesel::update(live).set(dsl::revoked_at.eq(Some(now))).execute(db)?)
}

/// Removes a person and, by the rules of the tables, everything that is theirs; `false` where there is no such person.
pub fn delete_person(db: &mut Db, user_id: &str) -> Result<bool> {
    Ok(diesel::delete(users::table.filter(users::id.eq(user_id))).execute(db)? == 1)
}
