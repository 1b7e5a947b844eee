//! What a change by an operator or an administrator comes to.

/// Why something could not be changed, as a sentence for the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ManageFault {
    /// there is no such thing
    NotFound(String),
    /// a value is wrong
    Invalid(String),
    /// a rule forbids it
    Forbidden(String),
    /// a limit is reached
    TooMany(String),
    /// nobody would be left to administer
    LastAdministrator(String),
}

impl std::fmt::Display for ManageFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotFound(what)
            | Self::Invalid(what)
            | Self::Forbidden(what)
            | Self::TooMany(what)
            | Self::LastAdministrator(what) => f.write_str(what),
        }
    }
}

/// What a change came to: the value, or the reason why nothing was changed.
pub type Managed<T> = crate::Result<gatepost_store::Outcome<Result<T, ManageFault>>>;

pub(crate) fn invalid<T>(what: impl Into<String>) -> Managed<T> {
    Ok(gatepost_store::Outcome::Rollback(Err(ManageFault::Invalid(what.into()))))
}

pub(crate) fn not_found<T>(what: impl Into<String>) -> Managed<T> {
    Ok(gatepost_store::Outcome::Rollback(Err(ManageFault::NotFound(what.into()))))
}
