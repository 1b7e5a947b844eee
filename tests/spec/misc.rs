//! OAuth 2.1: caching, methods, reflection, logs (M).

use crate::support::declared::{CLI, NOTES, POST, WEB};
use crate::support::flow::{find_form, login_form};
use crate::support::http::encode;
use crate::support::*;

for_each_database! {
    fn m_01_what_is_public_may_be_kept(database) {
        let app = TestApp::spawn(database);
        for path in ["/oauth2/jwks", "/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"] {
            assert_eq!(app.get(path).header("cache-control"), Some("public, max-age=300"), "{path}");
        }
    }

    fn m_02_other_methods_are_told_which_would_do(database) {
        let app = TestApp::spawn(database);
        for (path, allowed) in [
            ("/oauth2/authorize", "GET, HEAD, POST"),
            ("/oauth2/token", "POST"),
            ("/oauth2/introspect", "POST"),
            ("/oauth2/revoke", "POST"),
            ("/oauth2/jwks", "GET, HEAD"),
            ("/.well-known/oauth-authorization-server", "GET, HEAD"),
            ("/api/v1/whoami", "GET, HEAD"),
        ] {
            let response = app.send(&Request::new("DELETE", path));
            assert_eq!((response.status, response.header("allow")), (405, Some(allowed)), "{path}");
        }
    }

    fn m_02_pages_refuse_other_methods_too(database) {
        let app = TestApp::spawn(database);
        for path in ["/login", "/consent", "/logout", "/account", "/healthz"] {
            let response = app.send(&Request::new("DELETE", path));
            assert_eq!(response.status, 405, "{path}");
            assert!(response.header("allow").is_some_and(|allow| allow.contains("GET")), "{path}: {response:?}");
        }
    }

    fn m_02_head_is_get_without_the_body(database) {
        let app = TestApp::spawn(database);
        for path in
            ["/oauth2/jwks", "/.well-known/oauth-authorization-server", "/login", "/", "/healthz", "/api/v1/whoami"]
        {
            let (get, head) = (app.get(path), app.send(&Request::new("HEAD", path)));
            assert_eq!((head.status, head.body.as_str()), (get.status, ""), "{path}");
            assert_eq!(head.header("content-type"), get.header("content-type"), "{path}");
        }
        let target = Authorize::new(WEB).target();
        assert_eq!(app.send(&Request::new("HEAD", &target)).status, app.get(&target).status);
    }

    fn m_03_nothing_that_was_sent_becomes_html(database) {
        let app = TestApp::spawn(database);
        let bomb = "\"'><script>alert(1)</script><img src=x onerror=alert(2)>{{1234*5678}}${1234*5678}";
        let mut browser = Browser::new(&app);
        let request = Authorize::new(WEB).set("state", bomb).add("login_hint", bomb).add("ui_locales", bomb);
        let login = browser.begin(&request);
        let wrong = login_form(&login).set("email", bomb).set("password", "x");
        let failed = browser.submit(&wrong);
        let response = browser.fill_in_login(&failed, &ALICE);
        let consent = browser.follow(response);
        let handed = browser.decide(&consent, "allow");
        let encoded = encode(bomb);
        let pages = [
            login,
            failed,
            consent,
            handed,
            app.get(&format!("/oauth2/authorize?client_id={encoded}")),
            app.get(&format!("/oauth2/authorize?client_id={}&redirect_uri={encoded}", encode(WEB.id))),
            app.get(&format!("/login?tx={encoded}&done={encoded}")),
            app.get(&format!("/{encoded}")),
            app.get(&format!("/setup/{encoded}")),
            app.get(&format!("/account/apps/{encoded}/end")),
        ];
        for page in pages {
            assert!(!page.body.contains("<script>alert") && !page.body.contains("<img src=x"), "{}", page.body);
            assert!(!page.body.contains("7006652"), "a template was evaluated: {}", page.body);
        }
    }

    fn m_04_no_secret_is_written_to_the_log(database) {
        let app = Setup::new(database).set("signup.mode", "open").set("log.level", "trace").spawn();
        let mut secrets = vec![ALICE.password.to_owned(), POST.secret(), WEB.secret(), NOTES.secret()];
        let mut browser = Browser::new(&app);
        for client in [WEB, POST, CLI] {
            let code = browser.get_code(&Authorize::new(client).set("state", "a state that is secret"), &ALICE);
            let tokens = Tokens::read(&app.redeem(&code));
            let next = Tokens::read(&app.refresh(client, tokens.refresh()));
            app.is_active(NOTES, &next.access);
            app.redeem(&code);
            app.refresh(client, tokens.refresh());
            app.revoke(client, next.refresh());
            secrets.extend([code.code, code.verifier, tokens.refresh().to_owned(), tokens.access, next.access]);
        }
        let page = browser.get("/account/password");
        let form = find_form(&page, "/account/password")
            .set("current", "some wrong password")
            .set("new", "eleven red paper boats");
        browser.submit(&form);
        let wrong = login_form(&Browser::new(&app).get("/login"))
            .set("email", BOB.email)
            .set("password", "a wrong password of bob");
        Browser::new(&app).submit(&wrong);
        app.send(&Request::post("/oauth2/token").basic(WEB.id, "a wrong secret of web").form(&[("grant_type", "x")]));
        secrets.extend(
            ["some wrong password", "eleven red paper boats", "a wrong password of bob", "a wrong secret of web"]
                .map(str::to_owned),
        );
        secrets.extend(browser.cookies().iter().map(|(_, value)| value.clone()));
        secrets.push("a state that is secret".into());
        let log = app.node.log();
        assert!(!log.is_empty());
        for secret in secrets {
            assert!(!log.contains(&secret) && !log.contains(&encode(&secret)), "{secret} is in the log");
        }
    }

    fn m_04_pages_send_no_referrer(database) {
        let app = TestApp::spawn(database);
        let mut browser = Browser::new(&app);
        let login = browser.begin(&Authorize::new(WEB));
        for response in
            [login, app.get("/nothing"), app.get(&Authorize::new(WEB).target()), app.get("/oauth2/authorize")]
        {
            assert_eq!(response.header("referrer-policy"), Some("no-referrer"), "{response:?}");
        }
    }
}
