//! An authenticator in software: makes passkeys and assertions, right ones and wrong ones. The engine's tests use it as well.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};

/// The user was there.
pub(crate) const PRESENT: u8 = 0x01;
/// The user was verified.
pub(crate) const VERIFIED: u8 = 0x04;
const ATTESTED: u8 = 0x40;

/// One passkey and the device that keeps it.
pub(crate) struct Authenticator {
    key: EcdsaKeyPair,
    pub(crate) credential_id: Vec<u8>,
    /// zero for ever, as synchronised passkeys have it, unless a test counts
    pub(crate) counter: u32,
    pub(crate) aaguid: [u8; 16],
    user_handle: Vec<u8>,
}

/// What the device is going to say; a test changes what it wants to be wrong.
#[derive(Clone)]
pub(crate) struct Said {
    pub(crate) kind: &'static str,
    pub(crate) origin: String,
    pub(crate) challenge: String,
    pub(crate) cross_origin: Option<bool>,
    pub(crate) rp_id: String,
    pub(crate) flags: u8,
    pub(crate) counter: u32,
    pub(crate) user_handle: Option<Vec<u8>>,
}

fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn text(options: &Value, path: &str) -> String {
    options.pointer(path).and_then(Value::as_str).unwrap_or_else(|| panic!("no {path} in {options}")).to_owned()
}

fn hash(bytes: &[u8]) -> Vec<u8> {
    ring::digest::digest(&ring::digest::SHA256, bytes).as_ref().to_vec()
}

/// A CBOR head with its argument.
fn head(major: u8, argument: usize) -> Vec<u8> {
    match u8::try_from(argument) {
        Ok(small @ 0..=23) => vec![major << 5 | small],
        Ok(byte) => vec![major << 5 | 24, byte],
        Err(_) => {
            let [high, low] = u16::try_from(argument).expect("a short text").to_be_bytes();
            vec![major << 5 | 25, high, low]
        }
    }
}

fn cbor_text(text: &str) -> Vec<u8> {
    [head(3, text.len()), text.as_bytes().to_vec()].concat()
}

fn cbor_bytes(bytes: &[u8]) -> Vec<u8> {
    [head(2, bytes.len()), bytes.to_vec()].concat()
}

impl Authenticator {
    /// A device with a new key.
    #[expect(clippy::disallowed_methods, reason = "what a test makes up need not be the same each time")]
    pub(crate) fn new() -> Self {
        let random = SystemRandom::new();
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).expect("a key");
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, document.as_ref(), &random);
        let key = key.expect("the key is good");
        let credential_id = hash(key.public_key().as_ref());
        Self { key, credential_id, counter: 0, aaguid: [0; 16], user_handle: Vec::new() }
    }

    /// Is asked for a new passkey; remembers whose it is.
    pub(crate) fn begin_make(&mut self, options: &Value, origin: &str) -> Said {
        let handle = text(options, "/publicKey/user/id");
        self.user_handle = URL_SAFE_NO_PAD.decode(handle).expect("a user handle");
        self.say("webauthn.create", options, "/publicKey/rp/id", origin)
    }

    /// Is asked for a proof.
    pub(crate) fn begin_prove(&mut self, options: &Value, origin: &str) -> Said {
        if self.counter > 0 {
            self.counter += 1;
        }
        self.say("webauthn.get", options, "/publicKey/rpId", origin)
    }

    fn say(&self, kind: &'static str, options: &Value, rp_id: &str, origin: &str) -> Said {
        Said {
            kind,
            origin: origin.to_owned(),
            challenge: text(options, "/publicKey/challenge"),
            cross_origin: Some(false),
            rp_id: text(options, rp_id),
            flags: PRESENT | VERIFIED,
            counter: self.counter,
            user_handle: Some(self.user_handle.clone()),
        }
    }

    fn client_data(said: &Said) -> Vec<u8> {
        let mut data = json!({"type": said.kind, "challenge": said.challenge, "origin": said.origin});
        if let Some(cross) = said.cross_origin {
            data["crossOrigin"] = cross.into();
        }
        data.to_string().into_bytes()
    }

    fn authenticator_data(said: &Said, flags: u8) -> Vec<u8> {
        [hash(said.rp_id.as_bytes()), vec![flags], said.counter.to_be_bytes().to_vec()].concat()
    }

    /// The new passkey with attestation "none", as the browser's script writes it.
    pub(crate) fn make(&self, said: &Said) -> String {
        let point = self.key.public_key().as_ref();
        let (x, y) = (&point[1..33], &point[33..65]);
        // {1: 2 (EC2), 3: -7 (ES256), -1: 1 (P-256), -2: x, -3: y}
        let key = [vec![0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21], cbor_bytes(x), vec![0x22], cbor_bytes(y)].concat();
        let length = u16::try_from(self.credential_id.len()).expect("a credential id").to_be_bytes().to_vec();
        let data = Self::authenticator_data(said, said.flags | ATTESTED);
        let data = [data, self.aaguid.to_vec(), length, self.credential_id.clone(), key].concat();
        let object = [
            vec![0xa3],
            cbor_text("fmt"),
            cbor_text("none"),
            cbor_text("attStmt"),
            vec![0xa0],
            cbor_text("authData"),
            cbor_bytes(&data),
        ];
        self.wrap(json!({
            "clientDataJSON": encode(&Self::client_data(said)),
            "attestationObject": encode(&object.concat()),
        }))
    }

    /// The proof, as the browser's script writes it.
    #[expect(clippy::disallowed_methods, reason = "what a test makes up need not be the same each time")]
    pub(crate) fn prove(&self, said: &Said) -> String {
        let (client, data) = (Self::client_data(said), Self::authenticator_data(said, said.flags));
        let message = [data.clone(), hash(&client)].concat();
        let signature = self.key.sign(&SystemRandom::new(), &message).expect("a signature");
        self.wrap(json!({
            "clientDataJSON": encode(&client),
            "authenticatorData": encode(&data),
            "signature": encode(signature.as_ref()),
            "userHandle": said.user_handle.as_deref().map(encode),
        }))
    }

    fn wrap(&self, response: Value) -> String {
        let id = encode(&self.credential_id);
        json!({"id": id, "rawId": id, "type": "public-key", "response": response}).to_string()
    }
}
