//! OAuth 2.1: PKCE (P).

use crate::support::declared::{CLI, CLIENTS, KEEP, SPA, WEB};
use crate::support::http::encode;
use crate::support::tokens::change;
use crate::support::*;

/// A code whose challenge is the hash of this verifier, whatever that is.
fn get_code_for(app: &TestApp, verifier: &str) -> Code {
    let mut browser = Browser::new(app);
    let request = Authorize::new(KEEP).set("code_challenge", &hash_of(verifier));
    Code { verifier: verifier.to_owned(), ..browser.get_code(&request, &ALICE) }
}

for_each_database! {
    fn p_01_the_verifier_opens_the_challenge(database) {
        let app = TestApp::spawn(database);
        for client in CLIENTS.iter().filter(|client| !client.redirect.is_empty()) {
            assert_eq!(app.redeem(&app.get_code(*client)).status, 200, "{}", client.id);
        }
        // RFC 7636 appendix B
        let code = get_code_for(&app, "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        assert_eq!(hash_of(&code.verifier), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
        assert_eq!(app.redeem(&code).status, 200);
    }

    fn p_02_verifier_required_iff_challenge_was_sent(database) {
        let app = TestApp::spawn(database);
        for client in [CLI, WEB, SPA] {
            let code = app.get_code(client);
            let missing: Vec<_> = code.form().into_iter().filter(|(name, _)| *name != "code_verifier").collect();
            assert_eq!(error_of(&app.token(client, missing)), (400, "invalid_grant".into()), "{}", client.id);
            let challenge = hash_of(&code.verifier);
            for wrong in [random_text(32), challenge, other_end(&code.verifier)] {
                let form = change(code.form(), "code_verifier", &wrong);
                assert_eq!(error_of(&app.token(client, form)), (400, "invalid_grant".into()), "{wrong}");
            }
            assert_eq!(app.redeem(&code).status, 200);
        }
    }

    fn p_03_a_malformed_verifier_is_refused_even_if_its_hash_matches(database) {
        let app = TestApp::spawn(database);
        for good in ["a".repeat(43), "Z".repeat(128), format!("{}-._~", "9".repeat(40))] {
            assert_eq!(app.redeem(&get_code_for(&app, &good)).status, 200, "{good}");
        }
        for bad in [
            "a".repeat(42),
            "a".repeat(129),
            format!("{}!", "a".repeat(43)),
            format!("{} ", "a".repeat(43)),
            format!("{}ü", "a".repeat(43)),
            "x".into(),
        ] {
            let answer = app.redeem(&get_code_for(&app, &bad));
            assert_eq!(error_of(&answer), (400, "invalid_grant".into()), "{}", encode(&bad));
        }
    }

    fn p_04_wrong_tries_do_not_burn_the_code_until_there_are_five(database) {
        let app = TestApp::spawn(database);
        let try_wrong = |code: &Code| {
            let answer = app.token(CLI, change(code.form(), "code_verifier", &random_text(32)));
            assert_eq!(error_of(&answer), (400, "invalid_grant".into()));
        };
        let code = app.get_code(CLI);
        (0..4).for_each(|_| try_wrong(&code));
        assert_eq!(app.redeem(&code).status, 200);
        let code = app.get_code(CLI);
        (0..5).for_each(|_| try_wrong(&code));
        assert_eq!(error_of(&app.redeem(&code)), (400, "invalid_grant".into()));
    }

    fn p_05_the_method_is_published(database) {
        let app = TestApp::spawn(database);
        for place in ["/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"] {
            assert_eq!(app.get(place).json()["code_challenge_methods_supported"], serde_json::json!(["S256"]));
        }
    }
}
