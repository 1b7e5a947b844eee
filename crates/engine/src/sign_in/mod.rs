//! Signing people in: passwords, sessions, throttles, new accounts.

pub mod enter;
pub mod factor;
pub mod fresh;
pub mod mailed;
pub mod passkey;
pub mod password;
pub mod recovery;
pub mod second;
pub mod session;
pub mod sign_up;
pub mod throttle;
pub mod totp;
pub mod trip;
pub mod upstream;
pub mod ways;

pub use enter::{Method, Started};
pub use session::SignedIn;
