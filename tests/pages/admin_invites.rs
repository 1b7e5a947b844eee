//! `/admin/invites` and `/admin/signup-mode`.

use super::invites::{CAROL, ROOT, add_admin, add_invite, fill_in, invite_only};
use crate::storage::run_statement;
use crate::support::flow::{find_form, is_login};
use crate::support::html::{find_addresses, find_heading, read_text};
use crate::support::*;

fn at_work(app: &TestApp) -> Browser<'_> {
    add_admin(app);
    let mut browser = Browser::new(app);
    browser.sign_in(&ROOT);
    browser
}

/// Makes an invitation on the page; the path of its link.
fn invite(browser: &mut Browser<'_>, app: &TestApp, fields: &[(&str, &str)]) -> String {
    let page = browser.get("/admin/invites/new");
    let mut form = find_form(&page, "/admin/invites/new").set("role", "user");
    for (name, value) in fields {
        form = form.set(name, value);
    }
    let page = browser.submit(&form);
    assert_eq!((page.status, find_heading(&page.body).as_str()), (200, "The invitation is ready"), "{page:?}");
    let at = page.body.find(&format!("{}/invite/gp_inv_", app.issuer)).expect("the link");
    page.body[at + app.issuer.len()..].chars().take_while(|c| c.is_ascii_alphanumeric() || "/_-".contains(*c)).collect()
}

