//! Keeping what one request issued.

use diesel::prelude::*;

use crate::db::connection::Db;
use crate::db::error::Result;
use crate::db::native::{Together, keep};
use crate::db::schema::{access_tokens, grants, refresh_tokens};
use crate::oauth::access_tokens::AccessTokenRow;
use crate::oauth::grants::GrantRow;
use crate::oauth::refresh_tokens::RefreshTokenRow;

/// What one request to the token endpoint issued.
#[derive(Clone, Copy)]
pub struct Issued<'i> {
    /// the new family; none for a client's own token, and where there was one before
    pub family: Option<&'i GrantRow>,
    /// the access token
    pub access: &'i AccessTokenRow,
    /// the refresh token, if there is one
    pub refresh: Option<&'i RefreshTokenRow>,
}

/// Keeps it: on PostgreSQL in one round trip, on SQLite, where a statement costs no trip, row by row.
pub fn insert_issued(db: &mut Db, issued: Issued<'_>) -> Result<()> {
    let insert_family = |row| diesel::insert_into(grants::table).values::<&GrantRow>(row);
    let insert_refresh = |row| diesel::insert_into(refresh_tokens::table).values::<&RefreshTokenRow>(row);
    let access = diesel::insert_into(access_tokens::table).values(issued.access);
    match db {
        Db::Sqlite(connection) => {
            if let Some(family) = issued.family {
                keep!(insert_family(family)).execute(connection)?;
            }
            keep!(access).execute(connection)?;
            if let Some(refresh) = issued.refresh {
                keep!(insert_refresh(refresh)).execute(connection)?;
            }
        }
        Db::Postgres(connection) => {
            let (family, refresh) = (issued.family.map(insert_family), issued.refresh.map(insert_refresh));
            match (&family, &refresh) {
                (Some(family), Some(refresh)) => keep!(Together([family, &access, refresh])).execute(connection)?,
                (Some(family), None) => keep!(Together([family, &access])).execute(connection)?,
                (None, Some(refresh)) => keep!(Together([&access, refresh])).execute(connection)?,
                (None, None) => keep!(access).execute(connection)?,
            };
        }
    }
    Ok(())
}
