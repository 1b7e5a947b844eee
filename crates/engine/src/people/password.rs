//! Passwords: their one spelling, the rules for new ones, and argon2id.
//!
//! The check against stolen passwords is a short built-in list with a few rules (`password/patterns.rs`), not a copy of a breach corpus.

mod patterns;

use argon2::password_hash::{Output, PasswordHash};
use argon2::{Algorithm, Argon2, Params, PasswordVerifier, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use ring::rand::SecureRandom;
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

use patterns::{fold, is_common, is_personal};

use crate::kernel::policy::PasswordPolicy;

const MAX_CODE_POINTS: usize = 256;
const MAX_BYTES: usize = 1024;
/// Before normalising, which never makes 1,024 allowed bytes out of more than this: decomposed Hangul, the worst case, shrinks to a third.
const MAX_RAW_BYTES: usize = 4096;
const SALT_LEN: usize = 16;
const TAG_LEN: usize = 32;
/// No hash of ours costs more; one that claims to is damaged, and must not eat the memory of the machine.
const MAX_M_COST: u32 = 1024 * 1024;
const MAX_T_COST: u32 = 64;
const MAX_P_COST: u32 = 64;

/// Why a password is not taken; the texts stand beside the field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordFault {
    /// Fewer code points than the policy asks for.
    TooShort {
        /// What the policy asks for.
        min: usize,
        /// What was typed, in code points after NFC.
        length: usize,
    },
    /// More than 256 code points or 1,024 bytes; nothing is ever cut off.
    TooLong,
    /// In the list, or a pattern like those in it.
    Common,
    /// The email address, the name or another word about the account, with at most digits and signs around it.
    Personal,
}

impl std::fmt::Display for PasswordFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::TooShort { min, length } => write!(f, "Use at least {min} characters; this has {length}."),
            Self::TooLong => write!(f, "Use at most {MAX_CODE_POINTS} characters."),
            Self::Common => f.write_str("That password is in lists of stolen passwords. Choose another."),
            Self::Personal => f.write_str("That password is your name or email address. Choose another."),
        }
    }
}

impl std::error::Error for PasswordFault {}

/// Why no hash was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HashFault {
    /// The password has no allowed spelling.
    Password(PasswordFault),
    /// The random source failed.
    NoRandomness,
    /// The cost in the policy is outside what argon2 or this module allows.
    BadCost,
}

impl std::fmt::Display for HashFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Password(fault) => fault.fmt(f),
            Self::NoRandomness => f.write_str("the operating system gave no random bytes"),
            Self::BadCost => f.write_str(
                "the argon2 cost is out of range: memory 8 KiB per lane to 1 GiB, 1 to 64 passes, 1 to 64 lanes",
            ),
        }
    }
}

impl std::error::Error for HashFault {}

impl From<PasswordFault> for HashFault {
    fn from(fault: PasswordFault) -> Self {
        Self::Password(fault)
    }
}

/// Gives the one spelling of a password, NFC, so that every keyboard produces the same bytes; longer ones are refused before anything slow.
pub fn normalize_password(password: &str) -> Result<Zeroizing<String>, PasswordFault> {
    if password.len() > MAX_RAW_BYTES {
        return Err(PasswordFault::TooLong);
    }
    // room for all at once: a growing string would leave unwiped copies behind
    let mut normal = Zeroizing::new(String::with_capacity(3 * MAX_RAW_BYTES));
    normal.extend(password.nfc());
    if normal.len() > MAX_BYTES || normal.chars().count() > MAX_CODE_POINTS {
        return Err(PasswordFault::TooLong);
    }
    Ok(normal)
}

/// Checks a new password and returns its one spelling; email and name may be empty.
pub fn check_new_password(
    policy: &PasswordPolicy,
    password: &str,
    email: &str,
    name: &str,
) -> Result<Zeroizing<String>, PasswordFault> {
    check_new_password_against(policy, password, &[email, name])
}

