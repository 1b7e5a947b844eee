//! Every letter: subject, links, codes, and what hostile names can do.

use std::collections::BTreeSet;

use crate::outbox::email::Letterhead;
use crate::outbox::email::render::*;
use crate::settings::{Sources, load_settings};

const NOW: i64 = 1_793_228_400; // 28 October 2026, 23:00 UTC
const URL: &str = "https://auth.example.com/link/gp_ml_canary";
const OTHER: &str = "https://auth.example.com/reset?x=1&y=2";
const CODE: &str = "48291706";
const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0";
/// A line break that would begin a header, one that hides, markup, a template, and a word that would be cut.
const EVIL: &str =
    "Eve\r\nBcc: all@example.com\u{2028}\u{202e}<script>alert(1)</script>\"'>{{ 7*7 }}{brand}https://evil.example/x";

fn issuer() -> Issuer {
    Issuer::parse("https://auth.example.com").expect("an issuer")
}

fn pages(brand: &Brand) -> Pages {
    Pages::new(brand, "", None, &[]).expect("the built-in templates")
}

fn whence(user_agent: &str) -> Whence {
    Whence { at: NOW, ip: "203.0.113.7".into(), user_agent: user_agent.into() }
}

/// Every kind of letter, with `name` wherever somebody chose a text, and the links that it must have.
fn letters(name: &str) -> Vec<(Letter, Vec<&'static str>)> {
    let (url, code, name) = (URL.to_owned(), CODE.to_owned(), name.to_owned());
    let mut all = vec![
        (Letter::Verify { url: url.clone(), code: code.clone() }, vec![URL]),
        (Letter::AlreadyHaveOne { sign_in_url: url.clone(), reset_url: OTHER.into() }, vec![URL, OTHER]),
        (Letter::SignInLink { url: url.clone(), code: code.clone(), asked: whence(&name) }, vec![URL]),
        (Letter::Reset { url: url.clone() }, vec![URL]),
        (Letter::NoAccount { sign_up_url: Some(url.clone()) }, vec![URL]),
        (Letter::NoAccount { sign_up_url: None }, vec![]),
        (
            Letter::Invite { inviter: name.clone(), note: name.clone(), url: url.clone(), until: NOW + 604_800 },
            vec![URL],
        ),
        (Letter::ResetByAdministrator { url: url.clone() }, vec![URL]),
        (Letter::Welcome { url: url.clone() }, vec![URL]),
        (Letter::ConfirmIdentity { url: url.clone(), code: code.clone() }, vec![URL]),
        (Letter::ConfirmNewAddress { url: url.clone(), code }, vec![URL]),
        (Letter::AddressChanging { new_masked: name.clone(), stop_url: url.clone(), stop_ttl: 604_800 }, vec![URL]),
    ];
    for notice in [
        Notice::NewSignIn,
        Notice::PasskeyAdded { name: name.clone() },
        Notice::PasskeyRemoved { name: name.clone() },
        Notice::PasswordChanged,
        Notice::SecondStepOn,
        Notice::SecondStepOff,
        Notice::RecoveryCodeUsed { left: 7 },
        Notice::RecoveryCodeUsed { left: 1 },
        Notice::ProviderLinked { provider: name.clone() },
        Notice::ProviderUnlinked { provider: name.clone() },
        Notice::FactorsReset,
    ] {
        all.push((Letter::Notice { notice, whence: whence(&name), secure_url: url.clone() }, vec![URL]));
    }
    all
}

fn write_with(brand: &Brand, to: &str, letter: &Letter) -> Rendered {
    let writer = Writer::new(brand, &issuer()).expect("texts");
    let envelope = Envelope { to: to.to_owned(), letter: letter.clone() };
    writer.write(&pages(brand), &envelope, (NOW, NOW + 600)).expect("every letter can be written")
}

fn write(letter: &Letter) -> Rendered {
    write_with(&Brand::default(), "ada@example.com", letter)
}

fn letterhead() -> Letterhead {
    let env = [
        ("GATEPOST__SERVER__PUBLIC_URL", "https://auth.example.com"),
        ("GATEPOST__MAIL__SMTP_URL", "smtp://127.0.0.1:1"),
        ("GATEPOST__MAIL__FROM", "no-reply@example.com"),
        ("GATEPOST__MAIL__REPLY_TO", "help@example.com"),
    ];
    let env = env.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let settings = load_settings(Sources { env, ..Sources::default() }).expect("settings").settings;
    Letterhead::new(&settings, &issuer()).expect("a letterhead")
}

/// What `href` attributes hold, as a browser reads them.
fn list_links(html: &str) -> Vec<String> {
    let values = html.split(" href=\"").skip(1).filter_map(|part| part.split('"').next());
    values.map(|value| value.replace("&amp;", "&")).collect()
}

