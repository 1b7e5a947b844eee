//! `/consent`

use crate::support::declared::{CLI, KEEP, NOTES, OWN_CLI, SCHEME, TWO, WEB};
use crate::support::flow::{consent_form, is_consent, is_login};
use crate::support::html::{find_heading, read_text};
use crate::support::*;

for_each_database! {
    fn yes_and_no_stand_side_by_side_and_no_is_first(database) {
        let app = TestApp::spawn(database);
        let mut browser = Browser::new(&app);
        browser.sign_in(&ALICE);
        let page = browser.begin(&Authorize::new(WEB));
        let decisions: Vec<String> = consent_form(&page).buttons.into_iter().map(|(_, value)| value).collect();
        assert_eq!(decisions, ["deny", "allow"]);
    }

    fn yes_gives_what_was_shown(database) {
        let app = TestApp::spawn(database);
        let tokens = app.get_tokens_by(&Authorize::new(WEB).set("scope", "notes:read"));
        assert_eq!(tokens.scope, "notes:read");
        assert!(app.is_active(NOTES, &tokens.access));
        assert_eq!(app.introspect(NOTES, &tokens.access).json()["username"], ALICE.email);
    }

    fn no_is_not_remembered(database) {
        let app = TestApp::spawn(database);
        let mut browser = Browser::new(&app);
        browser.sign_in(&ALICE);
        let page = browser.begin(&Authorize::new(WEB));
        let answer = Answer::find(&browser.decide(&page, "deny")).expect("an answer");
        assert_eq!((answer.get("error").as_deref(), answer.get("code")), (Some("access_denied"), None));
        assert!(is_consent(&browser.begin(&Authorize::new(WEB))));
    }

    fn anything_but_yes_or_no_is_neither(database) {
        let app = TestApp::spawn(database);
        let mut browser = Browser::new(&app);
        browser.sign_in(&ALICE);
        let page = browser.begin(&Authorize::new(WEB));
        for decision in ["", "Allow", "yes", "allow "] {
            let response = browser.decide(&page, decision);
            assert_eq!((response.status, Answer::find(&response).is_none()), (400, true), "{decision}");
        }
        let twice = consent_form(&page).set("decision", "deny");
        let mut fields = twice.fields.clone();
        fields.push(("decision".into(), "allow".into()));
        let response = browser.post(&twice.action, &fields);
        assert!(Answer::find(&response).and_then(|answer| answer.get("code")).is_none(), "{response:?}");
    }

    fn apps_of_the_house_do_not_ask(database) {
        let app = TestApp::spawn(database);
        let mut browser = Browser::new(&app);
        browser.sign_in(&ALICE);
        for client in [OWN_CLI, KEEP] {
            let answer = Answer::find(&browser.begin(&Authorize::new(client))).expect("an answer");
            assert!(answer.get("code").is_some());
        }
    }

    fn what_was_asked_cannot_be_changed_on_the_way(database) {
        let app = TestApp::spawn(database);
        let mut browser = Browser::new(&app);
        browser.sign_in(&ALICE);
        let request = Authorize::new(WEB).set("scope", "notes:read");
        let page = browser.begin(&request);
        let form = consent_form(&page)
            .set("decision", "allow")
            .set("scope", "notes:read notes:write")
            .set("client_id", CLI.id)
            .set("redirect_uri", "https://evil.example/")
            .set("state", "other");
        let answer = Answer::find(&browser.submit(&form)).expect("an answer");
        assert!(answer.url.starts_with(WEB.redirect), "{}", answer.url);
        assert_eq!(answer.get("state").as_deref(), Some("the state"));
        let code = Code {
            code: answer.get("code").expect("a code"),
            verifier: request.verifier,
            redirect_uri: Some(WEB.redirect.into()),
            client: WEB,
        };
        assert_eq!(Tokens::read(&app.redeem(&code)).scope, "notes:read");
    }

    fn without_a_session_there_is_nothing_to_allow(database) {
        let app = TestApp::spawn(database);
        let mut browser = Browser::new(&app);
        browser.sign_in(&ALICE);
        let page = browser.begin(&Authorize::new(WEB));
        let name = browser.session_cookie().expect("a session").0.to_owned();
        browser.forget_cookie(&name);
        let response = browser.decide(&page, "allow");
        assert!(Answer::find(&response).is_none_or(|answer| answer.get("code").is_none()), "{response:?}");
        let tx = consent_form(&page).field("tx").expect("the request").to_owned();
        let response = browser.get(&format!("/consent?tx={}", http::encode(&tx)));
        assert!(is_login(&browser.follow(response)));
    }

    fn without_a_request_there_is_an_explanation(database) {
        let app = TestApp::spawn(database);
        let mut browser = Browser::new(&app);
        browser.sign_in(&ALICE);
        for path in ["/consent", "/consent?tx=", "/consent?tx=x"] {
            let page = browser.get(path);
            assert_eq!((page.status, find_heading(&page.body).as_str()), (400, "This request is too old"), "{path}");
            assert!(read_text(&page.body).contains("req_"), "a reference for the log");
        }
    }

    fn a_client_that_was_disabled_meanwhile_gets_nothing(database) {
        let app = TestApp::spawn(database);
        let mut browser = Browser::new(&app);
        browser.sign_in(&ALICE);
        let page = browser.begin(&Authorize::new(TWO));
        app.run_ok(&["client", "disable", TWO.id]);
        let limit = std::time::Duration::from_secs(2);
        wait_until("the client is refused", limit, || app.get(&Authorize::new(TWO).target()).status == 400);
        let response = browser.decide(&page, "allow");
        assert!(Answer::find(&response).is_none() && response.status == 400, "{response:?}");
    }

    fn the_page_says_where_it_leads(database) {
        let app = TestApp::spawn(database);
        let mut browser = Browser::new(&app);
        browser.sign_in(&ALICE);
        for (client, words) in
            [(WEB, "web.example"), (CLI, "a program on this computer"), (SCHEME, "an app on this device")]
        {
            let text = read_text(&browser.begin(&Authorize::new(client)).body);
            assert!(text.contains(words) && text.contains(client.redirect), "{text}");
        }
    }

    fn the_hand_over_page_names_the_app_and_the_place(database) {
        let app = TestApp::spawn(database);
        let mut browser = Browser::new(&app);
        browser.sign_in(&ALICE);
        let page = browser.begin(&Authorize::new(WEB));
        let handed = browser.decide(&page, "allow");
        assert_eq!(find_heading(&handed.body), "Taking you back to Test Web…");
        assert!(read_text(&handed.body).contains("Continue to web.example"), "{}", handed.body);
        assert!(!handed.body.contains("<script"), "no script sees the code");
    }
}
