//! Letters: each is sent once, survives what servers and mail servers do, and delays nobody.

use std::time::{Duration, Instant};

use crate::support::flow::find_form;
use crate::support::smtp::Behaviour;
use crate::support::*;

const NEW: &str = "eleven red paper boats";

/// Changes Alice's password, of which she is told by a letter.
fn change_password(app: &TestApp) {
    let mut browser = Browser::new(app);
    browser.sign_in(&ALICE);
    let page = browser.get("/account/password");
    let form = find_form(&page, "/account/password").set("current", ALICE.password).set("new", NEW);
    assert_eq!(browser.submit(&form).status, 303);
}

for_each_database! {
    /// Both parts, and what the header says.
    fn a_letter_arrives_with_both_parts(database) {
        let smtp = Smtp::start();
        let app = Setup::new(database).with_mail(&smtp).spawn();
        change_password(&app);
        let letter = wait_for_subject(&smtp, "Password changed");
        assert_eq!(letter.from, "gatepost@example.com");
        assert_eq!(letter.link(), format!("{}/account/security", app.issuer));
        assert!(letter.html.contains(&format!("href=\"{}\"", letter.link())), "{}", letter.html);
        assert!(letter.text.contains("The password of the Gatepost account of alice@example.com was changed."));
        assert!(letter.text.contains("Network address: 127.0.0.1"), "{}", letter.text);
        assert_eq!(letter.header("auto-submitted"), Some("auto-generated"));
        assert_eq!(letter.header("from"), Some("Gatepost <gatepost@example.com>"));
        let id = letter.header("message-id").expect("an id");
        assert!(id.starts_with('<') && id.ends_with("@[127.0.0.1]>"), "{id}");
        assert!(letter.header("date").is_some());
    }
}

/// Waits for Alice's letter with this subject; others may come as well.
fn wait_for_subject(smtp: &Smtp, subject: &str) -> Letter {
    loop {
        let letter = smtp.wait_for(ALICE.email);
        if letter.subject == subject {
            return letter;
        }
    }
}
