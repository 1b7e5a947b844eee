//! What people see and do: sign-in, sign-up, consent, account, set-up.

mod account;
mod change_email;
mod consent;
mod first_admin;
mod login;
mod logout;
mod mailed_links;
mod password;
mod reset;
mod signup;
mod verify;
