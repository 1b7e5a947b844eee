//! Keys made from the master key, and what they protect at rest: AEAD seals and MACs.
//!
//! A sealed text is base64url of `version (1 byte) ‖ key id (4) ‖ nonce (12) ‖ ciphertext ‖ tag (16)`, AES-256-GCM. Version, key id and the
//! caller's address of the value (table, column, row) are authenticated with it, so a value that is copied to another row does not open.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, KeyType, Prk, Salt};
use ring::hmac;
use ring::rand::SecureRandom;
use zeroize::{Zeroize, Zeroizing};

const VERSION: u8 = 1;
const KEY_ID_LEN: usize = 4;
const HEAD_LEN: usize = 1 + KEY_ID_LEN;
const TAG_LEN: usize = 16;
const MASTER_SALT: &[u8] = b"gatepost master key v1";
const SECRET_SALT: &[u8] = b"gatepost bearer secret v1";

/// The random source of the operating system failed; nothing was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoRandomness;

impl std::fmt::Display for NoRandomness {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the operating system gave no random bytes")
    }
}

impl std::error::Error for NoRandomness {}

/// Why a text is not a master key; the texts are for the operator and never repeat the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MasterKeyFault {
    /// The text is empty.
    Empty,
    /// The text is not 32 bytes of base64url, base64 or hexadecimal.
    NotThirtyTwoBytes,
    /// The bytes are no random key: all alike, a sequence, a short pattern or readable text.
    Guessable,
}

impl std::fmt::Display for MasterKeyFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Empty => "the master key is empty",
            Self::NotThirtyTwoBytes => "the master key must be 32 random bytes as base64url, base64 or hexadecimal",
            Self::Guessable => "the master key is not random; make one with: openssl rand -base64 32",
        })
    }
}

impl std::error::Error for MasterKeyFault {}

/// The root of all keys at rest: 32 random bytes, wiped when dropped, without `Debug`.
pub struct MasterKey(Zeroizing<[u8; 32]>);

impl MasterKey {
    /// Takes 32 bytes, and refuses keys that somebody made up.
    pub fn from_bytes(bytes: [u8; 32]) -> Result<Self, MasterKeyFault> {
        let bytes = Zeroizing::new(bytes);
        if is_guessable(&bytes) { Err(MasterKeyFault::Guessable) } else { Ok(Self(bytes)) }
    }

    /// Draws a new key.
    pub fn generate(random: &dyn SecureRandom) -> Result<Self, NoRandomness> {
        let mut bytes = Zeroizing::new([0; 32]);
        random.fill(bytes.as_mut()).map_err(|_| NoRandomness)?;
        Ok(Self(bytes))
    }

    /// Reads base64url, base64 (padded or not) or hexadecimal, and refuses keys that somebody made up; white space around it is ignored.
    pub fn parse(text: &str) -> Result<Self, MasterKeyFault> {
        let text = text.trim();
        if text.is_empty() {
            return Err(MasterKeyFault::Empty);
        }
        let decoded = Zeroizing::new(decode_key_text(text).ok_or(MasterKeyFault::NotThirtyTwoBytes)?);
        let mut bytes = Zeroizing::new([0; 32]);
        if decoded.len() != bytes.len() {
            return Err(MasterKeyFault::NotThirtyTwoBytes);
        }
        bytes.copy_from_slice(&decoded);
        Self::from_bytes(*bytes)
    }

    /// Writes the key as 43 characters of base64url, for a key file.
    pub fn to_text(&self) -> Zeroizing<String> {
        Zeroizing::new(URL_SAFE_NO_PAD.encode(self.0.as_slice()))
    }

    /// Names the key without telling it: 8 hexadecimal digits.
    pub fn key_id(&self) -> String {
        to_hex(&derive_key_id(&self.extract()))
    }

    /// Derives the key of one purpose by HKDF-SHA-256 (RFC 5869); purposes share nothing.
    pub fn derive(&self, purpose: &str) -> SealKey {
        SealKey::expand(&self.extract(), purpose)
    }

    fn extract(&self) -> Prk {
        Salt::new(HKDF_SHA256, MASTER_SALT).extract(self.0.as_slice())
    }
}

/// The keys of one purpose, for seals and for MACs; no `Debug`.
pub struct SealKey {
    key_id: [u8; KEY_ID_LEN],
    aead: LessSafeKey,
    nonce: hmac::Key,
    mac: hmac::Key,
}

