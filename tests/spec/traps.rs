//! What servers of this kind got wrong before: parsers, headers, proxies, templates, paths (RU, PX).

use crate::support::declared::{CLI, MAIL, NOTES, WEB};
use crate::support::flow::find_form;
use crate::support::http::encode;
use crate::support::*;

for_each_database! {
    fn ru_01_addresses_are_kept_as_texts(database) {
        let app = TestApp::spawn(database);
        // a parser would turn each of these into what is registered
        for (client, uri) in [
            (WEB, "https://web.example/./callback"),
            (WEB, "https://web.example:443/callback"),
            (CLI, "http://127.0.0.1:80/x/../callback"),
            (WEB, "https://web.example/call\tback"),
        ] {
            assert_eq!(app.get(&Authorize::new(client).set("redirect_uri", uri).target()).status, 400, "{uri}");
        }
        let tokens = app.get_tokens_by(&Authorize::new(WEB).set("resource", MAIL.resource));
        assert_eq!(app.introspect(MAIL, &tokens.access).json()["aud"], MAIL.resource, "a parser would add a slash");
    }

    fn ru_02_every_refusal_of_a_form_is_json(database) {
        let app = TestApp::spawn(database);
        for path in ["/oauth2/token", "/oauth2/introspect", "/oauth2/revoke"] {
            for body in ["%", "a=%ZZ", "a=%FF", "a=%00", "a=%0d%0a", "=&=&=", "a&a"] {
                let response = app.send(&Request::post(path).raw_form(body));
                assert!([400, 401].contains(&error_of(&response).0), "{path} {body}");
            }
            let bytes = Request::post(path)
                .header("Content-Type", "application/x-www-form-urlencoded")
                .body(vec![0xff, 0xfe, b'=', 0x80]);
            assert_eq!(error_of(&app.send(&bytes)).0, 400, "{path}");
        }
    }

    fn ru_07_nothing_that_was_sent_reaches_a_header(database) {
        let app = TestApp::spawn(database);
        for bad in ["x\r\nSet-Cookie: a=b", "x\nX: y", "\"quoted\\", "ü", "\u{2028}"] {
            let encoded = encode(bad);
            let answers = [
                app.get(&format!("/oauth2/authorize?client_id={encoded}&state={encoded}")),
                app.get(&format!(
                    "{}&extra={encoded}&state={encoded}",
                    Authorize::new(WEB).without("state").set("scope", "bogus").target()
                )),
                app.send(
                    &Request::post("/oauth2/token").raw_form(&format!("grant_type={encoded}&client_id={encoded}")),
                ),
                app.send(&Request::post("/oauth2/token").basic(bad, bad).raw_form("grant_type=x")),
            ];
            for answer in answers {
                assert!(answer.status < 500, "{answer:?}");
                assert!(answer.headers.iter().all(|(name, value)| name != "x" && !value.contains("a=b")), "{answer:?}");
            }
        }
    }

    fn ru_10_times_cannot_overflow(database) {
        let app = TestApp::spawn(database);
        for (age, is_good) in [
            ("4294967295", true),
            ("4294967296", false),
            ("9223372036854775808", false),
            ("1e9", false),
            ("1.5", false),
        ] {
            let response = app.get(&Authorize::new(WEB).set("max_age", age).target());
            let answer = Answer::find(&response).expect("a redirect");
            assert_eq!(answer.url.contains("/login?tx="), is_good, "{age}: {}", answer.url);
        }
    }

    fn ru_11_host_and_forwarded_headers_change_nothing(database) {
        let app = TestApp::spawn(database);
        let mut browser = Browser::new(&app);
        browser.sign_in(&ALICE);
        for (name, value) in [
            ("Host", "evil.example"),
            ("X-Forwarded-Host", "evil.example"),
            ("X-Forwarded-Proto", "https"),
            ("Forwarded", "for=1.2.3.4;host=evil.example;proto=https"),
            ("X-Original-URL", "/nothing"),
            ("X-HTTP-Method-Override", "DELETE"),
            ("X-SSL-Cert", "x"),
        ] {
            for path in ["/login", "/account", "/.well-known/openid-configuration", "/", &Authorize::new(CLI).target()]
            {
                let response = app.send(&Request::get(path).header(name, value));
                assert!(!format!("{response:?}").contains("evil"), "{name} on {path}: {response:?}");
                assert_eq!(response.status, app.get(path).status, "{name} on {path}");
            }
        }
        let absolute = "GET http://evil.example/login HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n";
        assert!(!app.send_raw(absolute.as_bytes()).contains("evil"));
    }

    fn ru_11_a_forwarded_address_counts_only_from_a_trusted_proxy(database) {
        let app = Setup::new(database).set("limits.authorize_per_minute", 2).spawn();
        let target = Authorize::new(CLI).target();
        let from =
            |app: &TestApp, address: &str| app.send(&Request::get(&target).header("X-Forwarded-For", address)).status;
        assert_eq!([from(&app, "1.1.1.1"), from(&app, "2.2.2.2"), from(&app, "3.3.3.3")], [303, 303, 429]);
        let app = Setup::new(database)
            .set("limits.authorize_per_minute", 2)
            .set("server.trusted_proxies", vec!["127.0.0.1"])
            .spawn();
        assert_eq!([from(&app, "1.1.1.1"), from(&app, "1.1.1.1"), from(&app, "1.1.1.1")], [303, 303, 429]);
        assert_eq!(from(&app, "2.2.2.2"), 303);
        assert_eq!(from(&app, "9.9.9.9, 1.1.1.1"), 429, "the last hop is the one that the proxy saw");
        assert_eq!(
            [from(&app, "garbage"), from(&app, "x"), from(&app, "")],
            [303, 303, 429],
            "then it is the proxy itself"
        );
    }

    fn px_5_a_path_has_one_spelling(database) {
        let app = TestApp::spawn(database);
        for path in [
            "//login",
            "/login/",
            "/LOGIN",
            "/login;x",
            "/x/../login",
            "/./login",
            "/oauth2//token",
            "/oauth2/token/",
            "/oauth2%2Ftoken",
            "/assets/../login",
            "/assets/..%2Flogin",
            "/assets/%2e%2e/login",
            "/.well-known/../login",
            "/login%00",
            "/login%20",
        ] {
            for method in ["GET", "POST"] {
                let response = app.send(&Request::new(method, path).raw_form("x=1"));
                assert!([400, 404, 405].contains(&response.status), "{method} {path}: {response:?}");
            }
        }
    }

    fn ru_13_names_are_escaped_wherever_they_are_shown(database) {
        let declared = format!(
            "\n[[clients]]\nclient_id = \"odd\"\nname = \"<b>Odd</b> & \\\"Sons\\\"\"\nkind = \"web\"\nsecret_hash = {:?}\nredirect_uris = [\"https://odd.example/cb\"]\nscopes = [\"notes:read\"]\n",
            hash_of("x")
        );
        let app = Setup::new(database).set("signup.mode", "open").declare(&declared).spawn();
        let mut browser = Browser::new(&app);
        let odd = Person { email: "odd@example.com", name: "<script>alert(1)</script>{{1234*5678}}", ..ALICE };
        assert_eq!(browser.sign_up(&odd).status, 303);
        let request = Authorize::new(WEB)
            .set("client_id", "odd")
            .set("redirect_uri", "https://odd.example/cb")
            .set("scope", "notes:read");
        let consent = browser.begin(&request);
        assert!(html::read_text(&consent.body).contains("<b>Odd</b> & \"Sons\""), "{}", consent.body);
        let handed = browser.decide(&consent, "allow");
        for page in [
            consent,
            handed,
            browser.get("/account"),
            browser.get("/account/apps"),
            browser.get("/account/apps/odd/end"),
            browser.get("/"),
        ] {
            assert!(
                !page.body.contains("<b>Odd") && !page.body.contains("<script>alert") && !page.body.contains("7006652"),
                "{}",
                page.body
            );
        }
    }

    fn ru_14_an_error_says_nothing_about_the_inside(database) {
        let app = TestApp::spawn(database);
        let mut browser = Browser::new(&app);
        browser.sign_in(&ALICE);
        let page = browser.get("/account/password");
        let form = find_form(&page, "/account/password")
            .set("current", "'; DROP TABLE users; --")
            .set("new", "x' OR '1'='1 --long enough");
        let answers = [
            browser.submit(&form),
            app.get("/oauth2/authorize?client_id=' OR 1=1 --".replace(' ', "%20").as_str()),
            app.introspect(NOTES, "' OR 1=1 --"),
            app.redeem(&Code { code: "' OR 1=1".into(), verifier: "x".repeat(43), redirect_uri: None, client: CLI }),
        ];
        for answer in answers {
            assert!(answer.status < 500, "{answer:?}");
            let text = answer.body.to_lowercase();
            for word in
                ["sqlite", "postgres", "diesel", "syntax error", "panicked", "src/", ".rs:", "select ", "constraint"]
            {
                assert!(!text.contains(word), "{word}: {text}");
            }
        }
    }
}
