//! Mailed links and the codes beside them. Who asked gets a row whether or not the address has an account.

use diesel::prelude::*;
use gatepost_protocol::secret::TokenHash;

use crate::db::connection::Db;
use crate::db::error::Result;
use crate::db::schema::mail_links::{self, dsl};

/// One mailed link.
#[derive(Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = crate::db::schema::mail_links)]
pub struct MailLinkRow {
    /// random; what the browser that asked knows it by
    pub id: String,
    /// what it does
    pub kind: String,
    /// SHA-256 of the token in the link
    pub token_hash: String,
    /// MAC over id and code: eight digits could be guessed from a bare hash
    pub code_mac: String,
    /// where the letter went, as written
    pub email: String,
    /// the same, case-folded
    pub email_key: String,
    /// whose account; empty where nobody has the address
    pub user_id: Option<String>,
    /// hash of the browser that asked
    pub browser: String,
    /// what it goes on with, sealed
    pub sealed_data: String,
    /// from where it was asked for
    pub ip: String,
    /// in which browser, in its own words, cut
    pub user_agent: String,
    /// unix seconds
    pub created_at: i64,
    /// works no more from then on
    pub expires_at: i64,
    /// codes that were tried
    pub attempts: i64,
    /// when it was used, replaced by a newer one or refused
    pub used_at: Option<i64>,
}

/// Keeps a link.
pub fn insert_mail_link(db: &mut Db, row: &MailLinkRow) -> Result<()> {
    diesel::insert_into(dsl::mail_links).values(row).execute(db)?;
    Ok(())
}

/// The link with this id, whether or not it still works.
pub fn find_mail_link(db: &mut Db, id: &str) -> Result<Option<MailLinkRow>> {
    Ok(dsl::mail_links.filter(dsl::id.eq(id)).select(MailLinkRow::as_select()).get_result(db).optional()?)
}

/// The link with this token, whether or not it still works.
pub fn find_mail_link_by_token(db: &mut Db, token: &TokenHash) -> Result<Option<MailLinkRow>> {
    let query = dsl::mail_links.filter(dsl::token_hash.eq(token.to_base64()));
    Ok(query.select(MailLinkRow::as_select()).get_result(db).optional()?)
}

/// The newest link of this kind of a person that still works.
pub fn find_live_user_link(db: &mut Db, user_id: &str, kind: &str, now: i64) -> Result<Option<MailLinkRow>> {
    let query = dsl::mail_links
        .filter(dsl::user_id.eq(user_id))
        .filter(dsl::kind.eq(kind))
        .filter(dsl::used_at.is_null())
        .filter(dsl::expires_at.gt(now))
        .order(dsl::created_at.desc())
        .limit(1);
    Ok(query.select(MailLinkRow::as_select()).load(db)?.pop())
}

/// Uses a link up; `None` for everybody but the first, and where it was too old.
pub fn consume_mail_link(db: &mut Db, id: &str, now: i64) -> Result<Option<MailLinkRow>> {
    let live = dsl::mail_links.filter(dsl::id.eq(id)).filter(dsl::used_at.is_null()).filter(dsl::expires_at.gt(now));
    let used = diesel::update(live).set(dsl::used_at.eq(Some(now)));
    Ok(used.returning(mail_links::all_columns).get_result::<MailLinkRow>(db).optional()?)
}

/// Counts one try of the code before anybody looks at it; `None` where the link works no more or had all its tries.
pub fn update_mail_link_attempts(db: &mut Db, id: &str, now: i64, most: i64) -> Result<Option<MailLinkRow>> {
    let live = dsl::mail_links
        .filter(dsl::id.eq(id))
        .filter(dsl::used_at.is_null())
        .filter(dsl::expires_at.gt(now))
        .filter(dsl::attempts.lt(most));
    let counted = diesel::update(live).set(dsl::attempts.eq(dsl::attempts + 1));
    Ok(counted.returning(mail_links::all_columns).get_result::<MailLinkRow>(db).optional()?)
}

/// Ends the links of this kind that went to an address; how many.
pub fn revoke_address_links(db: &mut Db, kind: &str, email_key: &str, now: i64) -> Result<usize> {
    let live =
        dsl::mail_links.filter(dsl::email_key.eq(email_key)).filter(dsl::kind.eq(kind)).filter(dsl::used_at.is_null());
    Ok(diesel::update(live).set(dsl::used_at.eq(Some(now))).execute(db)?)
}

/// Ends the links of these kinds of a person that were made at `since` or later; how many.
pub fn revoke_user_links(db: &mut Db, user_id: &str, kinds: &[&str], since: i64, now: i64) -> Result<usize> {
    let live = dsl::mail_links
        .filter(dsl::user_id.eq(user_id))
        .filter(dsl::kind.eq_any(kinds.iter().map(|kind| (*kind).to_owned()).collect::<Vec<_>>()))
        .filter(dsl::created_at.ge(since))
        .filter(dsl::used_at.is_null());
    Ok(diesel::update(live).set(dsl::used_at.eq(Some(now))).execute(db)?)
}
