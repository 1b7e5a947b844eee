//! `/oauth2/jwks`

use crate::support::*;

for_each_database! {
    fn public_keys_and_nothing_private(database) {
        let app = TestApp::spawn(database);
        let response = app.get("/oauth2/jwks");
        let shown = app.show(&response);
        assert_eq!(
            shown.split_once("\n\n").expect("a body").0,
            "200\n\
             access-control-allow-origin: *\n\
             access-control-expose-headers: WWW-Authenticate\n\
             cache-control: public, max-age=300\n\
             content-type: application/json"
        );
        let json = response.json();
        let keys = json["keys"].as_array().expect("a list");
        let mut algs: Vec<_> = keys.iter().map(|key| key["alg"].as_str().expect("text")).collect();
        algs.sort_unstable();
        assert_eq!(algs, ["ES256", "RS256"]);
        for key in keys {
            let members: Vec<&str> = key.as_object().expect("an object").keys().map(String::as_str).collect();
            for private in ["d", "p", "q", "dp", "dq", "qi", "k", "oth"] {
                assert!(!members.contains(&private), "{private} is published: {members:?}");
            }
            assert_eq!(key["use"], "sig");
            let kid = key["kid"].as_str().expect("text");
            assert!((1..=64).contains(&kid.len()), "{kid}");
            assert!(kid.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)), "{kid}");
        }
    }

    fn another_start_has_the_same_keys(database) {
        let mut app = TestApp::spawn(database);
        let before = app.get("/oauth2/jwks").json();
        app.node.kill();
        app.start_again();
        assert_eq!(app.get("/oauth2/jwks").json(), before);
    }
}
