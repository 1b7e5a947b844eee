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
            DieselError::DatabaseError(_, info) if info.message().contains("deadlock detected") => {
                Self::Conflict(info.message().to_owned())
            }
            DieselError::DeserializationError(why) => Self::Corrupt(why.to_string()),
            other => Self::Unavailable(other.to_string()),
        }
    }
}
