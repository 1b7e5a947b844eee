//! Pages for people. A handler takes up who was let through ([`kit::gate`]), makes one call, and shows a view.
//!
//! A page is one folder: its handlers, its view, its templates, its texts. Here stand its module and its route, and nowhere else
//! anything about it. Each line says who may call it; what that means is in [`crate::http::policy`].

use crate::http::policy::{ADMINISTRATOR, Body, Limit, MenuEntry, MenuGroup, OPEN, PERSON, VISITOR};
use crate::http::routes::{Routes, both, only_get, only_post};

/// What the pages are made of.
pub(crate) mod kit {
    pub(crate) mod assets;
    pub(crate) mod brand;
    pub(crate) mod collected;
    pub(crate) mod errors;
    pub(crate) mod events;
    pub(crate) mod fault;
    pub(crate) mod frames;
    pub(crate) mod gate;
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
    pub(crate) mod api_scopes;
    pub(crate) mod audit;
    pub(crate) mod invitations;
    pub(crate) mod new_user;
    pub(crate) mod overview;
    pub(crate) mod shared;
    pub(crate) mod sign_up_mode;
    pub(crate) mod user;
    pub(crate) mod users;
}

/// The routes of the pages, below the path of the issuer.
pub(crate) fn write_lines(routes: &mut Routes<'_>) {
    write_ways_in(routes);
    write_account(routes);
    write_administration(routes);
}

#[rustfmt::skip]
fn write_ways_in(routes: &mut Routes<'_>) {
    use sign_in::{confirm, link, login, passkey, provider, reset, second_step, verify};

    routes.add("/",                                 VISITOR, only_get(home::get));
    routes.add("/assets/{name}",                    OPEN, only_get(kit::assets::get));
    routes.add("/login",                            VISITOR, both(login::get, login::post));
    routes.add("/login/second",                     VISITOR, both(second_step::get, second_step::post));
    routes.add("/login/via/{provider}/callback",    VISITOR.limit(Limit::ProviderReturns).spec("OpenID Connect Core §3.1.2.5"), only_get(provider::callback));
    routes.add("/passkeys/options",                 VISITOR.body(Body::Json).spec("WebAuthn L3 §5.1"), only_post(passkey::options));
    routes.add("/confirm",                          PERSON.keeping_journey(), both(confirm::get, confirm::post));
    routes.add("/signup",                           VISITOR.limit(Limit::Signups), both(sign_up::get, sign_up::post));
    routes.add("/invite",                           VISITOR, only_post(invitations::sign_out));
    routes.add("/invite/{code}",                    VISITOR, only_get(invitations::get));
    routes.add("/verify",                           VISITOR, both(verify::get, verify::post));
    routes.add("/link/{token}",                     VISITOR, both(link::get, link::post));
    routes.add("/reset",                            VISITOR, both(reset::ask, reset::send));
    routes.add("/reset/{token}",                    VISITOR, both(reset::get, reset::post));
    routes.add("/consent",                          VISITOR, both(consent::get, consent::post));
    routes.add("/logout",                           VISITOR, both(sign_out::get, sign_out::post));
    routes.add("/setup/{token}",                    VISITOR, both(setup::get, setup::post));
}

