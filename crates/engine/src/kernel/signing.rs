//! Our signing keys, the JWTs that they sign, and the published key set.
//!
//! An algorithm belongs to a key for its whole life; the key id is the RFC 7638 thumbprint.

use std::collections::HashSet;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::signature::Signer;
use jsonwebtoken::{Algorithm, Header};
use ring::digest;
use ring::rand::SecureRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RsaPublicKeyComponents};
use rsa::RsaPrivateKey;
use rsa::pkcs8::EncodePrivateKey;
use rsa::rand_core::{self, CryptoRng, RngCore};
use serde::Serialize;
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use crate::kernel::jwt_provider::{PrivateKey, RingSigner};

const RSA_BITS: usize = 2048;

/// What our own keys sign with: ES256 by default, RS256 because OpenID Connect Core §15.1 and RFC 9068 §2.1 ask for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SigningAlg {
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// RSASSA-PKCS1-v1_5 with SHA-256, 2048 bits.
    Rs256,
}

impl SigningAlg {
    /// The JOSE name (RFC 7518 §3.1).
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::Rs256 => "RS256",
        }
    }

    /// Reads the JOSE name; `None` for every other algorithm, `none` among them.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "ES256" => Some(Self::Es256),
            "RS256" => Some(Self::Rs256),
            _ => None,
        }
    }

    fn to_jose(self) -> Algorithm {
        match self {
            Self::Es256 => Algorithm::ES256,
            Self::Rs256 => Algorithm::RS256,
        }
    }
}

/// Why a key could not be made or loaded, or a JWT not be signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SigningFault {
    /// The random source failed.
    NoRandomness,
    /// The bytes are no private key of that algorithm.
    BadKey,
    /// The key id is empty, longer than 64 or has characters other than `A-Z a-z 0-9 - _`.
    BadKeyId,
    /// The claims are not representable as a JSON object.
    BadClaims,
    /// The key could not be made or would not sign.
    Failed,
}

impl std::fmt::Display for SigningFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::NoRandomness => "the operating system gave no random bytes",
            Self::BadKey => "the private key cannot be read",
            Self::BadKeyId => "the key id is not 1 to 64 characters of A-Z a-z 0-9 - _",
            Self::BadClaims => "the claims are not a JSON object",
            Self::Failed => "the key could not be made or does not sign",
        })
    }
}

impl std::error::Error for SigningFault {}

/// A key that was just made; seal `private_pkcs8` before it touches a disk. No `Debug`.
pub struct NewKey {
    /// RFC 7638 thumbprint, 43 characters.
    pub kid: String,
    /// The algorithm of the key for its whole life.
    pub alg: SigningAlg,
    /// Public members only, with `use`, `alg` and `kid`.
    pub public_jwk: Value,
    /// PKCS#8 DER.
    pub private_pkcs8: Zeroizing<Vec<u8>>,
}

/// Makes a key pair; RSA takes a noticeable part of a second, so never inside a transaction.
pub fn generate_key(random: &dyn SecureRandom, alg: SigningAlg) -> Result<NewKey, SigningFault> {
    let private_pkcs8 = match alg {
        SigningAlg::Es256 => {
            let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, random)
                .map_err(|_| SigningFault::NoRandomness)?;
            Zeroizing::new(document.as_ref().to_vec())
        }
        SigningAlg::Rs256 => {
            let mut source = RsaRandom::new(random)?;
            let key = RsaPrivateKey::new(&mut source, RSA_BITS).map_err(|_| SigningFault::Failed)?;
            if source.failed {
                return Err(SigningFault::NoRandomness);
            }
            key.to_pkcs8_der().map_err(|_| SigningFault::Failed)?.to_bytes()
        }
    };
    let public =
        read_public_members(&RingSigner::parse(alg.to_jose(), &private_pkcs8).map_err(|_| SigningFault::BadKey)?);
    let kid = thumbprint_jwk(&Value::Object(public.clone())).ok_or(SigningFault::Failed)?;
    let public_jwk = describe_jwk(public, alg.as_str(), &kid);
    Ok(NewKey { kid, alg, public_jwk, private_pkcs8 })
}

/// Gives the random source of `ring` to the `rsa` crate, whose trait cannot report a failure: the result is thrown away then.
struct RsaRandom<'a> {
    random: &'a dyn SecureRandom,
    spare: digest::Digest,
    failed: bool,
}

impl<'a> RsaRandom<'a> {
    fn new(random: &'a dyn SecureRandom) -> Result<Self, SigningFault> {
        let mut seed = [0; 32];
        random.fill(&mut seed).map_err(|_| SigningFault::NoRandomness)?;
        Ok(Self { random, spare: digest::digest(&digest::SHA256, &seed), failed: false })
    }
}

