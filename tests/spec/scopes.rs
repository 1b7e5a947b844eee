//! OAuth 2.1: scopes (S).

use super::redirected_error;
use crate::support::declared::{CLI, MAIL, NOTES, SERVICE, WEB};
use crate::support::*;

fn ask_service(app: &TestApp, scope: &str) -> Response {
    app.token(SERVICE, vec![("grant_type", "client_credentials".into()), ("scope", scope.to_owned())])
}

for_each_database! {
    fn s_01_the_syntax_of_scopes(database) {
        let app = TestApp::spawn(database);
        for bad in ["notes:read \"", "notes:read\\", "nötes", "notes:read \u{7f}x"] {
            assert_eq!(ask_service(&app, bad).status, 400, "{bad}");
        }
        for bad in ["notes:read \"", "notes:read\\", "nötes"] {
            assert_eq!(error_of(&ask_service(&app, bad)).1, "invalid_scope", "{bad}");
            assert_eq!(redirected_error(&app, &Authorize::new(WEB).set("scope", bad)), "invalid_scope", "{bad}");
        }
        for good in ["notes:read  mail:read", " mail:read notes:read ", "mail:read notes:read mail:read"] {
            assert_eq!(Tokens::read(&ask_service(&app, good)).scope, "mail:read notes:read", "{good}");
        }
        assert_eq!(error_of(&ask_service(&app, "NOTES:READ")), (400, "invalid_scope".into()));
    }

    fn s_02_what_was_granted_is_said(database) {
        let app = TestApp::spawn(database);
        let tokens = app.get_tokens_by(&Authorize::new(WEB).set("scope", "notes:read unknown"));
        assert_eq!(tokens.scope, "notes:read");
        assert_eq!(app.introspect(NOTES, &tokens.access).json()["scope"], "notes:read");
        assert!(!app.is_active(MAIL, &tokens.access));
    }

    fn s_03_unknown_scopes_are_dropped_as_long_as_a_known_one_is_left(database) {
        let app = TestApp::spawn(database);
        assert_eq!(Tokens::read(&ask_service(&app, "openid notes:read")).scope, "notes:read");
        assert_eq!(error_of(&ask_service(&app, "openid")), (400, "invalid_scope".into()));
        assert_eq!(redirected_error(&app, &Authorize::new(CLI).set("scope", "openid profile")), "invalid_scope");
        // a known one that the client may not have is another matter
        assert_eq!(redirected_error(&app, &Authorize::new(CLI).set("scope", "notes:read mail:read")), "invalid_scope");
        assert_eq!(error_of(&ask_service(&app, "notes:read notes:write")), (400, "invalid_scope".into()));
        let many: Vec<String> = (0..51).map(|n| format!("s{n}")).collect();
        assert_eq!(error_of(&ask_service(&app, &many.join(" "))), (400, "invalid_scope".into()));
    }
}
