//! Clients: the programs that ask for tokens.

pub mod resource_servers;

use diesel::prelude::*;

use crate::db::connection::Db;
use crate::db::error::{Result, StoreError};
use crate::db::schema::clients::dsl;

/// A registered client, as stored; lists are JSON in text.
#[derive(Clone, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = crate::db::schema::clients)]
#[diesel(treat_none_as_null = true)]
pub struct ClientRow {
    /// chosen by the operator or random; never used again
    pub client_id: String,
    /// what people see
    pub name: String,
    /// `web`, `native`, `browser` or `service`
    pub kind: String,
    /// `none`, `client_secret_basic`, `client_secret_post` or `client_secret_any`
    pub auth_method: String,
    /// SHA-256 of the secret
    pub secret_hash: Option<String>,
    /// the secret before the last rotation
    pub previous_secret_hash: Option<String>,
    /// until when that still works
    pub previous_secret_expires_at: Option<i64>,
    /// JSON list of strings, compared byte for byte
    pub redirect_uris: String,
    /// the scopes it may ask for, separated by spaces
    pub scopes: String,
    /// JSON list of resource identifiers it may ask for; empty: those that own its scopes
    pub resources: String,
    /// JSON list
    pub grant_types: String,
    /// skips consent: the operator vouches for it
    pub first_party: bool,
    /// the operator has checked who makes it
    pub verified: bool,
    /// its developers are shown registered values on error pages
    pub show_setup_errors: bool,
    /// seconds; the server's setting where absent
    pub access_ttl: Option<i64>,
    /// seconds; the server's setting where absent
    pub refresh_idle_ttl: Option<i64>,
    /// seconds; the server's setting where absent
    pub refresh_absolute_ttl: Option<i64>,
    /// `rotate` or `keep`; public clients always rotate
    pub refresh_rotation: String,
    /// answers a refresh that is repeated within the grace once more with the same tokens
    pub refresh_replay: bool,
    /// comes from the settings file, which then owns it
    pub declared: bool,
    /// unix seconds
    pub created_at: i64,
    /// unix seconds
    pub updated_at: i64,
    /// since when nothing of this client works, if so
    pub disabled_at: Option<i64>,
    /// deleted ids stay taken
    pub deleted_at: Option<i64>,
    /// people must have signed in with two factors
    pub require_second_factor: bool,
}

/// Adds a client; `false` where the id is or was taken.
pub fn insert_client(db: &mut Db, row: &ClientRow) -> Result<bool> {
    let inserted = db.insert_unless_duplicate(|db| {
        diesel::insert_into(dsl::clients).values(row).execute(db)?;
        Ok(())
    })?;
    Ok(inserted.is_some())
}

/// The client with this id, disabled or not, but not a deleted one.
pub fn find_client(db: &mut Db, client_id: &str) -> Result<Option<ClientRow>> {
    let query = dsl::clients.filter(dsl::client_id.eq(client_id)).filter(dsl::deleted_at.is_null());
    Ok(query.select(ClientRow::as_select()).get_result(db).optional()?)
}

/// All clients that are not deleted, by id.
pub fn list_clients(db: &mut Db) -> Result<Vec<ClientRow>> {
    let query = dsl::clients.filter(dsl::deleted_at.is_null()).order(dsl::client_id.asc());
    Ok(query.select(ClientRow::as_select()).load(db)?)
}

/// Replaces everything but the id.
pub fn update_client(db: &mut Db, row: &ClientRow) -> Result<()> {
    let changed = diesel::update(dsl::clients.filter(dsl::client_id.eq(&row.client_id))).set(row).execute(db)?;
    match changed {
        1 => Ok(()),
        _ => Err(StoreError::Corrupt(format!("client {} is gone", row.client_id))),
    }
}
