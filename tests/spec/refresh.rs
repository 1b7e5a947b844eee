//! OAuth 2.1: refresh tokens (F).

use crate::support::declared::{CLI, KEEP, NOTES, OWN_CLI, POST, REPLAY, SPA, WEB};
use crate::support::flow::find_form;
use crate::support::*;

fn refresh_with(app: &TestApp, client: TestClient, token: &str, extra: &[(&'static str, &str)]) -> Response {
    let mut form = vec![("grant_type", "refresh_token".to_owned()), ("refresh_token", token.to_owned())];
    form.extend(extra.iter().map(|(name, value)| (*name, (*value).to_owned())));
    app.token(client, form)
}

for_each_database! {
    fn f_01_bound_to_the_client(database) {
        let app = TestApp::spawn(database);
        let tokens = app.get_tokens(CLI);
        for other in [OWN_CLI, SPA, WEB, POST, KEEP] {
            assert_eq!(error_of(&app.refresh(other, tokens.refresh())), (400, "invalid_grant".into()), "{}", other.id);
        }
        let form = [("grant_type", "refresh_token"), ("refresh_token", tokens.refresh())];
        assert_eq!(error_of(&app.post_form("/oauth2/token", &form)), (401, "invalid_client".into()));
        let unknown = [form[0], form[1], ("client_id", "nobody")];
        assert_eq!(error_of(&app.post_form("/oauth2/token", &unknown)), (401, "invalid_client".into()));
        assert_eq!(app.refresh(CLI, tokens.refresh()).status, 200);
    }

    fn f_02_scope_narrows_the_access_token_and_not_the_grant(database) {
        let app = TestApp::spawn(database);
        let tokens = app.get_tokens_by(&Authorize::new(WEB).set("scope", "notes:read notes:write"));
        let narrow = Tokens::read(&refresh_with(&app, WEB, tokens.refresh(), &[("scope", "notes:read")]));
        assert_eq!(narrow.scope, "notes:read");
        assert_eq!(app.introspect(NOTES, &narrow.access).json()["scope"], "notes:read");
        for wider in ["notes:read mail:read", "mail:read", "bogus"] {
            let answer = refresh_with(&app, WEB, narrow.refresh(), &[("scope", wider)]);
            assert_eq!(error_of(&answer), (400, "invalid_scope".into()), "{wider}");
        }
        let both = refresh_with(&app, WEB, narrow.refresh(), &[("scope", "notes:write notes:read")]);
        let both = Tokens::read(&both);
        assert_eq!(both.scope, "notes:read notes:write");
        let absent = Tokens::read(&app.refresh(WEB, both.refresh()));
        assert_eq!(absent.scope, "notes:read notes:write");
    }

    fn f_03_reuse_of_a_rotated_token_ends_the_grant(database) {
        let app = TestApp::spawn(database);
        for client in [CLI, SPA, WEB] {
            let first = app.get_tokens(client);
            let second = Tokens::read(&app.refresh(client, first.refresh()));
            let third = Tokens::read(&app.refresh(client, second.refresh()));
            assert_eq!(error_of(&app.refresh(client, first.refresh())), (400, "invalid_grant".into()));
            assert_eq!(error_of(&app.refresh(client, third.refresh())), (400, "invalid_grant".into()));
            for tokens in [first, second, third] {
                assert!(!app.is_active(NOTES, &tokens.access));
            }
        }
    }

    fn f_03_other_grants_of_the_same_client_live_on(database) {
        let app = TestApp::spawn(database);
        let (one, other) = (app.get_tokens(CLI), app.get_tokens(CLI));
        app.refresh(CLI, one.refresh());
        assert_eq!(app.refresh(CLI, one.refresh()).status, 400);
        assert!(app.is_active(NOTES, &other.access));
        assert_eq!(app.refresh(CLI, other.refresh()).status, 200);
    }

    fn f_04_reuse_by_somebody_else_ends_nothing(database) {
        let app = TestApp::spawn(database);
        let first = app.get_tokens(WEB);
        let second = Tokens::read(&app.refresh(WEB, first.refresh()));
        assert_eq!(error_of(&app.refresh(POST, first.refresh())), (400, "invalid_grant".into()));
        let form = [("grant_type", "refresh_token"), ("refresh_token", first.refresh()), ("client_id", WEB.id)];
        assert_eq!(error_of(&app.post_form("/oauth2/token", &form)), (401, "invalid_client".into()));
        assert!(app.is_active(NOTES, &second.access));
        assert_eq!(app.refresh(WEB, second.refresh()).status, 200);
    }

    fn f_05_of_many_at_once_one_wins(database) {
        let app = TestApp::spawn(database);
        let tokens = app.get_tokens(CLI);
        let answers = run_at_once(20, |_| app.refresh(CLI, tokens.refresh()));
        assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
        for lost in answers.iter().filter(|answer| answer.status != 200) {
            assert_eq!(error_of(lost), (400, "invalid_grant".into()));
        }
    }

    fn f_05_within_the_grace_reuse_revokes_nothing(database) {
        let app = Setup::new(database).set("tokens.reuse_grace", "30s").spawn();
        let first = app.get_tokens(CLI);
        let second = Tokens::read(&app.refresh(CLI, first.refresh()));
        assert_eq!(error_of(&app.refresh(CLI, first.refresh())), (400, "invalid_grant".into()));
        assert!(app.is_active(NOTES, &second.access));
        assert_eq!(app.refresh(CLI, second.refresh()).status, 200);
    }

    fn f_05_a_repeated_answer_is_for_the_same_request_only(database) {
        let app = Setup::new(database).set("tokens.reuse_grace", "30s").spawn();
        let first = app.get_tokens(REPLAY);
        let second = Tokens::read(&app.refresh(REPLAY, first.refresh()));
        let other = refresh_with(&app, REPLAY, first.refresh(), &[("scope", "notes:read")]);
        assert_eq!(error_of(&other), (400, "invalid_grant".into()));
        let again = Tokens::read(&app.refresh(REPLAY, first.refresh()));
        assert_eq!(again.refresh, second.refresh);
    }

    fn f_06_a_token_that_is_not_used_ends(database) {
        let app = Setup::new(database).set("tokens.refresh_idle_ttl", "1s").spawn();
        let tokens = app.get_tokens(OWN_CLI);
        let_seconds_pass(1);
        assert_eq!(error_of(&app.refresh(OWN_CLI, tokens.refresh())), (400, "invalid_grant".into()));
    }

    fn f_06_rotation_does_not_extend_the_whole(database) {
        let app =
            Setup::new(database).set("tokens.refresh_idle_ttl", "4s").set("tokens.refresh_absolute_ttl", "4s").spawn();
        let mut tokens = app.get_tokens(OWN_CLI);
        let expires_in = tokens.json["expires_in"].as_i64().expect("a number");
        assert!(expires_in <= 4, "no access token outlives the grant: {expires_in}");
        for _ in 0..2 {
            let_seconds_pass(0);
            tokens = Tokens::read(&app.refresh(OWN_CLI, tokens.refresh()));
        }
        let_seconds_pass(2);
        assert_eq!(error_of(&app.refresh(OWN_CLI, tokens.refresh())), (400, "invalid_grant".into()));
    }

    fn f_07_a_new_password_and_an_ended_consent_revoke(database) {
        let app = TestApp::spawn(database);
        let (web, cli) = (app.get_tokens(WEB), app.get_tokens(CLI));
        let mut browser = Browser::new(&app);
        browser.sign_in(&ALICE);
        let page = browser.get(&format!("/account/apps/{}/end", WEB.id));
        browser.submit(&find_form(&page, "/account/apps/end"));
        assert_eq!(error_of(&app.refresh(WEB, web.refresh())), (400, "invalid_grant".into()));
        let page = browser.get("/account/password");
        let form =
            find_form(&page, "/account/password").set("current", ALICE.password).set("new", "eleven red paper boats");
        assert_eq!(browser.submit(&form).status, 303);
        assert_eq!(error_of(&app.refresh(CLI, cli.refresh())), (400, "invalid_grant".into()));
    }

    fn f_08_a_kept_token_is_left_out_of_the_answer(database) {
        let app = TestApp::spawn(database);
        let tokens = app.get_tokens(KEEP);
        for _ in 0..3 {
            let again = Tokens::read(&app.refresh(KEEP, tokens.refresh()));
            assert_eq!(again.refresh, None);
            assert!(app.is_active(NOTES, &again.access));
        }
    }

    fn f_09_a_disabled_person_cannot_refresh(database) {
        let app = TestApp::spawn(database);
        let (cli, keep) = (app.get_tokens(CLI), app.get_tokens(KEEP));
        app.run_ok(&["user", "disable", ALICE.email]);
        assert_eq!(error_of(&app.refresh(CLI, cli.refresh())), (400, "invalid_grant".into()));
        assert_eq!(error_of(&app.refresh(KEEP, keep.refresh())), (400, "invalid_grant".into()));
    }
}
