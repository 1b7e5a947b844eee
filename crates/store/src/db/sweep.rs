//! Removing what has ended, in small batches.

use diesel::prelude::*;

use crate::db::connection::Db;
use crate::db::error::Result;
use crate::db::schema::{
    access_tokens, authorization_codes, grants, invites, mail_links, mails, meta, refresh_tokens, sessions,
    setup_links, spent_tickets, throttles,
};

/// Something that ends and is then in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sweepable {
    /// authorization codes
    Codes,
    /// access tokens
    AccessTokens,
    /// refresh tokens
    RefreshTokens,
    /// grants, with all that still hangs on them
    Grants,
    /// browser sessions
    Sessions,
    /// set-up links
    SetupLinks,
    /// counts of failed sign-ins
    Throttles,
    /// mailed links
    MailLinks,
    /// letters that could not be sent in time
    Mails,
    /// used tickets
    Tickets,
    /// invites
    Invites,
    /// audit events; only in whole seals, see `audit::delete_seals`
    AuditEvents,
}

impl Sweepable {
    /// Everything, children before parents.
    pub const ALL: [Self; 12] = [
        Self::Codes,
        Self::AccessTokens,
        Self::RefreshTokens,
        Self::Grants,
        Self::Sessions,
        Self::SetupLinks,
        Self::Throttles,
        Self::MailLinks,
        Self::Mails,
        Self::Tickets,
        Self::Invites,
        Self::AuditEvents,
    ];

    /// The table's name, for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Codes => "authorization_codes",
            Self::AccessTokens => "access_tokens",
            Self::RefreshTokens => "refresh_tokens",
            Self::Grants => "grants",
            Self::Sessions => "sessions",
            Self::SetupLinks => "setup_links",
            Self::Throttles => "throttles",
            Self::MailLinks => "mail_links",
            Self::Mails => "mails",
            Self::Tickets => "spent_tickets",
            Self::Invites => "invites",
            Self::AuditEvents => "audit_events",
        }
    }
}

/// Two statements, because a DELETE with a LIMIT is not portable.
macro_rules! delete_batch {
    ($db:expr, $table:ident, $key:ident, $time:ident, $before:expr, $limit:expr) => {{
        let keys: Vec<String> =
            $table::table.filter($table::$time.lt($before)).select($table::$key).limit($limit).load($db)?;
        if keys.is_empty() {
            0
        } else {
            diesel::delete($table::table.filter($table::$key.eq_any(&keys))).execute($db)?
        }
    }};
}

/// Removes at most `limit` rows that ended before `before`; how many.
pub fn delete_ended(db: &mut Db, what: Sweepable, before: i64, limit: i64) -> Result<usize> {
    Ok(match what {
        Sweepable::Codes => delete_batch!(db, authorization_codes, code_hash, expires_at, before, limit),
        Sweepable::AccessTokens => delete_batch!(db, access_tokens, token_hash, expires_at, before, limit),
        Sweepable::RefreshTokens => delete_batch!(db, refresh_tokens, token_hash, expires_at, before, limit),
        Sweepable::Grants => delete_batch!(db, grants, id, expires_at, before, limit),
        Sweepable::Sessions => delete_batch!(db, sessions, id, expires_at, before, limit),
        Sweepable::SetupLinks => delete_batch!(db, setup_links, token_hash, expires_at, before, limit),
        Sweepable::Throttles => delete_batch!(db, throttles, bucket, expires_at, before, limit),
        Sweepable::MailLinks => delete_batch!(db, mail_links, id, expires_at, before, limit),
        Sweepable::Mails => delete_batch!(db, mails, id, expires_at, before, limit),
        Sweepable::Tickets => delete_batch!(db, spent_tickets, id, expires_at, before, limit),
        Sweepable::Invites => delete_batch!(db, invites, id, expires_at, before, limit),
        // a log with holes could not be verified
        Sweepable::AuditEvents => 0,
    })
}

/// Takes the sweeper's turn until `until`: one node at a time. `false` where another node has it.
pub fn update_sweep_lease(db: &mut Db, now: i64, until: i64) -> Result<bool> {
    let changed = diesel::update(meta::table.filter(meta::key.eq("sweep_lease")).filter(meta::value.le(now)))
        .set(meta::value.eq(until))
        .execute(db)?;
    Ok(changed == 1)
}

/// Makes whoever does this at the same time wait until the transaction ends: for the few decisions that look at several
/// rows, such as "is this the last administrator".
pub fn take_global_lock(db: &mut Db) -> Result<()> {
    diesel::update(meta::table.filter(meta::key.eq("global_lock"))).set(meta::value.eq(meta::value + 1)).execute(db)?;
    Ok(())
}
