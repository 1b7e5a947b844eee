//! Letters: each is sent once, survives what servers and mail servers do, and delays nobody.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::storage::run_statement;
use crate::support::flow::find_form;
use crate::support::smtp::Behaviour;
use crate::support::*;

const NEW: &str = "eleven red paper boats";
const OTHER: &str = "twelve blue paper kites";
const SUBJECT: &str = "Password changed";
/// Longer than any wait between two tries that these tests need.
const LIMIT: Duration = Duration::from_secs(60);

/// Changes a password, of which its owner is told by a letter; how long the server took.
fn change_password(app: &TestApp, person: &Person, new: &str) -> Duration {
    let mut browser = Browser::new(app);
    browser.sign_in(person);
    let page = browser.get("/account/password");
    let form = find_form(&page, "/account/password").set("current", person.password).set("new", new);
    let began = Instant::now();
    assert_eq!(browser.submit(&form).status, 303);
    began.elapsed()
}

/// Waits for the letter with this subject; others may come as well.
fn wait_for_subject(smtp: &Smtp, to: &str, subject: &str) -> Letter {
    loop {
        let letter = smtp.wait_for(to);
        if letter.subject == subject {
            return letter;
        }
    }
}

fn count_waiting(app: &TestApp) -> String {
    run_statement(&app.database_url, "SELECT count(*) FROM mails")
}

fn wait_for_log(app: &TestApp, words: &str) {
    wait_until(words, LIMIT, || app.node.log().contains(words));
}

