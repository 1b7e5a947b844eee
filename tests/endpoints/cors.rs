//! Which endpoints pages of other origins may read.

use crate::support::*;

const ORIGIN: &str = "https://spa.example";

fn allow_headers(response: &Response) -> Vec<String> {
    let cors = response.headers.iter().filter(|(name, _)| name.starts_with("access-control-"));
    let mut cors: Vec<String> = cors.map(|(name, value)| format!("{name}: {value}")).collect();
    cors.sort();
    cors
}

for_each_database! {
    fn c_01_open_endpoints_say_so_to_every_request(database) {
        let app = TestApp::spawn(database);
        let form = [("grant_type", "x")];
        let open = [
            Request::post("/oauth2/token").form(&form),
            Request::post("/oauth2/token").body("{}").header("Content-Type", "application/json"),
            Request::post("/oauth2/revoke").form(&form),
            Request::get("/oauth2/jwks"),
            Request::get("/.well-known/oauth-authorization-server"),
            Request::get("/.well-known/openid-configuration"),
            Request::get("/api/v1/whoami"),
        ];
        for request in open {
            let response = app.send(&request.clone().header("Origin", ORIGIN));
            assert_eq!(
                allow_headers(&response),
                ["access-control-allow-origin: *", "access-control-expose-headers: WWW-Authenticate"],
                "{request:?}"
            );
        }
    }

    fn c_01_preflight_is_answered(database) {
        let app = TestApp::spawn(database);
        for (path, methods) in [
            ("/oauth2/token", "POST"),
            ("/oauth2/revoke", "POST"),
            ("/oauth2/jwks", "GET"),
            ("/.well-known/oauth-authorization-server", "GET"),
            ("/.well-known/openid-configuration", "GET"),
            ("/api/v1/whoami", "GET"),
        ] {
            let request = Request::new("OPTIONS", path)
                .header("Origin", ORIGIN)
                .header("Access-Control-Request-Method", methods)
                .header("Access-Control-Request-Headers", "mcp-protocol-version, authorization");
            let response = app.send(&request);
            assert_eq!(response.status, 204, "{path}");
            assert_eq!(
                allow_headers(&response),
                [
                    "access-control-allow-headers: Authorization, Content-Type, DPoP, MCP-Protocol-Version, Accept"
                        .to_owned(),
                    format!("access-control-allow-methods: {methods}"),
                    "access-control-allow-origin: *".to_owned(),
                    "access-control-max-age: 600".to_owned(),
                ],
                "{path}"
            );
        }
    }

    fn c_02_the_header_of_mcp_clients_does_no_harm(database) {
        let app = TestApp::spawn(database);
        let request =
            Request::get("/.well-known/oauth-authorization-server").header("MCP-Protocol-Version", "2026-07-28");
        assert_eq!(app.send(&request.header("Origin", ORIGIN)).status, 200);
    }

    fn c_03_pages_and_introspection_say_nothing_of_the_kind(database) {
        let app = TestApp::spawn(database);
        let closed =
            ["/oauth2/authorize", "/oauth2/introspect", "/login", "/consent", "/logout", "/account", "/signup", "/"];
        for path in closed {
            for method in ["GET", "POST", "OPTIONS"] {
                let request = Request::new(method, path)
                    .header("Origin", ORIGIN)
                    .header("Access-Control-Request-Method", "POST")
                    .raw_form("token=x");
                let response = app.send(&request);
                assert_eq!(allow_headers(&response), Vec::<String>::new(), "{method} {path}");
            }
        }
    }

    fn c_01_no_answer_to_other_origins_depends_on_a_cookie(database) {
        let app = TestApp::spawn(database);
        let mut browser = Browser::new(&app);
        browser.sign_in(&ALICE);
        let response = browser.send(Request::get("/api/v1/whoami").header("Origin", ORIGIN));
        assert_eq!(response.status, 401);
        assert!(response.header("access-control-allow-credentials").is_none());
    }
}
