//! Reads what a browser brings back from an authenticator, bounded and strictly, before the library looks at it (PK2, PK3, PK7).
//!
//! The library verifies challenge, origin, rpIdHash, flags and signature. It does not look at `crossOrigin` of an assertion, compares
//! origins as addresses and not as texts, and takes CBOR of any shape; so that is decided here.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use webauthn_rs::prelude::{PublicKeyCredential, RegisterPublicKeyCredential};

use crate::kernel::relying_party::RelyingParty;

/// Longest answer of an authenticator, as JSON.
const MAX_TEXT: usize = 64 * 1024;
/// Deepest JSON.
const MAX_JSON_DEPTH: usize = 32;
/// Deepest CBOR.
const MAX_CBOR_DEPTH: usize = 8;
/// Longest credential id (WebAuthn L3 §4).
const MAX_CREDENTIAL_ID: usize = 1023;
/// Length of authenticator data before its variable parts: hash, flags, counter (WebAuthn L3 §6.1).
const AUTH_DATA_HEAD: usize = 37;
const FLAG_ATTESTED: u8 = 0x40;
const FLAG_EXTENSIONS: u8 = 0x80;

/// An assertion; `None` for anything that no browser of ours would send.
pub(super) fn read_assertion(party: &RelyingParty, text: &str) -> Option<PublicKeyCredential> {
    let credential: PublicKeyCredential = serde_json::from_value(read_json(text.as_bytes())?).ok()?;
    check_id(&credential.id, &credential.raw_id, &credential.type_)?;
    check_client_data(party, &credential.response.client_data_json, "webauthn.get")?;
    read_authenticator_data(&credential.response.authenticator_data, false)?;
    Some(credential)
}

/// A new credential and the AAGUID that its authenticator claims.
pub(super) fn read_attestation(party: &RelyingParty, text: &str) -> Option<(RegisterPublicKeyCredential, [u8; 16])> {
    let credential: RegisterPublicKeyCredential = serde_json::from_value(read_json(text.as_bytes())?).ok()?;
    check_id(&credential.id, &credential.raw_id, &credential.type_)?;
    check_client_data(party, &credential.response.client_data_json, "webauthn.create")?;
    let (aaguid, id) = read_authenticator_data(find_auth_data(&credential.response.attestation_object)?, true)??;
    (id == credential.raw_id).then_some((credential, aaguid))
}

/// The form in which credential ids are stored and compared.
pub(super) fn encode_id(raw: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(raw)
}

fn check_id(id: &str, raw: &[u8], kind: &str) -> Option<()> {
    let good = !raw.is_empty() && raw.len() <= MAX_CREDENTIAL_ID && id == encode_id(raw) && kind == "public-key";
    good.then_some(())
}

fn check_client_data(party: &RelyingParty, bytes: &[u8], kind: &str) -> Option<()> {
    let data = read_json(bytes)?;
    let framed = data.get("crossOrigin").is_some_and(|value| value != false) || data.get("topOrigin").is_some();
    let good = data.get("type")? == kind && data.get("origin")? == party.origin.as_str() && !framed;
    good.then_some(())
}

fn read_json(bytes: &[u8]) -> Option<Value> {
    if bytes.len() > MAX_TEXT || measure_depth(bytes) > MAX_JSON_DEPTH {
        return None;
    }
    serde_json::from_slice(bytes).ok()
}

