//! Sign-in through other providers, against oidc-provider and what stands in for GitHub (SO1 to SO8).

mod provider;
mod trust;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use crate::support::declared::{CLI, OWN_CLI};
use crate::support::flow::{find_form, is_login};
use crate::support::html::{find_heading, read_text};
use crate::support::*;
use provider::{Account, cancel, come_back, press, read_address, setup, sign_in_with, travel};

const ADA: &str = "ada@example.com";

fn spawn(database: Database) -> TestApp {
    setup(database).spawn()
}

fn is_in(browser: &mut Browser<'_>) -> bool {
    browser.get("/account").status == 200
}

fn assert_heading(page: &Response, status: u16, heading: &str) {
    assert_eq!((page.status, find_heading(&page.body).as_str()), (status, heading), "{page:?}");
}

/// A provider whose metadata take three and a half seconds and whose keys never come; counts who asks for the metadata.
fn serve_slowly() -> (u16, Arc<AtomicU32>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let asked = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&asked);
    let answer = move |mut stream: TcpStream| {
        let mut head = [0; 4096];
        let length = stream.read(&mut head).unwrap_or_default();
        if String::from_utf8_lossy(&head[..length]).contains("/.well-known/openid-configuration") {
            count.fetch_add(1, Ordering::Relaxed);
            std::thread::sleep(Duration::from_millis(3500));
            let issuer = format!("http://127.0.0.1:{port}");
            let body = serde_json::json!({
                "issuer": issuer,
                "authorization_endpoint": format!("{issuer}/auth"),
                "token_endpoint": format!("{issuer}/token"),
                "jwks_uri": format!("{issuer}/keys"),
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
            })
            .to_string();
            let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close";
            drop(write!(stream, "{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len()));
        } else {
            std::thread::sleep(Duration::from_secs(30));
        }
    };
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let answer = answer.clone();
            std::thread::spawn(move || answer(stream));
        }
    });
    (port, asked)
}

