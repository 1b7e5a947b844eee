//! Every way in, and what people and administrators do with an account, at the moment when the database goes away.

use super::{find_csrf, signed_in};
use crate::pages::invites::add_invite;
use crate::races::browser_request;
use crate::storage::run_statement;
use crate::support::flow::{find_form, login_form};
use crate::support::letters::{LINK_SUBJECT, RESET_SUBJECT, link_form, target_of, wait_for_subject};
use crate::support::{ALICE, BOB, Browser, Person, Request, Smtp, TestApp};

const CHIEF: Person = Person { email: "chief@example.com", name: "Chief", password: "four yellow tin whistles" };

/// Pages of a person.
const OWN_PAGES: [&str; 12] = [
    "/confirm",
    "/account/passkeys",
    "/account/passkeys/new",
    "/account/providers",
    "/account/activity",
    "/account/data",
    "/account/delete",
    "/account/email",
    "/account/second-step",
    "/account/authenticator/new",
    "/account/recovery-codes",
    "/account/password/new",
];

/// Forms of a person.
const OWN_FORMS: [&str; 23] = [
    "/confirm",
    "/invite",
    "/account",
    "/account/password",
    "/account/password/new",
    "/account/passkeys/new",
    "/account/passkeys/x",
    "/account/passkeys/x/remove",
    "/account/providers/link",
    "/account/providers/unlink",
    "/account/activity",
    "/account/data",
    "/account/delete",
    "/account/email",
    "/account/email/cancel",
    "/account/email/verify",
    "/account/second-step",
    "/account/authenticator/new",
    "/account/authenticator/remove",
    "/account/recovery-codes",
    "/account/recovery-codes/download",
    "/account/recovery-codes/done",
    "/login/second",
];

const ADMIN_PAGES: [&str; 8] = [
    "/admin",
    "/admin/users",
    "/admin/users.csv",
    "/admin/users/new",
    "/admin/audit",
    "/admin/audit.jsonl",
    "/admin/invites",
    "/admin/signup-mode",
];

const ADMIN_FORMS: [&str; 5] = [
    "/admin/users/new",
    "/admin/users/0123456789abcdef0123456789abcdef/disable",
    "/admin/invites/new",
    "/admin/invites/0123456789abcdef0123456789abcdef/revoke",
    "/admin/signup-mode",
];

/// The requests, by what they are called.
pub(super) fn prepare_ways_in(app: &TestApp, smtp: &Smtp) -> Vec<(String, Request)> {
    let mut all = prepare_letters(app, smtp);
    all.extend(prepare_anonymous(app));
    app.add_user(&BOB);
    // a second step is asked for, whatever there is to do it with
    run_statement(&app.database_url, &format!("UPDATE users SET second_step = TRUE WHERE email = '{}'", BOB.email));
    let mut half = Browser::new(app);
    let page = half.get("/login");
    half.fill_in_login(&page, &BOB);
    assert!(half.session_cookie().is_some());
    all.extend(prepare_pages(app, &mut half, "half a session", (&["/login/second", "/account"], &["/login/second"])));
    let mut person = Browser::new(app);
    person.sign_in(&ALICE);
    all.extend(prepare_pages(app, &mut person, "signed in", (&OWN_PAGES, &OWN_FORMS)));
    app.add_user(&CHIEF);
    app.run_ok(&["user", "role", CHIEF.email, "instance_admin"]);
    let mut chief = Browser::new(app);
    chief.sign_in(&CHIEF);
    all.extend(prepare_pages(app, &mut chief, "administrator", (&ADMIN_PAGES, &ADMIN_FORMS)));
    all
}

/// What is done with letters.
fn prepare_letters(app: &TestApp, smtp: &Smtp) -> Vec<(String, Request)> {
    let mut browser = Browser::new(app);
    let check = browser.ask_link(ALICE.email);
    let letter = wait_for_subject(smtp, ALICE.email, LINK_SUBJECT);
    let page = browser.open(app, &letter);
    let (link, typed) = (link_form(&page), find_form(&check, "/verify").set("code", "12345678"));
    let again = find_form(&check, "/verify").set("with", "again");
    let sealed = typed.field("check").expect("what was asked for").to_owned();
    let shown = Request::get(&app.at(&format!("/verify?check={sealed}")));
    let mut all = vec![
        ("GET link".into(), signed_in(&browser, Request::get(&target_of(app, &letter)))),
        ("POST link".into(), browser_request(&browser, &link.action, &link.fields)),
        ("GET verify".into(), signed_in(&browser, shown)),
        ("POST verify".into(), browser_request(&browser, &typed.action, &typed.fields)),
        ("POST verify again".into(), browser_request(&browser, &again.action, &again.fields)),
    ];
    browser.ask_reset(ALICE.email);
    let letter = wait_for_subject(smtp, ALICE.email, RESET_SUBJECT);
    let page = browser.open(app, &letter);
    let reset = link_form(&page).set("new", "twelve copper garden gates");
    all.push(("GET reset link".into(), signed_in(&browser, Request::get(&target_of(app, &letter)))));
    all.push(("POST reset link".into(), browser_request(&browser, &reset.action, &reset.fields)));
    all
}

/// What somebody does who is not signed in.
fn prepare_anonymous(app: &TestApp) -> Vec<(String, Request)> {
    let mut browser = Browser::new(app);
    let page = browser.get("/login");
    let form = login_form(&page).set("email", BOB.email);
    let (link, passkey) = (form.clone().set("with", "link"), form.set("with", "passkey").set("credential", "{}"));
    let reset = find_form(&browser.get("/reset"), "/reset").set("email", BOB.email);
    let (_, invite) = add_invite(app, &["--uses", "2"]);
    let page = browser.get(&invite);
    let sign_up = find_form(&page, "/signup").set("email", "new@example.com").set("name", "New");
    let sign_up = sign_up.set("password", "thirteen copper garden gates");
    vec![
        ("POST login, link".into(), browser_request(&browser, &link.action, &link.fields)),
        ("POST login, passkey".into(), browser_request(&browser, &passkey.action, &passkey.fields)),
        ("POST reset".into(), browser_request(&browser, &reset.action, &reset.fields)),
        ("GET invite".into(), signed_in(&browser, Request::get(&app.at(&invite)))),
        ("POST signup, invited".into(), browser_request(&browser, &sign_up.action, &sign_up.fields)),
    ]
}

/// Pages and forms of whoever has this browser's session.
fn prepare_pages(
    app: &TestApp,
    browser: &mut Browser<'_>,
    who: &str,
    (pages, forms): (&[&str], &[&str]),
) -> Vec<(String, Request)> {
    let csrf = find_csrf(&browser.get("/logout"));
    let fields = [("csrf".to_owned(), csrf.clone()), ("id".to_owned(), "x".to_owned())];
    let get = |path: &&str| (format!("GET {path}, {who}"), signed_in(browser, Request::get(&app.at(path))));
    let post = |path: &&str| (format!("POST {path}, {who}"), browser_request(browser, &app.at(path), &fields));
    let mut all: Vec<_> = pages.iter().map(get).chain(forms.iter().map(post)).collect();
    let wish = serde_json::json!({"kind": "confirm", "csrf": csrf}).to_string();
    let options = Request::post(&app.at("/passkeys/options")).header("Content-Type", "application/json").body(wish);
    all.push((format!("POST /passkeys/options, {who}"), signed_in(browser, options)));
    all
}
