//! The one place of this crate that draws random numbers.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::{SecureRandom, SystemRandom};

use crate::error::ServerError;

/// 256 random bits as 43 base64url characters: good as a `state` and as a PKCE verifier (RFC 7636 §4.1).
///
/// # Errors
/// [`ServerError::NoRandomness`] when the system gives none.
#[expect(
    clippy::disallowed_methods,
    reason = "the randomness of this crate; its users pass none in, so that none can pass in a weak one"
)]
pub(crate) fn draw_random_text() -> Result<String, ServerError> {
    let mut bytes = [0_u8; 32];
    SystemRandom::new().fill(&mut bytes).map_err(|_| ServerError::NoRandomness)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// The SHA-256 of a text as lower-case hex, for names of files and keyring entries.
pub(crate) fn digest_as_hex(text: &str) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
    digest.as_ref().iter().fold(String::with_capacity(64), |mut hex, byte| {
        for half in [byte >> 4, byte & 15] {
            hex.push(char::from_digit(u32::from(half), 16).unwrap_or('0'));
        }
        hex
    })
}