for_each_database! {
    fn somebody_new_gets_an_account_and_comes_back_to_it(database) {
        let app = spawn(database);
        for (provider, sub) in [("acme", "1"), ("info", "2"), ("github", "3")] {
            let email = format!("{provider}@example.com");
            // GitHub's ids are numbers
            let account = match provider {
                "github" => Account::new(sub, &email).set("sub", 3),
                _ => Account::new(sub, &email),
            };
            let mut browser = Browser::new(&app);
            let response = sign_in_with(&app, &mut browser, provider, &account);
            assert_eq!((response.status, response.location()), (303, format!("{}/account", app.issuer).as_str()));
            let page = browser.get("/account").body;
            assert!(page.contains(&email) && page.contains("Ada Lovelace"), "{provider}: {page}");
            assert!(!browser.cookies().iter().any(|(name, _)| name.contains("trip")), "{:?}", browser.cookies());
            // the address there may change: the account is the same
            let mut again = Browser::new(&app);
            let moved = account.set("email", format!("moved-{provider}@example.com"));
            sign_in_with(&app, &mut again, provider, &moved);
            let page = again.get("/account").body;
            assert!(page.contains(&email) && !page.contains("moved-"), "{provider}: {page}");
        }
    }

    fn the_request_of_the_app_survives_the_trip(database) {
        let app = spawn(database);
        let mut browser = Browser::new(&app);
        let request = Authorize::new(OWN_CLI);
        let page = browser.begin(&request);
        let page = press(&mut browser, &page, "acme");
        let address = travel(&page, &Account::new("1", ADA));
        let response = come_back(&app, &mut browser, &address);
        let answer = Answer::find(&response).unwrap_or_else(|| panic!("{response:?}"));
        assert!(answer.url.starts_with(OWN_CLI.redirect) && answer.get("code").is_some(), "{}", answer.url);
        // saying no there keeps it, too
        let mut browser = Browser::new(&app);
        let page = browser.begin(&request);
        let page = press(&mut browser, &page, "acme");
        let back = cancel(&page);
        let response = come_back(&app, &mut browser, &back);
        let page = browser.follow(response);
        assert!(is_login(&page) && read_text(&page.body).contains(&format!("to continue to {}", OWN_CLI.name)), "{page:?}");
        assert!(read_text(&page.body).contains("You stopped at the other provider"), "{page:?}");
        assert!(Answer::find(&browser.fill_in_login(&page, &ALICE)).is_some_and(|answer| answer.get("code").is_some()));
    }

    fn an_address_alone_opens_no_account(database) {
        let app = spawn(database);
        let account = Account::new("77", ALICE.email);
        let mut browser = Browser::new(&app);
        let response = sign_in_with(&app, &mut browser, "acme", &account);
        assert!(browser.session_cookie().is_none());
        let page = browser.follow(response);
        let text = read_text(&page.body);
        assert!(text.contains("You already have an account with alice@example.com"), "{text}");
        assert!(text.contains("Sign in first; then Acme is connected."), "{text}");
        // the password proves it, and from then on the provider is enough
        let response = browser.fill_in_login(&page, &ALICE);
        let page = browser.follow(response);
        assert!(read_text(&page.body).contains("Acme is connected"), "{page:?}");
        let mut other = Browser::new(&app);
        sign_in_with(&app, &mut other, "acme", &account);
        assert!(other.get("/account").body.contains(ALICE.email));
        let audit = crate::upstream::trust::read_audit(&app);
        assert!(audit.contains("identity.linked"), "{audit}");
    }

    fn an_offer_is_only_for_the_account_with_that_address(database) {
        let app = spawn(database);
        let account = Account::new("77", ALICE.email);
        let mut browser = Browser::new(&app);
        let response = sign_in_with(&app, &mut browser, "acme", &account);
        let page = browser.follow(response);
        browser.fill_in_login(&page, &BOB);
        assert!(browser.get("/account").body.contains(BOB.email));
        let mut other = Browser::new(&app);
        sign_in_with(&app, &mut other, "acme", &account);
        assert!(!is_in(&mut other), "nothing was linked to Bob");
    }

    fn an_unconfirmed_address_gets_no_session(database) {
        let app = spawn(database);
        let known = Account::new("1", ADA);
        sign_in_with(&app, &mut Browser::new(&app), "acme", &known);
        for account in [
            Account::new("2", "new@example.com").set("email_verified", false),
            Account::new("3", "new@example.com").set("email_verified", serde_json::Value::Null),
            Account::new("4", ALICE.email).set("email_verified", false),
            // nor somebody who is known, once the provider takes it back
            known.clone().set("email_verified", false),
        ] {
            let mut browser = Browser::new(&app);
            let page = sign_in_with(&app, &mut browser, "acme", &account);
            assert_heading(&page, 403, "Confirm your email address at Acme");
            let text = read_text(&page.body);
            assert!(text.contains("Acme says that your email address is not confirmed. Confirm it there, then try again."), "{text}");
            assert!(browser.session_cookie().is_none() && !is_in(&mut browser));
        }
        let account = Account::new("5", "hub@example.com").set("sub", 5).set("email_verified", false);
        let page = sign_in_with(&app, &mut Browser::new(&app), "github", &account);
        assert_heading(&page, 403, "Confirm your email address at GitHub");
    }

    fn a_disabled_account_stays_out(database) {
        let app = spawn(database);
        let account = Account::new("1", ADA);
        sign_in_with(&app, &mut Browser::new(&app), "acme", &account);
        app.run_ok(&["user", "disable", ADA]);
        let mut browser = Browser::new(&app);
        let page = sign_in_with(&app, &mut browser, "acme", &account);
        assert_heading(&page, 403, "You cannot sign in with this account");
        assert!(browser.session_cookie().is_none());
    }

    fn closed_means_closed_for_providers_too(database) {
        let app = setup(database).set("signup.mode", "closed").spawn();
        let mut browser = Browser::new(&app);
        let page = sign_in_with(&app, &mut browser, "acme", &Account::new("1", ADA));
        assert_heading(&page, 403, "New accounts are not open to everybody");
        assert!(browser.session_cookie().is_none());
        let first = setup(database).set("signup.mode", "closed").set("admin.email", ADA).empty().spawn();
        let mut owner = Browser::new(&first);
        sign_in_with(&first, &mut owner, "acme", &Account::new("1", ADA));
        assert!(is_in(&mut owner), "whoever proves the address of the settings is let in");
    }

    fn a_provider_that_does_not_answer_loses_nothing(database) {
        let app = spawn(database);
        for provider in ["gone", "redirect", "large", "other", "silent"] {
            let mut browser = Browser::new(&app);
            let page = browser.begin(&Authorize::new(CLI));
            let page = press(&mut browser, &page, provider);
            let name = if provider == "gone" { "Gone" } else { provider };
            assert_heading(&page, 503, &format!("We cannot reach {name}"));
            assert!(read_text(&page.body).contains("Nothing was lost. Try again or sign in another way."), "{page:?}");
            assert!(browser.session_cookie().is_none());
            let link = html::find_addresses(&page.body).into_iter().find(|link| link.contains("/login?tx=")).expect("a way back");
            let page = browser.send(Request::get(&link));
            assert!(read_text(&page.body).contains(&format!("to continue to {}", CLI.name)), "{provider}: {page:?}");
        }
    }

    /// proxies take a line of 8 KiB, and whoever began too many trips could not open any page until they end
    fn trips_that_were_left_do_not_make_requests_too_long(database) {
        let app = spawn(database);
        let mut browser = Browser::new(&app);
        let request = Authorize::new(OWN_CLI).set("state", &"x".repeat(1000));
        let mut last = None;
        for _ in 0..8 {
            let page = browser.begin(&request);
            last = Some(press(&mut browser, &page, "acme"));
            let line: usize = browser.cookies().iter().map(|(name, value)| name.len() + value.len() + 3).sum();
            assert!(line < 8000, "{line} bytes of cookies");
        }
        let address = travel(&last.expect("a page"), &Account::new("1", ADA));
        assert!(Answer::find(&come_back(&app, &mut browser, &address)).is_some());
    }

    /// metadata come, if slowly, and the keys never do
    fn a_provider_that_is_too_slow_is_left_alone_for_a_while(database) {
        let (port, asked) = serve_slowly();
        let provider = format!(
            "[[providers]]\nid = \"slow\"\nname = \"Slow\"\nkind = \"oidc\"\nissuer = \"http://127.0.0.1:{port}\"\n\
             client_id = \"gatepost\"\nclient_secret = \"a secret\"\n"
        );
        let app = Setup::new(database).declare(&provider).spawn();
        let mut browser = Browser::new(&app);
        let page = browser.get("/login");
        let began = Instant::now();
        assert_heading(&press(&mut browser, &page, "slow"), 503, "We cannot reach Slow");
        assert!(began.elapsed() < Duration::from_secs(7), "{:?}", began.elapsed());
        let began = Instant::now();
        assert_heading(&press(&mut browser, &page, "slow"), 503, "We cannot reach Slow");
        assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
        assert_eq!(asked.load(Ordering::Relaxed), 1, "it is not asked again at once");
    }

    fn two_tabs_do_not_disturb_each_other(database) {
        let app = spawn(database);
        let mut browser = Browser::new(&app);
        let page = browser.get("/login");
        let one = press(&mut browser, &page, "acme");
        let two = press(&mut browser, &page, "info");
        let (one, two) = (travel(&one, &Account::new("1", ADA)), travel(&two, &Account::new("2", "two@example.com")));
        come_back(&app, &mut browser, &one);
        assert!(browser.get("/account").body.contains(ADA));
        come_back(&app, &mut browser, &two);
        assert!(browser.get("/account").body.contains("two@example.com"), "the later one counts");
    }

    fn linking_and_unlinking(database) {
        let app = spawn(database);
        let mut browser = Browser::new(&app);
        browser.sign_in(&ALICE);
        let link = |browser: &mut Browser<'_>, provider: &str, account: &Account| {
            let page = browser.get("/account/providers");
            let page = browser.submit(&find_form(&page, "/providers/link").set("provider", provider));
            let address = travel(&page, account);
            let response = come_back(&app, browser, &address);
            browser.follow(response)
        };
        // another address is no hindrance: the session proves the one account, the provider the other
        let elsewhere = Account::new("9", "elsewhere@example.com");
        let page = link(&mut browser, "acme", &elsewhere);
        assert!(read_text(&page.body).contains("Acme is connected"), "{page:?}");
        let mut other = Browser::new(&app);
        sign_in_with(&app, &mut other, "acme", &elsewhere);
        assert!(other.get("/account").body.contains(ALICE.email));
        // nobody else can have it
        let mut bob = Browser::new(&app);
        bob.sign_in(&BOB);
        let page = link(&mut bob, "acme", &elsewhere);
        assert_heading(&page, 409, "This Acme account is connected already");
        // unlinked, it opens nothing, and what came in by it is out
        let page = browser.get("/account/providers");
        let response = browser.submit(&find_form(&page, "/providers/unlink"));
        let page = browser.follow(response);
        assert!(read_text(&page.body).contains("The account is disconnected"), "{page:?}");
        assert!(!is_in(&mut other));
        let mut late = Browser::new(&app);
        sign_in_with(&app, &mut late, "acme", &elsewhere);
        assert!(!late.get("/account").body.contains(ALICE.email));
    }

    /// SO8
    fn the_last_way_in_stays(database) {
        let app = spawn(database);
        let mut browser = Browser::new(&app);
        let account = Account::new("1", ADA);
        sign_in_with(&app, &mut browser, "acme", &account);
        let page = browser.get("/account/providers");
        assert!(read_text(&page.body).contains("This is your only way in. Add another first."), "{page:?}");
        assert!(!page.body.contains("/providers/unlink"), "{page:?}");
        // nor by a form made by hand
        let csrf = find_form(&page, "/providers/link").field("csrf").expect("a token").to_owned();
        let issuer = format!("http://127.0.0.1:{}", provider::providers().oidc);
        let fields = [("csrf", csrf.as_str()), ("issuer", issuer.as_str()), ("subject", account.subject())];
        let response = browser.post("/account/providers/unlink", &fields.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert!(response.location().ends_with("?done=only-way"), "{response:?}");
        let mut again = Browser::new(&app);
        sign_in_with(&app, &mut again, "acme", &account);
        assert!(is_in(&mut again));
    }

    /// of two ways in, both removed at the same moment, one stays
    fn two_removals_at_once_leave_one(database) {
        let app = spawn(database);
        let mut browser = Browser::new(&app);
        let (one, two) = (Account::new("1", ADA), Account::new("2", ADA));
        sign_in_with(&app, &mut browser, "acme", &one);
        let page = browser.get("/account/providers");
        let page = browser.submit(&find_form(&page, "/providers/link").set("provider", "info"));
        let address = travel(&page, &two);
        come_back(&app, &mut browser, &address);
        let page = browser.get("/account/providers");
        let csrf = find_form(&page, "/providers/unlink").field("csrf").expect("a token").to_owned();
        let ports = provider::providers();
        let cookies: Vec<_> = browser.cookies().to_vec();
        let answers = run_at_once(2, |index| {
            let mut same = Browser::new(&app);
            for (name, value) in &cookies {
                same.set_cookie(name, value);
            }
            let (port, subject) = if index == 0 { (ports.oidc, one.subject()) } else { (ports.userinfo, two.subject()) };
            let issuer = format!("http://127.0.0.1:{port}");
            let fields = [("csrf", csrf.as_str()), ("issuer", issuer.as_str()), ("subject", subject)];
            let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned()));
            same.post("/account/providers/unlink", &fields).location().to_owned()
        });
        let done = answers.iter().filter(|answer| answer.ends_with("done=disconnected")).count();
        let kept = answers.iter().filter(|answer| answer.ends_with("done=only-way")).count();
        assert_eq!((done, kept), (1, 1), "{answers:?}");
    }

    fn linking_needs_the_session_that_began_it(database) {
        let app = spawn(database);
        let mut browser = Browser::new(&app);
        browser.sign_in(&ALICE);
        let page = browser.get("/account/providers");
        let page = browser.submit(&find_form(&page, "/providers/link").set("provider", "acme"));
        let address = travel(&page, &Account::new("9", "elsewhere@example.com"));
        // somebody else signs in in this browser meanwhile
        let page = browser.get("/login?switch=1");
        browser.fill_in_login(&page, &BOB);
        come_back(&app, &mut browser, &address);
        assert!(!read_text(&browser.get("/account/providers").body).contains("Disconnect"));
    }

    fn where_the_browser_is_sent(database) {
        let app = spawn(database);
        let mut browser = Browser::new(&app);
        let page = browser.get("/login");
        let page = press(&mut browser, &page, "acme");
        let address = read_address(&page);
        let query = http::decode_form(address.split_once('?').expect("a query").1);
        let get = |name: &str| query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        assert_eq!(get("response_type"), Some("code"));
        assert_eq!(get("code_challenge_method"), Some("S256"));
        assert_eq!(get("redirect_uri"), Some(format!("{}/login/via/acme/callback", app.issuer).as_str()));
        assert_eq!(get("scope"), Some("openid email profile"));
        assert!(get("nonce").is_some_and(|nonce| nonce.len() == 43) && get("state").is_some_and(|state| state.len() == 76));
        // the cookie is for this browser alone, gone soon, and nothing in it can be read
        let cookie = page.header_all("set-cookie").into_iter().find(|line| line.contains("gp_trip_")).expect("a cookie");
        assert!(cookie.contains("HttpOnly; SameSite=Lax") && cookie.contains("Max-Age=600"), "{cookie}");
        assert!(!page.body.contains("<form") && !page.body.contains("<script"), "{}", page.body);
    }
}

