//! The one verifier of JWTs: everything that `jsonwebtoken::Validation` leaves to chance is explicit here (RFC 8725).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::signature::Verifier;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use crate::kernel::jwt_provider::RingVerifier;
use crate::kernel::signing::algorithm_of_key;

const MAX_TOKEN_BYTES: usize = 16 * 1024;

/// Why a JWT does not hold; for logs and tests, never for the sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JwtFault {
    /// Not three base64url parts with JSON objects, too long, or a JSON member twice.
    Malformed,
    /// The header asks for something that we refuse: `crit`, `b64`, `zip`, `enc`, `jku`, `jwk`, `x5u` or `x5c`.
    RefusedHeader,
    /// The type is not the expected one.
    WrongType,
    /// The algorithm is not allowed here, or not that of the key.
    WrongAlgorithm,
    /// No key, or more than one, has the id.
    UnknownKey,
    /// The signature does not verify.
    BadSignature,
    /// `exp` has passed, or a time is not a whole number.
    Expired,
    /// `nbf` is still ahead.
    NotYetValid,
}

impl std::fmt::Display for JwtFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Malformed => "the JWT is malformed",
            Self::RefusedHeader => "the JWT has a header that is refused here",
            Self::WrongType => "the JWT has another type",
            Self::WrongAlgorithm => "the JWT has another algorithm",
            Self::UnknownKey => "the JWT names no known key",
            Self::BadSignature => "the signature of the JWT does not verify",
            Self::Expired => "the JWT has expired",
            Self::NotYetValid => "the JWT is not valid yet",
        })
    }
}

impl std::error::Error for JwtFault {}

/// Verifies a JWT against a key set and returns its claims (RFC 8725): no leeway, as for our own; `exp` and `nbf` are checked when present,
/// so the caller must still ask for the claims that it needs, `iss` and `aud` first.
pub fn verify_jwt(
    token: &str,
    jwks: &str,
    typ: &str,
    algs: &[Algorithm],
    now: i64,
) -> Result<Map<String, Value>, JwtFault> {
    if token.len() > MAX_TOKEN_BYTES {
        return Err(JwtFault::Malformed);
    }
    let (message, signature) = token.rsplit_once('.').ok_or(JwtFault::Malformed)?;
    let (header, claims) = message.split_once('.').ok_or(JwtFault::Malformed)?;
    let header = read_part(header)?;
    if ["crit", "b64", "zip", "enc", "jku", "jwk", "x5u", "x5c"].iter().any(|name| header.contains_key(*name)) {
        return Err(JwtFault::RefusedHeader);
    }
    let text = |name: &str| header.get(name).and_then(Value::as_str);
    if !text("typ").is_some_and(|found| is_type(found, typ)) {
        return Err(JwtFault::WrongType);
    }
    let key = find_key(jwks, text("kid").ok_or(JwtFault::UnknownKey)?)?;
    let (name, algorithm) = algorithm_of_key(&key).ok_or(JwtFault::WrongAlgorithm)?;
    if text("alg") != Some(name) || !algs.contains(&algorithm) {
        return Err(JwtFault::WrongAlgorithm);
    }
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| JwtFault::Malformed)?;
    let jwk = serde_json::from_value(key).map_err(|_| JwtFault::UnknownKey)?;
    let key = DecodingKey::from_jwk(&jwk).map_err(|_| JwtFault::UnknownKey)?;
    let verifier = RingVerifier::new(algorithm, key).map_err(|_| JwtFault::WrongAlgorithm)?;
    verifier.verify(message.as_bytes(), &signature).map_err(|_| JwtFault::BadSignature)?;
    let claims = read_part(claims)?;
    check_times(&claims, now)?;
    Ok(claims)
}

fn check_times(claims: &Map<String, Value>, now: i64) -> Result<(), JwtFault> {
    // a fraction of a second is allowed by RFC 7519 §2, but we never write one
    if claims.get("exp").is_some_and(|exp| exp.as_i64().is_none_or(|exp| exp <= now)) {
        return Err(JwtFault::Expired);
    }
    if claims.get("nbf").is_some_and(|nbf| nbf.as_i64().is_none_or(|nbf| nbf > now)) {
        return Err(JwtFault::NotYetValid);
    }
    Ok(())
}

fn find_key(jwks: &str, kid: &str) -> Result<Value, JwtFault> {
    let Ok(UniqueJson(Value::Object(mut set))) = serde_json::from_str(jwks) else {
        return Err(JwtFault::UnknownKey);
    };
    let Some(Value::Array(keys)) = set.remove("keys") else {
        return Err(JwtFault::UnknownKey);
    };
    let mut named = keys.into_iter().filter(|key| key.get("kid").and_then(Value::as_str) == Some(kid));
    match (named.next(), named.next()) {
        (Some(key), None) => Ok(key),
        _ => Err(JwtFault::UnknownKey),
    }
}

