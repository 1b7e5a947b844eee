//! Signing people in: passwords, sessions, throttles, new accounts.

pub mod password;
pub mod session;
pub mod sign_up;
pub mod throttle;

pub use session::SignedIn;
