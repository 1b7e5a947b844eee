//! Signing people in: passwords, throttles, and the one place where every way in ends.

pub mod enter;
pub mod fresh;
pub mod password;
pub mod throttle;

pub use enter::{Method, Started};