/// Media type names ignore case and may leave `application/` out (RFC 7515 §4.1.9).
fn is_type(found: &str, wanted: &str) -> bool {
    let found = found.to_ascii_lowercase();
    found.strip_prefix("application/").unwrap_or(&found) == wanted.to_ascii_lowercase()
}

fn read_part(part: &str) -> Result<Map<String, Value>, JwtFault> {
    let json = URL_SAFE_NO_PAD.decode(part).map_err(|_| JwtFault::Malformed)?;
    match serde_json::from_slice(&json) {
        Ok(UniqueJson(Value::Object(members))) => Ok(members),
        _ => Err(JwtFault::Malformed),
    }
}

/// JSON in which no object, at any depth, has a member twice: two readers could pick different ones (RFC 7515 §5.2 step 3).
struct UniqueJson(Value);

impl<'de> Deserialize<'de> for UniqueJson {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(UniqueVisitor).map(Self)
    }
}

struct UniqueVisitor;

impl<'de> Visitor<'de> for UniqueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JSON without repeated members")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(UniqueJson(value)) = items.next_element()? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some((name, UniqueJson(value))) = members.next_entry::<String, UniqueJson>()? {
            if object.insert(name, value).is_some() {
                return Err(A::Error::custom("a member is given twice"));
            }
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::disallowed_methods, reason = "tests draw from the system")]

    use super::*;
    use crate::kernel::signing::{SigningAlg, SigningKey, generate_key, jwks_document};
    use ring::rand::SystemRandom;
    use serde_json::json;

    const NOW: i64 = 1_800_000_000;

    struct Case {
        key: SigningKey,
        jwks: String,
    }

    impl Case {
        fn new(alg: SigningAlg) -> Self {
            let new = generate_key(&SystemRandom::new(), alg).expect("key");
            let key = SigningKey::new(alg, &new.kid, &new.private_pkcs8).expect("loads");
            Self { key, jwks: jwks_document(&[new.public_jwk]) }
        }

        /// Signs any header and payload with the right key, so that only the rule under test can refuse it.
        fn forge(&self, header: &str, claims: &str) -> String {
            let header = header.replace("KID", self.key.kid());
            let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
            format!("{message}.{}", URL_SAFE_NO_PAD.encode(self.key.sign_bytes(message.as_bytes()).expect("signs")))
        }

        fn verify(&self, token: &str) -> Result<Map<String, Value>, JwtFault> {
            verify_jwt(token, &self.jwks, "at+jwt", &[Algorithm::ES256, Algorithm::RS256], NOW)
        }
    }

    #[test]
    fn a_forged_or_odd_header_is_refused() {
        let case = Case::new(SigningAlg::Es256);
        let good = r#"{"alg":"ES256","typ":"at+jwt","kid":"KID"}"#;
        assert!(case.verify(&case.forge(good, "{}")).is_ok());
        assert!(case.verify(&case.forge(r#"{"alg":"ES256","typ":"application/AT+JWT","kid":"KID"}"#, "{}")).is_ok());
        let refused = [
            (r#"{"alg":"none","typ":"at+jwt","kid":"KID"}"#, JwtFault::WrongAlgorithm),
            (r#"{"alg":"HS256","typ":"at+jwt","kid":"KID"}"#, JwtFault::WrongAlgorithm),
            (r#"{"alg":"RS256","typ":"at+jwt","kid":"KID"}"#, JwtFault::WrongAlgorithm),
            (r#"{"alg":"es256","typ":"at+jwt","kid":"KID"}"#, JwtFault::WrongAlgorithm),
            (r#"{"typ":"at+jwt","kid":"KID"}"#, JwtFault::WrongAlgorithm),
            (r#"{"alg":"ES256","typ":"JWT","kid":"KID"}"#, JwtFault::WrongType),
            (r#"{"alg":"ES256","kid":"KID"}"#, JwtFault::WrongType),
            (r#"{"alg":"ES256","typ":"at+jwt"}"#, JwtFault::UnknownKey),
            (r#"{"alg":"ES256","typ":"at+jwt","kid":"other"}"#, JwtFault::UnknownKey),
            (r#"{"alg":"ES256","typ":"at+jwt","kid":"KID","crit":["exp"]}"#, JwtFault::RefusedHeader),
            (r#"{"alg":"ES256","typ":"at+jwt","kid":"KID","b64":false}"#, JwtFault::RefusedHeader),
            (r#"{"alg":"ES256","typ":"at+jwt","kid":"KID","jku":"https://evil.example/"}"#, JwtFault::RefusedHeader),
            (r#"{"alg":"ES256","typ":"at+jwt","kid":"KID","jwk":{}}"#, JwtFault::RefusedHeader),
            (r#"{"alg":"none","alg":"ES256","typ":"at+jwt","kid":"KID"}"#, JwtFault::Malformed),
            (r#"["ES256"]"#, JwtFault::Malformed),
        ];
        for (header, fault) in refused {
            assert_eq!(case.verify(&case.forge(header, "{}")), Err(fault), "{header}");
        }
    }

    #[test]
    fn claims_given_twice_at_any_depth_or_out_of_time_are_refused() {
        let case = Case::new(SigningAlg::Es256);
        let header = r#"{"alg":"ES256","typ":"at+jwt","kid":"KID"}"#;
        let refused = [
            (r#"{"sub":"a","sub":"b"}"#, JwtFault::Malformed),
            (r#"{"cnf":[{"jkt":"a","\u006akt":"b"}]}"#, JwtFault::Malformed),
            (r#"{} x"#, JwtFault::Malformed),
            ("[]", JwtFault::Malformed),
            (r#"{"exp":1800000000}"#, JwtFault::Expired),
            (r#"{"exp":"1900000000"}"#, JwtFault::Expired),
            (r#"{"exp":1e99}"#, JwtFault::Expired),
            (r#"{"nbf":1800000001}"#, JwtFault::NotYetValid),
        ];
        for (claims, fault) in refused {
            assert_eq!(case.verify(&case.forge(header, claims)), Err(fault), "{claims}");
        }
        let claims = r#"{"exp":1800000001,"nbf":1800000000,"a":[1,-1,1.5,true,null,{"b":"c"}]}"#;
        assert_eq!(
            case.verify(&case.forge(header, claims)).map(Value::Object),
            Ok(serde_json::from_str(claims).expect("JSON"))
        );
    }

    #[test]
    fn every_changed_character_of_a_token_is_noticed() {
        let case = Case::new(SigningAlg::Es256);
        let token = case.key.sign_jwt("at+jwt", &json!({ "sub": "user" })).expect("signs");
        assert!(case.verify(&token).is_ok());
        for place in 0..token.len() {
            for other in ['A', 'z', '=', '+', '.'] {
                if token.as_bytes()[place] != other as u8 {
                    let mut changed = token.clone();
                    changed.replace_range(place..=place, &other.to_string());
                    assert!(case.verify(&changed).is_err(), "{place} {other}");
                }
            }
        }
        for bad in [
            "",
            ".",
            "..",
            "...",
            &format!("{token}="),
            &format!("{token}.x"),
            &format!(" {token}"),
            &"a".repeat(20_000),
            "é.é.é",
        ] {
            assert!(case.verify(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_key_of_another_kind_or_with_an_id_twice_does_not_verify() {
        let es = Case::new(SigningAlg::Es256);
        let rs = Case::new(SigningAlg::Rs256);
        let token = rs.key.sign_jwt("at+jwt", &json!({})).expect("signs");
        assert!(rs.verify(&token).is_ok());
        assert_eq!(es.verify(&token), Err(JwtFault::UnknownKey));
        let mut stolen = es.key.public_jwk();
        stolen["kid"] = rs.key.kid().into();
        assert_eq!(
            verify_jwt(&token, &jwks_document(&[stolen.clone()]), "at+jwt", &[Algorithm::RS256], NOW),
            Err(JwtFault::WrongAlgorithm)
        );
        let twice = json!({ "keys": [rs.key.public_jwk(), stolen] }).to_string();
        assert_eq!(verify_jwt(&token, &twice, "at+jwt", &[Algorithm::RS256], NOW), Err(JwtFault::UnknownKey));
        assert_eq!(verify_jwt(&token, &rs.jwks, "at+jwt", &[Algorithm::ES256], NOW), Err(JwtFault::WrongAlgorithm));
        assert_eq!(verify_jwt(&token, &rs.jwks, "at+jwt", &[], NOW), Err(JwtFault::WrongAlgorithm));
        let mut pss_only = rs.key.public_jwk();
        pss_only["alg"] = "PS256".into();
        assert_eq!(
            verify_jwt(&token, &jwks_document(&[pss_only]), "at+jwt", &[Algorithm::RS256, Algorithm::PS256], NOW),
            Err(JwtFault::WrongAlgorithm)
        );
        for jwks in ["", "[]", "{}", r#"{"keys":{}}"#, r#"{"keys":[],"keys":[]}"#] {
            assert_eq!(
                verify_jwt(&token, jwks, "at+jwt", &[Algorithm::RS256], NOW),
                Err(JwtFault::UnknownKey),
                "{jwks}"
            );
        }
    }
}
