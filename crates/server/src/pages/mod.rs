//! Pages for people. A handler finds out who asks ([`kit::visitor::Visitor`]), makes one call, and shows a view.
//!
//! A page is one folder: its handlers, its view, its templates, its texts.

/// What the pages are made of.
pub(crate) mod kit {
    pub(crate) mod assets;
    pub(crate) mod brand;
    pub(crate) mod collected;
    pub(crate) mod errors;
    pub(crate) mod events;
    pub(crate) mod fault;
    pub(crate) mod frames;
    pub(crate) mod guard;
    pub(crate) mod names;
    pub(crate) mod notice;
    pub(crate) mod passkey;
    pub(crate) mod providers;
    pub(crate) mod render;
    pub(crate) mod return_to;
    pub(crate) mod scopes;
    pub(crate) mod texts;
    pub(crate) mod view;
    pub(crate) mod visitor;
}

pub(crate) mod consent;
pub(crate) mod home;
pub(crate) mod invitations;
pub(crate) mod setup;
pub(crate) mod sign_out;
pub(crate) mod sign_up;

/// Every way in.
pub(crate) mod sign_in {
    pub(crate) mod confirm;
    pub(crate) mod continue_request;
    pub(crate) mod link;
    pub(crate) mod login;
    pub(crate) mod mailed;
    pub(crate) mod passkey;
    pub(crate) mod provider;
    pub(crate) mod reset;
    pub(crate) mod second_step;
    pub(crate) mod verify;
}

/// What a signed-in person sees and changes.
pub(crate) mod account {
    pub(crate) mod activity;
    pub(crate) mod apps;
    pub(crate) mod authenticator;
    pub(crate) mod email;
    pub(crate) mod passkeys;
    pub(crate) mod password;
    pub(crate) mod personal_data;
    pub(crate) mod profile;
    pub(crate) mod providers;
    pub(crate) mod recovery_codes;
    pub(crate) mod security;
    pub(crate) mod sessions;
}

/// What administrators see and change.
pub(crate) mod admin {
    pub(crate) mod acts;
    pub(crate) mod audit;
    pub(crate) mod invitations;
    pub(crate) mod new_user;
    pub(crate) mod overview;
    pub(crate) mod shared;
    pub(crate) mod sign_up_mode;
    pub(crate) mod user;
    pub(crate) mod users;
}
