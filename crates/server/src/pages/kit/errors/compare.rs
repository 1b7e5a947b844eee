//! What was sent against what is registered: the closest value, the part that differs, the rule that failed.

use super::view::Rule;
use crate::pages::kit::return_to::is_loopback;
use serde::Serialize;
use url::Url;

/// A text with the part in the middle that differs.
#[derive(Serialize, Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Marked {
    /// Equal part before.
    pub(crate) before: String,
    /// The part that differs; may be empty.
    pub(crate) middle: String,
    /// Equal part after.
    pub(crate) after: String,
}

impl Marked {
    /// A text without a mark.
    pub(crate) fn plain(text: &str) -> Self {
        Self { before: text.to_owned(), ..Self::default() }
    }

    /// Both texts, each with the part marked in which it differs from the other.
    pub(crate) fn compare(left: &str, right: &str) -> (Self, Self) {
        let (l, r): (Vec<char>, Vec<char>) = (left.chars().collect(), right.chars().collect());
        let start = l.iter().zip(&r).take_while(|(a, b)| a == b).count();
        let room = l.len().min(r.len()) - start;
        let end = l.iter().rev().zip(r.iter().rev()).take(room).take_while(|(a, b)| a == b).count();
        (Self::split(&l, start, end), Self::split(&r, start, end))
    }

    fn split(text: &[char], start: usize, end: usize) -> Self {
        let middle_end = text.len() - end;
        let part = |range: &[char]| range.iter().collect();
        Self { before: part(&text[..start]), middle: part(&text[start..middle_end]), after: part(&text[middle_end..]) }
    }
}

/// The registered value that is most like what was sent.
pub(super) fn find_closest<'a>(sent: &str, registered: &'a [String]) -> Option<&'a str> {
    // what a stranger sends has any length, and the comparison below is quadratic
    let cut: String = sent.chars().take(500).collect();
    registered.iter().map(String::as_str).min_by_key(|value| strsim::levenshtein(&cut, value))
}

/// The rule that a redirect URI breaks, seen against the closest registered one.
pub(super) fn judge_redirect(sent: &str, closest: Option<&str>) -> Rule {
    if sent.is_empty() {
        return Rule::RedirectMissing;
    }
    let Ok(url) = Url::parse(sent) else {
        return Rule::RedirectMalformed;
    };
    if url.fragment().is_some() {
        return Rule::Fragment;
    }
    if url.scheme() == "http" && !is_loopback(&url) {
        return Rule::HttpLoopbackOnly;
    }
    let Some((closest, other)) = closest.and_then(|text| Some((text, Url::parse(text).ok()?))) else {
        return Rule::NotRegistered;
    };
    if sent.strip_suffix('/') == Some(closest) || closest.strip_suffix('/') == Some(sent) {
        return Rule::SlashAtEnd;
    }
    if sent.eq_ignore_ascii_case(closest) {
        return Rule::LetterCase;
    }
    name_difference(&url, &other)
}

/// The first part in which two URIs differ; several different parts are "not registered".
fn name_difference(sent: &Url, closest: &Url) -> Rule {
    let parts = [
        (sent.scheme() != closest.scheme(), Rule::Scheme),
        (sent.host_str() != closest.host_str(), Rule::Host),
        (sent.port_or_known_default() != closest.port_or_known_default(), Rule::Port),
        (sent.path() != closest.path(), Rule::Path),
        (sent.query() != closest.query(), Rule::Query),
    ];
    let loopback = is_loopback(sent) && is_loopback(closest);
    let mut different = parts.iter().filter(|(differs, rule)| *differs && !(loopback && *rule == Rule::Port));
    match (different.next(), different.next()) {
        (Some((_, Rule::Host)), None) if loopback => Rule::LoopbackName,
        // another scheme brings another default port
        (Some((_, Rule::Scheme)), Some((_, Rule::Port))) if different.next().is_none() => Rule::Scheme,
        (Some((_, rule)), None) => *rule,
        (None, _) if loopback => Rule::Port,
        _ => Rule::NotRegistered,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_rule() {
        let cases = [
            ("https://n.example/cb/", "https://n.example/cb", Rule::SlashAtEnd),
            ("https://n.example/cb", "https://n.example/cb/", Rule::SlashAtEnd),
            ("https://n.example/CB", "https://n.example/cb", Rule::LetterCase),
            ("https://n.example:444/cb", "https://n.example/cb", Rule::Port),
            ("https://m.example/cb", "https://n.example/cb", Rule::Host),
            ("https://n.example/cb?a=1", "https://n.example/cb", Rule::Query),
            ("https://n.example/cc", "https://n.example/cb", Rule::Path),
            ("https://m.example/cc", "https://n.example/cb", Rule::NotRegistered),
            ("https://localhost/cb", "http://localhost/cb", Rule::Scheme),
            ("http://localhost:5/cb", "http://127.0.0.1/cb", Rule::LoopbackName),
            ("http://n.example/cb", "https://n.example/cb", Rule::HttpLoopbackOnly),
            ("https://n.example/cb#x", "https://n.example/cb", Rule::Fragment),
            ("/cb", "https://n.example/cb", Rule::RedirectMalformed),
            ("", "https://n.example/cb", Rule::RedirectMissing),
        ];
        for (sent, closest, rule) in cases {
            assert_eq!(judge_redirect(sent, Some(closest)), rule, "{sent} against {closest}");
        }
        assert_eq!(judge_redirect("https://n.example/", None), Rule::NotRegistered);
    }

    #[test]
    fn marks_what_differs() {
        let (sent, registered) = Marked::compare("https://a/cb/", "https://a/cb");
        assert_eq!((sent.before.as_str(), sent.middle.as_str(), sent.after.as_str()), ("https://a/cb", "/", ""));
        assert_eq!((registered.before.as_str(), registered.middle.as_str()), ("https://a/cb", ""));
        let (sent, registered) = Marked::compare("aXa", "aa");
        assert_eq!((sent.middle.as_str(), registered.middle.as_str()), ("X", ""));
        assert_eq!(Marked::compare("é", "").0.middle, "é");
    }
}
