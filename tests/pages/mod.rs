//! What people see and do: sign-in, sign-up, consent, account, set-up.

mod account;
mod admin_invites;
mod consent;
mod first_admin;
pub(crate) mod invites;
mod login;
mod logout;
mod password;
mod signup;
