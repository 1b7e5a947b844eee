//! What was written down to be sent, and is sent beside everything else.

pub(crate) mod email;
