//! Resource servers: the APIs that ask whether a token is good, and the scopes that they define.

use diesel::prelude::*;

use crate::db::connection::Db;
use crate::db::error::{Result, StoreError};
use crate::db::schema::resource_servers::dsl;
use crate::db::schema::scopes;

/// A registered resource server.
#[derive(Clone, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = crate::db::schema::resource_servers)]
#[diesel(treat_none_as_null = true)]
pub struct ResourceServerRow {
    /// what it authenticates with at introspection
    pub id: String,
    /// what people see
    pub name: String,
    /// its resource identifier (RFC 8707): the audience of its tokens
    pub resource: String,
    /// SHA-256 of the secret
    pub secret_hash: String,
    /// the secret before the last rotation
    pub previous_secret_hash: Option<String>,
    /// until when that still works
    pub previous_secret_expires_at: Option<i64>,
    /// `opaque` or `jwt`
    pub access_token_format: String,
    /// comes from the settings file, which then owns it
    pub declared: bool,
    /// unix seconds
    pub created_at: i64,
    /// unix seconds
    pub updated_at: i64,
    /// since when it is refused, if so
    pub disabled_at: Option<i64>,
}

/// A scope and the sentence that consent shows for it.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = crate::db::schema::scopes)]
pub struct ScopeRow {
    /// the scope token
    pub name: String,
    /// the API that defines it
    pub resource_server_id: String,
    /// what it allows, as a sentence without a full stop
    pub description: String,
    /// shown last and marked: it changes or deletes things
    pub sensitive: bool,
}

/// Adds a resource server; `false` where the id or the identifier is taken.
pub fn insert_resource_server(db: &mut Db, row: &ResourceServerRow) -> Result<bool> {
    let inserted = db.insert_unless_duplicate(|db| {
        diesel::insert_into(dsl::resource_servers).values(row).execute(db)?;
        Ok(())
    })?;
    Ok(inserted.is_some())
}

/// The resource server with this id.
pub fn find_resource_server(db: &mut Db, id: &str) -> Result<Option<ResourceServerRow>> {
    let query = dsl::resource_servers.filter(dsl::id.eq(id));
    Ok(query.select(ResourceServerRow::as_select()).get_result(db).optional()?)
}

/// All resource servers, by id.
pub fn list_resource_servers(db: &mut Db) -> Result<Vec<ResourceServerRow>> {
    Ok(dsl::resource_servers.order(dsl::id.asc()).select(ResourceServerRow::as_select()).load(db)?)
}

/// Replaces everything but the id; `false` where the identifier is another one's.
pub fn update_resource_server(db: &mut Db, row: &ResourceServerRow) -> Result<bool> {
    let changed = db.insert_unless_duplicate(|db| {
        Ok(diesel::update(dsl::resource_servers.filter(dsl::id.eq(&row.id))).set(row).execute(db)?)
    })?;
    match changed {
        None => Ok(false),
        Some(1) => Ok(true),
        Some(_) => Err(StoreError::Corrupt(format!("resource server {} is gone", row.id))),
    }
}

/// Removes a resource server and its scopes.
pub fn delete_resource_server(db: &mut Db, id: &str) -> Result<bool> {
    Ok(diesel::delete(dsl::resource_servers.filter(dsl::id.eq(id))).execute(db)? == 1)
}

/// All scopes, by name.
pub fn list_scopes(db: &mut Db) -> Result<Vec<ScopeRow>> {
    Ok(scopes::table.order(scopes::name.asc()).select(ScopeRow::as_select()).load(db)?)
}

/// Replaces the scopes of a resource server; the name of one that another server owns already, if any.
pub fn update_scopes(db: &mut Db, resource_server_id: &str, rows: &[ScopeRow]) -> Result<Option<String>> {
    diesel::delete(scopes::table.filter(scopes::resource_server_id.eq(resource_server_id))).execute(db)?;
    for row in rows {
        let inserted = db.insert_unless_duplicate(|db| {
            diesel::insert_into(scopes::table).values(row).execute(db)?;
            Ok(())
        })?;
        if inserted.is_none() {
            return Ok(Some(row.name.clone()));
        }
    }
    Ok(None)
}
