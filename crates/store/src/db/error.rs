//! What can go wrong between us and the database, told apart by what the caller can do about it.

use diesel::result::{DatabaseErrorKind, Error as DieselError};

/// The result of everything in this crate.
pub type Result<T> = std::result::Result<T, StoreError>;

/// Why the database did not do what it was asked.
///
/// `Unavailable` becomes 503 with `Retry-After`, never a statement about a token or a client.
#[derive(Debug)]
pub enum StoreError {
    /// The database cannot be reached, is full, locked, read-only or too slow; nothing was changed.
    Unavailable(String),
    /// A uniqueness rule said no: the database decides who was first.
    Duplicate(String),
    /// Two PostgreSQL transactions stood in each other's way; the store repeats such a closure by itself.
    Conflict(String),
    /// A row that cannot be: a bug or a hand-edited database.
    Corrupt(String),
}

/// An error of a closure that the store runs: it must be able to hold the store's own, and to show it, so that the store
/// knows when to try again.
pub trait Failure: From<StoreError> + Send + 'static {
    /// The store's error in it, if that is what it is.
    fn as_store_error(&self) -> Option<&StoreError>;
}

/// How our words for a refused write begin; made from the SQLSTATE, so they do not depend on the server's language.
const READ_ONLY: &str = "the database is read-only";

impl StoreError {
    /// Whether this connection is to a server that takes no writes, such as the old primary after a failover.
    pub(crate) fn is_read_only(&self) -> bool {
        matches!(self, Self::Unavailable(why) if why.starts_with(READ_ONLY))
    }
}

impl Failure for StoreError {
    fn as_store_error(&self) -> Option<&StoreError> {
        Some(self)
    }
}

impl std::fmt::Display for StoreError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unavailable(why) => write!(f, "database unavailable: {why}"),
            Self::Duplicate(what) => write!(f, "already there: {what}"),
            Self::Conflict(why) => write!(f, "transactions in conflict: {why}"),
            Self::Corrupt(what) => write!(f, "unusable row: {what}"),
        }
    }
}

impl std::error::Error for StoreError {}

impl From<DieselError> for StoreError {
    fn from(error: DieselError) -> Self {
        match error {
            DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, info) => {
                Self::Duplicate(info.constraint_name().unwrap_or_else(|| info.message()).to_owned())
            }
            DieselError::DatabaseError(DatabaseErrorKind::SerializationFailure, info) => {
                Self::Conflict(info.message().to_owned())
            }
            // 40P01 has no kind of its own and diesel does not hand out the SQLSTATE, so it is told by its text. Only a
            // superuser may set `lc_messages`: where the operator chose another language a deadlock is not repeated
            // but answered as unavailable. That is as safe, since its transaction is undone, and costs the client a retry.
            DieselError::DatabaseError(DatabaseErrorKind::Unknown, info)
                if info.message().contains("deadlock detected") =>
            {
                Self::Conflict(info.message().to_owned())
            }
            DieselError::DatabaseError(DatabaseErrorKind::ReadOnlyTransaction, info) => {
                Self::Unavailable(format!("{READ_ONLY}: {}", info.message()))
            }
            DieselError::DeserializationError(why) => Self::Corrupt(why.to_string()),
            other => Self::Unavailable(other.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn convert(kind: DatabaseErrorKind, message: &str) -> StoreError {
        DieselError::DatabaseError(kind, Box::new(message.to_owned())).into()
    }

    #[test]
    fn a_read_only_server_is_told_by_its_sqlstate_in_any_language() {
        let error = convert(DatabaseErrorKind::ReadOnlyTransaction, "UPDATE geht nicht in einer Nur-Lese-Transaktion");
        assert!(error.is_read_only(), "{error}");
        assert!(!convert(DatabaseErrorKind::Unknown, "canceling statement due to lock timeout").is_read_only());
    }

    #[test]
    fn r_50_transactions_in_each_others_way_are_told_apart_from_a_database_that_is_away() {
        for (kind, message) in [
            (DatabaseErrorKind::SerializationFailure, "could not serialize access"),
            (DatabaseErrorKind::Unknown, "deadlock detected"),
        ] {
            assert!(matches!(convert(kind, message), StoreError::Conflict(_)), "{message}");
        }
        assert!(matches!(convert(DatabaseErrorKind::ClosedConnection, "gone"), StoreError::Unavailable(_)));
    }
}
