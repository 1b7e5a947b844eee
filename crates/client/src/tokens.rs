//! Tokens in memory: what may be shown of them and how long they are good.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::clock::read_unix_time;

/// A token or a client secret: not printable, wiped from memory when dropped.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SecretText(Zeroizing<String>);

impl SecretText {
    /// Takes a secret in.
    pub fn new(secret: impl Into<String>) -> Self {
        Self(Zeroizing::new(secret.into()))
    }

    /// The secret itself: to send it, never to log it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

impl From<String> for SecretText {
    fn from(secret: String) -> Self {
        Self::new(secret)
    }
}

impl From<&str> for SecretText {
    fn from(secret: &str) -> Self {
        Self::new(secret)
    }
}

/// Who your program is to the server.
#[derive(Clone, Debug)]
pub struct ClientIdentity {
    /// The `client_id` of the registration.
    pub id: String,
    /// The secret of a confidential client; none for programs on people's computers, which can keep none (RFC 8252 §8.4).
    pub secret: Option<SecretText>,
}

impl ClientIdentity {
    /// A public client: CLI, desktop or phone program.
    pub fn public(id: impl Into<String>) -> Self {
        Self { id: id.into(), secret: None }
    }

    /// A confidential client: a web app or a service with a server of its own.
    pub fn confidential(id: impl Into<String>, secret: impl Into<SecretText>) -> Self {
        Self { id: id.into(), secret: Some(secret.into()) }
    }
}

/// What one sign-in gave: an access token and, as a rule, a refresh token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tokens {
    /// Goes into `Authorization: Bearer …`.
    pub access_token: SecretText,
    /// Renews the access token; each one works once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<SecretText>,
    /// The scopes that were granted, which can be fewer than were asked for.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// When the access token was received, unix seconds of this computer.
    pub received_at: i64,
    /// When the access token ends, unix seconds of this computer; none if the server did not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<i64>,
}

impl Tokens {
    /// Whether it is time to renew: a tenth of the life is left, at most a minute.
    ///
    /// A token without a known end is used until an API answers 401.
    #[must_use]
    pub fn is_due(&self, now: i64) -> bool {
        let Some(end) = self.expires_at else { return false };
        let life = end.saturating_sub(self.received_at).max(0);
        let margin = (life / 10).min(60);
        // a clock that was set back must not make an old token young again
        now >= end.saturating_sub(margin) || now < self.received_at.saturating_sub(300)
    }

    /// How long the access token still works; none if the server did not say.
    #[must_use]
    pub fn time_left(&self) -> Option<Duration> {
        self.seconds_left(read_unix_time()).map(|left| Duration::from_secs(left.unsigned_abs()))
    }

    /// Seconds until the access token ends, never negative.
    #[must_use]
    pub fn seconds_left(&self, now: i64) -> Option<i64> {
        self.expires_at.map(|end| end.saturating_sub(now).max(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(received_at: i64, expires_at: Option<i64>) -> Tokens {
        Tokens { access_token: "gp_at_x".into(), refresh_token: None, scopes: Vec::new(), received_at, expires_at }
    }

    #[test]
    fn a_token_is_due_a_minute_before_its_end_and_short_ones_at_a_tenth() {
        assert!(!tokens(0, Some(3600)).is_due(3539));
        assert!(tokens(0, Some(3600)).is_due(3540));
        assert!(!tokens(0, Some(100)).is_due(89));
        assert!(tokens(0, Some(100)).is_due(90));
        assert!(!tokens(0, None).is_due(1_000_000));
    }

    #[test]
    fn a_clock_that_was_set_back_renews() {
        assert!(tokens(10_000, Some(13_600)).is_due(9_000));
    }

    #[test]
    fn debug_shows_no_token() {
        let shown = format!("{:?}", tokens(0, None));
        assert!(!shown.contains("gp_at_x"), "{shown}");
    }
}
