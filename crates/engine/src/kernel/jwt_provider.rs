//! The cryptography of `jsonwebtoken` on `ring`: ES256, RS256, PS256 and EdDSA.
//!
//! The crate's own providers pull `rsa` for verifying or a second C library; with no provider at all it panics at the first use.

use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{ErrorKind, Result};
use jsonwebtoken::jwk::ThumbprintHash;
use jsonwebtoken::signature::{Error as SignatureError, Signer, Verifier};
use jsonwebtoken::{Algorithm, DecodingKey, DecodingKeyKind, EncodingKey};
use ring::digest;
use ring::rand::SystemRandom;
use ring::signature::{
    self as ring_signature, EcdsaKeyPair, Ed25519KeyPair, RsaEncoding, RsaKeyPair, RsaParameters,
    RsaPublicKeyComponents, UnparsedPublicKey,
};

static RING_PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: make_signer,
    verifier_factory: make_verifier,
    key_utils: KeyUtils {
        rsa_pub_components_from_private_key: |_| Err(ErrorKind::UnsupportedAlgorithm.into()),
        rsa_pub_components_from_public_key: |_| Err(ErrorKind::UnsupportedAlgorithm.into()),
        ec_pub_components_from_private_key: |_, _| Err(ErrorKind::UnsupportedAlgorithm.into()),
        ed_pub_components_from_private_key: |_, _| Err(ErrorKind::UnsupportedAlgorithm.into()),
        compute_digest,
    },
};

/// Makes `jsonwebtoken` use `ring` in this process; call it before its first use, as often as you like: later calls change nothing.
pub fn install_jwt_provider() {
    // the only error says that a provider is there already
    let _ = RING_PROVIDER.install_default();
}

/// A parsed private key that signs; parsing costs more than an ES256 signature, so keep it.
pub(crate) struct RingSigner {
    algorithm: Algorithm,
    key: PrivateKey,
}

pub(crate) enum PrivateKey {
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Rsa(RsaKeyPair),
}

impl RingSigner {
    /// Parses a private key: PKCS#8, or PKCS#1 for RSA as well; RSA from 2048 bits, EC only on P-256.
    pub(crate) fn parse(algorithm: Algorithm, der: &[u8]) -> Result<Self> {
        let unreadable = |_| ErrorKind::InvalidKeyFormat;
        let key = match algorithm {
            Algorithm::ES256 => {
                let curve = &ring_signature::ECDSA_P256_SHA256_FIXED_SIGNING;
                PrivateKey::Ecdsa(EcdsaKeyPair::from_pkcs8(curve, der, &system_random()).map_err(unreadable)?)
            }
            Algorithm::EdDSA => {
                PrivateKey::Ed25519(Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).map_err(unreadable)?)
            }
            Algorithm::RS256 | Algorithm::PS256 => {
                PrivateKey::Rsa(RsaKeyPair::from_pkcs8(der).or_else(|_| RsaKeyPair::from_der(der)).map_err(unreadable)?)
            }
            _ => return Err(ErrorKind::UnsupportedAlgorithm.into()),
        };
        Ok(Self { algorithm, key })
    }

    /// The parsed key, for its public half.
    pub(crate) fn key(&self) -> &PrivateKey {
        &self.key
    }
}

impl Signer<Vec<u8>> for RingSigner {
    fn try_sign(&self, message: &[u8]) -> std::result::Result<Vec<u8>, SignatureError> {
        let random = system_random();
        match &self.key {
            PrivateKey::Ecdsa(key) => {
                key.sign(&random, message).map(|signature| signature.as_ref().to_vec()).map_err(hide_cause)
            }
            PrivateKey::Ed25519(key) => Ok(key.sign(message).as_ref().to_vec()),
            PrivateKey::Rsa(key) => {
                let padding: &dyn RsaEncoding = match self.algorithm {
                    Algorithm::PS256 => &ring_signature::RSA_PSS_SHA256,
                    _ => &ring_signature::RSA_PKCS1_SHA256,
                };
                let mut signature = vec![0; key.public().modulus_len()];
                key.sign(padding, &random, message, &mut signature).map_err(hide_cause)?;
                Ok(signature)
            }
        }
    }
}

impl JwtSigner for RingSigner {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}

