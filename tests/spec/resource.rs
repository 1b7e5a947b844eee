//! RFC 8707: resource indicators (RI).

use super::{is_accepted, redirected_error};
use crate::support::declared::{CLI, JWT, MAIL, NARROW, NOTES, SERVICE, WEB};
use crate::support::*;

fn redeem_for(app: &TestApp, code: &Code, resources: &[&str]) -> Response {
    let mut form = code.form();
    form.extend(resources.iter().map(|resource| ("resource", (*resource).to_owned())));
    app.token(code.client, form)
}

fn refresh_for(app: &TestApp, token: &str, resources: &[&str]) -> Response {
    let mut form = vec![("grant_type", "refresh_token".to_owned()), ("refresh_token", token.to_owned())];
    form.extend(resources.iter().map(|resource| ("resource", (*resource).to_owned())));
    app.token(WEB, form)
}

fn both() -> Authorize {
    Authorize::new(WEB).add("resource", NOTES.resource).add("resource", MAIL.resource)
}

for_each_database! {
    fn ri_01_resource_may_come_again_and_is_absolute(database) {
        let app = TestApp::spawn(database);
        assert!(is_accepted(&app, &both()));
        let many = (0..6).fold(Authorize::new(WEB), |request, _| request.add("resource", NOTES.resource));
        assert_eq!(redirected_error(&app, &many), "invalid_target");
        for bad in [
            "/notes",
            "notes.example",
            "https://notes.example/api#x",
            "https://notes.example/api#",
            "https://notes.example /",
            ":",
        ] {
            assert_eq!(redirected_error(&app, &Authorize::new(WEB).set("resource", bad)), "invalid_target", "{bad}");
        }
        let ask = |resource: &str| {
            app.token(SERVICE, vec![("grant_type", "client_credentials".into()), ("resource", resource.to_owned())])
        };
        let tokens = Tokens::read(&ask(MAIL.resource));
        assert_eq!(tokens.scope, "mail:read");
        assert_eq!(error_of(&ask("https://mail.example#x")), (400, "invalid_target".into()));
    }

    fn ri_02_unknown_and_forbidden_resources_are_invalid_target(database) {
        let app = TestApp::spawn(database);
        for unknown in [
            "https://unknown.example",
            "https://notes.example",
            "https://notes.example/api/sub",
            "https://notes.example/API",
        ] {
            assert_eq!(redirected_error(&app, &Authorize::new(WEB).set("resource", unknown)), "invalid_target");
            assert_eq!(redirected_error(&app, &both().add("resource", unknown)), "invalid_target");
        }
        let form = vec![("grant_type", "client_credentials".into()), ("resource", MAIL.resource.into())];
        assert_eq!(error_of(&app.token(NARROW, form)), (400, "invalid_target".into()));
    }

    fn ri_03_a_token_request_stays_within_what_was_granted(database) {
        let app = TestApp::spawn(database);
        let mut browser = Browser::new(&app);
        let code = browser.get_code(&both(), &ALICE);
        for foreign in
            [vec![JWT.resource], vec![NOTES.resource, JWT.resource], vec!["https://unknown.example"], vec!["x"]]
        {
            assert_eq!(error_of(&redeem_for(&app, &code, &foreign)), (400, "invalid_target".into()));
        }
        let all = Tokens::read(&redeem_for(&app, &code, &[]));
        assert!(app.is_active(NOTES, &all.access) && app.is_active(MAIL, &all.access));
        assert!(!app.is_active(JWT, &all.access));
        let one = browser.get_code(&Authorize::new(WEB).set("resource", MAIL.resource), &ALICE);
        assert_eq!(error_of(&redeem_for(&app, &one, &[NOTES.resource])), (400, "invalid_target".into()));
        let one = Tokens::read(&redeem_for(&app, &one, &[]));
        assert_eq!(one.scope, "mail:read offline_access");
    }

    fn ri_04_each_token_is_for_the_api_that_was_asked_for(database) {
        let app = TestApp::spawn(database);
        let code = Browser::new(&app).get_code(&both(), &ALICE);
        let notes = Tokens::read(&redeem_for(&app, &code, &[NOTES.resource]));
        assert!(app.is_active(NOTES, &notes.access) && !app.is_active(MAIL, &notes.access));
        let mail = Tokens::read(&refresh_for(&app, notes.refresh(), &[MAIL.resource]));
        assert!(app.is_active(MAIL, &mail.access) && !app.is_active(NOTES, &mail.access));
        assert_eq!(error_of(&refresh_for(&app, mail.refresh(), &[JWT.resource])), (400, "invalid_target".into()));
        let again = Tokens::read(&refresh_for(&app, mail.refresh(), &[]));
        assert!(app.is_active(MAIL, &again.access) && app.is_active(NOTES, &again.access));
    }

    fn ri_05_scopes_are_those_of_the_api(database) {
        let app = TestApp::spawn(database);
        let code = Browser::new(&app).get_code(&both(), &ALICE);
        let notes = Tokens::read(&redeem_for(&app, &code, &[NOTES.resource]));
        assert_eq!(notes.scope, "notes:read notes:write offline_access");
        let mail = Tokens::read(&refresh_for(&app, notes.refresh(), &[MAIL.resource]));
        assert_eq!(mail.scope, "mail:read offline_access");
        let mismatch = Authorize::new(WEB).set("scope", "notes:read").set("resource", MAIL.resource);
        assert_eq!(redirected_error(&app, &mismatch), "invalid_scope");
    }

    fn ri_06_a_lone_slash_and_capitals_of_the_host_do_not_matter(database) {
        let app = TestApp::spawn(database);
        for spelling in
            ["https://mail.example", "https://mail.example/", "HTTPS://Mail.Example", "https://MAIL.example/"]
        {
            let form = vec![("grant_type", "client_credentials".into()), ("resource", spelling.to_owned())];
            let tokens = Tokens::read(&app.token(SERVICE, form));
            assert_eq!(app.introspect(MAIL, &tokens.access).json()["aud"], MAIL.resource, "{spelling}");
        }
        for other in [
            "https://mail.example//",
            "https://mail.example/x",
            "http://mail.example",
            "https://mail.example:443",
            "https://mail.example.",
        ] {
            let form = vec![("grant_type", "client_credentials".into()), ("resource", other.to_owned())];
            assert_eq!(error_of(&app.token(SERVICE, form)), (400, "invalid_target".into()), "{other}");
        }
        let code = Browser::new(&app).get_code(&Authorize::new(WEB).set("resource", "https://mail.example/"), &ALICE);
        let tokens = Tokens::read(&redeem_for(&app, &code, &["https://mail.example"]));
        assert!(app.is_active(MAIL, &tokens.access));
    }

    fn ri_07_no_token_is_good_everywhere(database) {
        let app = TestApp::spawn(database);
        let tokens = app.get_tokens(CLI);
        assert_eq!(app.introspect(NOTES, &tokens.access).json()["aud"], NOTES.resource);
        assert!(!app.is_active(MAIL, &tokens.access) && !app.is_active(JWT, &tokens.access));
        let nowhere = app.get_tokens_by(&Authorize::new(CLI).set("scope", "offline_access"));
        for api in [NOTES, MAIL, JWT] {
            assert!(!app.is_active(api, &nowhere.access), "{}", api.id);
        }
    }
}