/// How deep brackets nest, outside of texts; for JSON that is none, any number.
fn measure_depth(bytes: &[u8]) -> usize {
    let (mut depth, mut deepest, mut in_text, mut escaped) = (0_usize, 0, false, false);
    for byte in bytes {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'[' | b'{' if !in_text => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// Checks the shape of authenticator data to its last byte; AAGUID and credential id if it is of a new credential.
#[expect(clippy::option_option, reason = "the outer one: well-formed; the inner one: of a new credential")]
fn read_authenticator_data(bytes: &[u8], attested: bool) -> Option<Option<([u8; 16], &[u8])>> {
    let (head, mut rest) = bytes.split_at_checked(AUTH_DATA_HEAD)?;
    let flags = head[32];
    if (flags & FLAG_ATTESTED != 0) != attested {
        return None;
    }
    let mut found = None;
    if attested {
        let (aaguid, after) = rest.split_at_checked(16)?;
        let (length, after) = after.split_at_checked(2)?;
        let (id, after) = after.split_at_checked(usize::from(u16::from_be_bytes(length.try_into().ok()?)))?;
        rest = skip_item(after, 0)?;
        found = Some((aaguid.try_into().ok()?, id));
    }
    if flags & FLAG_EXTENSIONS != 0 {
        rest = skip_item(rest, 0)?;
    }
    rest.is_empty().then_some(found)
}

/// The authenticator data within an attestation object, whose CBOR is well-formed to its last byte.
fn find_auth_data(object: &[u8]) -> Option<&[u8]> {
    if object.len() > MAX_TEXT || !skip_item(object, 0)?.is_empty() {
        return None;
    }
    let (kind, count, mut rest) = read_head(object)?;
    if kind != 5 {
        return None;
    }
    let mut found = None;
    for _ in 0..count {
        let (key, after) = read_string(rest)?;
        if key == b"authData" {
            let (value, after) = read_string(after)?;
            if found.replace(value).is_some() {
                return None;
            }
            rest = after;
        } else {
            rest = skip_item(after, 1)?;
        }
    }
    found
}

fn read_string(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    match read_head(bytes)? {
        (2 | 3, length, rest) => rest.split_at_checked(usize::try_from(length).ok()?),
        _ => None,
    }
}

/// What follows one CBOR item. CTAP knows neither tags nor items of indefinite length, and nests no deeper than four.
fn skip_item(bytes: &[u8], depth: usize) -> Option<&[u8]> {
    let (kind, argument, rest) = read_head(bytes)?;
    match kind {
        0 | 1 | 7 => Some(rest),
        2 | 3 => rest.get(usize::try_from(argument).ok()?..),
        4 | 5 if depth < MAX_CBOR_DEPTH => {
            let count = argument.checked_mul(if kind == 5 { 2 } else { 1 })?;
            // each item has a byte at least: a short text cannot make a long loop
            if count > rest.len() as u64 {
                return None;
            }
            (0..count).try_fold(rest, |rest, _| skip_item(rest, depth + 1))
        }
        _ => None,
    }
}

/// Major type, argument, and what follows (RFC 8949 §3).
fn read_head(bytes: &[u8]) -> Option<(u8, u64, &[u8])> {
    let (first, rest) = bytes.split_first()?;
    let info = first & 31;
    let (argument, rest) = match info {
        0..=23 => (u64::from(info), rest),
        24..=27 => {
            let (number, rest) = rest.split_at_checked(1 << (info - 24))?;
            (number.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)), rest)
        }
        _ => return None,
    };
    Some((first >> 5, argument, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pk_7_cbor_is_bounded_in_depth_and_length() {
        let nested = |levels: usize| [vec![0x81; levels], vec![0]].concat();
        assert_eq!(skip_item(&nested(8), 0), Some(&[][..]));
        assert_eq!(skip_item(&nested(9), 0), None);
        assert_eq!(skip_item(&nested(60_000), 0), None);
        let bad: [&[u8]; 9] = [
            &[],
            &[0x58],                                            // a length is missing
            &[0x42, 1],                                         // two bytes, one there
            &[0x5b, 255, 255, 255, 255, 255, 255, 255, 255],    // longer than anything
            &[0x9b, 255, 255, 255, 255, 255, 255, 255, 255, 0], // more items than bytes
            &[0xbb, 128, 0, 0, 0, 0, 0, 0, 0, 0],               // twice that overflows
            &[0x9f, 0, 0xff],                                   // of indefinite length
            &[0xc0, 0],                                         // a tag
            &[0x1c],                                            // reserved
        ];
        for bytes in bad {
            assert_eq!(skip_item(bytes, 0), None, "{bytes:?}");
        }
    }

    #[test]
    fn pk_7_json_is_bounded_in_depth_and_length() {
        let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert!(read_json(nested(32).as_bytes()).is_some());
        assert!(read_json(nested(33).as_bytes()).is_none());
        assert!(read_json(nested(30_000).as_bytes()).is_none());
        assert!(read_json(format!("\"\\\"{}\"", "[".repeat(100)).as_bytes()).is_some(), "brackets in a text");
        assert!(read_json(format!("\"{}\"", "x".repeat(MAX_TEXT)).as_bytes()).is_none());
    }

    #[test]
    fn pk_7_authenticator_data_ends_where_it_says() {
        let mut data = vec![0; AUTH_DATA_HEAD];
        assert_eq!(read_authenticator_data(&data, false), Some(None));
        assert_eq!(read_authenticator_data(&data, true), None, "attested data is missing");
        assert_eq!(read_authenticator_data(&data[1..], false), None);
        data.push(0);
        assert_eq!(read_authenticator_data(&data, false), None, "a byte too many");
        data[32] = FLAG_EXTENSIONS;
        assert_eq!(read_authenticator_data(&data, false), Some(None));
        data[32] = FLAG_ATTESTED;
        assert_eq!(read_authenticator_data(&data, true), None);
        data.extend([0; 15]); // AAGUID
        data.extend([0, 2, 7, 8, 0xa0]); // a credential id, an empty key
        assert_eq!(read_authenticator_data(&data, true), Some(Some(([0; 16], &[7, 8][..]))));
        let at = data.len() - 4;
        data[at] = 9;
        assert_eq!(read_authenticator_data(&data, true), None, "longer than what is there");
    }
}
