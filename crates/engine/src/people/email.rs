//! Email addresses as account names: one spelling to show, one key to compare.

use unicode_normalization::UnicodeNormalization;
use url::Host;

/// RFC 5321 §4.5.3.1.3 leaves 254 octets for an address between its angle brackets.
const MAX_BYTES: usize = 254;

/// A checked address.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Email {
    /// As typed, in NFKC, with a lower-cased domain: for pages and for sending mail, always instead of what is typed later.
    pub display: String,
    /// Case-folded, the domain in its ASCII form: equal for all spellings of one address, and what is unique in the database.
    pub key: String,
}

/// Why a text is no email address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EmailFault {
    /// Nothing was typed.
    Empty,
    /// More than 254 bytes.
    TooLong,
    /// No `@`, or more than one.
    NotOneAt,
    /// Nothing before the `@`, a dot at its ends, two dots together, or a character that an unquoted local part cannot have (RFC 5322 §3.2.3).
    BadLocalPart,
    /// Nothing after the `@`, or no host name.
    BadDomain,
    /// White space inside, a control character or an invisible one.
    BadCharacter,
}

impl std::fmt::Display for EmailFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Empty => "Enter your email address.",
            Self::TooLong => "That email address is too long.",
            Self::NotOneAt => "An email address has one @, as in name@example.com.",
            Self::BadLocalPart => "Check the part of the email address before the @.",
            Self::BadDomain => "Check the part of the email address after the @.",
            Self::BadCharacter => "That email address has a space or an invisible character in it.",
        })
    }
}

impl std::error::Error for EmailFault {}

/// Reads an email address: NFKC first, then every check on the result, so that nothing changes after it was checked.
pub fn normalize_email(typed: &str) -> Result<Email, EmailFault> {
    // before normalising, which can lengthen a text eighteen-fold; white space around it may be long in a pasted text
    let typed = typed.trim();
    if typed.len() > 4 * MAX_BYTES {
        return Err(EmailFault::TooLong);
    }
    let normal: String = typed.nfkc().collect();
    let normal = normal.trim();
    if normal.is_empty() {
        return Err(EmailFault::Empty);
    }
    if normal.chars().any(is_refused_anywhere) {
        return Err(EmailFault::BadCharacter);
    }
    let (local, domain) =
        normal.split_once('@').filter(|(_, domain)| !domain.contains('@')).ok_or(EmailFault::NotOneAt)?;
    if !is_local_part(local) {
        return Err(EmailFault::BadLocalPart);
    }
    let domain: String = domain.to_lowercase().nfkc().collect();
    let ascii_domain = read_domain(&domain).ok_or(EmailFault::BadDomain)?;
    let display = format!("{local}@{domain}");
    let key = format!("{}@{ascii_domain}", fold_case(local));
    if display.len() > MAX_BYTES || key.len() > MAX_BYTES {
        return Err(EmailFault::TooLong);
    }
    Ok(Email { display, key })
}

/// Folds case one character at a time: lower, upper, lower, which also joins `ẞ` and `ß` with `ss` and the two small sigmas; then NFKC again.
fn fold_case(text: &str) -> String {
    let fold = |c: char| -> Vec<char> {
        match c {
            // its capital is the ASCII I: folding it would make `gıthub` the same account as `github`, which CaseFolding.txt does not
            'ı' => vec![c],
            _ => c.to_lowercase().flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect(),
        }
    };
    text.chars().flat_map(fold).nfkc().collect()
}

/// The unquoted form only: `dot-atom` of RFC 5322 §3.2.3 with the letters of RFC 6531 §3.3.
fn is_local_part(local: &str) -> bool {
    let is_atom = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c) || !c.is_ascii();
    local.split('.').all(|atom| !atom.is_empty() && atom.chars().all(is_atom))
}

/// Gives the ASCII form of a host name; no address literal, no root dot, nothing that a URL parser would decode or drop.
fn read_domain(domain: &str) -> Option<String> {
    let is_label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c == '-' || c.is_ascii_alphanumeric() || !c.is_ascii())
    };
    if !domain.split('.').all(is_label) {
        return None;
    }
    match Host::parse(domain).ok()? {
        Host::Domain(ascii) if ascii.split('.').all(|label| (1..=63).contains(&label.len())) => Some(ascii),
        _ => None,
    }
}

