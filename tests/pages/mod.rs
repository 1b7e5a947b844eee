//! What people see and do: sign-in, sign-up, consent, account, set-up.

mod account;
mod admin_invites;
pub(crate) mod admin_people;
mod admin_races;
mod change_email;
mod consent;
mod first_admin;
pub(crate) mod invites;
mod login;
mod logout;
mod mailed_links;
mod passkeys;
mod password;
mod personal;
mod reset;
mod second;
mod signup;
mod verify;
