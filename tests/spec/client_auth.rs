//! OAuth 2.1: client authentication (CA).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::support::declared::{ANY, CLI, NOTES, POST, SERVICE, SPA, WEB};
use crate::support::http::encode;
use crate::support::*;

/// A request that any client may make once it is known: about a refresh token that does not exist.
const FORM: [(&str, &str); 2] = [("grant_type", "refresh_token"), ("refresh_token", "none")];

fn ask(app: &TestApp, request: Request, extra: &[(&str, &str)]) -> (u16, String) {
    error_of(&app.send(&request.form(&[&FORM[..], extra].concat())))
}

fn known() -> (u16, String) {
    (400, "invalid_grant".into())
}

fn unknown() -> (u16, String) {
    (401, "invalid_client".into())
}

fn post() -> Request {
    Request::post("/oauth2/token")
}

fn basic(text: impl AsRef<[u8]>) -> Request {
    post().header("Authorization", &format!("Basic {}", STANDARD.encode(text)))
}

for_each_database! {
    fn ca_01_both_ways_of_a_secret(database) {
        let app = TestApp::spawn(database);
        assert_eq!(ask(&app, post().basic(WEB.id, &WEB.secret()), &[]), known());
        assert_eq!(ask(&app, post(), &[("client_id", POST.id), ("client_secret", &POST.secret())]), known());
        assert_eq!(ask(&app, post().basic(ANY.id, &ANY.secret()), &[]), known());
        assert_eq!(ask(&app, post(), &[("client_id", ANY.id), ("client_secret", &ANY.secret())]), known());
    }

    fn ca_02_basic_is_form_encoded_first(database) {
        let app = TestApp::spawn(database);
        let (id, secret) = (encode(WEB.id), encode(&WEB.secret()));
        assert!(WEB.secret().contains(['+', '%', ':', ' ', 'ü']));
        assert_eq!(ask(&app, basic(format!("{id}:{secret}")), &[]), known());
        assert_eq!(ask(&app, basic(format!("{id}:{}", secret.replace("%20", "+"))), &[]), known());
        assert_eq!(ask(&app, basic(format!("{id}:{}", WEB.secret())), &[]), unknown(), "not encoded");
        for scheme in ["basic", "BASIC"] {
            let header = format!("{scheme} {}", STANDARD.encode(format!("{id}:{secret}")));
            assert_eq!(ask(&app, post().header("Authorization", &header), &[]), known());
        }
        let padded = STANDARD.encode(format!("{id}:{secret}"));
        for header in [
            "Basic",
            "Basic ",
            "Basic !!!!",
            &format!("Basic {padded}="),
            "Bearer x",
            "DPoP x",
            "",
            &format!("Basic{padded}"),
        ] {
            assert_eq!(ask(&app, post().header("Authorization", header), &[]), unknown(), "{header}");
        }
        for bytes in [&b"nothing"[..], b":", b":secret", b"\xff\xfe:\xff", b"test.web_basic:%FF", b"test.web_basic:%0"]
        {
            assert_eq!(ask(&app, basic(bytes), &[]), unknown());
        }
    }

    fn ca_03_no_secret_in_the_address(database) {
        let app = TestApp::spawn(database);
        let target = format!("/oauth2/token?client_id={}&client_secret={}", POST.id, encode(&POST.secret()));
        assert_eq!(ask(&app, Request::post(&target), &[]), unknown());
        assert_eq!(ask(&app, Request::post(&target), &[("client_id", POST.id)]), unknown());
    }

    fn ca_04_one_way_at_a_time(database) {
        let app = TestApp::spawn(database);
        let refused = (400, "invalid_request".to_owned());
        let good = || post().basic(ANY.id, &ANY.secret());
        assert_eq!(ask(&app, good(), &[("client_secret", &ANY.secret())]), refused);
        assert_eq!(ask(&app, good(), &[("client_id", ANY.id), ("client_secret", &ANY.secret())]), refused);
        assert_eq!(ask(&app, good(), &[("client_assertion", "x"), ("client_assertion_type", "y")]), refused);
        let posted = [("client_id", ANY.id), ("client_secret", &ANY.secret()), ("client_assertion", "x")];
        assert_eq!(ask(&app, post(), &posted), refused);
        assert_eq!(ask(&app, good(), &[("client_id", WEB.id)]), refused);
        assert_eq!(ask(&app, good(), &[("client_id", ANY.id)]), known());
        assert_eq!(ask(&app, good().header("Authorization", "Basic eDp5"), &[]).0 / 100, 4, "two headers");
    }

    fn ca_05_the_registered_way_and_no_other(database) {
        let app = TestApp::spawn(database);
        assert_eq!(ask(&app, post(), &[("client_id", WEB.id), ("client_secret", &WEB.secret())]), unknown());
        assert_eq!(ask(&app, post().basic(POST.id, &POST.secret()), &[]), unknown());
        for client in [WEB, POST, ANY, SERVICE] {
            assert_eq!(ask(&app, post(), &[("client_id", client.id)]), unknown(), "{}", client.id);
            assert_eq!(ask(&app, post(), &[("client_id", client.id), ("client_secret", "")]), unknown());
            assert_eq!(ask(&app, post().basic(client.id, ""), &[]), unknown());
        }
        for client in [CLI, SPA] {
            assert_eq!(ask(&app, post(), &[("client_id", client.id)]), known());
            assert_eq!(ask(&app, post(), &[("client_id", client.id), ("client_secret", "x")]), unknown());
            assert_eq!(ask(&app, post().basic(client.id, "x"), &[]), unknown());
            assert_eq!(ask(&app, post().basic(client.id, ""), &[]), unknown());
        }
        assert_eq!(ask(&app, post(), &[("client_id", "nobody")]), unknown());
        assert_eq!(ask(&app, post(), &[("client_assertion", "x"), ("client_assertion_type", "y")]), unknown());
    }

    fn ca_06_a_challenge_with_every_401(database) {
        let app = TestApp::spawn(database);
        for request in [post().basic(WEB.id, "wrong").form(&FORM), post().form(&FORM), basic("x").form(&FORM)] {
            let response = app.send(&request);
            assert_eq!(response.status, 401);
            let challenge = response.header("www-authenticate").expect("a challenge");
            assert_eq!(challenge, format!("Basic realm=\"{}\", charset=\"UTF-8\"", app.issuer));
        }
    }

    fn ca_07_guessing_is_slowed_down_for_the_guesser_only(database) {
        let app = Setup::new(database).set("limits.token_failures_per_minute", 3).spawn();
        for _ in 0..3 {
            assert_eq!(ask(&app, post().basic(WEB.id, "wrong"), &[]), unknown());
        }
        let response = app.send(&post().basic(WEB.id, &WEB.secret()).form(&FORM));
        assert_eq!((response.status, response.header("retry-after")), (429, Some("60")));
        assert_eq!(error_of(&response).1, "temporarily_unavailable");
        // another client from the same address is not concerned
        assert_eq!(app.get_service_token(SERVICE, "notes:read").scope, "notes:read");
    }

    fn ca_08_a_rotated_secret_is_exchanged_for_the_next(database) {
        let app = TestApp::spawn(database);
        let args = [
            "client",
            "add",
            "--kind",
            "service",
            "--name",
            "Rotating",
            "--id",
            "rotating",
            "--scope",
            "notes:read",
            "--json",
        ];
        let added: serde_json::Value = serde_json::from_str(&app.run_ok(&args)).expect("JSON");
        let old = added["client_secret"].as_str().expect("a secret").to_owned();
        assert!(old.starts_with("gp_cs_") && old.len() == 55, "{old}");
        let form = [("grant_type", "client_credentials")];
        let ask = |secret: &str| app.send(&post().basic("rotating", secret).form(&form)).status;
        assert_eq!(ask(&old), 200);
        let rotated: serde_json::Value =
            serde_json::from_str(&app.run_ok(&["client", "rotate-secret", "rotating", "--json"])).expect("JSON");
        let new = rotated["client_secret"].as_str().expect("a secret").to_owned();
        wait_until("the new secret works", std::time::Duration::from_secs(3), || ask(&new) == 200);
        assert_eq!(ask(&old), 200, "the old one works for a day");
        assert_eq!(ask(&new[..54]), 401);
    }

    fn ca_09_the_same_rules_at_revocation_and_introspection(database) {
        let app = TestApp::spawn(database);
        let ask = |request: Request, extra: &[(&str, &str)]| {
            let form = [&[("token", "x")][..], extra].concat();
            app.send(&request.form(&form)).status
        };
        let revoke = || Request::post("/oauth2/revoke");
        assert_eq!(ask(revoke().basic(WEB.id, &WEB.secret()), &[]), 200);
        assert_eq!(ask(revoke(), &[("client_id", CLI.id)]), 200);
        assert_eq!(ask(revoke(), &[("client_id", WEB.id), ("client_secret", &WEB.secret())]), 401);
        assert_eq!(ask(revoke().basic(ANY.id, &ANY.secret()), &[("client_secret", "x")]), 400);
        assert_eq!(ask(revoke().basic(WEB.id, "wrong"), &[]), 401);
        let introspect = || Request::post("/oauth2/introspect");
        assert_eq!(ask(introspect().basic(NOTES.id, &NOTES.secret()), &[]), 200);
        assert_eq!(ask(introspect(), &[("client_id", NOTES.id), ("client_secret", &NOTES.secret())]), 200);
        assert_eq!(ask(introspect().basic(NOTES.id, &NOTES.secret()), &[("client_secret", "x")]), 400);
        assert_eq!(ask(introspect(), &[("client_id", NOTES.id)]), 401);
        let query = format!("/oauth2/introspect?client_id={}&client_secret={}", NOTES.id, encode(&NOTES.secret()));
        assert_eq!(ask(Request::post(&query), &[]), 401);
    }
}