/// A public key that verifies signatures of one algorithm.
pub(crate) struct RingVerifier {
    algorithm: Algorithm,
    key: DecodingKey,
}

impl RingVerifier {
    /// Refuses a key of another family: no HMAC with a public key, no RSA signature for an EC key (RFC 8725 §3.1).
    pub(crate) fn new(algorithm: Algorithm, key: DecodingKey) -> Result<Self> {
        match algorithm {
            Algorithm::ES256 | Algorithm::EdDSA | Algorithm::RS256 | Algorithm::PS256
                if algorithm.family() == key.family() =>
            {
                Ok(Self { algorithm, key })
            }
            _ => Err(ErrorKind::InvalidAlgorithm.into()),
        }
    }

    fn verify_rsa(
        &self,
        parameters: &'static RsaParameters,
        message: &[u8],
        signature: &[u8],
    ) -> std::result::Result<(), SignatureError> {
        match self.key.kind() {
            DecodingKeyKind::SecretOrDer(der) => UnparsedPublicKey::new(parameters, der).verify(message, signature),
            DecodingKeyKind::RsaModulusExponent { n, e } => {
                RsaPublicKeyComponents { n, e }.verify(parameters, message, signature)
            }
        }
        .map_err(hide_cause)
    }
}

impl Verifier<Vec<u8>> for RingVerifier {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> std::result::Result<(), SignatureError> {
        let raw_key = || self.key.try_get_as_bytes().map_err(hide_cause);
        match self.algorithm {
            // FIXED takes r‖s of 64 bytes only, never DER (RFC 7518 §3.4)
            Algorithm::ES256 => UnparsedPublicKey::new(&ring_signature::ECDSA_P256_SHA256_FIXED, raw_key()?)
                .verify(message, signature)
                .map_err(hide_cause),
            Algorithm::EdDSA => UnparsedPublicKey::new(&ring_signature::ED25519, raw_key()?)
                .verify(message, signature)
                .map_err(hide_cause),
            Algorithm::RS256 => self.verify_rsa(&ring_signature::RSA_PKCS1_2048_8192_SHA256, message, signature),
            Algorithm::PS256 => self.verify_rsa(&ring_signature::RSA_PSS_2048_8192_SHA256, message, signature),
            _ => Err(SignatureError::new()),
        }
    }
}

impl JwtVerifier for RingVerifier {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}

/// For ECDSA nonces and RSA blinding.
#[expect(clippy::disallowed_methods, reason = "the traits of jsonwebtoken have no place for a random source")]
fn system_random() -> SystemRandom {
    SystemRandom::new()
}

fn make_signer(algorithm: &Algorithm, key: &EncodingKey) -> Result<Box<dyn JwtSigner>> {
    if algorithm.family() != key.family() {
        return Err(ErrorKind::InvalidAlgorithm.into());
    }
    Ok(Box::new(RingSigner::parse(*algorithm, key.as_bytes())?))
}

