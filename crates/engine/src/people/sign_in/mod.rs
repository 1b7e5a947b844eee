//! Signing people in: passwords, throttles, and the one place where every way in ends.

pub mod enter;
pub mod fresh;
pub(crate) mod method;
pub mod password;
pub mod throttle;

pub use enter::Started;
pub use method::Method;
