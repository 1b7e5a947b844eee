//! RFC 9207: the issuer in authorization responses (I).

use super::{assert_error_page, redirected_error};
use crate::support::declared::{CLI, JWT, NOTES, SERVICE, WEB};
use crate::support::*;

for_each_database! {
    fn i_01_iss_is_on_every_answer(database) {
        let app = TestApp::spawn(database);
        let mut browser = Browser::new(&app);
        let issuer = Some(app.issuer.clone());
        assert_eq!(browser.authorize(&Authorize::new(WEB), &ALICE).get("iss"), issuer);
        let page = browser.begin(&Authorize::new(CLI));
        assert_eq!(Answer::find(&browser.decide(&page, "deny")).expect("an answer").get("iss"), issuer);
        let silent = browser.get(&Authorize::new(CLI).set("prompt", "none").target());
        let silent = Answer::find(&silent).expect("a redirect");
        assert_eq!((silent.get("error").as_deref(), silent.get("iss")), (Some("consent_required"), issuer));
        // the helper looks at iss as well
        assert_eq!(redirected_error(&app, &Authorize::new(WEB).set("scope", "bogus")), "invalid_scope");
        assert_eq!(redirected_error(&app, &Authorize::new(WEB).set("prompt", "none")), "login_required");
    }

    fn i_02_one_issuer_everywhere(database) {
        let app = Setup::new(database).path("/auth").spawn();
        let document = app.send(&Request::get("/.well-known/oauth-authorization-server/auth")).json();
        assert_eq!(document["authorization_response_iss_parameter_supported"], true);
        assert_eq!(document["issuer"], app.issuer.as_str());
        let answer = Browser::new(&app).authorize(&Authorize::new(WEB), &ALICE);
        assert_eq!(answer.get("iss"), Some(app.issuer.clone()));
        let opaque = app.get_service_token(SERVICE, "notes:read");
        assert_eq!(app.introspect(NOTES, &opaque.access).json()["iss"], app.issuer.as_str());
        let signed = app.get_service_token(SERVICE, "jwt:read");
        assert_eq!(jwt::verify_jwt(&app, &signed.access).1["iss"], app.issuer.as_str());
        assert_eq!(app.introspect(JWT, &signed.access).json()["iss"], app.issuer.as_str());
    }

    fn i_02_a_slash_at_the_end_does_not_make_two_issuers(database) {
        let app = Setup::new(database).public_url("https://auth.example/").spawn();
        let document = app.get("/.well-known/oauth-authorization-server").json();
        assert_eq!(document["issuer"], "https://auth.example");
        assert_eq!(document["token_endpoint"], "https://auth.example/oauth2/token");
    }

    fn i_03_local_pages_carry_no_iss(database) {
        let app = TestApp::spawn(database);
        let page = app.get(&Authorize::new(WEB).set("redirect_uri", "https://evil.example").target());
        assert_error_page(&page);
        assert!(!page.body.contains("iss="));
    }
}