impl RngCore for RsaRandom<'_> {
    fn next_u32(&mut self) -> u32 {
        rand_core::impls::next_u32_via_fill(self)
    }

    fn next_u64(&mut self) -> u64 {
        rand_core::impls::next_u64_via_fill(self)
    }

    fn fill_bytes(&mut self, dest: &mut [u8]) {
        if self.random.fill(dest).is_err() {
            // constant bytes could keep the search for a prime going for ever, so it ends on bytes that nobody will use
            self.failed = true;
            for chunk in dest.chunks_mut(digest::SHA256_OUTPUT_LEN) {
                self.spare = digest::digest(&digest::SHA256, self.spare.as_ref());
                chunk.copy_from_slice(&self.spare.as_ref()[..chunk.len()]);
            }
        }
    }

    fn try_fill_bytes(&mut self, dest: &mut [u8]) -> Result<(), rand_core::Error> {
        self.fill_bytes(dest);
        Ok(())
    }
}

impl CryptoRng for RsaRandom<'_> {}

/// A loaded key, parsed once and signing many times; share it, it has no `Debug` and no way to read the private half.
pub struct SigningKey {
    alg: SigningAlg,
    kid: String,
    signer: RingSigner,
}

impl SigningKey {
    /// Loads a PKCS#8 private key under its recorded algorithm and id.
    pub fn new(alg: SigningAlg, kid: &str, private_pkcs8: &[u8]) -> Result<Self, SigningFault> {
        if !is_key_id(kid) {
            return Err(SigningFault::BadKeyId);
        }
        let signer = RingSigner::parse(alg.to_jose(), private_pkcs8).map_err(|_| SigningFault::BadKey)?;
        Ok(Self { alg, kid: kid.to_owned(), signer })
    }

    /// The algorithm of the key.
    pub fn alg(&self) -> SigningAlg {
        self.alg
    }

    /// The id of the key, as in the header `kid`.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The public half as a JWK with `use`, `alg` and `kid`.
    pub fn public_jwk(&self) -> Value {
        describe_jwk(read_public_members(&self.signer), self.alg.as_str(), &self.kid)
    }

    /// Signs claims as a JWT with an explicit type (`at+jwt`, `token-introspection+jwt`, …; RFC 8725 §3.11).
    pub fn sign_jwt(&self, typ: &str, claims: &impl Serialize) -> Result<String, SigningFault> {
        let mut header = Header::new(self.alg.to_jose());
        header.typ = Some(typ.to_owned());
        header.kid = Some(self.kid.clone());
        let header = serde_json::to_vec(&header).map_err(|_| SigningFault::Failed)?;
        let claims = serde_json::to_vec(claims).map_err(|_| SigningFault::BadClaims)?;
        if claims.first() != Some(&b'{') {
            return Err(SigningFault::BadClaims);
        }
        // `jsonwebtoken::encode` would parse the private key again for every token
        let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        let signature = self.sign_bytes(message.as_bytes())?;
        Ok(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    /// Signs bytes as they are; only for what is built like a JWT, for a signature says nothing about its purpose.
    pub(crate) fn sign_bytes(&self, message: &[u8]) -> Result<Vec<u8>, SigningFault> {
        self.signer.try_sign(message).map_err(|_| SigningFault::Failed)
    }
}

/// Computes the RFC 7638 thumbprint of a public JWK (EC, RSA or OKP); base64url SHA-256, 43 characters.
pub fn thumbprint_jwk(jwk: &Value) -> Option<String> {
    let mut members: Vec<&str> = public_members(jwk.get("kty")?.as_str()?)?.to_vec();
    members.push("kty");
    // RFC 7638 §3.3: the required members only, in the order of their names, without white space
    members.sort_unstable();
    let mut canonical = Vec::new();
    for name in members {
        canonical.push(format!("\"{name}\":{}", Value::from(jwk.get(name)?.as_str()?)));
    }
    let canonical = format!("{{{}}}", canonical.join(","));
    Some(URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, canonical.as_bytes())))
}

/// Renders the JWK set (RFC 7517 §5): public members only, whatever came in; a key without id, of unknown kind or with an id seen before is left out.
pub fn jwks_document(keys: &[Value]) -> String {
    let mut seen = HashSet::new();
    let published: Vec<Value> =
        keys.iter().filter_map(publish_key).filter(|(kid, _)| seen.insert(kid.clone())).map(|(_, jwk)| jwk).collect();
    json!({ "keys": published }).to_string()
}

