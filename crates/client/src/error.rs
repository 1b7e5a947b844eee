//! What can go wrong, as values: a program decides by the variant, a person reads the text.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// The server could not be asked, or its answer is of no use.
#[derive(Debug)]
#[non_exhaustive]
pub enum ServerError {
    /// Not an address that a server can have.
    InvalidAddress {
        /// What was given.
        address: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Tokens would travel in clear text to another computer.
    Insecure {
        /// The address with `http`.
        address: String,
    },
    /// No answer: down, wrong address, no network.
    Unreachable {
        /// The server's address.
        server: String,
        /// Such as "connection refused".
        reason: String,
    },
    /// An answer that is not one of an authorization server.
    Unexpected {
        /// The server's address.
        server: String,
        /// What was strange.
        reason: String,
    },
    /// The server says that it is somebody else (RFC 8414 §3.3).
    IssuerMismatch {
        /// The address that was asked.
        asked: String,
        /// The `issuer` in the answer.
        answered: String,
    },
    /// The server lacks something that is needed.
    Unsupported {
        /// The server's address.
        server: String,
        /// What is missing.
        what: &'static str,
    },
    /// An error answer (RFC 6749 §5.2).
    Refused {
        /// The code, such as `invalid_client`.
        error: String,
        /// The server's own words, without control characters.
        description: Option<String>,
    },
    /// The operating system gave no random numbers.
    NoRandomness,
}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidAddress { address, reason } => write!(f, "{address} is not a server address: {reason}"),
            Self::Insecure { address } => {
                write!(f, "{address} would send tokens in clear text; use https (http is only for this computer)")
            }
            Self::Unreachable { server, reason } => write!(f, "{server} does not answer ({reason})"),
            Self::Unexpected { server, reason } => write!(f, "{server} answered strangely: {reason}"),
            Self::IssuerMismatch { asked, answered } => {
                write!(f, "{asked} answered as {answered}. Its public_url and your server address must be equal.")
            }
            Self::Unsupported { server, what } => write!(f, "{server} does not support {what}"),
            Self::Refused { error, description: Some(description) } => {
                write!(f, "the server refused: {description} ({error})")
            }
            Self::Refused { error, description: None } => write!(f, "the server refused: {error}"),
            Self::NoRandomness => f.write_str("the operating system gave no random numbers"),
        }
    }
}

impl std::error::Error for ServerError {}

/// A sign-in did not come to its end; nothing was stored.
#[derive(Debug)]
#[non_exhaustive]
pub enum LoginError {
    /// The person said no.
    Denied,
    /// Nobody finished in time.
    TimedOut(Duration),
    /// The answer in the browser came from another server (RFC 9207 §2.4).
    IssuerMismatch {
        /// The server that was asked.
        asked: String,
        /// The `iss` of the answer; none if it was missing.
        answered: Option<String>,
    },
    /// The answer does not belong to this request: its `state` differs. A loopback login ignores such answers and waits on.
    StateMismatch,
    /// The answer is incomplete or says a thing twice.
    Malformed(&'static str),
    /// An error answer at the authorization endpoint.
    Refused {
        /// The code, such as `invalid_scope`.
        error: String,
        /// The server's own words, without control characters.
        description: Option<String>,
    },
    /// No port of this computer could be opened for the answer.
    Listen(io::Error),
    /// The server could not be asked, or refused the code.
    Server(ServerError),
}

impl fmt::Display for LoginError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Denied => f.write_str("You chose “Don't allow” in the browser. Nothing was stored."),
            Self::TimedOut(after) => write!(f, "Nobody approved within {}.", Minutes(*after)),
            Self::IssuerMismatch { asked, answered: Some(answered) } => {
                write!(f, "the answer in the browser came from {answered}, but {asked} was asked. Nothing was stored.")
            }
            Self::IssuerMismatch { asked, answered: None } => {
                write!(f, "the answer in the browser does not say that it came from {asked}. Nothing was stored.")
            }
            Self::StateMismatch => f.write_str("the answer in the browser belongs to another sign-in"),
            Self::Malformed(reason) => write!(f, "the answer in the browser is not valid: {reason}"),
            Self::Refused { error, description: Some(description) } => {
                write!(f, "the server refused: {description} ({error})")
            }
            Self::Refused { error, description: None } => write!(f, "the server refused: {error}"),
            Self::Listen(error) => write!(f, "no port of this computer could be opened for the answer: {error}"),
            Self::Server(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for LoginError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Listen(error) => Some(error),
            Self::Server(error) => Some(error),
            _ => None,
        }
    }
}

