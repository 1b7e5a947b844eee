//! `/oauth2/token` with `grant_type=client_credentials`

use crate::support::declared::{CLI, JWT, MAIL, NARROW, NOTES, SERVICE, WEB};
use crate::support::*;

for_each_database! {
    fn a_service_gets_a_token_for_itself(database) {
        let app = TestApp::spawn(database);
        let form = vec![("grant_type", "client_credentials".to_owned()), ("scope", "notes:read".to_owned())];
        let response = app.token(SERVICE, form);
        assert_eq!(
            app.show(&response),
            "200\n\
             access-control-allow-origin: *\n\
             access-control-expose-headers: WWW-Authenticate\n\
             cache-control: no-store\n\
             content-type: application/json\n\
             x-content-type-options: nosniff\n\n\
             {\"access_token\":\"gp_at_…\",\"token_type\":\"Bearer\",\"expires_in\":600,\"scope\":\"notes:read\"}"
        );
        let token = Tokens::read(&response).access;
        let answer = app.introspect(NOTES, &token).json();
        assert_eq!(answer["sub"], "client:test-service");
        assert_eq!(answer["client_id"], "test-service");
        assert!(answer.get("username").is_none() && answer.get("auth_time").is_none(), "{answer}");
    }

    fn without_a_scope_it_is_all_of_them(database) {
        let app = TestApp::spawn(database);
        let tokens = Tokens::read(&app.token(SERVICE, vec![("grant_type", "client_credentials".into())]));
        assert_eq!(tokens.scope, "jwt:read mail:read notes:read");
        assert!(app.is_active(NOTES, &tokens.access) && app.is_active(MAIL, &tokens.access));
        assert!(app.is_active(JWT, &tokens.access));
    }

    fn who_may_not(database) {
        let app = TestApp::spawn(database);
        let form = || vec![("grant_type", "client_credentials".to_owned())];
        for client in [CLI, WEB] {
            assert_eq!(error_of(&app.token(client, form())), (400, "unauthorized_client".into()), "{}", client.id);
        }
    }

    fn a_service_that_may_reach_one_api_reaches_no_other(database) {
        let app = TestApp::spawn(database);
        let ask = |pairs: &[(&'static str, &str)]| {
            let mut form = vec![("grant_type", "client_credentials".to_owned())];
            form.extend(pairs.iter().map(|(name, value)| (*name, (*value).to_owned())));
            app.token(NARROW, form)
        };
        let denied = ask(&[("resource", MAIL.resource)]);
        assert_eq!(error_of(&denied), (400, "invalid_target".into()));
        let tokens = Tokens::read(&ask(&[]));
        assert!(app.is_active(NOTES, &tokens.access));
        assert!(!app.is_active(MAIL, &tokens.access));
        assert_eq!(tokens.scope, "notes:read", "a scope of an API that is out of reach means nothing (RI-05)");
    }
}
