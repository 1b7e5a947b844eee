//! What must not be believed: answers of another provider, of another browser, twice, or with an ID token that proves nothing.

use crate::storage::run_statement;
use crate::support::html::find_heading;
use crate::support::*;
use crate::upstream::provider::{Account, come_back, press, setup, travel};

/// The actions in the audit log.
pub(crate) fn read_audit(app: &TestApp) -> String {
    run_statement(&app.database_url, "SELECT action FROM audit_events")
}

fn count_people(app: &TestApp, email: &str) -> String {
    run_statement(&app.database_url, &format!("SELECT COUNT(*) FROM users WHERE email = '{email}'"))
}

const ADA: &str = "ada@example.com";

fn begin(browser: &mut Browser<'_>, provider: &str) -> Response {
    let page = browser.get("/login");
    press(browser, &page, provider)
}

fn assert_refused(page: &Response, browser: &Browser<'_>) {
    assert_eq!(page.status, 400, "{page:?}");
    assert!(browser.session_cookie().is_none(), "a session after {page:?}");
}

for_each_database! {
    /// SO4
    fn an_id_token_that_proves_nothing_lets_nobody_in(database) {
        let app = setup(database).spawn();
        for fault in
            ["nonce", "no-nonce", "aud", "azp", "iss", "exp", "at_hash", "signature", "none", "hs256", "missing"]
        {
            let mut browser = Browser::new(&app);
            let page = begin(&mut browser, "acme");
            let address = travel(&page, &Account::new("1", ADA).set("fault", fault));
            let page = come_back(&app, &mut browser, &address);
            assert!(browser.session_cookie().is_none(), "{fault}");
            let heading = find_heading(&page.body);
            let expected = "Acme could not tell us who you are";
            assert_eq!((page.status, heading.as_str()), (400, expected), "{fault}: {page:?}");
        }
        assert_eq!(count_people(&app, ADA), "0");
    }

    /// SO3
    fn a_state_is_for_one_browser_and_one_use(database) {
        let app = setup(database).spawn();
        let mut browser = Browser::new(&app);
        let page = begin(&mut browser, "acme");
        let address = travel(&page, &Account::new("1", ADA));
        // somebody else's browser, with and without a trip of its own
        let mut other = Browser::new(&app);
        let answer = come_back(&app, &mut other, &address);
        assert_refused(&answer, &other);
        begin(&mut other, "acme");
        let answer = come_back(&app, &mut other, &address);
        assert_refused(&answer, &other);
        // the trip of the first browser in the second: sealed for the first
        for (name, value) in browser.cookies().iter().filter(|(name, _)| name.contains("trip")) {
            other.set_cookie(name, value);
        }
        let answer = come_back(&app, &mut other, &address);
        assert_refused(&answer, &other);
        // changed by a sign, and without
        let changed = address.replace("state=", "state=0");
        let answer = come_back(&app, &mut browser, &changed);
        assert_refused(&answer, &browser);
        let cookies: Vec<_> = browser.cookies().to_vec();
        come_back(&app, &mut browser, &address);
        assert!(browser.session_cookie().is_some());
        // again, with the cookies of before
        let mut again = Browser::new(&app);
        for (name, value) in &cookies {
            again.set_cookie(name, value);
        }
        let answer = come_back(&app, &mut again, &address);
        assert_refused(&answer, &again);
        let answer = come_back(&app, &mut browser, &address);
        assert_eq!(answer.status, 400, "the cookie is gone: {answer:?}");
    }

    /// SO5: the code of one provider is not brought to another
    fn providers_cannot_be_mixed_up(database) {
        let app = setup(database).spawn();
        let mut browser = Browser::new(&app);
        let page = begin(&mut browser, "acme");
        let address = travel(&page, &Account::new("1", ADA));
        let mixed = address.replace("/via/acme/", "/via/info/");
        let answer = come_back(&app, &mut browser, &mixed);
        assert_refused(&answer, &browser);
        // an answer that says it is from another issuer, and one that does not say it although the provider always does
        let (head, iss) = address.split_once("&iss=").expect("oidc-provider says who it is");
        for wrong in [format!("{head}&iss=https%3A%2F%2Fevil.example"), head.to_owned()] {
            let mut browser = Browser::new(&app);
            let page = begin(&mut browser, "acme");
            let good = travel(&page, &Account::new("1", ADA));
            let (own, _) = good.split_once("&iss=").expect("an issuer");
            let tail = wrong.strip_prefix(head).unwrap_or_default();
            let answer = come_back(&app, &mut browser, &format!("{own}{tail}"));
            assert_refused(&answer, &browser);
        }
        assert!(!iss.is_empty());
    }

    /// 100 at once with the same trip: one gets in
    fn a_trip_buys_one_session(database) {
        let app = setup(database).spawn();
        let mut browser = Browser::new(&app);
        let page = begin(&mut browser, "github");
        let address = travel(&page, &Account::new("1", ADA).set("sub", 1));
        let cookies: Vec<_> = browser.cookies().to_vec();
        let got_in = run_at_once(100, |_| {
            let mut same = Browser::new(&app);
            for (name, value) in &cookies {
                same.set_cookie(name, value);
            }
            come_back(&app, &mut same, &address);
            same.session_cookie().is_some()
        });
        assert_eq!(got_in.iter().filter(|got_in| **got_in).count(), 1);
        assert_eq!(count_people(&app, ADA), "1");
    }

    /// two browsers of a new person at the same moment: one account, and both are in it
    fn two_first_sign_ins_make_one_account(database) {
        let app = setup(database).spawn();
        let account = Account::new("1", ADA);
        let got_in = run_at_once(8, |_| {
            let mut browser = Browser::new(&app);
            let page = begin(&mut browser, "acme");
            let address = travel(&page, &account);
            come_back(&app, &mut browser, &address);
            browser.session_cookie().is_some()
        });
        assert_eq!(got_in, vec![true; 8]);
        assert_eq!(count_people(&app, ADA), "1");
    }

    fn nonsense_at_the_callback_is_a_page(database) {
        let app = setup(database).spawn();
        for (target, status) in [
            ("/login/via/acme/callback", 400),
            ("/login/via/acme/callback?state=x&code=y", 400),
            ("/login/via/acme/callback?state=0123456789abcdef0123456789abcdef.x&code=y", 400),
            ("/login/via/acme/callback?error=access_denied", 400),
            ("/login/via/acme/callback?state=%ff", 400),
            ("/login/via/nobody/callback?state=x", 404),
        ] {
            let page = app.get(target);
            assert_eq!((page.status, page.is_html()), (status, true), "{target}: {page:?}");
        }
    }
}