fn publish_key(key: &Value) -> Option<(String, Value)> {
    let kind = key.get("kty")?.as_str()?;
    let kid = key.get("kid")?.as_str().filter(|kid| is_key_id(kid))?;
    let alg = algorithm_of_key(key)?;
    let mut public = Map::new();
    public.insert("kty".to_owned(), kind.into());
    for &name in public_members(kind)? {
        public.insert(name.to_owned(), key.get(name)?.as_str()?.into());
    }
    Some((kid.to_owned(), describe_jwk(public, alg.0, kid)))
}

fn describe_jwk(mut public: Map<String, Value>, alg: &str, kid: &str) -> Value {
    public.insert("use".to_owned(), "sig".into());
    public.insert("alg".to_owned(), alg.into());
    public.insert("kid".to_owned(), kid.into());
    Value::Object(public)
}

fn public_members(kind: &str) -> Option<&'static [&'static str]> {
    match kind {
        "EC" => Some(&["crv", "x", "y"]),
        "RSA" => Some(&["n", "e"]),
        "OKP" => Some(&["crv", "x"]),
        _ => None,
    }
}

fn read_public_members(signer: &RingSigner) -> Map<String, Value> {
    let text = |bytes: &[u8]| Value::from(URL_SAFE_NO_PAD.encode(bytes));
    let members = match signer.key() {
        PrivateKey::Ecdsa(key) => {
            // an uncompressed point: 0x04, then x and y of 32 bytes each (SEC 1 §2.3.3)
            let (x, y) = key.public_key().as_ref()[1..].split_at(32);
            json!({ "kty": "EC", "crv": "P-256", "x": text(x), "y": text(y) })
        }
        PrivateKey::Ed25519(key) => json!({ "kty": "OKP", "crv": "Ed25519", "x": text(key.public_key().as_ref()) }),
        PrivateKey::Rsa(key) => {
            let numbers: RsaPublicKeyComponents<Vec<u8>> = key.public().into();
            json!({ "kty": "RSA", "n": text(&numbers.n), "e": text(&numbers.e) })
        }
    };
    members.as_object().cloned().unwrap_or_default()
}

/// The one algorithm that a key may be used with: its `alg`, or the usual one of its kind when it names none.
pub(crate) fn algorithm_of_key(key: &Value) -> Option<(&'static str, Algorithm)> {
    let text = |name: &str| key.get(name).map(|value| value.as_str().unwrap_or_default());
    match (text("kty")?, text("crv"), text("alg")) {
        ("EC", Some("P-256"), None | Some("ES256")) => Some(("ES256", Algorithm::ES256)),
        ("OKP", Some("Ed25519"), None | Some("EdDSA")) => Some(("EdDSA", Algorithm::EdDSA)),
        ("RSA", None, None | Some("RS256")) => Some(("RS256", Algorithm::RS256)),
        ("RSA", None, Some("PS256")) => Some(("PS256", Algorithm::PS256)),
        _ => None,
    }
}