for_each_database! {
    /// Both parts, and what the header says.
    fn a_letter_arrives_with_both_parts(database) {
        let smtp = Smtp::start();
        let app = Setup::new(database).with_mail(&smtp).spawn();
        change_password(&app, &ALICE, NEW);
        let letter = wait_for_subject(&smtp, ALICE.email, SUBJECT);
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

    /// It is written down with what it tells, so nothing that happens to the server loses it.
    fn a_letter_survives_kill_9_and_a_mail_server_that_is_busy(database) {
        let smtp = Smtp::start();
        smtp.behave(Behaviour::Refuse(451));
        let mut app = Setup::new(database).with_mail(&smtp).spawn();
        change_password(&app, &ALICE, NEW);
        smtp.wait_for_refusals(1);
        wait_for_log(&app, "it will be tried again");
        app.node.kill();
        assert_ne!(count_waiting(&app), "0");
        smtp.behave(Behaviour::Take);
        app.start_again();
        wait_for_subject(&smtp, ALICE.email, SUBJECT);
        wait_until("nothing waits any more", LIMIT, || count_waiting(&app) == "0");
    }

    fn a_letter_that_is_refused_for_good_is_given_up(database) {
        let smtp = Smtp::start();
        smtp.behave(Behaviour::Refuse(550));
        let app = Setup::new(database).with_mail(&smtp).spawn();
        change_password(&app, &ALICE, NEW);
        wait_for_log(&app, "letter refused for good");
        wait_until("nothing waits any more", LIMIT, || count_waiting(&app) == "0");
        smtp.behave(Behaviour::Take);
        change_password(&app, &BOB, NEW);
        wait_for_subject(&smtp, BOB.email, SUBJECT);
        assert!(smtp.letters().iter().all(|letter| letter.to != ALICE.email), "{:?}", smtp.letters());
        // the mail server repeats the address in its refusal; the log must not
        let log = app.node.log();
        let about: Vec<_> = log.lines().filter(|line| line.contains("letter refused")).collect();
        assert!(about.iter().all(|line| line.contains("550") && !line.contains("alice")), "{about:?}");
    }

    /// A password that the mail server refuses says nothing about the letter: it waits until the operator has put it right.
    fn letters_wait_while_the_mail_server_refuses_us(database) {
        let smtp = Smtp::start().ask_for("gatepost", "canary/pass word");
        smtp.behave(Behaviour::RefuseSignIn);
        let url = smtp.url().replace("smtp://", "smtp://gatepost:wrong@");
        let setup = Setup::new(database).with_mail(&smtp).set("mail.smtp_url", url);
        // the password of its own setting is stronger than that of the address
        let app = setup.set("mail.smtp_password", "canary/pass word").spawn();
        change_password(&app, &ALICE, NEW);
        wait_for_log(&app, "the mail server answered 535");
        assert_ne!(count_waiting(&app), "0");
        smtp.behave(Behaviour::Take);
        wait_for_subject(&smtp, ALICE.email, SUBJECT);
        assert!(!app.node.log().contains("canary"), "the password is in the log");
    }

    fn a_mail_server_that_hangs_delays_nobody(database) {
        let smtp = Smtp::start();
        smtp.behave(Behaviour::Hang);
        let mut app = Setup::new(database).with_mail(&smtp).spawn();
        let first = change_password(&app, &ALICE, NEW);
        smtp.wait_for_connections(1);
        let second = change_password(&app, &BOB, NEW);
        for took in [first, second] {
            assert!(took < Duration::from_secs(5), "{took:?}: the time-outs of mail are longer");
        }
        assert_eq!(app.get("/healthz").status, 200);
        let began = Instant::now();
        assert_eq!(app.node.stop(), Some(0));
        assert!(began.elapsed() < Duration::from_secs(20), "it stops although a letter is on its way");
        assert_ne!(count_waiting(&app), "0", "and keeps the letters");
    }

    /// What letters say opens accounts, so it is nowhere but in letters.
    fn what_letters_say_is_in_no_log(database) {
        let smtp = Smtp::start();
        let app = Setup::new(database).with_mail(&smtp).set("log.level", "trace").spawn();
        change_password(&app, &ALICE, NEW);
        let letter = wait_for_subject(&smtp, ALICE.email, SUBJECT);
        wait_for_log(&app, "letter sent");
        let log = app.node.log();
        for words in ["Secure my account", SUBJECT, &letter.link()] {
            assert!(!log.contains(words), "{words:?} is in the log");
        }
        assert!(!log.contains("warning  mail "), "mail is set");
        assert!(!run_statement(&app.database_url, "SELECT count(*) FROM mails WHERE sealed LIKE '%alice%'").contains('1'));
    }

    fn development_prints_letters_and_sends_none(database) {
        let app = Setup::new(database).dev().spawn();
        app.add_user(&ALICE);
        change_password(&app, &ALICE, NEW);
        wait_for_log(&app, "Subject: Password changed");
        wait_until("nothing waits any more", LIMIT, || count_waiting(&app) == "0");
        let log = app.node.log();
        assert!(log.contains("Mail         printed here, not sent"), "{log}");
        assert!(log.contains("--- mail to alice@example.com\n"), "{log}");
        assert!(log.contains(&format!("Secure my account:\n{}/account/security\n", app.issuer)), "{log}");
        assert_eq!(log.matches("Subject: Password changed").count(), 1);
    }

    fn without_mail_the_start_says_so_and_nothing_is_written_down(database) {
        let app = TestApp::spawn(database);
        change_password(&app, &ALICE, NEW);
        assert_eq!(count_waiting(&app), "0");
        let expected = "  warning  mail          not set: sign-in links, resets and mailed invitations are off (mail.smtp_url)\n";
        wait_for_log(&app, expected);
    }

    fn doctor_tries_the_mail_server(database) {
        let smtp = Smtp::start().ask_for("gatepost", "pass");
        let with_password = smtp.url().replace("smtp://", "smtp://gatepost:pass@");
        let app = Setup::new(database).with_mail(&smtp).set("mail.smtp_url", with_password).spawn();
        let place = smtp.place();
        let said = app.run_ok(&["doctor"]);
        assert!(said.contains(&format!("mail           {place} answered and took the password\n")), "{said}");
        assert_eq!(smtp.count(), 0, "nothing is sent unasked");
        let said = app.run_ok(&["doctor", "--mail", "op@example.com"]);
        assert!(said.contains(&format!("mail           {place} took a letter to op@example.com\n")), "{said}");
        assert_eq!(smtp.wait_for("op@example.com").subject, "Test letter from Gatepost");
        smtp.behave(Behaviour::RefuseSignIn);
        let output = app.run(&["doctor"]);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(&format!("mail           {place} refused the password (535)\n")), "{said}");
        assert!(said.contains("Sign-in links and resets do not arrive\n"), "{said}");
        assert!(said.contains("Try: set mail.smtp_password_file, then ") && said.contains(" doctor --mail you@example.com\n"), "{said}");
        assert!(!said.contains("pass@"), "{said}");
    }
}

/// Both nodes look for letters at about the same time; whoever takes one has it alone.
#[test]
fn two_nodes_send_each_letter_once() {
    let smtp = Smtp::start();
    smtp.behave(Behaviour::Refuse(451));
    let mut app = Setup::new(Database::Postgres).with_mail(&smtp).spawn();
    let mut second = app.start_second_node();
    for person in [ALICE, BOB] {
        for (from, to) in [(person.password, NEW), (NEW, OTHER), (OTHER, person.password)] {
            change_password(&app, &Person { password: from, ..person }, to);
        }
    }
    smtp.wait_for_refusals(6);
    smtp.behave(Behaviour::Take);
    // due now, for both: as if the time had passed
    run_statement(&app.database_url, "UPDATE mails SET next_try_at = 0");
    wait_until("nothing waits any more", LIMIT, || count_waiting(&app) == "0");
    // what is on its way is finished before a node ends
    assert_eq!((app.node.stop(), second.stop()), (Some(0), Some(0)));
    let letters = smtp.letters();
    let ids: BTreeSet<_> = letters.iter().filter_map(|letter| letter.header("message-id")).collect();
    assert_eq!(ids.len(), letters.len(), "a letter came twice");
    assert_eq!(letters.iter().filter(|letter| letter.subject == SUBJECT).count(), 6);
}
