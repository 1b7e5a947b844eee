//! The API for programs.

pub(crate) mod v1;