fn is_key_id(kid: &str) -> bool {
    (1..=64).contains(&kid.len())
        && kid.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

#[cfg(test)]
mod tests {
    #![expect(clippy::disallowed_methods, reason = "tests draw from the system")]

    use super::*;
    use crate::kernel::jwt_verify::{JwtFault, verify_jwt};
    use ring::rand::SystemRandom;

    fn new_key(alg: SigningAlg) -> NewKey {
        generate_key(&SystemRandom::new(), alg).expect("key")
    }

    #[test]
    fn both_algorithms_sign_what_the_published_set_verifies() {
        for alg in [SigningAlg::Es256, SigningAlg::Rs256] {
            let new = new_key(alg);
            let key = SigningKey::new(alg, &new.kid, &new.private_pkcs8).expect("loads");
            assert_eq!(key.public_jwk(), new.public_jwk);
            let claims = json!({ "iss": "http://localhost:8480", "exp": 100 });
            let token = key.sign_jwt("at+jwt", &claims).expect("signs");
            let jwks = jwks_document(&[new.public_jwk]);
            assert_eq!(verify_jwt(&token, &jwks, "at+jwt", &[alg.to_jose()], 99).map(Value::Object), Ok(claims));
            assert_eq!(verify_jwt(&token, &jwks, "at+jwt", &[alg.to_jose()], 100), Err(JwtFault::Expired));
            // the crate itself agrees, key set and all
            crate::kernel::jwt_provider::install_jwt_provider();
            let set: jsonwebtoken::jwk::JwkSet = serde_json::from_str(&jwks).expect("JWK set");
            let mut validation = jsonwebtoken::Validation::new(alg.to_jose());
            validation.validate_exp = false;
            let public = jsonwebtoken::DecodingKey::from_jwk(set.find(key.kid()).expect("kid")).expect("key");
            assert!(jsonwebtoken::decode::<Value>(&token, &public, &validation).is_ok());
        }
    }

    #[test]
    fn ring_loads_every_rsa_key_that_we_make() {
        // the order of the two primes is left to chance
        for _ in 0..4 {
            let new = new_key(SigningAlg::Rs256);
            let key = SigningKey::new(SigningAlg::Rs256, &new.kid, &new.private_pkcs8).expect("loads");
            assert!(key.sign_jwt("JWT", &json!({})).is_ok());
            assert_eq!(new.public_jwk["e"], "AQAB");
            assert_eq!(
                URL_SAFE_NO_PAD.decode(new.public_jwk["n"].as_str().expect("text")).expect("base64url").len(),
                256
            );
        }
    }

    #[test]
    fn the_thumbprint_is_that_of_the_rfc() {
        // RFC 7638 §3.1
        let jwk = json!({ "kty": "RSA", "e": "AQAB", "alg": "RS256", "kid": "2011-04-29",
            "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw" });
        assert_eq!(thumbprint_jwk(&jwk).as_deref(), Some("NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"));
        // RFC 8037 §A.3
        let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" });
        assert_eq!(thumbprint_jwk(&jwk).as_deref(), Some("kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"));
        for bad in
            [json!({}), json!({ "kty": "EC", "crv": "P-256", "x": 1, "y": "a" }), json!({ "kty": "oct", "k": "a" })]
        {
            assert_eq!(thumbprint_jwk(&bad), None);
        }
    }

    #[test]
    fn a_new_key_is_named_by_its_thumbprint_and_two_differ() {
        let (first, second) = (new_key(SigningAlg::Es256), new_key(SigningAlg::Es256));
        assert_eq!(first.kid.len(), 43);
        assert_eq!(thumbprint_jwk(&first.public_jwk), Some(first.kid.clone()));
        assert_ne!(first.kid, second.kid);
        assert_eq!(first.public_jwk["alg"], "ES256");
        assert_eq!(first.public_jwk["use"], "sig");
        assert_eq!(first.public_jwk["kid"], first.kid);
    }

    #[test]
    fn the_key_set_never_carries_private_members_duplicates_or_strangers() {
        let public = new_key(SigningAlg::Es256).public_jwk;
        let mut private = public.clone();
        for (name, value) in [("d", "secret"), ("p", "secret"), ("k", "secret"), ("x5c", "secret")] {
            private[name] = value.into();
        }
        let set = jwks_document(&[
            private.clone(),
            public.clone(),
            json!({ "kty": "oct", "k": "secret", "kid": "a" }),
            json!("x"),
            Value::Null,
        ]);
        assert!(!set.contains("secret"));
        assert_eq!(serde_json::from_str::<Value>(&set).expect("JSON"), json!({ "keys": [public] }));
        assert_eq!(jwks_document(&[]), r#"{"keys":[]}"#);
    }

    #[test]
    fn a_key_is_loaded_under_its_own_algorithm_and_a_plain_id_only() {
        let es = new_key(SigningAlg::Es256);
        let fault =
            |alg, kid: &str, der: &[u8]| SigningKey::new(alg, kid, der).map(|key| key.kid).expect_err("refused");
        assert_eq!(fault(SigningAlg::Rs256, &es.kid, &es.private_pkcs8), SigningFault::BadKey);
        assert_eq!(fault(SigningAlg::Es256, &es.kid, &es.private_pkcs8[1..]), SigningFault::BadKey);
        assert_eq!(fault(SigningAlg::Es256, &es.kid, b""), SigningFault::BadKey);
        for kid in ["", "../../etc/passwd", "a b", "ä", &"k".repeat(65)] {
            assert_eq!(fault(SigningAlg::Es256, kid, &es.private_pkcs8), SigningFault::BadKeyId, "{kid}");
        }
    }

    #[test]
    fn claims_that_are_no_object_are_not_signed() {
        let new = new_key(SigningAlg::Es256);
        let key = SigningKey::new(new.alg, &new.kid, &new.private_pkcs8).expect("loads");
        for claims in [json!([]), json!("x"), Value::Null] {
            assert_eq!(key.sign_jwt("JWT", &claims), Err(SigningFault::BadClaims));
        }
        let unwritable = std::collections::HashMap::from([((1, 2), 3)]);
        assert_eq!(key.sign_jwt("JWT", &unwritable), Err(SigningFault::BadClaims));
    }

    #[test]
    fn algorithm_names_are_read_exactly() {
        for alg in [SigningAlg::Es256, SigningAlg::Rs256] {
            assert_eq!(SigningAlg::parse(alg.as_str()), Some(alg));
        }
        for name in ["none", "HS256", "es256", "", "ES384"] {
            assert_eq!(SigningAlg::parse(name), None);
        }
    }
}
