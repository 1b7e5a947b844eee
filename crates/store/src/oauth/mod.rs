//! What apps were allowed and issued.

pub mod access_tokens;
pub mod codes;
pub mod consents;
pub mod grants;
pub mod issued;
pub mod refresh_tokens;
