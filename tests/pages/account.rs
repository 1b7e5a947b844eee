//! `/account`: profile, sessions, connected apps.

use crate::support::declared::{CLI, NOTES, OWN_CLI, POST, WEB};
use crate::support::flow::{find_form, is_login};
use crate::support::html::{find_addresses, find_forms, read_text};
use crate::support::*;

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0";

for_each_database! {
    fn nobody_sees_an_account_without_signing_in(database) {
        let app = TestApp::spawn(database);
        for path in [
            "/account",
            "/account/security",
            "/account/password",
            "/account/sessions",
            "/account/apps",
            "/account/apps/test-cli/end",
        ] {
            let mut browser = Browser::new(&app);
            let response = browser.get(path);
            assert_eq!(response.status, 303, "{path}");
            assert!(is_login(&browser.follow(response)), "{path}");
        }
        for path in ["/account/password", "/account/sessions/end", "/account/sessions/end-others", "/account/apps/end"]
        {
            assert_eq!(app.post_form(path, &[("csrf", "x")]).status, 400, "{path}");
        }
    }

    fn the_profile_shows_who_it_is(database) {
        let app = TestApp::spawn(database);
        let mut browser = Browser::new(&app);
        browser.sign_in(&ALICE);
        let page = browser.get("/account").body;
        assert!(page.contains(ALICE.email) && page.contains(ALICE.name), "{page}");
        assert!(!page.contains(BOB.email));
    }

    fn a_session_can_be_ended_from_another_browser(database) {
        let app = TestApp::spawn(database);
        let mut browser = Browser::new(&app);
        browser.sign_in(&ALICE);
        let mut firefox = Browser::new(&app).with_header("User-Agent", FIREFOX);
        firefox.sign_in(&ALICE);
        let page = browser.get("/account/sessions");
        let text = read_text(&page.body);
        assert!(text.contains("Firefox") && text.contains("127.0.0.1"), "{text}");
        let response = browser.submit(&find_form(&page, "/account/sessions/end"));
        assert_eq!(response.status, 303, "{response:?}");
        assert!(read_text(&browser.follow(response).body).contains("The session is ended"));
        assert_eq!(firefox.get("/account").status, 303);
        assert_eq!(browser.get("/account").status, 200);
    }

    fn all_others_can_be_ended_at_once(database) {
        let app = TestApp::spawn(database);
        let mut browsers: Vec<_> = (0..4).map(|_| Browser::new(&app)).collect();
        browsers.iter_mut().for_each(|browser| browser.sign_in(&ALICE));
        let mut stranger = Browser::new(&app);
        stranger.sign_in(&BOB);
        let page = browsers[0].get("/account/sessions");
        let response = browsers[0].submit(&find_form(&page, "/account/sessions/end-others"));
        assert_eq!(response.status, 303);
        let statuses: Vec<u16> = browsers.iter_mut().map(|browser| browser.get("/account").status).collect();
        assert_eq!(statuses, [200, 303, 303, 303]);
        assert_eq!(stranger.get("/account").status, 200);
    }

    fn nobody_ends_a_session_of_somebody_else(database) {
        let app = TestApp::spawn(database);
        let (mut alice, mut bob) = (Browser::new(&app), Browser::new(&app));
        alice.sign_in(&ALICE);
        bob.sign_in(&BOB);
        Browser::new(&app).sign_in(&BOB);
        let page = bob.get("/account/sessions");
        let id = find_form(&page, "/account/sessions/end").field("id").expect("an id").to_owned();
        Browser::new(&app).sign_in(&ALICE);
        let page = alice.get("/account/sessions");
        let own = find_form(&page, "/account/sessions/end");
        alice.submit(&own.set("id", &id));
        let page = bob.get("/account/sessions");
        assert_eq!(find_form(&page, "/account/sessions/end").field("id"), Some(id.as_str()), "it is still there");
    }

    fn ending_access_of_an_app_is_felt_at_once(database) {
        let app = TestApp::spawn(database);
        let (one, other) = (app.get_tokens(WEB), app.get_tokens(WEB));
        let kept = app.get_tokens(POST);
        assert!(app.is_active(NOTES, &one.access) && app.is_active(NOTES, &other.access));
        let unused = app.get_code(WEB);
        let mut browser = Browser::new(&app);
        browser.sign_in(&ALICE);
        let text = read_text(&browser.get("/account/apps").body);
        assert!(text.contains(WEB.name) && text.contains(POST.name) && text.contains("Read your notes"), "{text}");
        let page = browser.get(&format!("/account/apps/{}/end", WEB.id));
        assert_eq!(page.status, 200, "{page:?}");
        let response = browser.submit(&find_form(&page, "/account/apps/end"));
        assert_eq!(response.status, 303);
        assert!(!app.is_active(NOTES, &one.access) && !app.is_active(NOTES, &other.access));
        for tokens in [one, other] {
            assert_eq!(error_of(&app.refresh(WEB, tokens.refresh())), (400, "invalid_grant".into()));
        }
        assert_eq!(error_of(&app.redeem(&unused)), (400, "invalid_grant".into()), "a code on its way dies too");
        assert!(app.is_active(NOTES, &kept.access), "other apps are not concerned");
        let after = browser.follow(response);
        let links = find_addresses(&after.body);
        assert!(
            !links.iter().any(|link| link.contains(WEB.id)) && links.iter().any(|link| link.contains(POST.id)),
            "{links:?}"
        );
    }

    fn nobody_ends_access_for_somebody_else(database) {
        let app = TestApp::spawn(database);
        let tokens = app.get_tokens(OWN_CLI);
        let mut bob = Browser::new(&app);
        bob.authorize(&Authorize::new(OWN_CLI), &BOB);
        let code = bob.get_code(&Authorize::new(OWN_CLI), &BOB);
        assert_eq!(app.redeem(&code).status, 200);
        let page = bob.get(&format!("/account/apps/{}/end", OWN_CLI.id));
        bob.submit(&find_form(&page, "/account/apps/end"));
        assert!(app.is_active(NOTES, &tokens.access));
    }

    fn an_app_without_access_has_no_page(database) {
        let app = TestApp::spawn(database);
        let mut browser = Browser::new(&app);
        browser.sign_in(&ALICE);
        for id in [CLI.id, "unknown", "%3Cscript%3E"] {
            assert_eq!(browser.get(&format!("/account/apps/{id}/end")).status, 404, "{id}");
        }
        assert!(find_forms(&browser.get("/account/apps").body).iter().all(|form| !form.action.ends_with("/apps/end")));
    }

    fn account_forms_need_their_token(database) {
        let app = TestApp::spawn(database);
        let tokens = app.get_tokens(WEB);
        let mut browser = Browser::new(&app);
        browser.sign_in(&ALICE);
        for (path, field) in [
            ("/account/apps/end", ("client_id", WEB.id)),
            ("/account/sessions/end-others", ("x", "y")),
            ("/account/password", ("current", ALICE.password)),
            ("/logout", ("x", "y")),
        ] {
            for csrf in ["", "x"] {
                let fields = [("csrf".to_owned(), csrf.to_owned()), (field.0.to_owned(), field.1.to_owned())];
                let response = browser.post(path, &fields);
                assert!([400, 403].contains(&response.status), "{path}: {response:?}");
            }
        }
        assert!(app.is_active(NOTES, &tokens.access));
        assert_eq!(browser.get("/account").status, 200);
    }
}
