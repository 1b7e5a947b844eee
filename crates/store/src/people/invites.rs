//! Invitations, and the ledger of who used them.

use diesel::prelude::*;

use crate::db::connection::Db;
use crate::db::error::Result;
use crate::db::schema::invites::dsl;
use crate::db::schema::{invite_uses, invites, users};
use crate::people::users::ROLE_ADMIN;

diesel::define_sql_function! {
    /// Small letters, as far as the database knows them.
    fn lower(text: diesel::sql_types::Text) -> diesel::sql_types::Text;
}

/// An invitation; of its code only the hash is kept.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = crate::db::schema::invites)]
pub struct InviteRow {
    /// random
    pub id: String,
    /// SHA-256 of the code; unique
    pub code_hash: String,
    /// the first letters of the code, by which people tell one from another
    pub code_start: String,
    /// what the inviter wrote
    pub note: String,
    /// the person who made it; `None` for a command, and once that person is deleted
    pub created_by: Option<String>,
    /// made by a command: it does not end with any person
    pub by_operator: bool,
    /// unix seconds
    pub created_at: i64,
    /// unix seconds
    pub expires_at: i64,
    /// how many accounts it is good for
    pub max_uses: i64,
    /// how many were made with it
    pub uses: i64,
    /// the only address that may use it, if there is one
    pub email: Option<String>,
    /// the same, case-folded
    pub email_key: Option<String>,
    /// nobody but the mailbox of `email` was given the code
    pub mailed_only: bool,
    /// the role of whoever uses it
    pub role: String,
    /// since when it does not work, if so
    pub revoked_at: Option<i64>,
}

/// One line of the ledger.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = crate::db::schema::invite_uses)]
pub struct InviteUseRow {
    /// the invitation
    pub invite_id: String,
    /// which of its uses, from 1
    pub number: i64,
    /// the account that was made; `None` once it is deleted
    pub user_id: Option<String>,
    /// the way in
    pub method: String,
    /// unix seconds
    pub used_at: i64,
}

/// Who somebody is, as lists show it.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = crate::db::schema::users)]
pub struct InvitePerson {
    /// the account
    pub id: String,
    /// the address
    pub email: String,
    /// the name
    pub name: String,
    /// the role
    pub role: String,
    /// since when the account is disabled, if so
    pub disabled_at: Option<i64>,
}

/// What became of an invitation; the first that holds, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InviteState {
    /// somebody ended it
    Revoked,
    /// all its uses are taken
    UsedUp,
    /// its time is over
    Expired,
    /// whoever made it is no longer an enabled administrator (IV6)
    InviterGone,
    /// it works
    Open,
}

/// Which invitations a list shows; `None` and an empty text leave nothing out.
#[derive(Clone, Debug, Default)]
pub struct InviteFilter {
    /// what became of them
    pub state: Option<InviteState>,
    /// who made them, by the person's id
    pub created_by: Option<String>,
    /// a part of the note, the address or the first letters of the code
    pub search: String,
    /// only those after this one in the list, by `created_at` and `id`
    pub after: Option<(i64, String)>,
}

/// Adds an invitation.
pub fn insert_invite(db: &mut Db, row: &InviteRow) -> Result<()> {
    diesel::insert_into(dsl::invites).values(row).execute(db)?;
    Ok(())
}

/// The invitation with this code, whatever became of it.
pub fn find_invite_by_code(db: &mut Db, code_hash: &str) -> Result<Option<InviteRow>> {
    Ok(dsl::invites.filter(dsl::code_hash.eq(code_hash)).select(InviteRow::as_select()).get_result(db).optional()?)
}

/// The invitation with this id, and who made it.
pub fn find_invite(db: &mut Db, id: &str) -> Result<Option<(InviteRow, Option<InvitePerson>)>> {
    let query = dsl::invites.left_join(users::table).filter(dsl::id.eq(id));
    Ok(query.select((InviteRow::as_select(), Option::<InvitePerson>::as_select())).get_result(db).optional()?)
}

