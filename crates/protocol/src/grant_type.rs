//! The grants of the token endpoint (OAuth 2.1 §3.2.2).

use serde::{Deserialize, Serialize};

/// A way to get tokens. Whoever adds one is shown every place that has to decide about it, because each is a `match`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantType {
    /// a code that a person's browser brought (OAuth 2.1 §4.1)
    AuthorizationCode,
    /// the next tokens of a family (OAuth 2.1 §4.3)
    RefreshToken,
    /// a client's own tokens (OAuth 2.1 §4.2)
    ClientCredentials,
}

impl GrantType {
    /// All of them, in the order of the metadata.
    pub const ALL: [Self; 3] = [Self::AuthorizationCode, Self::RefreshToken, Self::ClientCredentials];

    /// The word on the wire, in settings and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AuthorizationCode => "authorization_code",
            Self::RefreshToken => "refresh_token",
            Self::ClientCredentials => "client_credentials",
        }
    }

    /// The grant of such a word, which is compared byte for byte.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|grant| grant.as_str() == word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_read_as_it_is_written_and_nothing_else_is_a_grant() {
        for grant in GrantType::ALL {
            assert_eq!(GrantType::parse(grant.as_str()), Some(grant));
            assert_eq!(serde_json::to_value(grant).expect("serializes"), grant.as_str());
        }
        for other in ["", "password", "implicit", "Authorization_Code", "refresh_token "] {
            assert_eq!(GrantType::parse(other), None, "{other}");
            assert!(serde_json::from_value::<GrantType>(other.into()).is_err(), "{other}");
        }
    }
}
