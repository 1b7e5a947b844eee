//! Version 1.

pub(crate) mod whoami;
