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

for_each_database! {
    fn r_28_a_wrong_password_does_not_tell_whether_there_is_an_account(database) {
        let app = spawn(Setup::new(database));
        let send = make_sender(&app, "/login", &[("with", "password"), ("password", "three wrong old words")]);
        assert_alike("signing in", app.port(), |known, index| {
            let email = name_address(known, index);
            (send(&email), email)
        });
    }
}
