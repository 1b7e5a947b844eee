//! `/oauth2/revoke`

use crate::support::declared::{CLI, NOTES, WEB};
use crate::support::http::Request;
use crate::support::*;

const DONE: &str = "200\n\
    access-control-allow-origin: *\n\
    access-control-expose-headers: WWW-Authenticate\n\
    cache-control: no-store";

for_each_database! {
    fn a_token_is_gone_and_the_answer_is_empty(database) {
        let app = TestApp::spawn(database);
        let tokens = app.get_tokens(CLI);
        assert!(app.is_active(NOTES, &tokens.access));
        assert_eq!(app.show(&app.revoke(CLI, &tokens.access)), DONE);
        assert!(!app.is_active(NOTES, &tokens.access));
    }

    fn unknown_tokens_are_answered_alike(database) {
        let app = TestApp::spawn(database);
        for token in ["x", "gp_rt_x", "gp_at_x", "eyJ.e.s"] {
            assert_eq!(app.show(&app.revoke(WEB, token)), DONE);
        }
    }

    fn a_missing_token_is_an_error(database) {
        let app = TestApp::spawn(database);
        let response = app.send(&WEB.prove(Request::post("/oauth2/revoke"), vec![]));
        assert_eq!(
            app.show(&response),
            "400\n\
             access-control-allow-origin: *\n\
             access-control-expose-headers: WWW-Authenticate\n\
             cache-control: no-store\n\
             content-type: application/json\n\
             x-content-type-options: nosniff\n\n\
             {\"error\":\"invalid_request\",\"error_description\":\"token is missing.\"}"
        );
    }
}
