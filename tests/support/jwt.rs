//! Reads and verifies JWTs by what the server publishes, without the server's own code.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey};
use serde_json::Value;

use super::app::TestApp;

fn decode(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).expect("base64url without padding")
}

/// Header and claims of a JWT whose signature is good by the published keys.
pub(crate) fn verify_jwt(app: &TestApp, token: &str) -> (Value, Value) {
    let parts: Vec<&str> = token.split('.').collect();
    let [head, claims, signature] = parts.as_slice() else { panic!("not a JWS: {token}") };
    let header: Value = serde_json::from_slice(&decode(head)).expect("JSON");
    let keys = app.get("/oauth2/jwks").json();
    let key = keys["keys"].as_array().expect("a list").iter().find(|key| key["kid"] == header["kid"]);
    let key = key.unwrap_or_else(|| panic!("no published key for {header}"));
    assert_eq!(key["alg"], header["alg"]);
    let part = |name: &str| decode(key[name].as_str().expect("text"));
    let message = format!("{head}.{claims}");
    let (message, signature) = (message.as_bytes(), decode(signature));
    let verified = match header["alg"].as_str() {
        Some("ES256") => {
            let point = [vec![4], part("x"), part("y")].concat();
            UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(message, &signature)
        }
        Some("RS256") => RsaPublicKeyComponents { n: part("n"), e: part("e") }.verify(
            &RSA_PKCS1_2048_8192_SHA256,
            message,
            &signature,
        ),
        other => panic!("signed with {other:?}"),
    };
    verified.expect("the signature is good");
    (header, serde_json::from_slice(&decode(claims)).expect("JSON"))
}
