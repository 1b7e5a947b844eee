//! Access tokens.

use diesel::prelude::*;
use gatepost_protocol::secret::TokenHash;

use crate::db::connection::Db;
use crate::db::error::Result;
use crate::db::native::natively;
use crate::db::schema::access_tokens::dsl;
use crate::db::schema::{grants, users};

/// An access token that was issued.
#[derive(Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = crate::db::schema::access_tokens)]
#[diesel(treat_none_as_default_value = false)]
pub struct AccessTokenRow {
    /// SHA-256 of the token
    pub token_hash: String,
    /// its family; none for client_credentials
    pub grant_id: Option<String>,
    /// to whom
    pub client_id: String,
    /// separated by spaces
    pub scopes: String,
    /// JSON list of resource identifiers
    pub audience: String,
    /// unix seconds
    pub issued_at: i64,
    /// unix seconds
    pub expires_at: i64,
    /// dead before its time
    pub revoked_at: Option<i64>,
}

/// The person behind a token, as far as answering for the token needs it.
#[derive(Clone, Debug, Queryable)]
pub struct TokenOwner {
    /// when the family was revoked
    pub grant_revoked_at: Option<i64>,
    /// when the person proved who they are
    pub auth_time: i64,
    /// whose token it is
    pub user_id: String,
    /// the person's address
    pub email: String,
    /// the person's name
    pub name: String,
    /// when the account was disabled
    pub disabled_at: Option<i64>,
}

/// The token with this hash and, unless it is a client's own, the person behind it: one query.
///
/// Two plain joins, not one over `grants INNER JOIN users`: SQLite would build that inner join whole, over every grant that there
/// is, before it looked for the one of this token.
pub fn find_access_token(db: &mut Db, token: &TokenHash) -> Result<Option<(AccessTokenRow, Option<TokenOwner>)>> {
    let query = dsl::access_tokens
        .left_join(grants::table)
        .left_join(users::table.on(users::id.eq(grants::user_id)))
        .filter(dsl::token_hash.eq(token.to_base64()));
    let owner = (grants::revoked_at, grants::auth_time, users::id, users::email, users::name, users::disabled_at);
    Ok(natively!(db, |connection| {
        query.select((AccessTokenRow::as_select(), owner.nullable())).get_result(connection).optional()
    })?)
}

/// Kills one token of this client; `false` where it was not live.
pub fn revoke_access_token(db: &mut Db, token: &TokenHash, now: i64) -> Result<bool> {
    let changed = diesel::update(
        dsl::access_tokens.filter(dsl::token_hash.eq(token.to_base64())).filter(dsl::revoked_at.is_null()),
    )
    .set(dsl::revoked_at.eq(Some(now)))
    .execute(db)?;
    Ok(changed == 1)
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use diesel::connection::InstrumentationEvent;
    use diesel::sql_types::Text;

    use super::*;
    use crate::db::migrate::migrate_connection;
    use crate::{DatabaseUrl, Role, StoreConfig};

    #[derive(QueryableByName)]
    struct Step {
        #[diesel(sql_type = Text)]
        detail: String,
    }

    /// What SQLite would do for this statement, step by step.
    fn explain(connection: &mut SqliteConnection, statement: &str) -> Vec<String> {
        let steps: Vec<Step> =
            diesel::sql_query(format!("EXPLAIN QUERY PLAN {statement}")).load(connection).expect("a plan");
        steps.into_iter().map(|step| step.detail).collect()
    }

    fn reads_a_table_whole(plan: &[String]) -> bool {
        plan.iter().any(|step| step.contains("SCAN") || step.contains("MATERIALIZE") || step.contains("TEMP B-TREE"))
    }

    #[test]
    fn a_token_and_its_person_are_looked_up_by_keys_alone() {
        let config = StoreConfig::new(DatabaseUrl::SqliteMemory, Role::Command);
        let mut db = Db::connect(&config).expect("a database");
        migrate_connection(&mut db).expect("its tables");
        let seen = Arc::new(Mutex::new(Vec::new()));
        let Db::Sqlite(connection) = &mut db else { panic!("not SQLite") };
        let note = Arc::clone(&seen);
        connection.set_instrumentation(move |event: InstrumentationEvent<'_>| {
            if let InstrumentationEvent::StartQuery { query, .. } = event {
                note.lock().expect("no panic").push(query.to_string());
            }
        });
        assert!(find_access_token(&mut db, &TokenHash::of_text("unknown")).expect("an answer").is_none());
        let Db::Sqlite(connection) = &mut db else { panic!("not SQLite") };
        connection.set_instrumentation(|_: InstrumentationEvent<'_>| {});
        let sent = seen.lock().expect("no panic").clone();
        let [sent] = sent.as_slice() else { panic!("one statement, not {sent:?}") };
        let statement = sent.split(" -- binds").next().expect("the text before its values");
        let plan = explain(connection, statement);
        assert!(!reads_a_table_whole(&plan), "{plan:?}");
        assert_eq!(plan.len(), 3, "token, grant, person: {plan:?}");

        let nested = "SELECT t.token_hash, u.email FROM access_tokens t \
            LEFT JOIN (grants g JOIN users u ON u.id = g.user_id) ON g.id = t.grant_id WHERE t.token_hash = ?";
        assert!(reads_a_table_whole(&explain(connection, nested)), "the check sees the join that read every grant");
    }
}