impl SealKey {
    /// Derives a key from a bearer secret of at least 128 random bits; a password is not enough, for HKDF is fast.
    pub fn from_secret(secret: &str, purpose: &str) -> Self {
        Self::expand(&Salt::new(HKDF_SHA256, SECRET_SALT).extract(secret.as_bytes()), purpose)
    }

    /// Seals a value to its place `aad` (`table/column/row`); good for 2^32 values per purpose (SP 800-38D §8.3).
    ///
    /// It cannot fail: without randomness two seals of the same value at the same place are equal, and nothing else is lost.
    pub fn seal(&self, random: &dyn SecureRandom, aad: &str, plain: &[u8]) -> String {
        let nonce = self.make_nonce(random, aad, plain);
        let head = self.head();
        let mut body = Vec::with_capacity(plain.len() + TAG_LEN);
        body.extend_from_slice(plain);
        let tag = self
            .aead
            .seal_in_place_separate_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(bind_place(&head, aad)),
                &mut body,
            )
            .expect("a value in memory is shorter than the limit of AES-GCM");
        body.extend_from_slice(tag.as_ref());
        URL_SAFE_NO_PAD.encode([&head[..], &nonce, &body].concat())
    }

    /// Opens what [`SealKey::seal`] made with the same key and place; `None` for anything else, without saying what was wrong.
    pub fn open(&self, aad: &str, sealed: &str) -> Option<Zeroizing<Vec<u8>>> {
        let bytes = URL_SAFE_NO_PAD.decode(sealed).ok()?;
        let (head, rest) = bytes.split_at_checked(HEAD_LEN)?;
        let (nonce, body) = rest.split_at_checked(NONCE_LEN)?;
        if head != self.head() {
            return None;
        }
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut body = Zeroizing::new(body.to_vec());
        let length = self.aead.open_in_place(nonce, Aad::from(bind_place(head, aad)), &mut body).ok()?.len();
        body[length..].zeroize();
        body.truncate(length);
        Some(body)
    }

    /// Authenticates a message with HMAC-SHA-256; 43 characters of base64url.
    pub fn mac(&self, message: &[u8]) -> String {
        URL_SAFE_NO_PAD.encode(hmac::sign(&self.mac, message))
    }

    /// Checks a text of [`SealKey::mac`] in constant time.
    pub fn check_mac(&self, message: &[u8], mac: &str) -> bool {
        URL_SAFE_NO_PAD.decode(mac).is_ok_and(|tag| hmac::verify(&self.mac, message, &tag).is_ok())
    }

    /// A random nonce, hedged: it is a keyed hash of fresh random bytes, the place and the value, so that a source that fails or repeats (a cloned
    /// machine) never gives two different values one nonce, which would break AES-GCM.
    fn make_nonce(&self, random: &dyn SecureRandom, aad: &str, plain: &[u8]) -> [u8; NONCE_LEN] {
        let mut fresh = [0; 32];
        // a failure is covered by the rest of the input
        let _ = random.fill(&mut fresh);
        let mut input = hmac::Context::with_key(&self.nonce);
        input.update(&fresh);
        input.update(&(aad.len() as u64).to_be_bytes());
        input.update(aad.as_bytes());
        input.update(plain);
        let mut nonce = [0; NONCE_LEN];
        nonce.copy_from_slice(&input.sign().as_ref()[..NONCE_LEN]);
        nonce
    }

    fn expand(root: &Prk, purpose: &str) -> Self {
        Self {
            key_id: derive_key_id(root),
            aead: LessSafeKey::new(expand_key::<UnboundKey, _>(root, "seal", purpose, &AES_256_GCM)),
            nonce: expand_key(root, "nonce", purpose, hmac::HMAC_SHA256),
            mac: expand_key(root, "mac", purpose, hmac::HMAC_SHA256),
        }
    }

    fn head(&self) -> [u8; HEAD_LEN] {
        let [a, b, c, d] = self.key_id;
        [VERSION, a, b, c, d]
    }
}

/// Seals a value so that only the presenter of a high-entropy bearer secret can open it: the server that keeps it cannot. The pair is the purpose
/// and the place.
pub fn seal_with_secret(random: &dyn SecureRandom, secret: &str, (purpose, aad): (&str, &str), plain: &[u8]) -> String {
    SealKey::from_secret(secret, purpose).seal(random, aad, plain)
}

