//! The account API.

pub(crate) mod whoami;