/// Control characters, white space, and the format characters that let two addresses look alike or turn the text around.
fn is_refused_anywhere(c: char) -> bool {
    c.is_control()
        || c.is_whitespace()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{ffff}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn email(typed: &str) -> Email {
        normalize_email(typed).expect(typed)
    }

    fn fault(typed: &str) -> EmailFault {
        normalize_email(typed).expect_err(typed)
    }

    #[test]
    fn the_shown_form_keeps_the_case_of_the_local_part_and_the_key_does_not() {
        let checked = email("  Anna.Berg+Notes@Example.COM\r\n");
        assert_eq!(checked.display, "Anna.Berg+Notes@example.com");
        assert_eq!(checked.key, "anna.berg+notes@example.com");
    }

    #[test]
    fn all_spellings_of_one_address_have_one_key() {
        for (one, other) in [
            ("anna@example.com", "ANNA@EXAMPLE.COM"),
            ("anna@example.com", "\u{ff41}\u{ff4e}\u{ff4e}\u{ff41}\u{ff20}example.com"),
            ("ren\u{e9}@example.com", "rene\u{301}@example.com"),
            ("stra\u{df}e@example.com", "STRASSE@example.com"),
            ("\u{3c3}\u{3ac}\u{3c2}@example.com", "\u{3a3}\u{386}\u{3a3}@example.com"),
            ("kelvin@example.com", "\u{212a}elvin@example.com"),
            ("a@b\u{fc}cher.example", "a@xn--bcher-kva.example"),
            ("a@B\u{dc}CHER.example", "a@bu\u{308}cher.EXAMPLE"),
        ] {
            assert_eq!(email(one).key, email(other).key, "{one} {other}");
        }
    }

    #[test]
    fn different_addresses_stay_different() {
        for (one, other) in [
            ("g\u{131}thub@example.com", "github@example.com"),
            ("a.b@example.com", "ab@example.com"),
            ("a+b@example.com", "a@example.com"),
            ("a@example.com", "a@example.org"),
            ("p\u{430}ul@example.com", "paul@example.com"),
        ] {
            assert_ne!(email(one).key, email(other).key, "{one} {other}");
        }
    }

    #[test]
    fn normalising_twice_changes_nothing() {
        for typed in [
            "Anna@Example.com",
            "\u{fb01}x@example.com",
            "\u{130}stanbul@example.com",
            "\u{1e9e}@example.com",
            "a@B\u{dc}CHER.example",
            "\u{149}a@example.com",
        ] {
            let once = email(typed);
            assert_eq!(email(&once.display), once);
            assert_eq!(email(&once.key).key, once.key, "{typed}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused_by_name() {
        for (typed, expected) in [
            ("", EmailFault::Empty),
            (" \t ", EmailFault::Empty),
            ("anna", EmailFault::NotOneAt),
            ("anna@b@example.com", EmailFault::NotOneAt),
            ("@example.com", EmailFault::BadLocalPart),
            ("a..b@example.com", EmailFault::BadLocalPart),
            (".a@example.com", EmailFault::BadLocalPart),
            ("a.@example.com", EmailFault::BadLocalPart),
            ("a,b@example.com", EmailFault::BadLocalPart),
            ("Anna<anna@example.com", EmailFault::BadLocalPart),
            ("\"a\"@example.com", EmailFault::BadLocalPart),
            ("anna\u{2025}b@example.com", EmailFault::BadLocalPart),
            ("anna@", EmailFault::BadDomain),
            ("anna@example..com", EmailFault::BadDomain),
            ("anna@.example.com", EmailFault::BadDomain),
            ("anna@example.com.", EmailFault::BadDomain),
            ("anna@-example.com", EmailFault::BadDomain),
            ("anna@exa_mple.com", EmailFault::BadDomain),
            ("anna@ex%61mple.com", EmailFault::BadDomain),
            ("anna@example.com/x", EmailFault::BadDomain),
            ("anna@[127.0.0.1]", EmailFault::BadDomain),
            ("anna@127.0.0.1", EmailFault::BadDomain),
            ("anna@0x7f000001", EmailFault::BadDomain),
            ("an na@example.com", EmailFault::BadCharacter),
            ("anna@exam\u{a0}ple.com", EmailFault::BadCharacter),
            ("anna@example.com\r\nBcc: b@example.com", EmailFault::BadCharacter),
            ("anna\0@example.com", EmailFault::BadCharacter),
            ("an\u{200b}na@example.com", EmailFault::BadCharacter),
            ("an\u{202e}na@example.com", EmailFault::BadCharacter),
            ("an\u{ad}na@example.com", EmailFault::BadCharacter),
        ] {
            assert_eq!(fault(typed), expected, "{typed:?}");
        }
    }

    #[test]
    fn the_limit_is_254_bytes_after_normalising() {
        let domain = "@example.com";
        assert!(normalize_email(&format!("{}{domain}", "a".repeat(254 - domain.len()))).is_ok());
        assert_eq!(fault(&format!("{}{domain}", "a".repeat(255 - domain.len()))), EmailFault::TooLong);
        assert_eq!(
            fault(&format!("{}{domain}", "\u{fdfa}".repeat(60))),
            EmailFault::BadCharacter,
            "it becomes words with spaces"
        );
        assert_eq!(fault(&"a".repeat(10_000_000)), EmailFault::TooLong);
        assert_eq!(fault(&format!("a@{}.com", "b".repeat(64))), EmailFault::BadDomain);
        assert!(normalize_email(&format!("{}a@example.com", " ".repeat(5000))).is_ok());
    }

    #[test]
    fn a_host_without_a_dot_is_an_address_for_development() {
        assert_eq!(email("dev@localhost").key, "dev@localhost");
    }
}
