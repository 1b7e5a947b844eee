//! `/api/v1/whoami`

use crate::support::declared::{CLI, SERVICE};
use crate::support::*;

for_each_database! {
    fn a_token_says_who_it_speaks_for(database) {
        let app = TestApp::spawn(database);
        let tokens = app.get_tokens(CLI);
        let response = app.send(&Request::get("/api/v1/whoami").bearer(&tokens.access));
        let json = response.json();
        assert_eq!(response.status, 200);
        assert_eq!(
            (&json["email"], &json["client_id"], &json["scope"]),
            (&ALICE.email.into(), &CLI.id.into(), &"notes:read notes:write offline_access".into())
        );
        let service = app.get_service_token(SERVICE, "notes:read");
        let json = app.send(&Request::get("/api/v1/whoami").bearer(&service.access)).json();
        assert_eq!((&json["sub"], &json["email"]), (&"client:test-service".into(), &serde_json::Value::Null));
    }
}
