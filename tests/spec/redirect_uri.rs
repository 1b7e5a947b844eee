//! OAuth 2.1: registration and comparison of redirect URIs (R), with the table of RFC 8252 (N-04, N-05).

use super::{assert_error_page, is_accepted};
use crate::support::app::run_command;
use crate::support::declared::{CLI, LOCALHOST, OWN_CLI, SCHEME, TWO, WEB};
use crate::support::http::encode;
use crate::support::*;

/// What `config check` says about a native client with this address.
fn check_registration(kind: &str, uri: &str) -> Result<(), String> {
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("gatepost.toml");
    let secret = if kind == "web" { format!("secret_hash = {:?}\n", hash_of("x")) } else { String::new() };
    let declared = format!(
        "\n[[clients]]\nclient_id = \"new\"\nname = \"New\"\nkind = {kind:?}\nredirect_uris = [{uri:?}]\n{secret}"
    );
    let setup = Setup::new(Database::Sqlite).declare(&declared);
    std::fs::write(&config, setup.to_toml("https://auth.example", 8480, "sqlite:none.db")).expect("written");
    let output = run_command(&config, &["config", "check"], "");
    match output.status.code() {
        Some(0) => Ok(()),
        Some(2) => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
        other => panic!("{other:?}: {}", String::from_utf8_lossy(&output.stderr)),
    }
}

#[test]
fn r_01_relative_addresses_and_fragments_are_not_registered() {
    for bad in ["https://x.example/cb#", "https://x.example/cb#f", "/cb", "x/cb", "", "https:", "https://"] {
        let said = check_registration("native", bad).expect_err(bad);
        assert!(said.contains("clients.new.redirect_uris"), "{bad}: {said}");
    }
    assert_eq!(check_registration("native", "https://x.example/cb"), Ok(()));
}

#[test]
fn r_06_dangerous_schemes_and_plain_http_are_not_registered() {
    for bad in [
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "vbscript:x",
        "blob:https://x/y",
        "about:blank",
        "mailto:x@example.com",
        "ws://x.example/",
        "wss://x.example/",
        "ftp://x.example/",
        "myapp:/cb",
        "myapp://cb",
        "http://x.example/cb",
        "http://127.0.0.1.evil.example/cb",
        "https://u@x.example/",
        "https://*.example/",
        "https://x.example/a/../b",
        "https://x.example\\@evil.example/",
        "https://ü.example/",
    ] {
        let said = check_registration("native", bad).expect_err(bad);
        assert!(said.contains("clients.new.redirect_uris"), "{bad}: {said}");
    }
    for good in [
        "com.example.app:/cb",
        "http://127.0.0.1/cb",
        "http://[::1]:3000/cb",
        "http://localhost/cb",
        "https://x.example:8443/cb?x=1",
    ] {
        assert_eq!(check_registration("native", good), Ok(()), "{good}");
    }
    assert!(check_registration("web", "com.example.app:/cb").is_err(), "a web app has an address of its own");
}

