//! What people see and do: sign-in, sign-up, consent, account, set-up.

mod account;
pub(crate) mod admin_people;
mod admin_races;
mod consent;
mod first_admin;
mod login;
mod logout;
mod password;
mod second;
mod signup;
