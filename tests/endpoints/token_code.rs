//! `/oauth2/token` with `grant_type=authorization_code`

use crate::support::declared::{CLI, NOTES, ONCE, POST, WEB};
use crate::support::http::Request;
use crate::support::tokens::change;
use crate::support::*;

for_each_database! {
    fn a_code_buys_tokens(database) {
        let app = TestApp::spawn(database);
        let response = app.redeem(&app.get_code(CLI));
        assert_eq!(
            app.show(&response),
            "200\n\
             access-control-allow-origin: *\n\
             access-control-expose-headers: WWW-Authenticate\n\
             cache-control: no-store\n\
             content-type: application/json\n\
             x-content-type-options: nosniff\n\n\
             {\"access_token\":\"gp_at_…\",\"token_type\":\"Bearer\",\"expires_in\":600,\"scope\":\"notes:read notes:write offline_access\",\"refresh_token\":\"gp_rt_…\"}"
        );
    }

    fn without_the_grant_there_is_no_refresh_token(database) {
        let app = TestApp::spawn(database);
        let response = app.redeem(&app.get_code(ONCE));
        assert_eq!(response.status, 200);
        assert!(response.json().get("refresh_token").is_none(), "{}", response.body);
    }

    fn a_wrong_secret_is_challenged(database) {
        let app = TestApp::spawn(database);
        let code = app.get_code(WEB);
        let response = app.send(&Request::post("/oauth2/token").basic(WEB.id, "wrong").form(&code.form()));
        assert_eq!(
            app.show(&response),
            "401\n\
             access-control-allow-origin: *\n\
             access-control-expose-headers: WWW-Authenticate\n\
             cache-control: no-store\n\
             content-type: application/json\n\
             www-authenticate: Basic realm=\"http://issuer\", charset=\"UTF-8\"\n\
             x-content-type-options: nosniff\n\n\
             {\"error\":\"invalid_client\",\"error_description\":\"Client authentication failed.\"}"
        );
        // and the code is as good as before
        assert_eq!(app.redeem(&code).status, 200);
    }

    fn an_unknown_code_is_an_invalid_grant(database) {
        let app = TestApp::spawn(database);
        let form = app.get_code(POST).form();
        let answers: Vec<_> = ["x", "gp_ac_x", &format!("gp_ac_{}", "A".repeat(49)), "gp_at_x", "ü"]
            .iter()
            .map(|code| app.token(POST, change(form.clone(), "code", code)))
            .collect();
        for answer in &answers {
            assert_eq!(
                app.show(answer),
                "400\n\
                 access-control-allow-origin: *\n\
                 access-control-expose-headers: WWW-Authenticate\n\
                 cache-control: no-store\n\
                 content-type: application/json\n\
                 x-content-type-options: nosniff\n\n\
                 {\"error\":\"invalid_grant\",\"error_description\":\"The grant is invalid, expired, revoked or already used.\"}"
            );
        }
    }

    fn a_code_of_a_disabled_account_buys_nothing(database) {
        let app = TestApp::spawn(database);
        let code = app.get_code(CLI);
        app.run_ok(&["user", "disable", ALICE.email]);
        assert_eq!(error_of(&app.redeem(&code)), (400, "invalid_grant".into()));
    }

    fn a_disabled_client_buys_nothing_and_its_tokens_end(database) {
        let app = TestApp::spawn(database);
        let (tokens, code) = (app.get_tokens(POST), app.get_code(POST));
        assert!(app.is_active(NOTES, &tokens.access));
        app.run_ok(&["client", "disable", POST.id]);
        let limit = std::time::Duration::from_secs(2);
        wait_until("the token is inactive", limit, || !app.is_active(NOTES, &tokens.access));
        assert_eq!(error_of(&app.redeem(&code)), (401, "invalid_client".into()));
        assert_eq!(error_of(&app.refresh(POST, tokens.refresh())), (401, "invalid_client".into()));
        // nothing is sent to it either: it is shown
        let page = app.get(&Authorize::new(POST).target());
        assert_eq!((page.status, page.header("location")), (400, None));
    }
}
