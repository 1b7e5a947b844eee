//! `/logout`

use crate::support::declared::{NOTES, OWN_CLI};
use crate::support::flow::{find_form, is_login};
use crate::support::html::find_heading;
use crate::support::*;

for_each_database! {
    fn signing_out_ends_this_browser_only(database) {
        let app = TestApp::spawn(database);
        let (mut browser, mut other) = (Browser::new(&app), Browser::new(&app));
        browser.sign_in(&ALICE);
        other.sign_in(&ALICE);
        let tokens = Tokens::read(&app.redeem(&browser.get_code(&Authorize::new(OWN_CLI), &ALICE)));
        let page = browser.get("/logout");
        assert!(find_heading(&page.body).starts_with("Sign out of"));
        let response = browser.submit(&find_form(&page, "/logout"));
        assert_eq!(find_heading(&response.body), "You are signed out");
        assert!(is_login(&browser.begin(&Authorize::new(OWN_CLI))));
        assert_eq!(other.get("/account").status, 200);
        assert!(app.is_active(NOTES, &tokens.access), "programs stay signed in");
    }

    fn who_is_signed_out_already_is_told_so(database) {
        let app = TestApp::spawn(database);
        let page = app.get("/logout");
        assert_eq!((page.status, find_heading(&page.body).as_str()), (200, "You are signed out"));
    }

    fn every_account_page_can_sign_out(database) {
        let app = TestApp::spawn(database);
        for path in ["/", "/account", "/account/sessions"] {
            let mut browser = Browser::new(&app);
            browser.sign_in(&ALICE);
            let page = browser.get(path);
            let response = browser.submit(&find_form(&page, "/logout"));
            assert_eq!((response.status, browser.session_cookie()), (200, None), "{path}");
        }
    }
}
