//! Parameters of a query or form: every value kept, duplicates visible.

use std::fmt;

use serde::{Deserialize, Serialize};

/// More pairs than this are refused (DS-01).
const MAX_PAIRS: usize = 100;

/// The parameters of a request, in order. An empty value counts as omitted (OAuth 2.1 §3.1), but a repeat of it is a
/// repeat.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Params(Vec<(String, String)>);

/// Why a query or form could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParamsFault {
    /// a `%` without two hexadecimal digits
    BadPercent,
    /// not UTF-8 after decoding
    BadUtf8,
    /// NUL, CR, LF or another control character
    Control,
    /// more than 100 parameters
    TooMany,
}

impl fmt::Display for ParamsFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BadPercent => "a percent sign must be followed by two hexadecimal digits",
            Self::BadUtf8 => "parameters must be UTF-8",
            Self::Control => "parameters must not contain control characters",
            Self::TooMany => "too many parameters",
        })
    }
}

impl std::error::Error for ParamsFault {}

impl fmt::Debug for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // names only: values may be secrets (R-62)
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

impl Params {
    /// Reads `application/x-www-form-urlencoded` strictly: `+` is a space, and what would have to be guessed is refused.
    pub fn parse(raw: &[u8]) -> Result<Self, ParamsFault> {
        let mut pairs = Vec::new();
        for piece in raw.split(|byte| *byte == b'&').filter(|piece| !piece.is_empty()) {
            if pairs.len() == MAX_PAIRS {
                return Err(ParamsFault::TooMany);
            }
            let (name, value) = match piece.iter().position(|byte| *byte == b'=') {
                Some(at) => (&piece[..at], &piece[at + 1..]),
                None => (piece, &piece[piece.len()..]),
            };
            pairs.push((decode_component(name)?, decode_component(value)?));
        }
        Ok(Self(pairs))
    }

    /// Parameters from pairs that were decoded already.
    pub fn from_pairs<N: Into<String>, V: Into<String>>(pairs: impl IntoIterator<Item = (N, V)>) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }

    /// The first value that is not empty.
    pub fn one(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, value)| known == name && !value.is_empty()).map(|(_, value)| value.as_str())
    }

    /// All values that are not empty.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(known, value)| known == name && !value.is_empty()).map(|(_, value)| value.as_str())
    }

    /// The first name that appears more than once and must not (OAuth 2.1 §3.1).
    pub fn find_repeated(&self, may_repeat: &[&str]) -> Option<&str> {
        let repeated = |at: usize, name: &str| self.0[..at].iter().any(|(earlier, _)| earlier == name);
        self.0
            .iter()
            .enumerate()
            .find(|(at, (name, _))| !may_repeat.contains(&name.as_str()) && repeated(*at, name))
            .map(|(_, (name, _))| name.as_str())
    }

    /// Whether this name appears more than once.
    pub fn is_repeated(&self, name: &str) -> bool {
        self.0.iter().filter(|(known, _)| known == name).count() > 1
    }

    /// All pairs, empty values included.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// Decodes one name or value of a form; also the halves of a Basic credential (OAuth 2.1 §2.4.1).
pub(crate) fn decode_component(raw: &[u8]) -> Result<String, ParamsFault> {
    let mut out = Vec::with_capacity(raw.len());
    let mut bytes = raw.iter();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || bytes.next().and_then(|byte| char::from(*byte).to_digit(16));
                match (digit(), digit()) {
                    (Some(high), Some(low)) => (high * 16 + low) as u8,
                    _ => return Err(ParamsFault::BadPercent),
                }
            }
            other => *other,
        });
    }
    let text = String::from_utf8(out).map_err(|_| ParamsFault::BadUtf8)?;
    if text.chars().any(char::is_control) { Err(ParamsFault::Control) } else { Ok(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g_03_repeats_are_seen_even_when_empty() {
        let params = Params::parse(b"a=1&resource=x&resource=y&b=&b=2").expect("parses");
        assert_eq!(params.find_repeated(&["resource"]), Some("b"));
        assert!(params.is_repeated("resource"));
        assert_eq!(params.all("resource").collect::<Vec<_>>(), ["x", "y"]);
    }

    #[test]
    fn g_04_an_empty_value_is_an_omitted_one() {
        let params = Params::parse(b"scope=&state").expect("parses");
        assert_eq!(params.one("scope"), None);
        assert_eq!(params.one("state"), None);
    }

    #[test]
    fn g_06_plus_and_percent_are_decoded() {
        let params = Params::parse(b"scope=a+b%20c&n=%C3%BC").expect("parses");
        assert_eq!(params.one("scope"), Some("a b c"));
        assert_eq!(params.one("n"), Some("ü"));
    }

    #[test]
    fn r_14_what_would_have_to_be_guessed_is_refused() {
        assert_eq!(Params::parse(b"a=%F"), Err(ParamsFault::BadPercent));
        assert_eq!(Params::parse(b"a=%GG"), Err(ParamsFault::BadPercent));
        assert_eq!(Params::parse(b"a=%FF"), Err(ParamsFault::BadUtf8));
        assert_eq!(Params::parse(b"a=%00"), Err(ParamsFault::Control));
        assert_eq!(Params::parse(b"a=x%0d%0aSet-Cookie"), Err(ParamsFault::Control));
        assert_eq!(Params::parse("a&".repeat(101).as_bytes()), Err(ParamsFault::TooMany));
    }

    #[test]
    fn ds_01_a_hundred_parameters_are_enough() {
        let many = |count: usize| (0..count).map(|at| format!("p{at}=1")).collect::<Vec<_>>().join("&");
        assert_eq!(Params::parse(many(100).as_bytes()).map(|params| params.iter().count()), Ok(100));
        assert_eq!(Params::parse(many(101).as_bytes()), Err(ParamsFault::TooMany));
    }

    #[test]
    fn params_are_kept_as_a_list_of_pairs() {
        let params = Params::parse(b"b=1&a=&b=2").expect("parses");
        let text = serde_json::to_string(&params).expect("serializes");
        assert_eq!(text, r#"[["b","1"],["a",""],["b","2"]]"#);
        assert_eq!(serde_json::from_str::<Params>(&text).expect("parses"), params);
        assert_eq!(Params::from_pairs([("b", "1"), ("a", ""), ("b", "2")]), params);
    }

    #[test]
    fn r_62_values_are_not_printed() {
        let params = Params::parse(b"client_secret=hunter2").expect("parses");
        assert_eq!(format!("{params:?}"), r#"["client_secret"]"#);
    }

    proptest::proptest! {
        #[test]
        fn parsing_never_panics(raw: Vec<u8>) {
            drop(Params::parse(&raw));
        }
    }
}
