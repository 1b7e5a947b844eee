//! `/oauth2/authorize`

use std::time::Duration;

use crate::support::declared::{CLI, OWN_CLI, TWO, WEB};
use crate::support::flow::is_login;
use crate::support::*;

for_each_database! {
    fn a_signed_in_person_is_sent_back_with_a_code(database) {
        let app = TestApp::spawn(database);
        let mut browser = Browser::new(&app);
        browser.sign_in(&ALICE);
        let response = browser.get(&Authorize::new(OWN_CLI).target());
        assert_eq!(
            app.show(&response).replace(&app.issuer.replace(':', "%3A").replace('/', "%2F"), "ISSUER"),
            "303\n\
             cache-control: no-store\n\
             location: http://127.0.0.1:51005/callback?code=gp_ac_…&state=the%20state&iss=ISSUER\n\
             referrer-policy: no-referrer"
        );
    }

    fn a_wrong_request_is_sent_back_with_an_error(database) {
        let app = TestApp::spawn(database);
        let response = app.get(&Authorize::new(WEB).set("scope", "bogus").target());
        assert_eq!(
            app.show(&response).replace(&app.issuer.replace(':', "%3A").replace('/', "%2F"), "ISSUER"),
            "303\n\
             cache-control: no-store\n\
             location: https://web.example/callback?error=invalid_scope&error_description=None%20of%20the%20scopes%20is%20known%20here.&state=the%20state&iss=ISSUER\n\
             referrer-policy: no-referrer"
        );
    }

    fn what_cannot_be_sent_back_is_a_page(database) {
        let app = TestApp::spawn(database);
        let response = app.get(&Authorize::new(WEB).set("redirect_uri", "https://evil.example/callback").target());
        let shown = app.show(&response);
        let (head, _) = shown.split_once("\n\n").expect("there is a body");
        assert_eq!(
            head,
            "400\n\
             cache-control: no-store\n\
             content-security-policy: default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; object-src 'none'\n\
             content-type: text/html; charset=utf-8\n\
             cross-origin-opener-policy: same-origin\n\
             cross-origin-resource-policy: same-origin\n\
             permissions-policy: camera=(), microphone=(), geolocation=(), publickey-credentials-get=(self)\n\
             referrer-policy: no-referrer\n\
             x-content-type-options: nosniff\n\
             x-frame-options: DENY"
        );
    }

    fn nobody_signed_in_is_asked_to(database) {
        let app = TestApp::spawn(database);
        let mut browser = Browser::new(&app);
        let first = browser.get(&Authorize::new(CLI).target());
        assert_eq!(first.status, 303, "{first:?}");
        assert!(first.location().starts_with(&format!("{}/login?tx=", app.issuer)), "{first:?}");
        assert!(is_login(&browser.follow(first)));
    }

    fn the_registered_values_are_shown_where_the_operator_wants_it(database) {
        let app = TestApp::spawn(database);
        let shown = app.get(&Authorize::new(TWO).set("redirect_uri", "https://two.example/other").target());
        assert!(html::read_text(&shown.body).contains("https://two.example/Other"), "{}", shown.body);
        let hidden = app.get(&Authorize::new(WEB).set("redirect_uri", "https://web.example/callback/").target());
        assert!(!hidden.body.contains("https://web.example/callback<"), "{}", hidden.body);
        wait_until("the log says what was sent", Duration::from_secs(5), || {
            app.node.log().contains("https://web.example/callback/")
        });
    }

    fn too_many_requests_of_one_address_have_to_wait(database) {
        let app = Setup::new(database).set("limits.authorize_per_minute", 2).spawn();
        let target = Authorize::new(CLI).target();
        assert_eq!([app.get(&target).status, app.get(&target).status], [303, 303]);
        let third = app.get(&target);
        assert_eq!((third.status, third.header("retry-after")), (429, Some("60")));
        assert!(third.is_html());
    }
}
