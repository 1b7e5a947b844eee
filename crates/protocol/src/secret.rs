//! Everything that a bearer could use, and the only form in which it is kept.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// base64url characters of 32 bytes
const BODY_LEN: usize = 43;
/// base64url characters of the checksum
const CHECK_LEN: usize = 6;

/// What a secret is for; it can be used for nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretKind {
    /// an access token
    AccessToken,
    /// a refresh token
    RefreshToken,
    /// an authorization code
    AuthorizationCode,
    /// the cookie of a signed-in browser
    Session,
    /// a client's or API's secret
    ClientSecret,
    /// the link for the first administrator
    SetupLink,
    /// the cookie that tells one browser from another
    BrowserBinding,
    /// the code of an invitation
    Invite,
    /// a mailed link
    MailLink,
}

impl SecretKind {
    /// Every kind.
    pub const ALL: [Self; 9] = [
        Self::AccessToken,
        Self::RefreshToken,
        Self::AuthorizationCode,
        Self::Session,
        Self::ClientSecret,
        Self::SetupLink,
        Self::BrowserBinding,
        Self::Invite,
        Self::MailLink,
    ];

    /// What every secret of this kind begins with, so that scanners can find a leaked one.
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::AccessToken => "gp_at_",
            Self::RefreshToken => "gp_rt_",
            Self::AuthorizationCode => "gp_ac_",
            Self::Session => "gp_ss_",
            Self::ClientSecret => "gp_cs_",
            Self::SetupLink => "gp_setup_",
            Self::BrowserBinding => "gp_br_",
            Self::Invite => "gp_inv_",
            Self::MailLink => "gp_ml_",
        }
    }
}

/// A secret in the clear. It cannot be printed or compared; it is wiped when dropped.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Prefix, 256 random bits, and a checksum over both.
    pub fn from_random(kind: SecretKind, bytes: [u8; 32]) -> Self {
        let bytes = Zeroizing::new(bytes);
        let mut text = Zeroizing::new(String::with_capacity(64));
        text.push_str(kind.prefix());
        URL_SAFE_NO_PAD.encode_string(bytes.as_slice(), &mut text);
        let check = checksum(&text);
        text.push_str(&check);
        Self(text)
    }

    /// The secret in the text, if it is one of this kind to the last bit; otherwise nobody need look for it.
    pub fn parse(kind: SecretKind, text: &str) -> Option<Self> {
        let body = text.strip_prefix(kind.prefix())?;
        if body.len() != BODY_LEN + CHECK_LEN || !body.is_ascii() {
            return None;
        }
        let (random, check) = body.split_at(BODY_LEN);
        // the engine refuses trailing bits, so that no two texts stand for the same bytes (RU-05)
        URL_SAFE_NO_PAD.decode(random).ok()?;
        let without_check = &text[..text.len() - CHECK_LEN];
        (checksum(without_check) == check).then(|| Self(Zeroizing::new(text.to_owned())))
    }

    /// The text, for the one who is meant to have it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// Which kind of secret a text looks like, by its prefix alone.
pub fn detect_kind(text: &str) -> Option<SecretKind> {
    SecretKind::ALL.into_iter().find(|kind| text.starts_with(kind.prefix()))
}

/// 36 bits of SHA-256: enough to tell a secret from a typo without asking anybody.
fn checksum(text: &str) -> String {
    let hash = digest::digest(&digest::SHA256, text.as_bytes());
    let mut check = URL_SAFE_NO_PAD.encode(&hash.as_ref()[..5]);
    check.truncate(CHECK_LEN);
    check
}