impl From<ServerError> for LoginError {
    fn from(error: ServerError) -> Self {
        Self::Server(error)
    }
}

/// The place where tokens are kept could not be used.
#[derive(Debug)]
#[non_exhaustive]
pub enum StoreError {
    /// Neither `XDG_CONFIG_HOME` nor a home directory is known.
    NoHome,
    /// A file or folder could not be read or written.
    File {
        /// Which one.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The file is there, but it is not ours.
    Damaged {
        /// Which one.
        path: PathBuf,
        /// What was expected.
        reason: String,
    },
    /// The tokens are in the system keyring, which does not open now.
    Keyring(String),
    /// Another process holds the lock for too long.
    Locked(PathBuf),
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoHome => f.write_str("no place for tokens: neither XDG_CONFIG_HOME nor a home directory is set"),
            Self::File { path, error } => write!(f, "{}: {error}", path.display()),
            Self::Damaged { path, reason } => write!(f, "{} cannot be read: {reason}", path.display()),
            Self::Keyring(reason) => {
                write!(f, "your tokens are in the system keyring, which does not open now: {reason}")
            }
            Self::Locked(path) => write!(f, "another process holds {} for too long", path.display()),
        }
    }
}

impl std::error::Error for StoreError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::File { error, .. } => Some(error),
            _ => None,
        }
    }
}

/// There is no access token to give.
#[derive(Debug)]
#[non_exhaustive]
pub enum SessionError {
    /// Nobody signed in here, or somebody signed out.
    NotSignedIn,
    /// The sign-in ended at the server: revoked, too old, or its refresh token was used twice.
    Ended {
        /// The server's own words.
        description: Option<String>,
    },
    /// The server could not be asked, or refused.
    Server(ServerError),
    /// The tokens could not be read or kept.
    Store(StoreError),
}

impl fmt::Display for SessionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotSignedIn => f.write_str("not signed in"),
            Self::Ended { description: Some(description) } => write!(f, "Sign-in ended: {description}"),
            Self::Ended { description: None } => f.write_str("Sign-in ended"),
            Self::Server(error) => error.fmt(f),
            Self::Store(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for SessionError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Server(error) => Some(error),
            Self::Store(error) => Some(error),
            _ => None,
        }
    }
}

impl From<ServerError> for SessionError {
    fn from(error: ServerError) -> Self {
        Self::Server(error)
    }
}

impl From<StoreError> for SessionError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// A duration as people say it.
struct Minutes(Duration);

impl fmt::Display for Minutes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        match (seconds / 60, seconds % 60) {
            (1, 0) => f.write_str("1 minute"),
            (minutes, 0) if minutes > 0 => write!(f, "{minutes} minutes"),
            _ if seconds == 1 => f.write_str("1 second"),
            _ => write!(f, "{seconds} seconds"),
        }
    }
}

/// Words from outside, made fit for a terminal or a log: no control or direction characters, at most 300 characters.
pub(crate) fn clean_text(text: &str) -> String {
    text.chars()
        .filter(|c| {
            !c.is_control() && !matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        })
        .take(300)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_from_outside_cannot_steer_a_terminal() {
        assert_eq!(clean_text("a\u{1b}[31mb\r\n\u{202e}c"), "a[31mbc");
        assert_eq!(clean_text(&"x".repeat(1000)).len(), 300);
    }

    #[test]
    fn durations_read_like_speech() {
        let say = |seconds| LoginError::TimedOut(Duration::from_secs(seconds)).to_string();
        assert_eq!(say(300), "Nobody approved within 5 minutes.");
        assert_eq!(say(60), "Nobody approved within 1 minute.");
        assert_eq!(say(90), "Nobody approved within 90 seconds.");
    }
}
