//! Pages for people. A handler finds out who asks ([`visitor::Visitor`]), makes one call, and shows a view.

pub(crate) mod account;
pub(crate) mod assets;
pub(crate) mod authenticator;
pub(crate) mod brand;
pub(crate) mod confirm;
pub(crate) mod consent;
pub(crate) mod continue_request;
pub(crate) mod errors;
pub(crate) mod guard;
pub(crate) mod home;
pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod passkey_ceremonies;
pub(crate) mod passkeys;
pub(crate) mod password;
pub(crate) mod providers;
pub(crate) mod recovery;
pub(crate) mod render;
pub(crate) mod second;
pub(crate) mod security;
pub(crate) mod setup;
pub(crate) mod signup;
pub(crate) mod texts;
pub(crate) mod via;
pub(crate) mod views;
pub(crate) mod visitor;