/// SHA-256 of a secret: the only form that is kept. 256 random bits need no slow hash.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// The hash of a secret.
    pub fn of(secret: &Secret) -> Self {
        Self::of_text(secret.expose())
    }

    /// The hash of a text that is not of our making: a secret that an operator chose, a JWT.
    pub fn of_text(text: &str) -> Self {
        let hash = digest::digest(&digest::SHA256, text.as_bytes());
        let mut bytes = [0; 32];
        bytes.copy_from_slice(hash.as_ref());
        Self(bytes)
    }

    /// 43 characters of base64url.
    pub fn to_base64(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// The hash that 43 characters of base64url stand for.
    pub fn from_base64(text: &str) -> Option<Self> {
        URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok().map(Self)
    }

    /// The hash with these bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Whether both are the same, in constant time (RU-06).
    pub fn verify(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenHash({})", self.to_base64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r_01_any_change_to_a_secret_makes_it_unknown() {
        let secret = Secret::from_random(SecretKind::AccessToken, [7; 32]);
        let text = secret.expose().to_owned();
        assert_eq!(text.len(), 6 + 43 + 6);
        assert!(Secret::parse(SecretKind::AccessToken, &text).is_some());
        for at in 0..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).expect("ASCII");
            assert!(Secret::parse(SecretKind::AccessToken, &changed).is_none(), "byte {at}");
            assert!(Secret::parse(SecretKind::AccessToken, &text[..at]).is_none(), "cut at {at}");
        }
        for other in [format!("{text} "), format!(" {text}"), format!("{text}A"), text.to_uppercase()] {
            assert!(Secret::parse(SecretKind::AccessToken, &other).is_none(), "{other}");
        }
    }

    #[test]
    fn r_10_kinds_never_cross() {
        for made in SecretKind::ALL {
            let secret = Secret::from_random(made, [1; 32]);
            assert_eq!(detect_kind(secret.expose()), Some(made));
            for asked in SecretKind::ALL {
                assert_eq!(Secret::parse(asked, secret.expose()).is_some(), asked == made);
            }
        }
    }

    #[test]
    fn r_01_the_form_does_not_change() {
        // secrets outlive versions: what an older one made must still be read
        let secret = Secret::from_random(SecretKind::SetupLink, [0; 32]);
        let (body, check) = secret.expose().split_at("gp_setup_".len() + BODY_LEN);
        assert_eq!(body, format!("gp_setup_{}", "A".repeat(BODY_LEN)));
        assert_eq!(check, "wA9aa6");
        assert!(TokenHash::of(&secret).verify(&TokenHash::of_text(secret.expose())));
        assert!(!TokenHash::of(&secret).verify(&TokenHash::of_text("other")));
    }

    #[test]
    fn ru_05_trailing_bits_are_refused_even_with_a_good_checksum() {
        let body = format!("gp_at_{}B", "A".repeat(BODY_LEN - 1));
        assert!(Secret::parse(SecretKind::AccessToken, &format!("{body}{}", checksum(&body))).is_none());
    }

    proptest::proptest! {
        #[test]
        fn r_01_whatever_is_made_is_read_again(bytes: [u8; 32]) {
            for kind in SecretKind::ALL {
                let secret = Secret::from_random(kind, bytes);
                let parsed = Secret::parse(kind, secret.expose()).expect("what we made");
                proptest::prop_assert_eq!(TokenHash::of(&parsed), TokenHash::of(&secret));
                proptest::prop_assert_eq!(secret.expose().len(), kind.prefix().len() + BODY_LEN + CHECK_LEN);
            }
        }

        #[test]
        fn r_01_no_other_text_is_read(text in "(gp_[a-z]{2,5}_)?.{0,60}") {
            for kind in SecretKind::ALL {
                proptest::prop_assert!(Secret::parse(kind, &text).is_none());
            }
        }
    }

    #[test]
    fn in_05_a_hash_is_not_a_token() {
        let hash = TokenHash::of(&Secret::from_random(SecretKind::AccessToken, [9; 32]));
        assert!(Secret::parse(SecretKind::AccessToken, &hash.to_base64()).is_none());
        assert_eq!(TokenHash::from_base64(&hash.to_base64()), Some(hash));
        assert_eq!(TokenHash::from_base64("short"), None);
    }
}
