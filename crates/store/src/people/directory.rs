//! Looking people up, and all that hangs on one of them, for the administration.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use crate::db::connection::Db;
use crate::db::error::Result;
use crate::db::schema::{
    audit_events, authenticators, clients, grants, identities, invites, recovery_codes, sessions, users,
};
use crate::people::passkeys::list_passkey_names;
use crate::people::users::{ROLE_ADMIN, UserRow};

diesel::define_sql_function! {
    /// In SQLite it knows ASCII letters only.
    fn lower(value: Text) -> Text;
}

/// What an account is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserStatus {
    /// enabled, with a proven address
    Active,
    /// enabled, and nobody proved to own the address
    Unverified,
    /// nothing of it works
    Disabled,
}

/// Which people are looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserFilter {
    /// a part of the name or address; empty for everybody
    pub text: String,
    /// `None` for any
    pub status: Option<UserStatus>,
    /// a role; `None` for any
    pub role: Option<String>,
}

/// A place in the list of people, which is in the order of their last sign-in, the newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserPlace {
    /// unix seconds; 0 for who never signed in
    pub seen: i64,
    /// the person's id
    pub id: String,
}

impl UserPlace {
    /// The place of this person.
    pub fn of(user: &UserRow) -> Self {
        Self { seen: user.last_sign_in_at.unwrap_or(0), id: user.id.clone() }
    }
}

/// From where on the list is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserPage {
    /// the first rows
    First,
    /// the rows after this place: longer ago
    Older(UserPlace),
    /// the rows before this place: more recent
    Newer(UserPlace),
}

/// How somebody can sign in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WaysIn {
    /// a password is set
    pub password: bool,
    /// names of the passkeys that work
    pub passkeys: Vec<String>,
    /// an authenticator app
    pub authenticator: bool,
    /// recovery codes that are not used
    pub recovery_codes: i64,
    /// accounts at other providers: the setting's name and the address there
    pub providers: Vec<(String, String)>,
}

impl WaysIn {
    /// Whether there is something that counts as two factors.
    pub fn has_second_factor(&self) -> bool {
        self.authenticator || !self.passkeys.is_empty()
    }
}

