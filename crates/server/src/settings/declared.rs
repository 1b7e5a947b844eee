//! Apps and APIs that are declared in the settings; [`super::check_declared`] says what they must be.

use gatepost_protocol::grant_type::GrantType;
use serde::{Deserialize, Serialize};

use super::types::{Seconds, SecretText};

/// `[[clients]]`: an app.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(crate) struct ClientDecl {
    pub(crate) client_id: String,
    pub(crate) name: String,
    /// Always set after loading.
    pub(crate) kind: Option<ClientKind>,
    /// Always set after loading.
    pub(crate) auth_method: Option<AuthMethod>,
    /// Always base64url after loading; not set for public clients and where `secret` is set.
    pub(crate) secret_hash: Option<String>,
    pub(crate) secret: SecretText,
    pub(crate) redirect_uris: Vec<String>,
    pub(crate) scopes: Vec<String>,
    pub(crate) resources: Vec<String>,
    /// Never empty after loading.
    pub(crate) grant_types: Vec<GrantType>,
    pub(crate) first_party: bool,
    pub(crate) show_setup_errors: bool,
    pub(crate) access_ttl: Option<Seconds>,
    pub(crate) refresh_idle_ttl: Option<Seconds>,
    pub(crate) refresh_absolute_ttl: Option<Seconds>,
    pub(crate) refresh_rotation: RefreshRotation,
    pub(crate) refresh_replay: bool,
    pub(crate) require_second_factor: bool,
}

macro_rules! word_enum {
    ($(#[$about:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
        pub(crate) enum $name { $($(#[$doc])* #[serde(rename = $word)] $variant),+ }

        impl $name {
            /// As it is written in settings and stored in rows.
            pub(crate) fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }
    };
}

word_enum!(
    /// What an app is, which decides whether it can keep a secret.
    ClientKind {
        /// has a server that keeps its secret
        Web = "web",
        /// a program on people's computers
        Native = "native",
        /// a page or phone app without a secret
        Browser = "browser",
        /// a service without people
        Service = "service",
    }
);

impl ClientKind {
    /// Whether everybody can read what it holds (RFC 6749 §2.1).
    pub(crate) fn is_public(self) -> bool {
        matches!(self, Self::Native | Self::Browser)
    }
}

word_enum!(
    /// How an app proves itself at the token endpoint (RFC 7591 §2).
    AuthMethod {
        /// it has no secret
        None = "none",
        /// HTTP Basic
        Basic = "client_secret_basic",
        /// in the body
        Post = "client_secret_post",
        /// either of the two
        Any = "client_secret_any",
    }
);

word_enum!(
    /// Whether a refresh token changes when it is used (RFC 9700 §4.14).
    #[derive(Default)]
    RefreshRotation {
        /// each use gives a new one
        #[default]
        Rotate = "rotate",
        /// it stays the same
        Keep = "keep",
    }
);

pub(super) use word_enum;

/// `[[resource_servers]]`: an API.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(crate) struct ResourceServerDecl {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) resource: String,
    /// Always base64url after loading; not set where `secret` is set.
    pub(crate) secret_hash: Option<String>,
    pub(crate) secret: SecretText,
    pub(crate) scopes: Vec<ScopeDecl>,
    pub(crate) access_token_format: TokenFormat,
}

/// One thing that can be allowed at an API.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(crate) struct ScopeDecl {
    pub(crate) name: String,
    /// The sentence that people read when they are asked.
    pub(crate) description: String,
    pub(crate) sensitive: bool,
}

word_enum!(
    /// What access tokens for an API look like.
    #[derive(Default)]
    TokenFormat {
        /// asked for by introspection
        #[default]
        Opaque = "opaque",
        /// RFC 9068
        Jwt = "jwt",
    }
);

/// Whether the text can be an id: it appears in URLs, variables and file names.
pub(crate) fn is_plain_id(id: &str) -> bool {
    (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}
