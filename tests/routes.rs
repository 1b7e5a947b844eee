//! Every route × role × credential: what is not in this table does not pass (R-36, AD1, AD2).

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::pages::admin_people::{administrator, id_of};
use crate::storage::run_statement;
use crate::support::app::find_binary;
use crate::support::declared::OWN_CLI;
use crate::support::flow::find_form;
use crate::support::*;

/// Who may ask for a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
enum Caller {
    /// everybody; the session changes at most what is shown
    #[serde(rename = "everybody")]
    Public,
    /// programs with credentials of their own, never with a cookie
    #[serde(rename = "program")]
    Protocol,
    /// whoever is signed in, and nobody whose second step is still to come
    #[serde(rename = "person")]
    Account,
    /// administrators
    #[serde(rename = "administrator")]
    Admin,
}

use Caller::{Account, Admin, Protocol, Public};

/// A line of `gatepost config routes`.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct RouteLine {
    pub(crate) path: String,
    /// `GET, HEAD, POST`
    methods: String,
    caller: Caller,
    credential: String,
    csrf: bool,
    body: String,
}

impl RouteLine {
    pub(crate) fn takes(&self, method: &str) -> bool {
        self.methods.split(", ").any(|known| known == method)
    }

    /// The path with something in each of its places: what `known` says, or `x`, which nobody has.
    pub(crate) fn fill_in(&self, known: &[(&str, &str)]) -> String {
        let value = |segment: &str| match segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            Some(name) => known.iter().find(|(place, _)| *place == name).map_or("x", |(_, value)| value).to_owned(),
            None => segment.to_owned(),
        };
        self.path.split('/').map(value).collect::<Vec<_>>().join("/")
    }
}

/// The routes as the server itself lists them.
pub(crate) fn list_routes() -> Vec<RouteLine> {
    let output = std::process::Command::new(find_binary()).args(["config", "routes", "--json"]).output();
    let output = output.expect("the command runs");
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).expect("the table as JSON")
}

/// Forms that mean nothing without one of their fields: whoever may send them is told so with 400.
const NEED_FIELDS: &[&str] = &["/confirm", "/account/recovery-codes/download", "/admin/signup-mode"];

/// The paths that are written out in the two files of routes; those of the well-known documents are computed there, and public.
fn list_declared() -> BTreeSet<String> {
    let router =
        include_str!("../crates/server/src/http/router.rs").split("fn write_lines").nth(1).expect("the routes");
    let pages = include_str!("../crates/server/src/pages/mod.rs").split("fn write_lines").nth(1).expect("the routes");
    let body = [router, pages].concat();
    let found: BTreeSet<String> =
        body.split(".add(\"").skip(1).filter_map(|part| part.split('"').next()).map(str::to_owned).collect();
    let computed = ["add_elsewhere(oauth,", "add_elsewhere(openid,", "add_elsewhere(openid_appended,"];
    let calls = body.matches(".add").count();
    assert!(computed.iter().all(|call| body.contains(call)));
    assert_eq!(calls, found.len() + computed.len(), "every add(…) is a path that this test reads");
    found
}

#[test]
fn r_36_every_route_has_a_policy() {
    let declared = list_declared();
    let routes = list_routes();
    let known: BTreeSet<String> = routes.iter().map(|line| line.path.clone()).collect();
    assert_eq!(known.len(), routes.len(), "a path is there twice");
    let missing: Vec<_> = declared.difference(&known).collect();
    assert!(missing.is_empty(), "routes without a policy: {missing:?}");
    let (gone, well_known): (Vec<_>, Vec<_>) =
        known.difference(&declared).partition(|path| !path.starts_with("/.well-known/"));
    assert!(gone.is_empty(), "policies of routes that are gone: {gone:?}");
    assert_eq!(well_known.len(), 2, "{well_known:?}");
    for line in &routes {
        let RouteLine { path, caller, .. } = line;
        assert_eq!(path.starts_with("/admin"), *caller == Admin, "{path}: all of /admin is for administrators");
        let is_own = path.starts_with("/account") || *path == "/confirm";
        assert_eq!(is_own, *caller == Account, "{path}: all of /account is for its owner");
        let by_cookie = matches!(caller, Account | Admin);
        assert!(
            !by_cookie || (line.credential == "cookie" && line.csrf),
            "{path}: people come with a cookie and our forms"
        );
        assert!(*caller != Protocol || (line.credential != "cookie" && !line.csrf), "{path}: programs never do");
        assert!(!line.takes("POST") || line.body != "none", "{path}: a POST has a body of a known kind");
    }
}

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    Nobody,
    /// the first step is done, the second is not
    Half,
    User,
    Administrator,
    /// somebody's access token instead of a cookie
    Bearer,
}

/// What an answer comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    /// it was looked at: a page, a form with a fault, a thing that is not there
    Served,
    /// sign in first
    SignIn,
    /// not for this person
    Forbidden,
    /// the form is not ours, or a credential is missing or wrong
    Refused,
    /// another method would do
    Method,
}

