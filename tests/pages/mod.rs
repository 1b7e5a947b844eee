//! What people see and do: sign-in, sign-up, consent, account, set-up.

mod account;
mod admin_invites;
pub(crate) mod admin_people;
mod admin_races;
mod consent;
mod first_admin;
pub(crate) mod invites;
mod login;
mod logout;
mod password;
mod second;
mod signup;
