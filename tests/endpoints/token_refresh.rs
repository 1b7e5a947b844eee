//! `/oauth2/token` with `grant_type=refresh_token`

use crate::support::declared::{CLI, KEEP, REPLAY, WEB};
use crate::support::*;

for_each_database! {
    fn a_refresh_token_is_exchanged_for_the_next(database) {
        let app = TestApp::spawn(database);
        let first = app.get_tokens(CLI);
        let response = app.refresh(CLI, first.refresh());
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
        let second = Tokens::read(&response);
        assert_ne!(first.access, second.access);
        assert_ne!(first.refresh, second.refresh);
    }

    fn a_client_that_keeps_its_token_is_not_given_another(database) {
        let app = TestApp::spawn(database);
        let tokens = app.get_tokens(KEEP);
        for _ in 0..2 {
            let response = app.refresh(KEEP, tokens.refresh());
            assert_eq!(response.status, 200);
            assert!(response.json().get("refresh_token").is_none(), "{}", response.body);
        }
    }

    fn missing_and_foreign_tokens(database) {
        let app = TestApp::spawn(database);
        let tokens = app.get_tokens(WEB);
        let missing = app.token(WEB, vec![("grant_type", "refresh_token".into())]);
        assert_eq!(error_of(&missing), (400, "invalid_request".into()));
        for other in ["x", &tokens.access, &tokens.refresh()[..54], &tokens.refresh().to_uppercase()] {
            assert_eq!(error_of(&app.refresh(WEB, other)), (400, "invalid_grant".into()), "{other}");
        }
        assert_eq!(app.refresh(WEB, tokens.refresh()).status, 200);
    }

    fn a_lost_answer_is_given_once_more_where_the_operator_allows_it(database) {
        let app = Setup::new(database).set("tokens.reuse_grace", "30s").spawn();
        let first = app.get_tokens(REPLAY);
        let answer = Tokens::read(&app.refresh(REPLAY, first.refresh()));
        let again = Tokens::read(&app.refresh(REPLAY, first.refresh()));
        assert_eq!((&answer.access, &answer.refresh), (&again.access, &again.refresh));
        assert_eq!(error_of(&app.refresh(REPLAY, first.refresh())), (400, "invalid_grant".into()));
        // within the grace nothing was revoked
        assert_eq!(app.refresh(REPLAY, again.refresh()).status, 200);
    }
}
