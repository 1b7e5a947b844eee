//! Which error to use where: [`Refused`] is an answer to the other side, [`Trouble`] is ours and never an answer, [`Error`] is
//! either. A function that writes after everything was checked returns [`Trouble`]: the compiler keeps it from refusing.

use std::borrow::Cow;

use gatepost_protocol::error::ErrorCode;
use gatepost_store::{Failure, StoreError};

/// The result of a decision.
pub type Result<T> = std::result::Result<T, Error>;

/// A refusal: a sentence that is safe for the world, and a detail for the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// which error of the protocol
    pub code: ErrorCode,
    /// fixed and safe; never what was sent
    pub public: &'static str,
    /// for the log and, where allowed, for the developer
    pub detail: Cow<'static, str>,
}

impl Refused {
    /// A refusal whose public sentence says it all.
    pub const fn new(code: ErrorCode, public: &'static str) -> Self {
        Self { code, public, detail: Cow::Borrowed("") }
    }

    /// The same with a detail for the log.
    pub fn with_detail(mut self, detail: impl Into<Cow<'static, str>>) -> Self {
        self.detail = detail.into();
        self
    }
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.code.as_str(), self.public)?;
        if !self.detail.is_empty() {
            write!(f, " ({})", self.detail)?;
        }
        Ok(())
    }
}

/// Why there is no positive answer.
#[derive(Debug)]
pub enum Error {
    /// the other side is told so
    Refused(Refused),
    /// 503, whatever was asked
    Store(StoreError),
    /// a bug or a broken installation: 500 with a reference
    Internal(String),
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Refused(refused) => refused.fmt(f),
            Self::Store(error) => error.fmt(f),
            Self::Internal(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for Error {}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        Trouble::from(error).into()
    }
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

/// Our own trouble. What can only fail like this has nothing left to refuse, so whatever was written before it is good.
#[derive(Debug)]
pub enum Trouble {
    /// 503, whatever was asked
    Store(StoreError),
    /// a bug or a broken installation: 500 with a reference
    Internal(String),
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Corrupt(what) => Self::Internal(what),
            other => Self::Store(other),
        }
    }
}

impl From<Trouble> for Error {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Store(error) => Self::Store(error),
            Trouble::Internal(why) => Self::Internal(why),
        }
    }
}

impl Failure for Error {
    fn as_store_error(&self) -> Option<&StoreError> {
        match self {
            Self::Store(error) => Some(error),
            _ => None,
        }
    }
}
