//! `/oauth2/introspect`

use crate::support::declared::{CLI, MAIL, NOTES};
use crate::support::http::Request;
use crate::support::*;

for_each_database! {
    fn a_good_token_is_described(database) {
        let app = TestApp::spawn(database);
        let tokens = app.get_tokens(CLI);
        let response = app.introspect(NOTES, &tokens.access);
        let json = response.json();
        let (iat, sub) = (json["iat"].as_i64().expect("a number"), json["sub"].as_str().expect("text"));
        let auth_time = json["auth_time"].as_i64().expect("a number");
        assert_eq!(
            app.show(&response),
            format!(
                "200\n\
                 cache-control: no-store\n\
                 content-type: application/json\n\
                 x-content-type-options: nosniff\n\n\
                 {{\"active\":true,\"scope\":\"notes:read notes:write offline_access\",\"client_id\":\"test-cli\",\"username\":\"alice@example.com\",\
                 \"token_type\":\"Bearer\",\"exp\":{},\"iat\":{iat},\"sub\":\"{sub}\",\"aud\":\"https://notes.example/api\",\
                 \"iss\":\"http://issuer\",\"auth_time\":{auth_time}}}",
                iat + 600
            )
        );
    }

    fn anything_else_is_inactive_and_no_more(database) {
        let app = TestApp::spawn(database);
        let response = app.introspect(NOTES, "gp_at_nothing");
        assert_eq!(
            app.show(&response),
            "200\n\
             cache-control: no-store\n\
             content-type: application/json\n\
             x-content-type-options: nosniff\n\n\
             {\"active\":false}"
        );
    }

    fn an_unknown_caller_is_challenged(database) {
        let app = TestApp::spawn(database);
        let request = Request::post("/oauth2/introspect").basic(MAIL.id, &NOTES.secret()).form(&[("token", "x")]);
        assert_eq!(
            app.show(&app.send(&request)),
            "401\n\
             cache-control: no-store\n\
             content-type: application/json\n\
             www-authenticate: Basic realm=\"http://issuer\", charset=\"UTF-8\"\n\
             x-content-type-options: nosniff\n\n\
             {\"error\":\"invalid_client\",\"error_description\":\"Client authentication failed.\"}"
        );
    }

    fn a_disabled_account_is_noticed_within_two_seconds(database) {
        let app = TestApp::spawn(database);
        let tokens = app.get_tokens(CLI);
        assert!(app.is_active(NOTES, &tokens.access));
        app.run_ok(&["user", "disable", ALICE.email]);
        let limit = std::time::Duration::from_secs(2);
        wait_until("the token is inactive", limit, || !app.is_active(NOTES, &tokens.access));
    }
}