for_each_database! {
    fn r_02_everything_is_compared_byte_for_byte(database) {
        let app = TestApp::spawn(database);
        for other in [
            "https://WEB.example/callback",
            "https://web.example/callback/",
            "https://web.example:443/callback",
            "https://web.example/c%61llback",
            "https://web.example/a/../callback",
            "https://web.example/./callback",
            "https://web.example/callback?x=1",
            "https://web.example/callback?",
            "https://a.web.example/callback",
            "http://web.example/callback",
            "https://web.example.evil/callback",
            "https://x@web.example/callback",
            "https://web.example@evil.example/callback",
            "https://web.example\\@evil.example/callback",
            "https://web.example/call\tback",
            "https://web.example/callback\n",
            " https://web.example/callback",
            "https://web.example/callback#x",
            "https://web.example/callback%00",
            "HTTPS://web.example/callback",
            "https://web.example./callback",
            "https://web.example//callback",
            "https:web.example/callback",
            "//web.example/callback",
            "/callback",
            "https://web.example/Callback",
            "javascript:alert(1)",
            "https://web.example/callback;x",
            "https://web.example/..;/callback",
        ] {
            assert_error_page(&app.get(&Authorize::new(WEB).set("redirect_uri", other).target()));
        }
        for other in [
            "https://two.example/callback?x=1&tenant=a%20b",
            "https://two.example/callback?tenant=a+b&x=1",
            "https://two.example/callback?tenant=a%20b",
            "https://two.example/callback",
            "https://two.example/callback?tenant=a%20b&x=1&",
            "https://two.example/other",
            "https://two.example/Other?x",
        ] {
            assert_error_page(&app.get(&Authorize::new(TWO).set("redirect_uri", other).target()));
        }
        assert!(is_accepted(&app, &Authorize::new(TWO).set("redirect_uri", "https://two.example/Other")));
    }

    fn r_03_only_the_port_of_a_loopback_address_may_differ(database) {
        let app = TestApp::spawn(database);
        let accepted = |client, uri| is_accepted(&app, &Authorize::new(client).set("redirect_uri", uri));
        for uri in [
            "http://127.0.0.1/callback",
            "http://127.0.0.1:1/callback",
            "http://127.0.0.1:65535/callback",
            "http://[::1]:61023/callback",
            "http://[::1]/callback",
        ] {
            assert!(accepted(CLI, uri), "{uri}");
        }
        for uri in [
            "http://localhost/callback",
            "http://localhost:8080/callback",
            "http://127.0.0.1:59656/",
            "http://127.0.0.1/",
        ] {
            assert!(accepted(LOCALHOST, uri), "{uri}");
        }
        // never for https and never for other hosts: see r_02
    }

    fn n_04_the_loopback_table(database) {
        let app = TestApp::spawn(database);
        for uri in [
            "http://localhost:51004/callback",
            "http://127.0.0.1:51004/callback/",
            "http://127.0.0.1:51004/callback?x=1",
            "https://127.0.0.1:51004/callback",
            "http://127.0.0.1:51004@evil.example/callback",
            "http://127.0.0.1.evil.example:80/callback",
            "http://127.0.0.1:0/callback",
            "http://127.0.0.1:65536/callback",
            "http://127.0.0.1:abc/callback",
            "http://127.0.0.1:/callback",
            "http://2130706433:5000/callback",
            "http://0x7f.1:5000/callback",
            "http://127.1:5000/callback",
            "http://127.0.0.2:5000/callback",
            "http://[::]:5000/callback",
            "http://[0:0:0:0:0:0:0:1]:5000/callback",
            "http://[::ffff:127.0.0.1]:5000/callback",
            "http://0.0.0.0:5000/callback",
            "http://127.0.0.1:5000/",
            "http://127.0.0.1:5000/Callback",
            "http://127.0.0.1:5000/callback#x",
            "http://127.0.0.1:5000\\@evil.example/callback",
            "HTTP://127.0.0.1:5000/callback",
            "http://127.0.0.1:+80/callback",
            "http://127.0.0.1:5000 /callback",
        ] {
            assert_error_page(&app.get(&Authorize::new(CLI).set("redirect_uri", uri).target()));
        }
        for uri in [
            "http://127.0.0.1:33418",
            "http://127.0.0.1:3118/callback",
            "http://[::1]:3118/callback",
            "http://localhost.:3118/callback",
        ] {
            assert_error_page(&app.get(&Authorize::new(LOCALHOST).set("redirect_uri", uri).target()));
        }
    }

    fn n_04_the_code_remembers_the_port(database) {
        let app = TestApp::spawn(database);
        let code = app.get_code(CLI);
        for other in ["http://127.0.0.1/callback", "http://127.0.0.1:51006/callback"] {
            let form = tokens::change(code.form(), "redirect_uri", other);
            assert_eq!(error_of(&app.token(CLI, form)), (400, "invalid_grant".into()));
        }
        assert_eq!(app.redeem(&code).status, 200);
    }

    fn n_05_localhost_is_accepted_like_the_numbers(database) {
        let app = TestApp::spawn(database);
        let request = Authorize::new(LOCALHOST).set("redirect_uri", "http://localhost:40123/callback");
        let answer = Browser::new(&app).authorize(&request, &ALICE);
        assert!(answer.url.starts_with("http://localhost:40123/callback?code="), "{}", answer.url);
    }

    fn r_04_without_an_address_there_must_be_exactly_one(database) {
        let app = TestApp::spawn(database);
        let request = Authorize::new(WEB).without("redirect_uri");
        let mut browser = Browser::new(&app);
        let code = browser.get_code(&request, &ALICE);
        assert_eq!(app.redeem(&code).status, 200);
        assert!(is_accepted(&app, &Authorize::new(SCHEME).without("redirect_uri")));
        for client in [TWO, CLI, OWN_CLI, LOCALHOST] {
            assert_error_page(&app.get(&Authorize::new(client).without("redirect_uri").target()));
        }
    }

    fn r_05_neither_wildcards_nor_prefixes(database) {
        let app = TestApp::spawn(database);
        for uri in [
            "https://web.example/callback/sub",
            "https://web.example/",
            "https://web.example",
            "https://web.example/callback*",
            "*",
        ] {
            assert_error_page(&app.get(&Authorize::new(WEB).set("redirect_uri", uri).target()));
        }
    }

    fn r_07_a_wrong_address_is_shown_harmlessly(database) {
        let app = TestApp::spawn(database);
        for uri in [
            "https://evil.example/\"><script>alert(1)</script>",
            "javascript:alert(document.domain)",
            "https://evil.example/'onx='",
            "data:text/html,<script>alert(1)</script>",
            "https://evil.example/&lt;b&gt;",
        ] {
            for client in [WEB, TWO, CLI] {
                let page = app.get(&format!(
                    "{}&redirect_uri={}",
                    Authorize::new(client).without("redirect_uri").target(),
                    encode(uri)
                ));
                assert_error_page(&page);
                assert!(!page.body.contains("<script>alert") && !page.body.contains("'onx='"), "{}", page.body);
                assert!(
                    html::find_addresses(&page.body).iter().all(|address| !address.contains("evil")),
                    "{}",
                    page.body
                );
            }
        }
    }
}
