//! People: their accounts, how they sign up and sign in, and what an administrator does for them.

pub mod account;
pub(crate) mod acting;
pub mod email;
pub(crate) mod end_access;
pub mod factors;
pub mod invites;
pub mod last_admin;
pub mod mailed_links;
pub mod password;
pub mod providers;
pub mod sessions;
pub mod setup;
pub mod sign_in;
pub mod sign_up;
pub mod users;
pub mod ways_in;