fn classify(answer: &Response) -> Class {
    let location = answer.header("location").unwrap_or_default();
    let path = location.split('?').next().unwrap_or_default();
    match answer.status {
        405 => Class::Method,
        403 => Class::Forbidden,
        400 | 401 => Class::Refused,
        303 if path.ends_with("/login") || path.ends_with("/login/second") => Class::SignIn,
        200..=399 | 404 | 422 => Class::Served,
        _ => panic!("not an answer of this table: {answer:?}"),
    }
}

fn expect(policy: Caller, who: Who, is_post: bool) -> &'static [Class] {
    match (policy, who) {
        // their own tests say what they answer; here: never a way around the rest
        (Public, _) => &[Class::Served, Class::SignIn, Class::Refused, Class::Forbidden],
        // the whole world of programs: a cookie is no credential, so a person is as much as nobody
        (Protocol, Who::Bearer) => &[Class::Served, Class::Refused],
        (Protocol, _) => &[Class::Refused],
        (Account, Who::User | Who::Administrator) => &[Class::Served],
        (Account, Who::Nobody | Who::Half) => &[Class::SignIn],
        (Admin, Who::Administrator) => &[Class::Served],
        (Admin, Who::User) => &[Class::Forbidden],
        (Admin, Who::Nobody | Who::Half) => &[Class::SignIn],
        // a token brings no cookie, so a form of it is nobody's
        (Account | Admin, Who::Bearer) if is_post => &[Class::Refused],
        (Account | Admin, Who::Bearer) => &[Class::SignIn],
    }
}

/// A token for forms of whoever uses this browser.
fn find_csrf(browser: &mut Browser<'_>, who: Who) -> String {
    let path = if matches!(who, Who::User | Who::Administrator) { "/account" } else { "/login" };
    let page = browser.get(path);
    find_form(&page, path).field("csrf").expect("a token").to_owned()
}

fn ask(browser: &mut Browser<'_>, who: Who, method: &str, path: &str, bearer: &str, csrf: &str) -> Response {
    let mut request = Request::new(method, path);
    if who == Who::Bearer {
        request = request.bearer(bearer);
    }
    if method == "POST" {
        request = request.header("Sec-Fetch-Site", "same-origin").form(&[("csrf", csrf)]);
    }
    match who {
        Who::Bearer => request.send(browser.port()),
        _ => browser.send(request),
    }
}

