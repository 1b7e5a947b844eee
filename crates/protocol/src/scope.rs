//! Scopes: a set of names, sorted, so that equal grants look equal (OAuth 2.1 §1.4.1).

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

/// A set of scope tokens.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ScopeSet(BTreeSet<String>);

/// A scope has a character that is not allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScopeFault;

impl fmt::Display for ScopeFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a scope is printable ASCII without spaces, quotes and backslashes")
    }
}

impl std::error::Error for ScopeFault {}

impl ScopeSet {
    /// Reads scope tokens that are separated by spaces; more than one space between two is tolerated (S-01).
    pub fn parse(text: &str) -> Result<Self, ScopeFault> {
        let mut names = BTreeSet::new();
        for name in text.split(' ').filter(|name| !name.is_empty()) {
            if !is_scope_token(name) {
                return Err(ScopeFault);
            }
            names.insert(name.to_owned());
        }
        Ok(Self(names))
    }

    /// The names, sorted.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Whether the name is in it.
    pub fn contains(&self, name: &str) -> bool {
        self.0.contains(name)
    }

    /// Whether all of it is in the other.
    pub fn is_subset(&self, other: &Self) -> bool {
        self.0.is_subset(&other.0)
    }

    /// What is in both.
    pub fn intersection(&self, other: &Self) -> Self {
        Self(self.0.intersection(&other.0).cloned().collect())
    }

    /// What is in either.
    pub fn union(&self, other: &Self) -> Self {
        Self(self.0.union(&other.0).cloned().collect())
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many names there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }
}

/// `1*( %x21 / %x23-5B / %x5D-7E )` (OAuth 2.1 §1.4.1)
fn is_scope_token(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
}

impl fmt::Display for ScopeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (count, name) in self.0.iter().enumerate() {
            if count > 0 {
                f.write_str(" ")?;
            }
            f.write_str(name)?;
        }
        Ok(())
    }
}

/// What is no scope token is left out: one name with a space in it would be read as two scopes later.
impl FromIterator<String> for ScopeSet {
    fn from_iter<I: IntoIterator<Item = String>>(names: I) -> Self {
        Self(names.into_iter().filter(|name| is_scope_token(name)).collect())
    }
}

impl TryFrom<String> for ScopeSet {
    type Error = ScopeFault;
    fn try_from(text: String) -> Result<Self, ScopeFault> {
        Self::parse(&text)
    }
}

impl From<ScopeSet> for String {
    fn from(scopes: ScopeSet) -> Self {
        scopes.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s_01_scopes_are_sets_of_names() {
        let scopes = ScopeSet::parse("b  a b").expect("parses");
        assert_eq!(scopes.to_string(), "a b");
        assert!(scopes.contains("a") && !scopes.contains("A"));
        for bad in ["a\"", "a\\b", "ü", "a\tb"] {
            assert!(ScopeSet::parse(bad).is_err(), "{bad}");
        }
        let collected: ScopeSet = ["b", "a b", "", "a"].into_iter().map(str::to_owned).collect();
        assert_eq!((collected.to_string().as_str(), collected.len()), ("a b", 2));
    }

    #[test]
    fn scopes_can_be_compared_and_combined() {
        let scopes = |text: &str| ScopeSet::parse(text).expect("parses");
        let (wide, narrow) = (scopes("a b c"), scopes("b c d"));
        assert_eq!(wide.intersection(&narrow), scopes("b c"));
        assert_eq!(wide.union(&narrow), scopes("a b c d"));
        assert!(scopes("a c").is_subset(&wide) && !narrow.is_subset(&wide) && scopes("").is_subset(&wide));
        assert!(scopes("  ").is_empty());
        assert_eq!(serde_json::to_string(&scopes("b a")).expect("serializes"), r#""a b""#);
        assert!(serde_json::from_str::<ScopeSet>(r#""a\"""#).is_err());
    }

    proptest::proptest! {
        #[test]
        fn what_is_written_is_read_again(text in "[!#-\\[\\]-~ ]{0,60}") {
            let scopes = ScopeSet::parse(&text).expect("only allowed characters");
            proptest::prop_assert_eq!(ScopeSet::parse(&scopes.to_string()), Ok(scopes));
        }
    }
}