/// Opens what [`seal_with_secret`] made with the same secret, purpose and place.
pub fn open_with_secret(secret: &str, (purpose, aad): (&str, &str), sealed: &str) -> Option<Zeroizing<Vec<u8>>> {
    SealKey::from_secret(secret, purpose).open(aad, sealed)
}

fn expand_key<K, L>(root: &Prk, kind: &str, purpose: &str, length: L) -> K
where
    L: KeyType,
    K: for<'a> From<ring::hkdf::Okm<'a, L>>,
{
    // the kind holds no NUL, so two pairs of kind and purpose never give the same info
    let info = [kind.as_bytes(), b"\0", purpose.as_bytes()];
    K::from(root.expand(&info, length).expect("32 bytes are below the limit of HKDF-SHA-256"))
}

fn derive_key_id(root: &Prk) -> [u8; KEY_ID_LEN] {
    let key: hmac::Key = expand_key(root, "key id", "", hmac::HMAC_SHA256);
    let mut id = [0; KEY_ID_LEN];
    id.copy_from_slice(&hmac::sign(&key, b"key id").as_ref()[..KEY_ID_LEN]);
    id
}

/// The head has a fixed length, so head and place cannot be shifted against each other.
fn bind_place(head: &[u8], aad: &str) -> Vec<u8> {
    [head, aad.as_bytes()].concat()
}

fn decode_key_text(text: &str) -> Option<Vec<u8>> {
    if text.len() == 64 {
        return decode_hex(text);
    }
    [URL_SAFE_NO_PAD, URL_SAFE, STANDARD_NO_PAD, STANDARD].iter().find_map(|engine| engine.decode(text).ok())
}