/// Checks a new password against more words than email and name, such as the name of the installation.
pub fn check_new_password_against(
    policy: &PasswordPolicy,
    password: &str,
    words: &[&str],
) -> Result<Zeroizing<String>, PasswordFault> {
    let normal = normalize_password(password)?;
    let length = normal.chars().count();
    if length < policy.min_length {
        return Err(PasswordFault::TooShort { min: policy.min_length, length });
    }
    let folded: Zeroizing<Vec<char>> = Zeroizing::new(fold(&normal));
    if is_common(&folded) {
        return Err(PasswordFault::Common);
    }
    if words.iter().any(|word| is_personal(&folded, word)) {
        return Err(PasswordFault::Personal);
    }
    Ok(normal)
}

/// Hashes a password with argon2id, a salt of 16 and a tag of 32 bytes, as a PHC string; slow by design, so never inside a transaction.
pub fn hash_password(policy: &PasswordPolicy, random: &dyn SecureRandom, password: &str) -> Result<String, HashFault> {
    let normal = normalize_password(password)?;
    let hasher = make_policy_hasher(policy)?;
    let mut salt = [0; SALT_LEN];
    random.fill(&mut salt).map_err(|_| HashFault::NoRandomness)?;
    let mut tag = Zeroizing::new([0; TAG_LEN]);
    hasher.hash_password_into(normal.as_bytes(), &salt, tag.as_mut()).map_err(|_| HashFault::BadCost)?;
    Ok(write_phc(policy, &salt, tag.as_ref()))
}

/// Verifies a password in constant time of the tag; argon2id only, and only at a cost that we would make. Slow by design.
pub fn verify_password(phc: &str, password: &str) -> bool {
    let Ok(normal) = normalize_password(password) else { return false };
    let Some(stored) = StoredHash::parse(phc) else { return false };
    let Some(hasher) = make_hasher(stored.m_cost, stored.t_cost, stored.p_cost) else { return false };
    hasher.verify_password(normal.as_bytes(), &stored.hash).is_ok()
}

/// Whether a verified password should be hashed again: a cost, the salt or the tag is smaller than today's, or the hash is of another kind.
pub fn needs_rehash(policy: &PasswordPolicy, phc: &str) -> bool {
    let Some(stored) = StoredHash::parse(phc) else { return true };
    stored.m_cost < policy.m_cost
        || stored.t_cost < policy.t_cost
        || stored.p_cost < policy.p_cost
        || stored.salt_len < SALT_LEN
        || stored.hash.hash.as_ref().map_or(0, Output::len) < TAG_LEN
}

/// Gives a hash that no password fits, so that verifying against it costs an unknown user what a known one costs; making it is cheap.
pub fn dummy_hash(policy: &PasswordPolicy) -> String {
    write_phc(policy, b"gatepost nobody!", &[0; TAG_LEN])
}

fn write_phc(policy: &PasswordPolicy, salt: &[u8], tag: &[u8]) -> String {
    let PasswordPolicy { m_cost, t_cost, p_cost, .. } = policy;
    format!(
        "$argon2id$v=19$m={m_cost},t={t_cost},p={p_cost}${}${}",
        STANDARD_NO_PAD.encode(salt),
        STANDARD_NO_PAD.encode(tag)
    )
}

fn make_policy_hasher(policy: &PasswordPolicy) -> Result<Argon2<'static>, HashFault> {
    make_hasher(policy.m_cost, policy.t_cost, policy.p_cost).ok_or(HashFault::BadCost)
}

fn make_hasher(m_cost: u32, t_cost: u32, p_cost: u32) -> Option<Argon2<'static>> {
    // checked here first: argon2 0.5 multiplies p by 8 without looking
    if m_cost > MAX_M_COST || t_cost > MAX_T_COST || p_cost > MAX_P_COST {
        return None;
    }
    let params = Params::new(m_cost, t_cost, p_cost, Some(TAG_LEN)).ok()?;
    Some(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

struct StoredHash<'a> {
    hash: PasswordHash<'a>,
    m_cost: u32,
    t_cost: u32,
    p_cost: u32,
    salt_len: usize,
}