/// Invitations with who made them, newest first, at most `limit`.
pub fn list_invites(
    db: &mut Db,
    filter: &InviteFilter,
    now: i64,
    limit: i64,
) -> Result<Vec<(InviteRow, Option<InvitePerson>)>> {
    let mut query = dsl::invites.left_join(users::table).into_boxed();
    if let Some((at, id)) = &filter.after {
        query = query.filter(dsl::created_at.lt(*at).or(dsl::created_at.eq(*at).and(dsl::id.lt(id.clone()))));
    }
    if let Some(by) = &filter.created_by {
        query = query.filter(dsl::created_by.eq(by.clone()));
    }
    if !filter.search.is_empty() {
        let like = format!("%{}%", escape_like(&filter.search.to_lowercase()));
        let in_email = lower(dsl::email.assume_not_null()).like(like.clone()).escape('!');
        query = query.filter(
            lower(dsl::note)
                .like(like.clone())
                .escape('!')
                .or(lower(dsl::code_start).like(like).escape('!'))
                .or(dsl::email.is_not_null().and(in_email)),
        );
    }
    if let Some(state) = filter.state {
        let admin = users::role.eq(ROLE_ADMIN).and(users::disabled_at.is_null());
        let alive = dsl::by_operator.or(users::id.is_not_null().and(admin.assume_not_null()));
        query = match state {
            InviteState::Revoked => query.filter(dsl::revoked_at.is_not_null()),
            _ => query.filter(dsl::revoked_at.is_null()),
        };
        query = match state {
            InviteState::Revoked => query,
            InviteState::UsedUp => query.filter(dsl::uses.ge(dsl::max_uses)),
            _ => query.filter(dsl::uses.lt(dsl::max_uses)),
        };
        query = match state {
            InviteState::Revoked | InviteState::UsedUp => query,
            InviteState::Expired => query.filter(dsl::expires_at.le(now)),
            InviteState::InviterGone => query.filter(dsl::expires_at.gt(now)).filter(diesel::dsl::not(alive)),
            InviteState::Open => query.filter(dsl::expires_at.gt(now)).filter(alive),
        };
    }
    let query = query.order((dsl::created_at.desc(), dsl::id.desc())).limit(limit);
    Ok(query.select((InviteRow::as_select(), Option::<InvitePerson>::as_select())).load(db)?)
}

/// A text that `LIKE … ESCAPE '!'` takes letter by letter.
fn escape_like(text: &str) -> String {
    text.chars().flat_map(|c| matches!(c, '!' | '%' | '_').then_some('!').into_iter().chain([c])).collect()
}

/// Makes whoever disables, demotes or deletes this person wait until the transaction ends; `false` where the person is no enabled
/// administrator now. Take it before the invitation's row, as deleting a person does.
pub fn take_inviter_lock(db: &mut Db, user_id: &str) -> Result<bool> {
    let changed = diesel::update(
        users::table
            .filter(users::id.eq(user_id))
            .filter(users::role.eq(ROLE_ADMIN))
            .filter(users::disabled_at.is_null()),
    )
    .set(users::updated_at.eq(users::updated_at))
    .execute(db)?;
    Ok(changed == 1)
}

/// Takes one use; `None` where there is none left, or the invitation is over, revoked, or for another address. The row stays locked
/// until the transaction ends.
pub fn consume_invite_use(db: &mut Db, code_hash: &str, now: i64, email_key: &str) -> Result<Option<InviteRow>> {
    let live = dsl::invites
        .filter(dsl::code_hash.eq(code_hash))
        .filter(dsl::revoked_at.is_null())
        .filter(dsl::expires_at.gt(now))
        .filter(dsl::uses.lt(dsl::max_uses))
        .filter(dsl::email_key.is_null().or(dsl::email_key.eq(email_key)));
    let row = diesel::update(live)
        .set(dsl::uses.eq(dsl::uses + 1))
        .returning(invites::all_columns)
        .get_result::<InviteRow>(db)
        .optional()?;
    Ok(row)
}

/// Gives a use back that this transaction has taken.
pub fn update_invite_refund(db: &mut Db, id: &str) -> Result<()> {
    diesel::update(dsl::invites.filter(dsl::id.eq(id))).set(dsl::uses.eq(dsl::uses - 1)).execute(db)?;
    Ok(())
}

/// Writes down who took a use; no number can be written twice.
pub fn insert_invite_use(db: &mut Db, row: &InviteUseRow) -> Result<()> {
    diesel::insert_into(invite_uses::table).values(row).execute(db)?;
    Ok(())
}

/// The ledger of an invitation, with the accounts that are still there, in the order of use.
pub fn list_invite_uses(db: &mut Db, invite_id: &str) -> Result<Vec<(InviteUseRow, Option<InvitePerson>)>> {
    let query = invite_uses::table
        .left_join(users::table)
        .filter(invite_uses::invite_id.eq(invite_id))
        .order(invite_uses::number.asc())
        .limit(1000);
    Ok(query.select((InviteUseRow::as_select(), Option::<InvitePerson>::as_select())).load(db)?)
}

/// Ends an invitation; `false` where it was revoked before or never made.
pub fn revoke_invite(db: &mut Db, id: &str, now: i64) -> Result<bool> {
    let changed = diesel::update(dsl::invites.filter(dsl::id.eq(id)).filter(dsl::revoked_at.is_null()))
        .set(dsl::revoked_at.eq(Some(now)))
        .execute(db)?;
    Ok(changed == 1)
}
