//! Nobody finds out who has an account: every form answers alike, in what it says and in how long it takes (R-28, LG1).

use crate::storage::run_statement;
use crate::support::alike::assert_alike;
use crate::support::flow::find_form;
use crate::support::*;

/// Accounts that are asked about; each only a few times, so that no throttle stands before what is measured.
const ACCOUNTS: usize = 1300;

/// Addresses of one length: somebody with an account, and as many without one as are needed.
fn name_address(known: bool, index: usize) -> String {
    match known {
        true => format!("known-{:07}@example.com", index % ACCOUNTS),
        false => format!("other-{:07}@example.com", index % 10_000_000),
    }
}

/// A server with many accounts that differ in their address alone.
fn spawn(setup: Setup) -> TestApp {
    let app = setup.set("limits.sign_in_free_failures", 20).spawn();
    let columns = "email_verified, name, password_hash, role, created_at, updated_at, second_step";
    let mut rows = Vec::new();
    for index in 0..ACCOUNTS {
        let (email, id) = (name_address(true, index), format!("{index:032x}"));
        rows.push(format!("SELECT '{id}', '{email}', '{email}', {columns} FROM users WHERE email = '{}'", ALICE.email));
    }
    for rows in rows.chunks(100) {
        let all = rows.join(" UNION ALL ");
        run_statement(&app.database_url, &format!("INSERT INTO users (id, email, email_key, {columns}) {all}"));
    }
    app
}

/// A form of a page, as a browser with its cookies sends it with other values.
fn make_sender<'f>(app: &TestApp, path: &str, fields: &'f [(&'f str, &'f str)]) -> impl Fn(&str) -> Request + 'f {
    let mut browser = Browser::new(app);
    let page = browser.get(path);
    let form = find_form(&page, path);
    let cookies: Vec<String> = browser.cookies().iter().map(|(name, value)| format!("{name}={value}")).collect();
    let (cookies, origin) = (cookies.join("; "), app.origin().to_owned());
    move |email| {
        let mut form = form.clone().set("email", email);
        for (name, value) in fields {
            form = form.set(name, value);
        }
        let request = Request::post(&form.action).header("Origin", &origin).header("Sec-Fetch-Site", "same-origin");
        request.header("Cookie", &cookies).form(&form.fields)
    }
}

/// Each request from an address of its own, so that no limit of a network stands before what is measured either.
fn from_anywhere(request: Request, index: usize) -> Request {
    let [_, a, b, c] = u32::try_from(index).expect("few requests").to_be_bytes();
    request.header("X-Forwarded-For", &format!("10.{a}.{b}.{c}"))
}

/// A server that writes letters and believes what a proxy on this computer says of the sender.
fn spawn_with_mail(database: Database, smtp: &Smtp) -> TestApp {
    let proxies = toml::Value::Array(vec!["127.0.0.1".into()]);
    spawn(Setup::new(database).with_mail(smtp).set("server.trusted_proxies", proxies))
}

for_each_database! {
    fn r_28_a_wrong_password_does_not_tell_whether_there_is_an_account(database) {
        let app = spawn(Setup::new(database));
        let send = make_sender(&app, "/login", &[("with", "password"), ("password", "three wrong old words")]);
        assert_alike("signing in", app.port(), |known, index| {
            let email = name_address(known, index);
            (send(&email), email)
        });
    }

    fn r_28_a_sign_in_link_does_not_tell_whether_there_is_an_account(database) {
        let smtp = Smtp::start();
        let app = spawn_with_mail(database, &smtp);
        let send = make_sender(&app, "/login", &[("with", "link"), ("password", "")]);
        assert_alike("asking for a sign-in link", app.port(), |known, index| {
            let email = name_address(known, index);
            (from_anywhere(send(&email), index), email)
        });
    }

    fn r_28_a_reset_does_not_tell_whether_there_is_an_account(database) {
        let smtp = Smtp::start();
        let app = spawn_with_mail(database, &smtp);
        let send = make_sender(&app, "/reset", &[]);
        assert_alike("asking for a reset", app.port(), |known, index| {
            let email = name_address(known, index);
            (from_anywhere(send(&email), index), email)
        });
    }

    fn r_28_signing_up_does_not_tell_whether_there_is_an_account(database) {
        let smtp = Smtp::start();
        let proxies = toml::Value::Array(vec!["127.0.0.1".into()]);
        let setup = Setup::new(database).with_mail(&smtp).set("signup.mode", "open");
        let app = spawn(setup.set("server.trusted_proxies", proxies));
        let fields = [("name", "Somebody New"), ("password", "nine brown river stones"), ("with", "password")];
        let send = make_sender(&app, "/signup", &fields);
        assert_alike("signing up", app.port(), |known, index| {
            let email = name_address(known, index);
            (from_anywhere(send(&email), index), email)
        });
    }

    fn r_28_a_bad_invitation_does_not_tell_whether_there_is_an_account(database) {
        let proxies = toml::Value::Array(vec!["127.0.0.1".into()]);
        let app = spawn(Setup::new(database).set("signup.mode", "invite").set("server.trusted_proxies", proxies));
        let fields = [("name", "Somebody New"), ("password", "nine brown river stones"), ("invite", "gp_inv_guessed")];
        let send = make_sender(&app, "/signup", &fields);
        assert_alike("a bad invitation", app.port(), |known, index| {
            let email = name_address(known, index);
            (from_anywhere(send(&email), index), email)
        });
    }

    /// The options name nobody, so there is nothing to tell apart; an address that is sent along changes nothing.
    fn r_28_the_options_of_a_passkey_do_not_tell_whether_there_is_an_account(database) {
        let app = spawn(Setup::new(database).public_url("http://localhost:8480"));
        let mut browser = Browser::new(&app);
        let page = browser.get("/login");
        let csrf = find_form(&page, "/login").field("csrf").expect("a token").to_owned();
        let cookies: Vec<String> = browser.cookies().iter().map(|(name, value)| format!("{name}={value}")).collect();
        let (cookies, origin) = (cookies.join("; "), app.origin().to_owned());
        assert_alike("options of a passkey", app.port(), |known, index| {
            let email = name_address(known, index);
            let body = serde_json::json!({"kind": "sign-in", "csrf": csrf, "email": email, "name": ""}).to_string();
            let request = Request::post("/passkeys/options").header("Origin", &origin);
            let request = request.header("Sec-Fetch-Site", "same-origin").header("Cookie", &cookies);
            (request.header("Content-Type", "application/json").body(body), email)
        });
    }
}