impl<'a> StoredHash<'a> {
    /// Reads argon2id, version 19, with plausible costs; everything else is `None`.
    fn parse(phc: &'a str) -> Option<Self> {
        let hash = PasswordHash::new(phc).ok()?;
        if hash.algorithm.as_str() != "argon2id" || hash.version != Some(19) {
            return None;
        }
        let cost = |name: &str, most: u32| hash.params.get_decimal(name).filter(|&value| (1..=most).contains(&value));
        let (m_cost, t_cost, p_cost) = (cost("m", MAX_M_COST)?, cost("t", MAX_T_COST)?, cost("p", MAX_P_COST)?);
        let mut salt = [0; 64];
        let salt_len = hash.salt?.decode_b64(&mut salt).ok()?.len();
        Some(Self { hash, m_cost, t_cost, p_cost, salt_len })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::disallowed_methods, reason = "tests draw from the system")]

    use super::*;
    use ring::rand::SystemRandom;

    const CHEAP: PasswordPolicy = PasswordPolicy { min_length: 12, m_cost: 64, t_cost: 2, p_cost: 1 };

    fn hash(password: &str) -> String {
        hash_password(&CHEAP, &SystemRandom::new(), password).expect("hashes")
    }

    fn check(password: &str) -> Result<(), PasswordFault> {
        check_new_password(&CHEAP, password, "anna.berg@example.com", "Anna Berg").map(drop)
    }

    #[test]
    fn a_hash_verifies_its_password_only_and_says_its_cost() {
        let phc = hash("staple battery horse");
        assert!(phc.starts_with("$argon2id$v=19$m=64,t=2,p=1$"), "{phc}");
        let parts: Vec<&str> = phc.split('$').collect();
        assert_eq!(parts.len(), 6);
        assert_eq!(STANDARD_NO_PAD.decode(parts[4]).expect("salt").len(), 16);
        assert_eq!(STANDARD_NO_PAD.decode(parts[5]).expect("tag").len(), 32);
        assert!(verify_password(&phc, "staple battery horse"));
        for wrong in ["staple battery horsf", "staple battery horse ", "Staple battery horse", ""] {
            assert!(!verify_password(&phc, wrong), "{wrong}");
        }
        assert_ne!(phc, hash("staple battery horse"));
    }

    #[test]
    fn a_known_argon2id_hash_verifies() {
        // made by the reference implementation: echo -n "password" | argon2 somesalt -id -t 2 -m 16 -p 1
        let phc = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
        assert!(verify_password(phc, "password"));
        assert!(!verify_password(phc, "passwore"));
        assert!(needs_rehash(&PasswordPolicy { m_cost: 65_536, ..CHEAP }, phc), "its salt is short");
    }

    #[test]
    fn two_spellings_of_one_password_are_the_same() {
        let (composed, decomposed) =
            ("pr\u{e9}f\u{e9}r\u{e9} \u{c5}ngstr\u{f6}m", "pre\u{301}fe\u{301}re\u{301} A\u{30a}ngstro\u{308}m");
        assert_eq!(normalize_password(decomposed).expect("allowed").as_str(), composed);
        assert!(verify_password(&hash(composed), decomposed));
        assert!(verify_password(&hash(decomposed), composed));
        // NFC, not NFKC: a full-width letter stays another letter
        assert_eq!(normalize_password("\u{ff41}").expect("allowed").as_str(), "\u{ff41}");
    }

    #[test]
    fn the_limits_are_256_code_points_and_1024_bytes_of_the_normal_form() {
        assert!(normalize_password(&"a".repeat(256)).is_ok());
        assert_eq!(normalize_password(&"a".repeat(257)).map(drop), Err(PasswordFault::TooLong));
        assert!(normalize_password(&"\u{1f511}".repeat(256)).is_ok());
        assert_eq!(normalize_password(&"\u{1f511}".repeat(257)).map(drop), Err(PasswordFault::TooLong));
        // 256 Hangul syllables, decomposed to 9 bytes each
        assert!(normalize_password(&"\u{1112}\u{1161}\u{11ab}".repeat(256)).is_ok());
        // U+1D160 becomes three characters of four bytes
        assert_eq!(normalize_password(&"\u{1d160}".repeat(256)).map(drop), Err(PasswordFault::TooLong));
        assert_eq!(normalize_password(&"a".repeat(100_000_000)).map(drop), Err(PasswordFault::TooLong));
    }

    #[test]
    fn a_long_password_is_refused_before_hashing_and_never_cut() {
        // at this cost a hash would take a minute and a GiB
        let dear = PasswordPolicy { m_cost: MAX_M_COST, t_cost: MAX_T_COST, ..CHEAP };
        let long = "a".repeat(1025);
        let started = std::time::Instant::now();
        assert_eq!(hash_password(&dear, &SystemRandom::new(), &long), Err(HashFault::Password(PasswordFault::TooLong)));
        assert!(!verify_password(&dummy_hash(&dear), &long));
        assert!(started.elapsed().as_secs() < 5);
        let longest = "b".repeat(256);
        assert!(verify_password(&hash(&longest), &longest));
        assert!(!verify_password(&hash(&longest), &longest[..255]));
    }

    #[test]
    fn a_hash_is_renewed_when_a_parameter_rises_and_not_when_it_falls() {
        let phc = hash("staple battery horse");
        assert!(!needs_rehash(&CHEAP, &phc));
        for higher in [
            PasswordPolicy { m_cost: 65, ..CHEAP },
            PasswordPolicy { t_cost: 3, ..CHEAP },
            PasswordPolicy { p_cost: 2, ..CHEAP },
        ] {
            assert!(needs_rehash(&higher, &phc), "{higher:?}");
        }
        assert!(!needs_rehash(&PasswordPolicy { m_cost: 32, t_cost: 1, ..CHEAP }, &phc));
        let short_tag = phc.rsplit_once('$').expect("PHC").0.to_owned() + "$" + &STANDARD_NO_PAD.encode([1; 16]);
        assert!(needs_rehash(&CHEAP, &short_tag));
        for other in [
            "",
            "x",
            &phc.replace("argon2id", "argon2i"),
            &phc.replace("v=19", "v=16"),
            "$2b$12$abcdefghijklmnopqrstuu",
        ] {
            assert!(needs_rehash(&CHEAP, other), "{other}");
        }
    }

    #[test]
    fn a_damaged_or_foreign_hash_verifies_nothing_and_never_panics() {
        let phc = hash("staple battery horse");
        let damaged = [
            String::new(),
            "$".repeat(10),
            phc.replace("argon2id", "argon2d"),
            phc.replace("v=19", "v=16"),
            phc.replace("m=64", "m=4294967295"),
            phc.replace("t=2", "t=4294967295"),
            phc.replace("p=1", "p=536870912"),
            phc.replace("p=1", "p=0"),
            phc.replace("m=64,", ""),
            phc[..phc.len() - 1].to_owned(),
            phc.rsplit_once('$').expect("PHC").0.to_owned(),
            "plaintext".to_owned(),
        ];
        for phc in damaged {
            assert!(!verify_password(&phc, "staple battery horse"), "{phc}");
            assert!(!verify_password(&phc, ""), "{phc}");
        }
    }

    #[test]
    fn the_hash_of_nobody_has_the_form_and_cost_of_a_real_one() {
        let (nobody, real) = (dummy_hash(&CHEAP), hash("staple battery horse"));
        assert_eq!(nobody.len(), real.len());
        assert!(!needs_rehash(&CHEAP, &nobody));
        assert!(StoredHash::parse(&nobody).is_some());
        for guess in ["", "staple battery horse", "gatepost nobody!"] {
            assert!(!verify_password(&nobody, guess));
        }
    }

    #[test]
    fn an_impossible_cost_is_an_error_and_the_floor_is_known() {
        for bad in [
            PasswordPolicy { m_cost: 0, ..CHEAP },
            PasswordPolicy { t_cost: 0, ..CHEAP },
            PasswordPolicy { p_cost: 0, ..CHEAP },
            PasswordPolicy { p_cost: 16, ..CHEAP },
            PasswordPolicy { p_cost: u32::MAX, ..CHEAP },
            PasswordPolicy { m_cost: u32::MAX, ..CHEAP },
        ] {
            assert_eq!(hash_password(&bad, &SystemRandom::new(), "x"), Err(HashFault::BadCost), "{bad:?}");
            assert!(!verify_password(&dummy_hash(&bad), "x"));
        }
        assert!(!CHEAP.meets_floor());
        assert!(PasswordPolicy { m_cost: 19_456, t_cost: 2, ..CHEAP }.meets_floor());
        assert!(PasswordPolicy { m_cost: 47_104, t_cost: 1, ..CHEAP }.meets_floor());
        assert!(!PasswordPolicy { m_cost: 19_456, t_cost: 1, ..CHEAP }.meets_floor());
    }

    #[test]
    fn a_short_password_is_told_its_length_in_code_points() {
        assert_eq!(check("hunter2").expect_err("short").to_string(), "Use at least 12 characters; this has 7.");
        assert_eq!(
            check("e\u{301}\u{1f511}").expect_err("short").to_string(),
            "Use at least 12 characters; this has 2."
        );
        assert_eq!(check("").expect_err("short").to_string(), "Use at least 12 characters; this has 0.");
        assert_eq!(check(&"ab1".repeat(100)), Err(PasswordFault::TooLong));
    }

    #[test]
    fn stolen_and_patterned_passwords_are_refused() {
        let text = "That password is in lists of stolen passwords. Choose another.";
        for password in [
            "correcthorsebatterystaple",
            "CorrectHorseBatteryStaple",
            "password1234",
            "P@ssw0rd2024!!",
            "Password2024!",
            "passwordpassword",
            "letmeinletmein",
            "aaaaaaaaaaaa",
            "abababababab",
            "123456789012",
            "987654321098",
            "1234567890123456",
            "abcdefghijkl",
            "qwertyuiop12",
            "qwertyuiop[]",
            "asdfghjkl123",
            "1qaz2wsx3edc4rfv",
            "1q2w3e4r5t6y",
            "abcdef123456",
            "Welcome12345!",
            "administrator1",
            "gatepost12345",
            "GatepostGatepost",
            "111111111111111a",
            "            ",
            "\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}",
            "@dministr@tor",
            "Summer2024!!!!",
        ] {
            assert_eq!(check(password).expect_err(password).to_string(), text, "{password}");
        }
    }

    #[test]
    fn the_email_address_and_the_name_are_refused_with_their_own_words() {
        for password in [
            "anna.berg@example.com",
            "ANNA.BERG@EXAMPLE.COM",
            "annaberg1985!",
            "1985 Anna Berg",
            "annabergannaberg",
            "Anna_Berg_2024!",
        ] {
            assert_eq!(check(password), Err(PasswordFault::Personal), "{password}");
        }
        assert!(check_new_password_against(&CHEAP, "Acme Notes 2024", &["Acme Notes"]).is_err());
        // nobody's email or name refuses nothing
        assert!(check_new_password(&CHEAP, "anna.berg@example.com", "", "").is_ok());
        assert!(check_new_password(&CHEAP, "anna.berg@example.com", "@", "!").is_ok());
    }

    #[test]
    fn unlike_words_and_random_characters_are_taken_as_they_are() {
        for password in [
            "violet kettle orbit",
            "gT7#kq9Lm2xZ",
            "  leading and trailing  ",
            "password of my neighbour's cat",
            "correct horse battery stable",
            "\u{5bc6}\u{7801}\u{4e0d}\u{80fd}\u{592a}\u{77ed}\u{6240}\u{4ee5}\u{6211}\u{5199}\u{957f}\u{4e00}\u{70b9}",
            "anna likes berg hiking",
            "83017462530917",
            "4f9d2c7ab1e08d63",
            "x-password-83017462",
        ] {
            assert_eq!(
                check_new_password(&CHEAP, password, "anna.berg@example.com", "Anna Berg")
                    .map(|normal| normal.to_string()),
                Ok(password.to_owned()),
                "{password}"
            );
        }
    }
}