#[rustfmt::skip]
fn write_account(routes: &mut Routes<'_>) {
    use account::*;

    routes.add("/account",                          PERSON, both(profile::get, profile::post));
    routes.add("/account/email",                    PERSON, both(email::get, email::post));
    routes.add("/account/email/cancel",             PERSON, only_post(email::cancel));
    routes.add("/account/email/verify",             PERSON, only_post(email::verify));
    routes.add("/account/security",                 PERSON, only_get(security::get));
    routes.add("/account/second-step",              PERSON, both(security::ask_toggle, security::toggle));
    routes.add("/account/password",                 PERSON, both(password::get, password::post));
    routes.add("/account/password/new",             PERSON, both(password::get_first, password::post_first));
    routes.add("/account/authenticator/new",        PERSON, both(authenticator::get, authenticator::post));
    routes.add("/account/authenticator/remove",     PERSON, both(authenticator::ask_remove, authenticator::remove));
    routes.add("/account/recovery-codes",           PERSON, both(recovery_codes::get, recovery_codes::post));
    routes.add("/account/recovery-codes/download",  PERSON, only_post(recovery_codes::download));
    routes.add("/account/recovery-codes/done",      PERSON, only_post(recovery_codes::done));
    routes.add("/account/passkeys",                 PERSON, only_get(passkeys::list));
    routes.add("/account/passkeys/new",             PERSON, both(passkeys::new, passkeys::add));
    routes.add("/account/passkeys/{id}",            PERSON, both(passkeys::ask_name, passkeys::rename));
    routes.add("/account/passkeys/{id}/remove",     PERSON, both(passkeys::ask_remove, passkeys::remove));
    routes.add("/account/providers",                PERSON, only_get(providers::get));
    routes.add("/account/providers/link",           PERSON, only_post(providers::link));
    routes.add("/account/providers/unlink",         PERSON, only_post(providers::unlink));
    routes.add("/account/sessions",                 PERSON, only_get(sessions::get));
    routes.add("/account/sessions/end",             PERSON, only_post(sessions::end));
    routes.add("/account/sessions/end-others",      PERSON, only_post(sessions::end_others));
    routes.add("/account/apps",                     PERSON, only_get(apps::get));
    routes.add("/account/apps/{client_id}/end",     PERSON, only_get(apps::ask_end));
    routes.add("/account/apps/end",                 PERSON, only_post(apps::end));
    routes.add("/account/activity",                 PERSON, both(activity::get, activity::post));
    routes.add("/account/data",                     PERSON, both(personal_data::show_data, personal_data::download));
    routes.add("/account/delete",                   PERSON, both(personal_data::ask_delete, personal_data::delete));
}

/// The menu has the entries of these lines, in this order.
#[rustfmt::skip]
fn write_administration(routes: &mut Routes<'_>) {
    use MenuGroup::{Main, Records};
    use admin::*;

    routes.add("/admin",                            ADMINISTRATOR.menu(Main, "overview", "home"), only_get(overview::get));
    routes.add("/admin/users",                      ADMINISTRATOR.menu(Main, "users", "people"), only_get(users::get));
    routes.add("/admin/users.csv",                  ADMINISTRATOR.back("/admin/users"), only_get(users::csv::get));
    routes.add("/admin/users/new",                  ADMINISTRATOR, both(new_user::get, new_user::post));
    routes.add("/admin/users/{id}",                 ADMINISTRATOR, only_get(user::get));
    routes.add("/admin/users/{id}/{act}",           ADMINISTRATOR, both(acts::get, acts::post));
    routes.add("/admin/invites",                    ADMINISTRATOR.menu(Main, "invites", "ticket"), only_get(invitations::list));
    routes.add("/admin/invites/new",                ADMINISTRATOR, both(invitations::new, invitations::add));
    routes.add("/admin/invites/{id}",               ADMINISTRATOR, only_get(invitations::show));
    routes.add("/admin/invites/{id}/revoke",        ADMINISTRATOR, both(invitations::ask_revoke, invitations::revoke));
    routes.add("/admin/signup-mode",                ADMINISTRATOR, both(sign_up_mode::get, sign_up_mode::post));
    routes.add("/admin/api-scopes",                 ADMINISTRATOR.menu(Main, "api-scopes", "key"), only_get(api_scopes::get));
    routes.add("/admin/audit",                      ADMINISTRATOR.menu(Records, "audit", "list"), only_get(audit::get));
    routes.add("/admin/audit.jsonl",                ADMINISTRATOR.back("/admin/audit"), only_get(audit::export));
}

/// The menu of the administration.
pub(crate) fn list_menu() -> Vec<MenuEntry> {
    let mut routes = Routes::new(None, "");
    write_administration(&mut routes);
    routes.into_lines().into_iter().filter_map(|line| line.policy.menu).collect()
}