fn make_verifier(algorithm: &Algorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>> {
    Ok(Box::new(RingVerifier::new(*algorithm, key.clone())?))
}

fn compute_digest(data: &[u8], hash: ThumbprintHash) -> Result<Vec<u8>> {
    let algorithm = match hash {
        ThumbprintHash::SHA256 => &digest::SHA256,
        ThumbprintHash::SHA384 => &digest::SHA384,
        ThumbprintHash::SHA512 => &digest::SHA512,
        _ => return Err(ErrorKind::UnsupportedAlgorithm.into()),
    };
    Ok(digest::digest(algorithm, data).as_ref().to_vec())
}

/// Why a signature failed must not reach the sender.
fn hide_cause<E>(_: E) -> SignatureError {
    SignatureError::new()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::disallowed_methods, reason = "tests draw from the system")]

    use super::*;
    use jsonwebtoken::{Header, Validation, decode, encode};
    use ring::signature::KeyPair;
    use rsa::pkcs1::EncodeRsaPrivateKey;
    use rsa::pkcs8::DecodePrivateKey;
    use serde_json::{Value, json};

    struct Pair {
        algorithm: Algorithm,
        private: EncodingKey,
        public: DecodingKey,
    }

    fn pairs() -> Vec<Pair> {
        install_jwt_provider();
        let random = SystemRandom::new();
        let ec_der =
            EcdsaKeyPair::generate_pkcs8(&ring_signature::ECDSA_P256_SHA256_FIXED_SIGNING, &random).expect("key");
        let ec = EcdsaKeyPair::from_pkcs8(&ring_signature::ECDSA_P256_SHA256_FIXED_SIGNING, ec_der.as_ref(), &random)
            .expect("key");
        let ed_der = Ed25519KeyPair::generate_pkcs8(&random).expect("key");
        let ed = Ed25519KeyPair::from_pkcs8(ed_der.as_ref()).expect("key");
        let rsa_der = crate::kernel::signing::generate_key(&random, crate::kernel::signing::SigningAlg::Rs256)
            .expect("key")
            .private_pkcs8;
        let rsa = RsaKeyPair::from_pkcs8(&rsa_der).expect("key");
        let numbers: RsaPublicKeyComponents<Vec<u8>> = rsa.public().into();
        let pkcs1 = rsa::RsaPrivateKey::from_pkcs8_der(&rsa_der).expect("key").to_pkcs1_der().expect("key");
        let (ec_public, ed_public) = (ec.public_key().as_ref(), ed.public_key().as_ref());
        vec![
            Pair {
                algorithm: Algorithm::ES256,
                private: EncodingKey::from_ec_der(ec_der.as_ref()),
                public: DecodingKey::from_ec_der(ec_public),
            },
            Pair {
                algorithm: Algorithm::EdDSA,
                private: EncodingKey::from_ed_der(ed_der.as_ref()),
                public: DecodingKey::from_ed_der(ed_public),
            },
            Pair {
                algorithm: Algorithm::RS256,
                private: EncodingKey::from_rsa_der(&rsa_der),
                public: DecodingKey::from_rsa_raw_components(&numbers.n, &numbers.e),
            },
            Pair {
                algorithm: Algorithm::PS256,
                private: EncodingKey::from_rsa_der(pkcs1.as_bytes()),
                public: DecodingKey::from_rsa_der(rsa.public().as_ref()),
            },
        ]
    }

    fn check(token: &str, pair: &Pair, algorithm: Algorithm) -> Result<Value> {
        let mut validation = Validation::new(algorithm);
        validation.validate_aud = false;
        decode::<Value>(token, &pair.public, &validation).map(|data| data.claims)
    }

    #[test]
    fn the_crate_signs_and_verifies_with_ring_and_refuses_foreign_algorithms() {
        let pairs = pairs();
        let claims = json!({ "exp": 9_999_999_999_u64, "sub": "x" });
        for (at, pair) in pairs.iter().enumerate() {
            let token = encode(&Header::new(pair.algorithm), &claims, &pair.private).expect("signs");
            assert_eq!(check(&token, pair, pair.algorithm).expect("verifies"), claims);
            let (body, signature) = token.rsplit_once('.').expect("three parts");
            let other = if signature.starts_with('A') { "B" } else { "A" };
            assert!(
                check(&format!("{body}.{other}{}", &signature[1..]), pair, pair.algorithm).is_err(),
                "{:?}",
                pair.algorithm
            );
            for (other_at, foreign) in pairs.iter().enumerate() {
                if at != other_at {
                    assert!(
                        check(&token, pair, foreign.algorithm).is_err(),
                        "{:?} as {:?}",
                        pair.algorithm,
                        foreign.algorithm
                    );
                }
                if pair.algorithm.family() != foreign.algorithm.family() {
                    assert!(encode(&Header::new(foreign.algorithm), &claims, &pair.private).is_err());
                    assert!(RingVerifier::new(foreign.algorithm, pair.public.clone()).is_err());
                }
            }
        }
    }

    #[test]
    fn an_hmac_or_unknown_algorithm_has_no_signer_and_no_verifier() {
        install_jwt_provider();
        let secret = EncodingKey::from_secret(b"0123456789abcdef0123456789abcdef");
        assert!(encode(&Header::new(Algorithm::HS256), &json!({}), &secret).is_err());
        assert!(RingVerifier::new(Algorithm::HS256, DecodingKey::from_secret(b"public key")).is_err());
        assert!(RingSigner::parse(Algorithm::ES384, &[]).is_err());
        assert!(RingSigner::parse(Algorithm::ES256, b"no key").is_err());
    }

    #[test]
    fn installing_twice_is_quiet() {
        install_jwt_provider();
        install_jwt_provider();
    }
}