for_each_database! {
    fn ad_only_administrators_see_and_change_invitations(database) {
        let app = invite_only(database);
        let (id, _) = add_invite(&app, &[]);
        let paths = [
            "/admin/invites".to_owned(),
            "/admin/invites/new".to_owned(),
            format!("/admin/invites/{id}"),
            format!("/admin/invites/{id}/revoke"),
            "/admin/signup-mode".to_owned(),
        ];
        let mut alice = Browser::new(&app);
        alice.sign_in(&ALICE);
        let csrf = find_form(&alice.get("/account"), "/logout").field("csrf").expect("a token").to_owned();
        let fields = [("csrf", csrf.as_str()), ("mode", "open"), ("role", "admin"), ("uses", "1"), ("days", "1")];
        let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned()));
        for path in &paths {
            let mut stranger = Browser::new(&app);
            let page = stranger.get(path);
            assert_eq!(page.status, 303, "{path}");
            assert!(is_login(&stranger.follow(page)), "{path}");
            assert_eq!(alice.get(path).status, 403, "{path}");
            if path.ends_with("new") || path.ends_with("revoke") || path.ends_with("mode") {
                assert_eq!(alice.post(path, &fields).status, 403, "{path}");
            }
        }
        assert_eq!(run_statement(&app.database_url, "SELECT count(*) FROM invites"), "1");
        assert_eq!(run_statement(&app.database_url, "SELECT count(*) FROM invites WHERE revoked_at IS NULL"), "1");
        assert_eq!(run_statement(&app.database_url, "SELECT count(*) FROM instance_settings"), "0");
    }

    fn iv7_an_administrator_invites_and_sees_the_link_once(database) {
        let app = invite_only(database);
        let mut admin = at_work(&app);
        assert!(read_text(&admin.get("/admin/invites").body).contains("No invitations yet"));
        let path = invite(&mut admin, &app, &[("uses", "3"), ("days", "2"), ("note", "Berlin <team>")]);
        let code = path.rsplit('/').next().expect("a code").to_owned();
        let mut carol = Browser::new(&app);
        let page = carol.get(&path);
        assert!(read_text(&page.body).contains("Root invited you"), "{}", page.body);
        assert_eq!(fill_in(&mut carol, &page, &CAROL).status, 303);
        let list = admin.get("/admin/invites");
        let text = read_text(&list.body);
        for part in ["Berlin <team>", "1 of 3", "Root", "Open", &code[..11]] {
            assert!(text.contains(part), "{part}: {text}");
        }
        let link = find_addresses(&list.body)
            .into_iter()
            .find(|address| address.contains("/admin/invites/") && !address.ends_with("/new"))
            .expect("its page");
        let page = admin.send(Request::get(&link));
        let text = read_text(&page.body);
        assert!(text.contains(CAROL.email) && text.contains("with a password") && text.contains("Use 1"), "{text}");
        assert!(!list.body.contains(&code) && !page.body.contains(&code), "the code is never readable again");
        // revoked on its own page
        let ask = find_addresses(&page.body).into_iter().find(|address| address.ends_with("/revoke")).expect("a link");
        let ask = admin.send(Request::get(&ask));
        let response = admin.submit(&find_form(&ask, "/revoke"));
        let page = admin.follow(response);
        assert!(read_text(&page.body).contains("The invitation is revoked"), "{}", page.body);
        assert_eq!(app.get(&path).status, 404);
        assert_eq!(carol.get("/account").status, 200, "accounts that were made with it stay");
    }

    fn a_mistake_is_told_at_its_field(database) {
        let app = invite_only(database);
        let mut admin = at_work(&app);
        for (fields, sentence) in [
            ([("uses", "0"), ("days", "7"), ("email", "")], "Use a number from 1 to 1000."),
            ([("uses", "x"), ("days", "7"), ("email", "")], "Use a number from 1 to 1000."),
            ([("uses", "1"), ("days", "31"), ("email", "")], "Use a number of days from 1 to 30."),
            ([("uses", "1"), ("days", "7"), ("email", "x")], "That is not an email address."),
            ([("uses", "2"), ("days", "7"), ("email", "a@example.com")], "An invitation for one address"),
        ] {
            let page = admin.get("/admin/invites/new");
            let mut form = find_form(&page, "/admin/invites/new").set("role", "user");
            for (name, value) in fields {
                form = form.set(name, value);
            }
            let page = admin.submit(&form);
            assert_eq!(page.status, 422, "{fields:?}");
            assert!(read_text(&page.body).contains(sentence), "{fields:?}: {}", read_text(&page.body));
        }
        assert_eq!(run_statement(&app.database_url, "SELECT count(*) FROM invites"), "0");
    }

    fn iv5_iv6_roles_and_the_end_of_the_inviter(database) {
        let app = invite_only(database);
        let mut admin = at_work(&app);
        let good = invite(&mut admin, &app, &[("role", "admin")]);
        let dead = invite(&mut admin, &app, &[("role", "admin")]);
        let mut carol = Browser::new(&app);
        let page = carol.get(&good);
        let form = find_form(&page, "/signup").set("email", CAROL.email).set("name", "Carol").set("role", "user");
        assert_eq!(carol.submit(&form.set("password", CAROL.password)).status, 303);
        assert_eq!(carol.get("/admin/invites").status, 200, "the invitation made her an administrator");
        let mut eve = Browser::new(&app);
        let page = eve.get(&dead);
        app.run_ok(&["user", "disable", ROOT.email]);
        let refused = fill_in(&mut eve, &page, &Person { email: "eve@example.com", ..CAROL });
        assert_eq!(refused.status, 422);
        assert!(read_text(&refused.body).contains("This invitation does not work."));
        assert_eq!(run_statement(&app.database_url, "SELECT count(*) FROM users WHERE email_key LIKE 'eve%'"), "0");
        let list = read_text(&carol.get("/admin/invites?state=inviter-gone").body);
        assert!(list.contains("Ended with its inviter") && list.contains("0 of 1"), "{list}");
        // deleted, it must not look like one that a command made
        let id = "(SELECT id FROM users WHERE email_key = 'root@example.com')";
        run_statement(&app.database_url, &format!("UPDATE invites SET created_by = NULL WHERE created_by = {id}"));
        assert_eq!(app.get(&dead).status, 404);
    }

    fn the_list_is_paged_filtered_and_searched(database) {
        let app = invite_only(database);
        let mut admin = at_work(&app);
        let row = "INSERT INTO invites SELECT 'id' || n, 'hash' || n, 'gp_inv_x' || n, 'note ' || n, NULL, TRUE, n, \
                   4000000000, 1, 0, NULL, NULL, FALSE, 'user', NULL FROM \
                   (WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 120) \
                   SELECT n FROM numbers) AS counted";
        run_statement(&app.database_url, row);
        let mut seen = Vec::new();
        let mut target = app.at("/admin/invites?state=open");
        for _ in 0..3 {
            let page = admin.send(Request::get(&target));
            let addresses = find_addresses(&page.body);
            seen.extend(addresses.iter().filter(|address| address.contains("/admin/invites/id")).cloned());
            let Some(next) = addresses.into_iter().find(|address| address.contains("after=")) else { break };
            assert!(next.contains("state=open"), "{next}");
            target = next;
        }
        let all: std::collections::BTreeSet<_> = seen.iter().collect();
        assert_eq!((seen.len(), all.len()), (120, 120), "each once");
        let found = admin.get("/admin/invites?q=NOTE+77").body;
        assert!(found.contains("/admin/invites/id77") && !found.contains("/admin/invites/id78"), "{found}");
        assert!(read_text(&admin.get("/admin/invites?q=%25").body).contains("No invitation matches."));
        assert!(read_text(&admin.get("/admin/invites?by=me").body).contains("No invitation matches."));
        assert_eq!(admin.get("/admin/invites?after=x&state=y").status, 200);
    }

    fn the_sign_up_mode_is_a_page_with_three_choices(database) {
        let app = invite_only(database);
        let mut admin = at_work(&app);
        let page = admin.get("/admin/signup-mode");
        assert_eq!(page.body.matches("type=\"radio\"").count(), 3, "{}", page.body);
        let response = admin.submit(&find_form(&page, "/admin/signup-mode").set("mode", "closed"));
        let page = admin.follow(response);
        assert!(read_text(&page.body).contains("The sign-up mode is changed"), "{}", page.body);
        assert_eq!(app.get("/signup").status, 403);
        assert_eq!(page.body.matches("type=\"radio\"").count(), 4, "and back to the settings file");
        let bad = find_form(&page, "/admin/signup-mode").set("mode", "everybody");
        assert_eq!(admin.submit(&bad).status, 400);
        let response = admin.submit(&find_form(&page, "/admin/signup-mode").set("mode", "default"));
        assert_eq!(response.status, 303);
        assert_eq!(app.get("/signup").status, 200);
        let events = "SELECT count(*) FROM audit_events WHERE action = 'settings.changed' AND actor_kind = 'user'";
        assert_eq!(run_statement(&app.database_url, events), "2");
    }
}