for_each_database! {
    fn r_36_every_route_answers_every_role_by_its_policy(database) {
        let app = Setup::new(database).set("observability.metrics", "main").set("signup.mode", "open").spawn();
        let mut alice = id_of(&app, &ALICE);
        let bearer = app.get_tokens(OWN_CLI).access;
        drop(administrator(&app, &BOB));
        let sign_in = |who: Who| {
            let mut browser = Browser::new(&app);
            match who {
                Who::Nobody | Who::Bearer => {}
                Who::Half => {
                    let page = browser.get("/login");
                    drop(browser.fill_in_login(&page, &ALICE));
                    assert!(browser.session_cookie().is_some(), "the first step");
                }
                Who::User => browser.sign_in(&ALICE),
                Who::Administrator => browser.sign_in(&BOB),
            }
            browser
        };
        let routes = list_routes();
        let mut wrong = Vec::new();
        for who in [Who::Nobody, Who::Half, Who::User, Who::Administrator, Who::Bearer] {
            let second = if who == Who::Half { "TRUE" } else { "FALSE" };
            run_statement(&app.database_url, &format!("UPDATE users SET second_step = {second} WHERE id = '{alice}'"));
            let mut browser = sign_in(who);
            for line in &routes {
                let pattern = line.path.as_str();
                let places =
                    [("id", alice.as_str()), ("act", "enable"), ("client_id", OWN_CLI.id), ("name", "gatepost.css")];
                let path = line.fill_in(&places);
                for method in ["GET", "PUT", "DELETE", "PATCH", "POST"] {
                    let csrf = if method == "POST" { find_csrf(&mut browser, who) } else { String::new() };
                    let class = classify(&ask(&mut browser, who, method, &path, &bearer, &csrf));
                    let wanted = if line.takes(method) { expect(line.caller, who, method == "POST") } else { &[Class::Method] };
                    // these say that a form without its fields is not one of theirs
                    let lacks_fields = class == Class::Refused && method == "POST" && NEED_FIELDS.contains(&pattern);
                    let fits = wanted.contains(&class) || (lacks_fields && wanted == [Class::Served]);
                    if !fits {
                        wrong.push(format!("{who:?} {method} {pattern}: {class:?}, not {wanted:?}"));
                    }
                }
                // these end what the next routes need
                if pattern == "/account/delete" && who == Who::User {
                    app.add_user(&ALICE);
                    alice = id_of(&app, &ALICE);
                }
                if ["/login", "/login/second", "/logout", "/invite", "/account/delete", "/confirm"].contains(&pattern) {
                    browser = sign_in(who);
                }
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    /// Every page, whoever asks for it, has the headers of R-31 and is kept by nobody.
    fn r_31_every_page_has_its_headers(database) {
        let app = Setup::new(database).set("signup.mode", "open").spawn();
        let mut ada = administrator(&app, &ALICE);
        let id = id_of(&app, &BOB);
        let mut pages = 0;
        for line in list_routes() {
            if !line.takes("GET") || line.path.starts_with("/assets") {
                continue;
            }
            let path = line.fill_in(&[("id", &id), ("act", "disable"), ("client_id", OWN_CLI.id)]);
            for answer in [ada.get(&path), app.get(&path)] {
                if !answer.is_html() {
                    continue;
                }
                pages += 1;
                let header = |name: &str| answer.header(name).unwrap_or_default().to_owned();
                let policy = header("content-security-policy");
                for part in ["default-src 'none'", "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'"] {
                    assert!(policy.contains(part), "{path} lacks {part}: {policy}");
                }
                assert!(!policy.contains("unsafe"), "{path}: {policy}");
                for (name, value) in [
                    ("cache-control", "no-store"),
                    ("x-content-type-options", "nosniff"),
                    ("referrer-policy", "no-referrer"),
                    ("x-frame-options", "DENY"),
                    ("cross-origin-opener-policy", "same-origin"),
                    ("cross-origin-resource-policy", "same-origin"),
                ] {
                    assert_eq!(header(name), value, "{path}: {name}");
                }
                assert!(header("permissions-policy").contains("publickey-credentials-get=(self)"), "{path}");
                assert!(answer.header("access-control-allow-origin").is_none(), "{path}");
            }
        }
        assert!(pages > 50, "only {pages} pages were looked at");
    }

    /// Each act of an operator leaves its row, and one that is refused leaves none that says it was done.
    fn r_39_every_act_of_an_operator_is_in_the_audit_log(database) {
        let app = TestApp::spawn(database);
        let rows = || run_statement(&app.database_url, "SELECT action FROM audit_events WHERE result = 'done' ORDER BY at, id");
        let count = |action: &str| rows().lines().filter(|line| *line == action).count();
        let invite = app.run_ok(&["invite", "add", "--json"]);
        let invite: serde_json::Value = serde_json::from_str(&invite).expect("JSON");
        let invite = invite["id"].as_str().expect("an id").to_owned();
        assert_eq!(count("invite.created"), 1);
        let acts: [(&[&str], &str); 8] = [
            (&["invite", "revoke", &invite], "invite.revoked"),
            (&["signup-mode", "invite"], "settings.changed"),
            (&["user", "role", ALICE.email, "instance_admin"], "user.role_changed"),
            (&["user", "disable", BOB.email], "user.disabled"),
            (&["user", "enable", BOB.email], "user.enabled"),
            (&["user", "end-sessions", BOB.email], "user.sessions_ended"),
            (&["user", "reset-factors", BOB.email], "factors.reset"),
            (&["user", "delete", BOB.email, "--yes"], "user.deleted"),
        ];
        for (args, action) in acts {
            let before = count(action);
            app.run_ok(args);
            assert_eq!(count(action), before + 1, "{args:?}: {}", rows());
        }
        // the last administrator stays, and nothing says otherwise
        assert!(!app.run(&["user", "disable", ALICE.email]).status.success());
        assert_eq!(count("user.disabled"), 1);
    }

    /// Ids of others get nobody anywhere: as if they were not there (AD2).
    fn ad_02_ids_of_others_are_not_there(database) {
        let app = TestApp::spawn(database);
        let mut alice = Browser::new(&app);
        alice.sign_in(&ALICE);
        let mut bob = Browser::new(&app);
        bob.sign_in(&BOB);
        let tokens = app.get_tokens(OWN_CLI);
        let session = format!("SELECT id FROM sessions WHERE user_id = '{}' LIMIT 1", id_of(&app, &ALICE));
        let session = run_statement(&app.database_url, &session);
        let csrf = find_csrf(&mut bob, Who::User);
        for (path, name, value) in
            [("/account/sessions/end", "id", session.as_str()), ("/account/apps/end", "client_id", OWN_CLI.id)]
        {
            let fields = [("csrf".to_owned(), csrf.clone()), (name.to_owned(), value.to_owned())];
            assert_eq!(bob.post(path, &fields).status, 303, "the same answer as for one's own");
        }
        assert_eq!(bob.get(&format!("/account/apps/{}/end", OWN_CLI.id)).status, 404);
        assert_eq!(alice.get("/account").status, 200);
        assert!(app.is_active(crate::support::declared::NOTES, &tokens.access));
        // who and what one is cannot be written by oneself
        let fields = [("csrf", csrf.as_str()), ("name", "Bob"), ("role", "instance_admin"), ("id", "x"), ("email_verified", "true")];
        let fields: Vec<_> = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        assert_eq!(bob.post("/account", &fields).status, 303);
        let row = format!("SELECT role FROM users WHERE email = '{}'", BOB.email);
        assert_eq!(run_statement(&app.database_url, &row), "user");
        assert_eq!(bob.get("/admin").status, 403);
    }
}