for_each_database! {
    /// replaces.md §3: the code is checked before the trip, survives it, and is used up by the account that it made
    fn an_invitation_survives_the_trip_and_is_used_once(database) {
        let app = setup(database).set("signup.mode", "invite").spawn();
        let made: serde_json::Value =
            serde_json::from_str(&app.run_ok(&["invite", "add", "--json"])).expect("one document");
        let link = made["link"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned();
        let code = link.rsplit('/').next().expect("a code").to_owned();
        // without one: nothing is made, and the page says what is missing
        let mut browser = Browser::new(&app);
        let request = Authorize::new(OWN_CLI);
        let account = Account::new("1", ADA);
        let page = browser.begin(&request);
        let page = press(&mut browser, &page, "acme");
        let address = travel(&page, &account);
        let page = come_back(&app, &mut browser, &address);
        assert_heading(&page, 403, "You need an invitation");
        assert!(browser.session_cookie().is_none());
        let link = html::find_addresses(&page.body).into_iter().find(|link| link.contains("/signup?tx=")).expect("a link");
        let page = browser.send(Request::get(&link));
        // a wrong one is refused before the trip
        let form = |page: &Response, code: &str| find_form(page, "/signup").set("invite", code).set("with", "acme");
        let refused = browser.submit(&form(&page, "gp_inv_wrong"));
        assert_eq!(refused.status, 422, "{refused:?}");
        assert!(read_text(&refused.body).contains("This invitation does not work"), "{refused:?}");
        // the right one goes along, and so does the app's request
        let page = browser.submit(&form(&page, &code));
        let address = travel(&page, &account);
        let response = come_back(&app, &mut browser, &address);
        let answer = Answer::find(&response).unwrap_or_else(|| panic!("{response:?}"));
        assert!(answer.url.starts_with(OWN_CLI.redirect) && answer.get("code").is_some(), "{}", answer.url);
        assert_eq!(crate::storage::run_statement(&app.database_url, "SELECT uses FROM invites"), "1");
        // used up: nobody makes the trip in vain
        let mut other = Browser::new(&app);
        let page = other.get("/signup");
        let page = other.submit(&find_form(&page, "/signup").set("invite", &code).set("with", "acme"));
        assert_eq!(page.status, 422, "{page:?}");
        assert!(other.session_cookie().is_none());
        // somebody with an account needs none
        let mut again = Browser::new(&app);
        sign_in_with(&app, &mut again, "acme", &account);
        assert!(is_in(&mut again));
    }

    /// of many trips with an invitation for one, one makes an account; the others are told at the end
    fn parallel_trips_share_no_invitation(database) {
        let app = setup(database).set("signup.mode", "invite").spawn();
        let made: serde_json::Value =
            serde_json::from_str(&app.run_ok(&["invite", "add", "--json"])).expect("one document");
        let link = made["link"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned();
        let code = link.rsplit('/').next().expect("a code").to_owned();
        let answers = run_at_once(6, |index| {
            let mut browser = Browser::new(&app);
            let page = browser.get("/signup");
            let page = browser.submit(&find_form(&page, "/signup").set("invite", &code).set("with", "acme"));
            if page.status == 422 {
                return (false, read_text(&page.body));
            }
            let address = travel(&page, &Account::new(&index.to_string(), &format!("p{index}@example.com")));
            let page = come_back(&app, &mut browser, &address);
            (browser.session_cookie().is_some(), read_text(&page.body))
        });
        assert_eq!(answers.iter().filter(|(got_in, _)| *got_in).count(), 1, "{answers:?}");
        for (_, text) in answers.iter().filter(|(got_in, _)| !got_in) {
            assert!(text.contains("This invitation"), "{text}");
        }
        assert_eq!(crate::storage::run_statement(&app.database_url, "SELECT COUNT(*) FROM identities"), "1");
    }
}
