//! OAuth 2.1: the authorization endpoint (A).

use super::{asks_for_consent, assert_error_page, is_accepted, redirected_error};
use crate::support::declared::{CLI, CLIENTS, LOCALHOST, OWN_CLI, SCHEME, SERVICE, SPA, TWO, WEB};
use crate::support::flow::{consent_form, is_consent, is_login, login_form};
use crate::support::http::encode;
use crate::support::*;

for_each_database! {
    fn a_01_get_and_post_do_the_same(database) {
        let app = TestApp::spawn(database);
        let request = Authorize::new(WEB);
        let mut browser = Browser::new(&app);
        // the form comes from the app, so from another site
        let post = Request::post("/oauth2/authorize")
            .header("Origin", "https://web.example")
            .header("Sec-Fetch-Site", "cross-site")
            .raw_form(&request.query());
        let response = browser.send(post);
        let page = browser.follow(response);
        assert!(is_login(&page), "{page:?}");
        let response = browser.fill_in_login(&page, &ALICE);
        let page = browser.follow(response);
        let handed = browser.decide(&page, "allow");
        assert!(Answer::find(&handed).and_then(|answer| answer.get("code")).is_some());
    }

    fn a_01_post_does_not_read_the_query(database) {
        let app = TestApp::spawn(database);
        let request = Authorize::new(WEB);
        let mut browser = Browser::new(&app);
        let mut post = |request: Request| {
            let response = browser.send(request);
            browser.follow(response)
        };
        // the second time the browser has our cookie, which is another path
        for _ in 0..2 {
            assert_error_page(&post(Request::post(&request.target()).raw_form("x=1")));
        }
        let split = Request::post("/oauth2/authorize?scope=notes:read&state=other")
            .raw_form(&request.set("scope", "bogus").query());
        let answer = Answer::find(&post(split)).expect("a redirect");
        assert_eq!(
            (answer.get("error"), answer.get("state")),
            (Some("invalid_scope".into()), Some("the state".into()))
        );
    }

    fn a_02_the_address_has_no_fragment(database) {
        let app = TestApp::spawn(database);
        let document = app.get("/.well-known/oauth-authorization-server").json();
        assert_eq!(document["authorization_endpoint"], format!("{}/oauth2/authorize", app.issuer));
        assert!(!document.to_string().contains('#'));
    }

    fn a_03_other_origins_cannot_read_it(database) {
        let app = TestApp::spawn(database);
        for request in [
            Request::get(&Authorize::new(WEB).target()),
            Request::get("/oauth2/authorize"),
            Request::new("OPTIONS", "/oauth2/authorize").header("Access-Control-Request-Method", "GET"),
        ] {
            let response = app.send(&request.header("Origin", "https://x.example"));
            assert!(!response.headers.iter().any(|(name, _)| name.starts_with("access-control")), "{response:?}");
        }
    }

    fn a_04_each_parameter_is_checked(database) {
        let app = TestApp::spawn(database);
        let good = Authorize::new(WEB);
        assert!(is_accepted(&app, &good));
        for (name, value, error) in [
            ("response_type", "token", "unsupported_response_type"),
            ("response_type", "id_token", "unsupported_response_type"),
            ("response_type", "code id_token", "unsupported_response_type"),
            ("response_type", "none", "unsupported_response_type"),
            ("code_challenge_method", "plain", "invalid_request"),
            ("code_challenge_method", "S512", "invalid_request"),
            ("code_challenge", "short", "invalid_request"),
            ("code_challenge", &"a".repeat(42), "invalid_request"),
            ("code_challenge", &"a".repeat(44), "invalid_request"),
            ("code_challenge", &format!("{}=", "a".repeat(42)), "invalid_request"),
            ("code_challenge", &format!("{}+", "a".repeat(42)), "invalid_request"),
            ("code_challenge", &format!("{}.", "a".repeat(42)), "invalid_request"),
            ("scope", "bogus", "invalid_scope"),
            ("scope", "notes:read \"", "invalid_scope"),
            ("response_mode", "fragment", "invalid_request"),
            ("response_mode", "form_post", "invalid_request"),
            ("response_mode", "web_message", "invalid_request"),
            ("prompt", "none login", "invalid_request"),
            ("max_age", "-1", "invalid_request"),
            ("max_age", "soon", "invalid_request"),
        ] {
            assert_eq!(redirected_error(&app, &good.clone().set(name, value)), error, "{name}={value}");
        }
        for name in ["response_type", "code_challenge", "code_challenge_method"] {
            assert_eq!(redirected_error(&app, &good.clone().without(name)), "invalid_request", "{name}");
        }
        for (name, value) in
            [("response_mode", "query"), ("max_age", "0"), ("prompt", "login consent"), ("prompt", "future")]
        {
            assert!(is_accepted(&app, &good.clone().set(name, value)), "{name}={value}");
        }
        assert!(is_accepted(&app, &good.clone().without("state").without("scope")));
    }

    fn a_05_client_then_redirect_uri_then_the_rest(database) {
        let app = TestApp::spawn(database);
        let wrong = Authorize::new(WEB).set("response_type", "x").set("code_challenge", "x").set("scope", "\"");
        for request in [
            wrong.clone().set("client_id", "nobody"),
            wrong.clone().without("client_id"),
            wrong.clone().set("client_id", ""),
            wrong.clone().set("client_id", "nobody").set("redirect_uri", "https://evil.example/"),
            wrong.clone().set("redirect_uri", "https://evil.example/"),
            wrong.clone().set("redirect_uri", "x"),
            Authorize::new(CLI).without("redirect_uri"),
            Authorize::new(WEB).set("client_id", SERVICE.id),
        ] {
            assert_error_page(&app.get(&request.target()));
        }
        // both are good, so whatever else is wrong goes to the client
        assert_ne!(redirected_error(&app, &wrong), "");
    }

    fn a_06_nothing_is_granted_before_somebody_signs_in(database) {
        let app = TestApp::spawn(database);
        for client in CLIENTS.iter().filter(|client| !client.redirect.is_empty()) {
            assert!(is_accepted(&app, &Authorize::new(*client)), "{}", client.id);
        }
    }

    fn a_06_mistakes_of_registered_clients_are_sent_back_at_once(database) {
        let app = TestApp::spawn(database);
        assert_eq!(redirected_error(&app, &Authorize::new(CLI).set("scope", "bogus")), "invalid_scope");
    }

    fn a_07_code_state_and_iss_come_after_the_registered_query(database) {
        let app = TestApp::spawn(database);
        let mut browser = Browser::new(&app);
        let answer = browser.authorize(&Authorize::new(TWO), &ALICE);
        assert!(answer.url.starts_with(&format!("{}&code=", TWO.redirect)), "{}", answer.url);
        let names: Vec<String> = answer.pairs().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["tenant", "x", "code", "state", "iss"]);
        assert_eq!(answer.get("tenant").as_deref(), Some("a b"));
    }

    fn a_07_the_state_comes_back_as_it_was(database) {
        let app = TestApp::spawn(database);
        let mut browser = Browser::new(&app);
        browser.sign_in(&ALICE);
        for state in ["a&b=c%25d+e f", "ü 漢 🦊", "\"'<>\\`{}|^", "?#/;:@,$!*()", "%00%0d%0a", " ", "=&="] {
            let answer = browser.authorize(&Authorize::new(OWN_CLI).set("state", state), &ALICE);
            assert_eq!(answer.get("state").as_deref(), Some(state), "{}", answer.url);
            assert!(answer.url.is_ascii() && !answer.url.contains([' ', '"', '<', '\\']), "{}", answer.url);
        }
        let answer = browser.authorize(&Authorize::new(OWN_CLI).without("state"), &ALICE);
        assert_eq!(answer.get("state"), None);
    }

    fn a_08_each_error_goes_to_the_client_with_state_and_iss(database) {
        let app = TestApp::spawn(database);
        for (name, value, error) in [
            ("code_challenge_method", "plain", "invalid_request"),
            ("response_type", "token", "unsupported_response_type"),
            ("scope", "bogus", "invalid_scope"),
            ("resource", "https://unknown.example", "invalid_target"),
            ("request", "eyJ", "request_not_supported"),
            ("request_uri", "urn:x", "request_uri_not_supported"),
            ("registration", "{}", "registration_not_supported"),
            ("prompt", "none", "login_required"),
        ] {
            let request = Authorize::new(WEB).set(name, value);
            assert_eq!(redirected_error(&app, &request), error);
            let answer = Answer::find(&app.get(&request.target())).expect("a redirect");
            assert_eq!(answer.get("state").as_deref(), Some("the state"));
            assert!(answer.url.starts_with("https://web.example/callback?error="), "{}", answer.url);
        }
    }

    fn a_08_a_person_who_says_no_is_access_denied(database) {
        let app = TestApp::spawn(database);
        let mut browser = Browser::new(&app);
        browser.sign_in(&ALICE);
        for client in [WEB, CLI, SPA] {
            let page = browser.begin(&Authorize::new(client));
            let answer = Answer::find(&browser.decide(&page, "deny")).expect("an answer");
            assert_eq!(answer.get("error").as_deref(), Some("access_denied"));
            assert_eq!(answer.get("iss"), Some(app.issuer.clone()));
            assert!(answer.url.starts_with(client.redirect), "{}", answer.url);
        }
    }

    fn a_09_nobody_goes_without_pkce(database) {
        let app = TestApp::spawn(database);
        for client in CLIENTS.iter().filter(|client| !client.redirect.is_empty()) {
            let bare = Authorize::new(*client).without("code_challenge").without("code_challenge_method");
            assert_eq!(redirected_error(&app, &bare), "invalid_request", "{}", client.id);
        }
    }

    fn a_10_no_redirect_repeats_a_form(database) {
        let app = TestApp::spawn(database);
        let mut browser = Browser::new(&app);
        let first = browser.get(&Authorize::new(WEB).target());
        let page = browser.follow(first.clone());
        let login = browser.fill_in_login(&page, &ALICE);
        let consent = browser.follow(login.clone());
        let handed = browser.decide(&consent, "allow");
        let statuses = [first.status, login.status, handed.status];
        assert_eq!(statuses, [303, 303, 200]);
    }

    fn a_11_the_challenge_is_in_no_answer(database) {
        let app = TestApp::spawn(database);
        let request = Authorize::new(WEB);
        let challenge = request.get("code_challenge").expect("it is there");
        let mut browser = Browser::new(&app);
        let first = browser.get(&request.target());
        let page = browser.follow(first.clone());
        let login = browser.fill_in_login(&page, &ALICE);
        let consent = browser.follow(login.clone());
        let handed = browser.decide(&consent, "allow");
        for response in [first, page, login, consent, handed] {
            assert!(!format!("{response:?}").contains(&challenge), "{response:?}");
        }
    }

    fn a_12_no_page_can_be_framed(database) {
        let app = TestApp::spawn(database);
        let mut browser = Browser::new(&app);
        let login = browser.begin(&Authorize::new(WEB));
        let wrong = Person { password: "not the password at all", ..ALICE };
        let failed = browser.fill_in_login(&login, &wrong);
        let response = browser.fill_in_login(&failed, &ALICE);
        let consent = browser.follow(response);
        let handed = browser.decide(&consent, "allow");
        let errors = [
            app.get("/oauth2/authorize"),
            app.get("/nothing"),
            app.get("/login?tx=x"),
            app.post_form("/login", &[]),
            app.post_form("/consent", &[]),
            app.get("/signup"),
        ];
        for page in [login, failed, consent, handed].iter().chain(&errors) {
            assert!(page.is_html(), "{page:?}");
            let policy = page.header("content-security-policy").expect("a policy");
            assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
            assert_eq!(page.header("x-frame-options"), Some("DENY"));
        }
    }

    fn a_13_whoever_anybody_can_impersonate_is_asked_about_each_time(database) {
        let app = TestApp::spawn(database);
        let mut browser = Browser::new(&app);
        browser.sign_in(&ALICE);
        for (client, again) in [(CLI, true), (LOCALHOST, true), (SCHEME, true), (SPA, false), (WEB, false)] {
            let request = Authorize::new(client);
            assert!(asks_for_consent(&mut browser, &request), "{}", client.id);
            browser.authorize(&request, &ALICE);
            assert_eq!(asks_for_consent(&mut browser, &Authorize::new(client)), again, "{}", client.id);
        }
    }

    fn a_14_the_person_sees_who_asks_for_what(database) {
        let app = TestApp::spawn(database);
        let mut browser = Browser::new(&app);
        browser.sign_in(&ALICE);
        let page = browser.begin(&Authorize::new(WEB));
        assert!(is_consent(&page));
        let text = html::read_text(&page.body);
        for words in [
            "Allow Test Web to use your",
            ALICE.email,
            "web.example",
            WEB.redirect,
            "Read your notes",
            "Change and delete your notes",
            "notes:write",
            "Read your mail",
            "The notes-api",
            "https://notes.example/api",
        ] {
            assert!(text.contains(words), "{words:?} is not in: {text}");
        }
    }

    fn a_15_forms_of_other_sites_do_nothing(database) {
        let app = TestApp::spawn(database);
        let mut browser = Browser::new(&app);
        browser.sign_in(&ALICE);
        let mut stranger = Browser::new(&app);
        stranger.sign_in(&BOB);
        let page = browser.begin(&Authorize::new(CLI));
        let foreign = consent_form(&stranger.begin(&Authorize::new(CLI))).field("csrf").expect("a token").to_owned();
        let good = consent_form(&page).set("decision", "allow");
        let cut = good.field("csrf").expect("a token")[1..].to_owned();
        for form in [
            good.clone().without("csrf"),
            good.clone().set("csrf", ""),
            good.clone().set("csrf", &foreign),
            good.clone().set("csrf", &cut),
        ] {
            let response = browser.submit(&form);
            assert!([400, 403].contains(&response.status) && response.is_html(), "{response:?}");
            assert!(Answer::find(&response).is_none());
        }
        for (name, value) in
            [("Origin", "https://evil.example"), ("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Site", "same-site")]
        {
            let request = Request::post("/consent").header(name, value).form(&good.fields);
            let response = browser.send(request);
            assert!([400, 403].contains(&response.status), "{name}: {value}: {response:?}");
        }
        let hidden = Request::post("/consent").header("Origin", "null").header("Sec-Fetch-Site", "cross-site");
        assert!([400, 403].contains(&browser.send(hidden.form(&good.fields)).status));
        // after all that the person still can answer
        assert!(Answer::find(&browser.submit(&good)).is_some());
    }

    fn a_15_a_sign_in_cannot_be_forced_on_a_browser(database) {
        let app = TestApp::spawn(database);
        let mut browser = Browser::new(&app);
        let page = browser.get("/login");
        let good = login_form(&page).set("email", ALICE.email).set("password", ALICE.password);
        for form in [good.clone().without("csrf"), good.clone().set("csrf", "x")] {
            let response = browser.submit(&form);
            assert!([400, 403].contains(&response.status), "{response:?}");
        }
        let crossed = Request::post("/login").header("Origin", "https://evil.example").form(&good.fields);
        assert!([400, 403].contains(&browser.send(crossed).status));
        assert!(browser.session_cookie().is_none());
        // a browser that brings no cookie of ours is told so
        let response = Browser::new(&app).submit(&good);
        assert!([400, 403].contains(&response.status), "{response:?}");
    }

    fn a_16_a_request_is_finished_where_it_began(database) {
        let app = TestApp::spawn(database);
        let mut browser = Browser::new(&app);
        browser.sign_in(&ALICE);
        let page = browser.begin(&Authorize::new(CLI));
        let tx = consent_form(&page).field("tx").expect("the request").to_owned();
        let mut other = Browser::new(&app);
        other.sign_in(&ALICE);
        let csrf = consent_form(&other.begin(&Authorize::new(CLI))).field("csrf").expect("a token").to_owned();
        let fields = [("csrf", csrf), ("tx", tx.clone()), ("decision", "allow".to_owned())];
        let fields = fields.map(|(name, value)| (name.to_owned(), value));
        let response = other.post("/consent", &fields);
        assert_eq!((response.status, Answer::find(&response).is_none()), (400, true), "{response:?}");
        for path in ["/login", "/consent", "/signup"] {
            let response = other.get(&format!("{path}?tx={}", encode(&tx)));
            assert!(response.status >= 400, "{path}: {response:?}");
        }
        assert!(Answer::find(&browser.decide(&page, "allow")).is_some());
    }
}
