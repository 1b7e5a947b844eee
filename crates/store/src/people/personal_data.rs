//! What is stored about one person, for the person to read. Never a secret, nor the hash or seal of one.

use diesel::prelude::*;

use crate::db::connection::Db;
use crate::db::error::Result;
use crate::db::schema::{invite_uses, invites, mail_links, recovery_codes};

/// A recovery code: made, used.
pub type RecoveryFacts = (i64, Option<i64>);
/// An invitation that the person made: note, address, role, made, ends, most uses, uses, ended before its time.
pub type InviteFacts = (String, Option<String>, String, i64, i64, i64, i64, Option<i64>);
/// A mailed link: kind, address, asked for, ends, used, from which address, with which browser.
pub type MailLinkFacts = (String, String, i64, i64, Option<i64>, String, String);

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