#[test]
fn every_letter_has_both_parts_with_the_same_links() {
    for (letter, links) in letters("Grace Hopper") {
        let rendered = write(&letter);
        let in_text: Vec<&str> = rendered.text.lines().filter(|line| line.starts_with("http")).collect();
        assert_eq!(in_text, links, "{}", rendered.text);
        assert_eq!(list_links(&rendered.html), links, "{}", rendered.html);
        for link in links {
            let shown = link.replace('&', "&amp;");
            assert!(rendered.html.contains(&format!(">{shown}</")), "the address can be read: {}", rendered.html);
        }
        assert!(rendered.html.starts_with("<!doctype html>\n<html lang=\"en\" dir=\"ltr\">"), "{}", rendered.html);
        assert!(rendered.html.contains(&format!("<title>{}</title>", rendered.subject)));
        for bad in ["<img", "src=", "url(", "@import", "<link", "<script", "<form"] {
            assert!(!rendered.html.contains(bad), "nothing is loaded from anywhere: {bad}");
        }
        assert!(rendered.text.contains("ada@example.com"), "it says for whom: {}", rendered.text);
        assert!(rendered.text.ends_with("Sent by Gatepost, auth.example.com.\n"), "{}", rendered.text);
        assert!(rendered.text.lines().all(|line| line.chars().count() < 200) && !rendered.text.contains("{"));
    }
}

#[test]
fn words_stand_in_both_parts() {
    let unescape = |html: &str| html.replace("&#39;", "'").replace("&quot;", "\"").replace("&amp;", "&");
    for (letter, _) in letters("Grace Hopper") {
        let rendered = write(&letter);
        let html = unescape(&rendered.html);
        for line in rendered.text.lines().filter(|line| !line.is_empty()) {
            let line = line.trim_start_matches("> ").trim_end_matches(':');
            let parts: Vec<&str> = match line.split_once(": ") {
                Some((label, value)) if !line.contains(". ") => vec![label, value],
                _ => line.split(CODE_GROUPED).map(str::trim).collect(),
            };
            for part in parts {
                assert!(html.contains(part), "{part:?} is not in {html}");
            }
        }
    }
}

const CODE_GROUPED: &str = "4829 1706";

#[test]
fn r_24_codes_stand_in_the_text_and_never_in_the_subject() {
    for (letter, _) in letters("Grace Hopper") {
        let rendered = write(&letter);
        let has_code = matches!(
            letter,
            Letter::Verify { .. }
                | Letter::SignInLink { .. }
                | Letter::ConfirmIdentity { .. }
                | Letter::ConfirmNewAddress { .. }
        );
        assert_eq!(rendered.text.contains(CODE_GROUPED), has_code, "{}", rendered.text);
        assert_eq!(rendered.html.contains(CODE_GROUPED), has_code);
        assert!(!rendered.subject.contains("4829") && !rendered.subject.contains("canary"), "{}", rendered.subject);
    }
}

#[test]
fn subjects_say_what_was_done_and_are_short() {
    let subject = |letter: &Letter| write(letter).subject;
    let long = "A name that is as long as a name can be, which is sixty sig";
    let brand = Brand { name: long.into(), ..Brand::default() };
    for (letter, _) in letters(long) {
        let rendered = write_with(&brand, &format!("{}@example.com", "a".repeat(60)), &letter);
        assert!((10..=50).contains(&rendered.subject.chars().count()), "{}", rendered.subject);
    }
    for (letter, expected) in [
        (&letters("Grace")[0].0, "Confirm your email for Gatepost"),
        (&letters("Grace")[2].0, "Your Gatepost sign-in link"),
        (&letters("Grace")[5].0, "Sign-in asked for ada@example.com"),
        (&letters("Grace")[6].0, "Grace invited you to Gatepost"),
    ] {
        assert_eq!(subject(letter), expected);
    }
    let invite = write_with(&brand, "a@example.com", &letters(long)[6].0);
    assert!(invite.subject.contains(" invited you to "), "the act is not cut: {}", invite.subject);
}

#[test]
fn what_grants_access_says_where_it_was_asked_for() {
    let asked = Letter::SignInLink { url: URL.into(), code: CODE.into(), asked: whence(FIREFOX) };
    let notice = Letter::Notice { notice: Notice::NewSignIn, whence: whence(FIREFOX), secure_url: URL.into() };
    for (letter, when) in [(asked, "Asked"), (notice, "When")] {
        let text = write(&letter).text;
        let facts =
            format!("{when}: 28 October 2026, 23:00 UTC\nBrowser: Firefox on Linux\nNetwork address: 203.0.113.7\n");
        assert!(text.contains(&facts), "{text}");
    }
    // a command has neither browser nor address
    let bare = Whence { at: NOW, ip: String::new(), user_agent: String::new() };
    let letter = Letter::Notice { notice: Notice::FactorsReset, whence: bare, secure_url: URL.into() };
    assert!(write(&letter).text.contains("\nWhen: 28 October 2026, 23:00 UTC\n\nIf this was you"));
}