/// Letters with a meaning in LIKE, made plain.
fn make_pattern(text: &str) -> String {
    let mut pattern = String::from("%");
    for c in text.chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

fn seen() -> diesel::expression::SqlLiteral<BigInt> {
    sql::<BigInt>("COALESCE(users.last_sign_in_at, 0)")
}

/// The filter as conditions; a macro, because the type of a query depends on what is selected.
macro_rules! filter_users {
    ($query:expr, $filter:expr) => {{
        let mut query = $query.into_boxed();
        if !$filter.text.is_empty() {
            let (typed, folded) = (make_pattern(&$filter.text), make_pattern(&$filter.text.to_lowercase()));
            query = query.filter(
                users::email_key
                    .like(folded.clone())
                    .escape('\\')
                    .or(lower(users::name).like(folded).escape('\\'))
                    .or(users::name.like(typed).escape('\\')),
            );
        }
        query = match $filter.status {
            None => query,
            Some(UserStatus::Active) => {
                query.filter(users::disabled_at.is_null()).filter(users::email_verified.eq(true))
            }
            Some(UserStatus::Unverified) => {
                query.filter(users::disabled_at.is_null()).filter(users::email_verified.eq(false))
            }
            Some(UserStatus::Disabled) => query.filter(users::disabled_at.is_not_null()),
        };
        match &$filter.role {
            None => query,
            Some(role) => query.filter(users::role.eq(role.clone())),
        }
    }};
}

/// People by their last sign-in, the newest first, at most `limit`; those who never signed in come last.
pub fn list_users_page(db: &mut Db, filter: &UserFilter, page: &UserPage, limit: i64) -> Result<Vec<UserRow>> {
    let query = filter_users!(users::table.select(UserRow::as_select()), filter);
    Ok(match page {
        UserPage::First => query.order((seen().desc(), users::id.desc())).limit(limit).load(db)?,
        UserPage::Older(place) => query
            .filter(seen().lt(place.seen).or(seen().eq(place.seen).and(users::id.lt(place.id.clone()))))
            .order((seen().desc(), users::id.desc()))
            .limit(limit)
            .load(db)?,
        UserPage::Newer(place) => {
            let mut rows: Vec<UserRow> = query
                .filter(seen().gt(place.seen).or(seen().eq(place.seen).and(users::id.gt(place.id.clone()))))
                .order((seen().asc(), users::id.asc()))
                .limit(limit)
                .load(db)?;
            rows.reverse();
            rows
        }
    })
}

/// The same people in the order of their addresses, after one address: for reading all of them piece by piece.
pub fn list_users_by_email(db: &mut Db, filter: &UserFilter, after: &str, limit: i64) -> Result<Vec<UserRow>> {
    let query = filter_users!(users::table.select(UserRow::as_select()), filter);
    Ok(query.filter(users::email_key.gt(after)).order(users::email_key.asc()).limit(limit).load(db)?)
}

/// How many people the filter lets through.
pub fn count_users(db: &mut Db, filter: &UserFilter) -> Result<i64> {
    let query = filter_users!(users::table.select(diesel::dsl::count_star()), filter);
    Ok(query.get_result(db)?)
}

/// The enabled administrators.
pub fn list_enabled_admins(db: &mut Db) -> Result<Vec<UserRow>> {
    let query = users::table.filter(users::role.eq(ROLE_ADMIN)).filter(users::disabled_at.is_null());
    Ok(query.order(users::email_key.asc()).select(UserRow::as_select()).load(db)?)
}

/// How each of these people can sign in, in the same order.
pub fn list_ways_in(db: &mut Db, people: &[UserRow]) -> Result<Vec<WaysIn>> {
    let ids: Vec<&str> = people.iter().map(|user| user.id.as_str()).collect();
    let keys = list_passkey_names(db, &ids)?;
    let apps: Vec<String> =
        authenticators::table.filter(authenticators::user_id.eq_any(&ids)).select(authenticators::user_id).load(db)?;
    let codes: Vec<String> = recovery_codes::table
        .filter(recovery_codes::user_id.eq_any(&ids))
        .filter(recovery_codes::used_at.is_null())
        .select(recovery_codes::user_id)
        .load(db)?;
    let linked: Vec<(String, String, String)> = identities::table
        .filter(identities::user_id.eq_any(&ids))
        .order(identities::created_at.asc())
        .select((identities::user_id, identities::provider, identities::email))
        .load(db)?;
    let ways = |user: &UserRow| WaysIn {
        password: user.password_hash.is_some(),
        passkeys: keys.iter().filter(|(id, _)| *id == user.id).map(|(_, name)| name.clone()).collect(),
        authenticator: apps.contains(&user.id),
        recovery_codes: codes.iter().filter(|id| **id == user.id).count() as i64,
        providers: linked
            .iter()
            .filter(|(id, ..)| *id == user.id)
            .map(|(_, provider, email)| (provider.clone(), email.clone()))
            .collect(),
    };
    Ok(people.iter().map(ways).collect())
}

/// The people with these ids, in no order; who is gone is left out.
pub fn list_users_of(db: &mut Db, ids: &[String]) -> Result<Vec<UserRow>> {
    Ok(users::table.filter(users::id.eq_any(ids)).select(UserRow::as_select()).load(db)?)
}

/// Removes a person and, by the rules of the tables, everything that is theirs; `false` where there is no such person.
pub fn delete_user(db: &mut Db, id: &str) -> Result<bool> {
    Ok(diesel::delete(users::table.filter(users::id.eq(id))).execute(db)? == 1)
}

/// Ends the invitations that a person gave, for nobody answers for them any more; how many.
pub fn revoke_user_invites(db: &mut Db, user_id: &str, now: i64) -> Result<usize> {
    let live = invites::table.filter(invites::created_by.eq(user_id)).filter(invites::revoked_at.is_null());
    Ok(diesel::update(live).set(invites::revoked_at.eq(Some(now))).execute(db)?)
}

/// How many sessions of everybody, or of one person, are live; those that wait for a second step are not.
pub fn count_live_sessions(db: &mut Db, user_id: Option<&str>, now: i64) -> Result<i64> {
    let live = sessions::table
        .filter(sessions::revoked_at.is_null())
        .filter(sessions::pending.eq(false))
        .filter(sessions::expires_at.gt(now))
        .filter(sessions::idle_expires_at.gt(now));
    Ok(match user_id {
        Some(id) => live.filter(sessions::user_id.eq(id)).count().get_result(db)?,
        None => live.count().get_result(db)?,
    })
}

/// How many apps can act for a person now.
pub fn count_live_apps(db: &mut Db, user_id: &str, now: i64) -> Result<i64> {
    let live = grants::table
        .filter(grants::user_id.eq(user_id))
        .filter(grants::revoked_at.is_null())
        .filter(grants::expires_at.gt(now));
    let ids: Vec<String> = live.select(grants::client_id).distinct().load(db)?;
    Ok(ids.len() as i64)
}

/// How often something was done, or refused, from one time on and before another, both in unix seconds.
pub fn count_events(db: &mut Db, action: &str, result: &str, from: i64, until: i64) -> Result<i64> {
    let query = audit_events::table
        .filter(audit_events::at.ge(from))
        .filter(audit_events::at.lt(until))
        .filter(audit_events::action.eq(action))
        .filter(audit_events::result.eq(result));
    Ok(query.count().get_result(db)?)
}

/// How many apps are registered.
pub fn count_clients(db: &mut Db) -> Result<i64> {
    Ok(clients::table.filter(clients::deleted_at.is_null()).count().get_result(db)?)
}

/// How many invitations were ever made, as far as they are kept.
pub fn count_invites(db: &mut Db) -> Result<i64> {
    Ok(invites::table.count().get_result(db)?)
}

#[cfg(test)]
mod tests {
    use super::make_pattern;

    #[test]
    fn wildcards_are_plain_letters() {
        assert_eq!(make_pattern("a%b_c\\"), "%a\\%b\\_c\\\\%");
        assert_eq!(make_pattern(""), "%%");
    }
}
