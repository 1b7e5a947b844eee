//! What removing ended rows comes to.

/// What one batch came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// how many rows are gone
    pub removed: usize,
    /// there may be more of them
    pub more: bool,
}
