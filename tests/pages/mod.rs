//! What people see and do: sign-in, sign-up, consent, account, set-up.

mod account;
mod consent;
mod first_admin;
mod login;
mod logout;
mod passkeys;
mod password;
mod second;
mod signup;