fn decode_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> =
        text.chars().map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
    let digits = Zeroizing::new(digits?);
    Some(digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// 32 random bytes have fewer than 16 different values, a constant step or only printable ASCII with a chance below 2^-40.
fn is_guessable(bytes: &[u8; 32]) -> bool {
    let mut seen = [false; 256];
    for &byte in bytes {
        seen[usize::from(byte)] = true;
    }
    let different = seen.iter().filter(|&&here| here).count();
    let step = bytes[1].wrapping_sub(bytes[0]);
    different < 16
        || bytes.windows(2).all(|pair| pair[1].wrapping_sub(pair[0]) == step)
        || bytes.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ')
}

#[cfg(test)]
mod tests {
    #![expect(clippy::disallowed_methods, reason = "tests draw from the system")]

    use super::*;

    /// Any key, also one that nobody may use.
    fn make_key(bytes: [u8; 32]) -> MasterKey {
        MasterKey(Zeroizing::new(bytes))
    }
    use ring::rand::SystemRandom;

    fn key() -> SealKey {
        make_key([7; 32]).derive("test")
    }

    fn seal(aad: &str, plain: &[u8]) -> String {
        key().seal(&SystemRandom::new(), aad, plain)
    }

    #[test]
    fn a_seal_opens_with_its_key_and_place_only() {
        for plain in [&b""[..], b"x", b"a longer secret, \x00\xff", &[9; 5000]] {
            let sealed = seal("keys/private/k1", plain);
            assert_eq!(key().open("keys/private/k1", &sealed).expect("opens").as_slice(), plain);
            assert!(key().open("keys/private/k2", &sealed).is_none());
            assert!(key().open("", &sealed).is_none());
            assert!(make_key([7; 32]).derive("other").open("keys/private/k1", &sealed).is_none());
            assert!(make_key([8; 32]).derive("test").open("keys/private/k1", &sealed).is_none());
        }
    }

    #[test]
    fn every_changed_byte_breaks_the_seal() {
        let sealed = seal("t/c/1", b"secret");
        let bytes = URL_SAFE_NO_PAD.decode(&sealed).expect("base64url");
        for place in 0..bytes.len() {
            for bit in 0..8 {
                let mut changed = bytes.clone();
                changed[place] ^= 1 << bit;
                assert!(key().open("t/c/1", &URL_SAFE_NO_PAD.encode(changed)).is_none(), "byte {place} bit {bit}");
            }
        }
        for length in 0..bytes.len() {
            assert!(key().open("t/c/1", &URL_SAFE_NO_PAD.encode(&bytes[..length])).is_none(), "cut to {length}");
        }
        assert!(key().open("t/c/1", &URL_SAFE_NO_PAD.encode([&bytes[..], b"x"].concat())).is_none());
    }

    #[test]
    fn every_changed_character_breaks_the_seal() {
        // one spelling per value: padding, white space, other alphabets and loose trailing bits are refused too
        let sealed = seal("t/c/1", b"secret!");
        for place in 0..sealed.len() {
            for other in ['A', 'B', 'Q', '_', '-', '+', '/', '=', ' '] {
                if sealed.as_bytes()[place] != other as u8 {
                    let mut changed = sealed.clone();
                    changed.replace_range(place..=place, &other.to_string());
                    assert!(key().open("t/c/1", &changed).is_none(), "{place} {other}");
                }
            }
        }
        assert!(key().open("t/c/1", &format!("{sealed}=")).is_none());
        assert!(key().open("t/c/1", "é").is_none());
    }

    #[test]
    fn two_seals_of_one_value_differ() {
        assert_ne!(seal("t/c/1", b"secret"), seal("t/c/1", b"secret"));
    }

    #[test]
    fn each_master_key_has_an_id_of_its_own() {
        let master = make_key([7; 32]);
        assert_eq!(master.key_id().len(), 8);
        assert_ne!(master.key_id(), make_key([8; 32]).key_id());
    }

    #[test]
    fn only_the_presenter_of_the_secret_opens() {
        let random = SystemRandom::new();
        let sealed = seal_with_secret(&random, "gp_rt_old", ("refresh answer", "tokens/answer/1"), b"{}");
        assert_eq!(
            open_with_secret("gp_rt_old", ("refresh answer", "tokens/answer/1"), &sealed).expect("opens").as_slice(),
            b"{}"
        );
        assert!(open_with_secret("gp_rt_new", ("refresh answer", "tokens/answer/1"), &sealed).is_none());
        assert!(open_with_secret("gp_rt_old", ("other", "tokens/answer/1"), &sealed).is_none());
        assert!(open_with_secret("gp_rt_old", ("refresh answer", "tokens/answer/2"), &sealed).is_none());
    }

    #[test]
    fn a_mac_holds_for_its_message_and_purpose_only() {
        let mac = key().mac(b"session 1");
        assert_eq!(mac.len(), 43);
        assert!(key().check_mac(b"session 1", &mac));
        assert!(!key().check_mac(b"session 2", &mac));
        assert!(!make_key([7; 32]).derive("other").check_mac(b"session 1", &mac));
        for bad in ["", &mac[..42], &format!("{mac}A"), &format!("{mac}="), "!"] {
            assert!(!key().check_mac(b"session 1", bad), "{bad}");
        }
    }

    #[test]
    fn a_master_key_is_read_in_every_usual_spelling() {
        let mut bytes = [0; 32];
        SystemRandom::new().fill(&mut bytes).expect("randomness");
        bytes[0] = 0xff;
        let id = make_key(bytes).key_id();
        let hex = to_hex(&bytes);
        let spellings = [
            make_key(bytes).to_text().to_string(),
            URL_SAFE.encode(bytes),
            STANDARD.encode(bytes),
            STANDARD_NO_PAD.encode(bytes),
            hex.to_uppercase(),
            format!(" {hex}\r\n"),
        ];
        for text in spellings {
            assert_eq!(MasterKey::parse(&text).map(|key| key.key_id()), Ok(id.clone()), "{text}");
        }
    }

    #[test]
    fn a_missing_short_or_made_up_master_key_is_refused() {
        let fault = |text: &str| MasterKey::parse(text).map(|key| key.key_id()).expect_err("refused");
        assert_eq!(fault("  \n"), MasterKeyFault::Empty);
        for text in [
            "changeme",
            "00",
            &"g".repeat(64),
            &"é".repeat(32),
            &URL_SAFE_NO_PAD.encode([1; 31]),
            &URL_SAFE_NO_PAD.encode([1; 33]),
        ] {
            assert_eq!(fault(text), MasterKeyFault::NotThirtyTwoBytes, "{text}");
        }
        let counted: Vec<u8> = (0..32).collect();
        for bytes in
            [&[0; 32][..], &[7; 32], &counted, b"0123456789abcdef0123456789abcdef", b"correct horse battery staple 123"]
        {
            assert_eq!(fault(&URL_SAFE_NO_PAD.encode(bytes)), MasterKeyFault::Guessable);
        }
    }

    #[test]
    fn generated_master_keys_pass_their_own_check() {
        for _ in 0..100 {
            let key = MasterKey::generate(&SystemRandom::new()).expect("randomness");
            assert!(MasterKey::parse(&key.to_text()).is_ok());
        }
    }
}
