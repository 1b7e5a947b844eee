//! People: their accounts, sessions, ways in, and the invitations by which they come.

pub mod authenticators;
pub mod directory;
pub mod identities;
pub mod invites;
pub mod mail_links;
pub mod passkeys;
pub mod personal_data;
pub mod recovery_codes;
pub mod sessions;
pub mod setup_links;
pub mod throttles;
pub mod tickets;
pub mod users;
