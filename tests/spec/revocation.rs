//! RFC 7009: revocation (RV).

use crate::support::declared::{CLI, NOTES, OWN_CLI, POST, SERVICE, WEB};
use crate::support::*;

fn revoke_with(app: &TestApp, client: TestClient, form: &[(&'static str, &str)]) -> Response {
    let form = form.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    app.send(&client.prove(Request::post("/oauth2/revoke"), form))
}

for_each_database! {
    fn rv_01_clients_prove_or_name_themselves(database) {
        let app = TestApp::spawn(database);
        let tokens = app.get_tokens(WEB);
        let form = [("token", tokens.access.as_str())];
        let post = || Request::post("/oauth2/revoke");
        for request in [
            post().form(&form),
            post().form(&[form[0], ("client_id", WEB.id)]),
            post().basic(WEB.id, "wrong").form(&form),
        ] {
            assert_eq!(error_of(&app.send(&request)), (401, "invalid_client".into()));
        }
        assert!(app.is_active(NOTES, &tokens.access));
        assert_eq!(app.revoke(WEB, &tokens.access).status, 200);
        let tokens = app.get_tokens(CLI);
        assert_eq!(app.revoke(CLI, tokens.refresh()).status, 200);
        assert!(!app.is_active(NOTES, &tokens.access));
    }

    fn rv_02_a_refresh_token_takes_its_family_along(database) {
        let app = TestApp::spawn(database);
        let first = app.get_tokens(WEB);
        let second = Tokens::read(&app.refresh(WEB, first.refresh()));
        assert_eq!(app.revoke(WEB, second.refresh()).status, 200);
        assert!(!app.is_active(NOTES, &first.access) && !app.is_active(NOTES, &second.access));
        assert_eq!(error_of(&app.refresh(WEB, second.refresh())), (400, "invalid_grant".into()));
    }

    fn rv_02_an_access_token_goes_alone(database) {
        let app = TestApp::spawn(database);
        let first = app.get_tokens(WEB);
        let second = Tokens::read(&app.refresh(WEB, first.refresh()));
        assert_eq!(app.revoke(WEB, &first.access).status, 200);
        assert!(!app.is_active(NOTES, &first.access));
        assert!(app.is_active(NOTES, &second.access));
        assert_eq!(app.refresh(WEB, second.refresh()).status, 200);
    }

    fn rv_03_what_is_gone_is_gone(database) {
        let app = TestApp::spawn(database);
        let tokens = app.get_tokens(CLI);
        let code = app.get_code(CLI);
        for token in [
            tokens.access.as_str(),
            &tokens.access,
            tokens.refresh(),
            tokens.refresh(),
            "garbage",
            "eyJ.x.y",
            &code.code,
            &"x".repeat(9000),
        ] {
            let response = app.revoke(CLI, token);
            assert_eq!((response.status, response.body.as_str()), (200, ""), "{token}");
        }
        assert_eq!(app.redeem(&code).status, 200, "a code is not revoked here");
    }

    fn rv_04_a_token_of_another_client_stays(database) {
        let app = TestApp::spawn(database);
        let tokens = app.get_tokens(WEB);
        for other in [CLI, OWN_CLI, POST, SERVICE] {
            for token in [&tokens.access, tokens.refresh()] {
                let response = app.revoke(other, token);
                assert_eq!((response.status, response.body.as_str()), (200, ""), "{}", other.id);
            }
        }
        assert!(app.is_active(NOTES, &tokens.access));
        assert_eq!(app.refresh(WEB, tokens.refresh()).status, 200);
    }

    fn rv_05_a_wrong_hint_does_not_matter(database) {
        let app = TestApp::spawn(database);
        for (is_refresh, hint) in
            [(false, "refresh_token"), (true, "access_token"), (false, "foo"), (true, "foo"), (true, "")]
        {
            let tokens = app.get_tokens(OWN_CLI);
            let token = if is_refresh { tokens.refresh() } else { &tokens.access };
            let response = revoke_with(&app, OWN_CLI, &[("token", token), ("token_type_hint", hint)]);
            assert_eq!(response.status, 200, "{hint}");
            assert!(!app.is_active(NOTES, &tokens.access), "{hint}");
        }
    }

    fn rv_06_a_missing_token_is_a_mistake(database) {
        let app = TestApp::spawn(database);
        for form in [vec![], vec![("token", "")], vec![("token_type_hint", "access_token")]] {
            assert_eq!(error_of(&revoke_with(&app, WEB, &form)), (400, "invalid_request".into()));
        }
        let get = app.get("/oauth2/revoke?token=x&client_id=test-cli");
        assert_eq!((get.status, get.header("allow")), (405, Some("POST")));
    }

    fn rv_07_it_takes_effect_at_once(database) {
        let app = TestApp::spawn(database);
        let tokens = app.get_tokens(CLI);
        let whoami = || app.send(&Request::get("/api/v1/whoami").bearer(&tokens.access)).status;
        assert_eq!(whoami(), 200);
        app.revoke(CLI, tokens.refresh());
        assert!(!app.is_active(NOTES, &tokens.access));
        assert_eq!(whoami(), 401);
        assert_eq!(error_of(&app.refresh(CLI, tokens.refresh())), (400, "invalid_grant".into()));
    }

    fn rv_08_pages_may_call_it(database) {
        let app = TestApp::spawn(database);
        let request = Request::post("/oauth2/revoke").header("Origin", "https://spa.example");
        let response = app.send(&request.form(&[("token", "x"), ("client_id", CLI.id)]));
        assert_eq!((response.status, response.header("access-control-allow-origin")), (200, Some("*")));
        let callback =
            app.send(&Request::post("/oauth2/revoke?callback=f").form(&[("token", "x"), ("client_id", CLI.id)]));
        assert_eq!(callback.body, "", "no JSONP");
    }

    fn rv_09_an_old_refresh_token_ends_its_family(database) {
        let app = TestApp::spawn(database);
        let first = app.get_tokens(CLI);
        let second = Tokens::read(&app.refresh(CLI, first.refresh()));
        assert_eq!(app.revoke(CLI, first.refresh()).status, 200);
        assert!(!app.is_active(NOTES, &second.access));
        assert_eq!(error_of(&app.refresh(CLI, second.refresh())), (400, "invalid_grant".into()));
    }
}
