//! What people have allowed which client.

use diesel::prelude::*;

use crate::db::connection::Db;
use crate::db::error::Result;
use crate::db::native::natively;
use crate::db::schema::consents::dsl;

/// What one person allowed one client.
#[derive(Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = crate::db::schema::consents)]
pub struct ConsentRow {
    /// who
    pub user_id: String,
    /// whom
    pub client_id: String,
    /// all scopes ever allowed and not withdrawn, separated by spaces
    pub scopes: String,
    /// JSON list of resource identifiers
    pub resources: String,
    /// unix seconds
    pub created_at: i64,
    /// unix seconds
    pub updated_at: i64,
}

/// What this person allowed this client.
pub fn find_consent(db: &mut Db, user_id: &str, client_id: &str) -> Result<Option<ConsentRow>> {
    let query = dsl::consents.filter(dsl::user_id.eq(user_id)).filter(dsl::client_id.eq(client_id));
    Ok(natively!(db, |connection| query.select(ConsentRow::as_select()).get_result(connection).optional())?)
}

/// Everything this person allowed.
pub fn list_consents(db: &mut Db, user_id: &str) -> Result<Vec<ConsentRow>> {
    let query = dsl::consents.filter(dsl::user_id.eq(user_id)).order(dsl::updated_at.desc());
    Ok(query.select(ConsentRow::as_select()).load(db)?)
}

/// Keeps a consent, in place of an older one.
pub fn insert_consent(db: &mut Db, row: &ConsentRow) -> Result<()> {
    let inserted = db.insert_unless_duplicate(|db| {
        diesel::insert_into(dsl::consents).values(row).execute(db)?;
        Ok(())
    })?;
    if inserted.is_none() {
        diesel::update(dsl::consents.filter(dsl::user_id.eq(&row.user_id)).filter(dsl::client_id.eq(&row.client_id)))
            .set((dsl::scopes.eq(&row.scopes), dsl::resources.eq(&row.resources), dsl::updated_at.eq(row.updated_at)))
            .execute(db)?;
    }
    Ok(())
}

/// Withdraws a consent.
pub fn delete_consent(db: &mut Db, user_id: &str, client_id: &str) -> Result<bool> {
    let query = dsl::consents.filter(dsl::user_id.eq(user_id)).filter(dsl::client_id.eq(client_id));
    Ok(diesel::delete(query).execute(db)? == 1)
}
