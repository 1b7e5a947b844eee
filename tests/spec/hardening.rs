//! RFC 9700 and RFC 10017: headers, limits, what is stored (SE-08, TK, DS, BB).

use crate::storage::run_statement;
use crate::support::database::run_sql;
use crate::support::declared::{CLI, NOTES, SERVICE, SPA, WEB};
use crate::support::flow::login_form;
use crate::support::html::find_addresses;
use crate::support::*;

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
    connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; object-src 'none'";

/// Everything that the database holds, as text.
fn dump(app: &TestApp) -> String {
    match app.database {
        Database::Sqlite => {
            let file = app.database_url.strip_prefix("sqlite:").expect("a file");
            let parts = [file.to_owned(), format!("{file}-wal")].map(|file| std::fs::read(file).unwrap_or_default());
            parts.iter().map(|bytes| String::from_utf8_lossy(bytes).into_owned()).collect()
        }
        Database::Postgres => {
            let names = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'";
            let tables = run_sql(&app.database_url, names).expect("the tables");
            let rows =
                |table: &str| run_sql(&app.database_url, &format!("SELECT t::text FROM {table} t")).expect("the rows");
            tables.lines().map(rows).collect()
        }
    }
}

for_each_database! {
    fn se_08_the_headers_of_every_page(database) {
        let app = Setup::new(database).public_url("https://auth.example").set("signup.mode", "open").spawn();
        let mut browser = Browser::new(&app);
        let login = browser.begin(&Authorize::new(WEB));
        let response = browser.fill_in_login(&login, &ALICE);
        let consent = browser.follow(response);
        let mut pages = vec![login, consent];
        pages.extend(
            [
                "/",
                "/account",
                "/account/security",
                "/account/password",
                "/account/sessions",
                "/account/apps",
                "/logout",
            ]
            .map(|path| browser.get(path)),
        );
        pages.extend(["/signup", "/nothing", "/setup/x", "/login?tx=x", "/oauth2/authorize"].map(|path| app.get(path)));
        pages.extend(
            ["/login", "/consent", "/logout", "/signup", "/account/password"]
                .map(|path| app.post_form(path, &[("x", "y")])),
        );
        pages.push(app.send(&Request::post("/login").header("Content-Type", "application/json").body("{}")));
        pages.push(app.send(&Request::post("/login").raw_form(&"x".repeat(20_000))));
        for page in pages {
            assert!(page.is_html(), "{page:?}");
            for (name, value) in [
                ("content-type", "text/html; charset=utf-8"),
                ("content-security-policy", POLICY),
                ("x-content-type-options", "nosniff"),
                ("referrer-policy", "no-referrer"),
                ("cache-control", "no-store"),
                ("x-frame-options", "DENY"),
                ("cross-origin-opener-policy", "same-origin"),
                ("cross-origin-resource-policy", "same-origin"),
                ("permissions-policy", "camera=(), microphone=(), geolocation=(), publickey-credentials-get=(self)"),
                ("strict-transport-security", "max-age=31536000; includeSubDomains"),
            ] {
                assert_eq!(page.header(name), Some(value), "{name} of {page:?}");
            }
            assert_eq!(page.header("server"), None);
            for address in find_addresses(&page.body) {
                assert!(address.starts_with(['/', '#']) && !address.starts_with("//"), "a foreign address: {address}");
            }
        }
    }

    fn se_08_without_tls_no_browser_is_told_to_use_it(database) {
        let app = TestApp::spawn(database);
        assert_eq!(app.get("/login").header("strict-transport-security"), None);
    }

    fn tk_01_every_secret_has_256_bits_and_its_kind(database) {
        let app = TestApp::spawn(database);
        let mut browser = Browser::new(&app);
        let code = browser.get_code(&Authorize::new(CLI), &ALICE);
        let tokens = Tokens::read(&app.redeem(&code));
        let cookie = browser.session_cookie().expect("a session").1;
        let binding = browser.cookie("gp_browser").expect("a browser cookie");
        for (secret, prefix) in [
            (code.code.as_str(), "gp_ac_"),
            (&tokens.access, "gp_at_"),
            (tokens.refresh(), "gp_rt_"),
            (cookie, "gp_ss_"),
            (binding, "gp_br_"),
        ] {
            let body = secret.strip_prefix(prefix).unwrap_or_else(|| panic!("{secret} is not {prefix}"));
            assert_eq!(body.len(), 43 + 6);
            assert!(body.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)), "{body}");
        }
    }

    fn tk_02_only_hashes_are_stored(database) {
        let app = TestApp::spawn(database);
        let mut browser = Browser::new(&app);
        let code = browser.get_code(&Authorize::new(WEB), &ALICE);
        let unused = browser.get_code(&Authorize::new(WEB), &ALICE);
        let tokens = Tokens::read(&app.redeem(&code));
        let jwt = app.get_service_token(SERVICE, "jwt:read");
        let rows = dump(&app);
        assert!(rows.contains(&hash_of(&tokens.access)), "the hash is there");
        let session = browser.session_cookie().expect("a session").1.to_owned();
        for secret in [
            &code.code,
            &unused.code,
            &tokens.access,
            &tokens.refresh().to_owned(),
            &session,
            &WEB.secret(),
            &NOTES.secret(),
            &jwt.access,
        ] {
            assert!(!rows.contains(secret.as_str()), "{secret} is stored as it is");
            assert!(!rows.contains(&secret[10..]), "a part of {secret} is stored");
        }
        assert!(!rows.contains(ALICE.password) && rows.contains("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(!rows.contains("PRIVATE KEY") && !rows.contains("\"d\":"), "signing keys are sealed");
    }

    fn tk_03_a_new_key_is_published_before_it_signs(database) {
        let mut app = TestApp::spawn(database);
        let before = app.get("/oauth2/jwks").json();
        let old = jwt::verify_jwt(&app, &app.get_service_token(SERVICE, "jwt:read").access).0;
        app.run_ok(&["key", "rotate"]);
        let kids = |keys: &serde_json::Value| -> Vec<String> {
            keys["keys"].as_array().expect("a list").iter().map(|key| key["kid"].to_string()).collect()
        };
        // a running server looks for new keys once a minute; one that starts does so at once
        app.node.kill();
        app.start_again();
        assert_eq!(kids(&app.get("/oauth2/jwks").json()).len(), kids(&before).len() + 1);
        let after = kids(&app.get("/oauth2/jwks").json());
        assert!(kids(&before).iter().all(|kid| after.contains(kid)), "the old keys stay");
        assert_eq!(after.iter().collect::<std::collections::BTreeSet<_>>().len(), after.len(), "each id is there once");
        let token = app.get_service_token(SERVICE, "jwt:read").access;
        assert_eq!(jwt::verify_jwt(&app, &token).0["kid"], old["kid"], "others have a day to fetch the new one");
    }

    fn ds_01_too_much_is_refused_in_time(database) {
        let app = TestApp::spawn(database);
        let post = |path: &str, body: &str| app.send(&Request::post(path).raw_form(body));
        for path in ["/oauth2/token", "/oauth2/introspect", "/oauth2/revoke"] {
            assert_eq!(error_of(&post(path, &"x".repeat(16 * 1024 + 1))), (413, "invalid_request".into()), "{path}");
            let many: Vec<String> = (0..101).map(|n| format!("p{n}=1")).collect();
            assert_eq!(error_of(&post(path, &many.join("&"))), (400, "invalid_request".into()), "{path}");
            let packed = Request::post(path).header("Content-Encoding", "gzip").raw_form("x=1");
            assert_eq!(error_of(&app.send(&packed)), (415, "invalid_request".into()), "{path}");
        }
        assert_eq!(post("/login", &"x".repeat(16 * 1024 + 1)).status, 413);
        assert_eq!(app.get(&format!("/login?x={}", "x".repeat(9000))).status, 414);
        let chunked = format!(
            "POST /oauth2/token HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n4800\r\n{}\r\n0\r\n\r\n",
            "x".repeat(0x4800)
        );
        assert!(app.send_raw(chunked.as_bytes()).starts_with("HTTP/1.1 413"), "the length need not be announced");
        let headers: String = (0..200).map(|n| format!("X-{n}: y\r\n")).collect();
        let answer = app.send_raw(format!("GET / HTTP/1.1\r\nHost: x\r\n{headers}\r\n").as_bytes());
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    }

    fn ds_02_a_limit_says_when_to_come_back(database) {
        let app = Setup::new(database).set("limits.token_failures_per_minute", 1).spawn();
        let wrong = Request::post("/oauth2/token").basic(WEB.id, "wrong").form(&[("grant_type", "x")]);
        assert_eq!(app.send(&wrong).status, 401);
        let response = app.send(&wrong);
        assert_eq!(
            (response.status, response.header("retry-after"), response.header("cache-control")),
            (429, Some("60"), Some("no-store"))
        );
        assert_eq!(response.json()["error"], "temporarily_unavailable");
    }

    fn ds_03_slow_work_is_bounded_and_says_so(database) {
        let app = Setup::new(database).set("password.hash_threads", 1).set("password.hash_queue", 1).spawn();
        let mut browser = Browser::new(&app);
        let form =
            login_form(&browser.get("/login")).set("email", "nobody@example.com").set("password", "a wrong password");
        let cookies: Vec<String> = browser.cookies().iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = Request::post("/login").header("Cookie", &cookies.join("; ")).form(&form.fields);
        let answers = run_at_once(30, |_| app.send(&request));
        let (busy, rest): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 503);
        assert!(!busy.is_empty() && !rest.is_empty(), "{} of 30 are busy", busy.len());
        assert!(rest.iter().all(|answer| answer.status == 200), "{rest:?}");
        assert!(busy.iter().all(|answer| answer.header("retry-after") == Some("2") && answer.is_html()), "{busy:?}");
        browser.sign_in(&ALICE);
    }

    fn ds_04_looking_makes_no_rows(database) {
        let app = TestApp::spawn(database);
        let count = || {
            let tables = [
                "authorization_codes",
                "sessions",
                "grants",
                "access_tokens",
                "refresh_tokens",
                "throttles",
                "audit_events",
            ];
            tables.map(|table| run_statement(&app.database_url, &format!("SELECT count(*) FROM {table}")))
        };
        app.get("/login");
        let before = count();
        for _ in 0..50 {
            let mut browser = Browser::new(&app);
            browser.begin(&Authorize::new(CLI));
            browser.get("/signup");
            app.get(&Authorize::new(CLI).set("scope", "bogus").target());
            app.get("/oauth2/authorize");
        }
        assert_eq!(count(), before);
    }

    fn bb_01_a_page_in_the_browser_rotates_and_ends(database) {
        let app = TestApp::spawn(database);
        let tokens = app.get_tokens(SPA);
        let form = [("grant_type", "refresh_token"), ("refresh_token", tokens.refresh()), ("client_id", SPA.id)];
        let response = app.send(&Request::post("/oauth2/token").header("Origin", "https://spa.example").form(&form));
        assert_eq!(response.header("access-control-allow-origin"), Some("*"));
        assert_ne!(Tokens::read(&response).refresh, tokens.refresh);
        assert_eq!(error_of(&app.refresh(SPA, tokens.refresh())), (400, "invalid_grant".into()));
    }

    fn bb_02_a_secret_proves_nothing_for_a_public_client(database) {
        let app = TestApp::spawn(database);
        let form =
            [("grant_type", "refresh_token"), ("refresh_token", "x"), ("client_id", SPA.id), ("client_secret", "x")];
        assert_eq!(error_of(&app.post_form("/oauth2/token", &form)), (401, "invalid_client".into()));
    }
}