#[test]
fn the_time_that_is_left_is_told() {
    let writer = Writer::new(&Brand::default(), &issuer()).expect("texts");
    let envelope = Envelope { to: "a@example.com".into(), letter: Letter::Reset { url: URL.into() } };
    let pages = pages(&Brand::default());
    for (left, words) in
        [(1800, "for 30 minutes."), (1795, "for 30 minutes."), (61, "for 2 minutes."), (1, "for 1 second.")]
    {
        let rendered = writer.write(&pages, &envelope, (NOW, NOW + left)).expect("written");
        assert!(rendered.text.contains(words), "{left}: {}", rendered.text);
    }
}

#[test]
fn hostile_names_add_no_header_no_markup_and_no_link() {
    let head_of_all = letterhead();
    for (letter, links) in letters(EVIL) {
        let rendered = write(&letter);
        assert!(!rendered.subject.chars().any(char::is_control), "{:?}", rendered.subject);
        assert_eq!(list_links(&rendered.html), links, "{}", rendered.html);
        let in_text: Vec<&str> = rendered.text.lines().filter(|line| line.starts_with("http")).collect();
        assert_eq!(in_text, links, "{}", rendered.text);
        for bad in ["<script", "\u{202e}", "\u{2028}", "\"'>", "49"] {
            assert!(!rendered.html.contains(bad), "{bad:?}: {}", rendered.html);
        }
        assert!(!rendered.text.contains('\u{202e}') && !rendered.text.contains('\r'));
        assert!(!rendered.text.lines().any(|line| line.starts_with("Bcc:")), "{}", rendered.text);
        let message = head_of_all.make_message("ada@example.com", "id1", &rendered, NOW).expect("a message");
        let formatted = String::from_utf8(message.formatted()).expect("ASCII");
        let (head, _) = formatted.split_once("\r\n\r\n").expect("a head");
        let names: BTreeSet<&str> = head
            .split("\r\n")
            .filter(|line| !line.starts_with([' ', '\t']))
            .filter_map(|line| line.split_once(':'))
            .map(|(name, _)| name)
            .collect();
        let known = [
            "Auto-Submitted",
            "Content-Type",
            "Date",
            "From",
            "MIME-Version",
            "Message-ID",
            "Reply-To",
            "Subject",
            "To",
        ];
        assert_eq!(names, BTreeSet::from(known), "{head}");
        assert_eq!(message.envelope().to().len(), 1);
        assert!(head.contains("Message-ID: <id1@auth.example.com>") && head.contains("Auto-Submitted: auto-generated"));
        assert!(head.contains("Date: Wed, 28 Oct 2026 23:00:00 +0000"), "{head}");
    }
}

#[test]
fn addresses_with_line_breaks_are_never_sent_to() {
    let rendered = write(&Letter::Reset { url: URL.into() });
    for bad in
        ["a@b.example\r\nBcc: c@d.example", "a@b.example, c@d.example", "<a@b.example>", "a", "", "a@b.example\0"]
    {
        assert!(letterhead().make_message(bad, "id", &rendered, NOW).is_err(), "{bad:?}");
    }
}

#[test]
fn every_text_of_letters_is_used() {
    let texts = Catalogue::load("en").expect("texts");
    let source = include_str!("../render.rs");
    for key in texts.keys().filter_map(|key| key.strip_prefix("mail.")) {
        let section = key.rsplit_once('.').map_or(key, |(section, _)| section);
        let kind = section.strip_prefix("notice.").unwrap_or(section);
        assert!(
            source.contains(&format!("\"mail.{key}\""))
                || source.contains(&format!("\"mail.{kind}\""))
                || source.contains(&format!("\"{kind}\"")),
            "no letter uses mail.{key}"
        );
    }
}

#[test]
fn the_test_letter_says_what_it_is() {
    let writer = Writer::new(&Brand::default(), &issuer()).expect("texts");
    let rendered = writer.write_test(&pages(&Brand::default()), "ada@example.com").expect("written");
    assert_eq!(rendered.subject, "Test letter from Gatepost");
    assert!(rendered.text.starts_with("This letter to ada@example.com shows that mail works.\n"), "{}", rendered.text);
}
