//! Signing people in: passwords, sessions, throttles, new accounts.

pub mod enter;
pub mod fresh;
pub mod mailed;
pub mod password;
pub mod session;
pub mod sign_up;
pub mod throttle;

pub use enter::{Method, Started};
pub use session::SignedIn;
