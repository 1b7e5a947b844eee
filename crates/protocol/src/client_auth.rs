//! What a client presents to prove who it is (OAuth 2.1 §2.4).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::error::ErrorCode;
use crate::params::{Params, decode_component};

/// A secret that somebody presented; it cannot be printed or compared.
#[derive(Clone)]
pub struct PresentedSecret(Zeroizing<String>);

impl PresentedSecret {
    /// The text, for hashing.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for PresentedSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("(hidden)")
    }
}

/// Who a client says it is, and with what.
#[derive(Clone, Debug)]
pub enum Presented {
    /// a public client names itself
    None {
        /// its id
        client_id: String,
    },
    /// `client_secret_basic`
    Basic {
        /// its id
        client_id: String,
        /// its secret
        secret: PresentedSecret,
    },
    /// `client_secret_post`
    Post {
        /// its id
        client_id: String,
        /// its secret
        secret: PresentedSecret,
    },
}

impl Presented {
    /// The id that was named.
    pub fn client_id(&self) -> &str {
        match self {
            Self::None { client_id } | Self::Basic { client_id, .. } | Self::Post { client_id, .. } => client_id,
        }
    }
}

/// Credentials that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CredentialFault {
    /// what to answer
    pub code: ErrorCode,
    /// a safe sentence
    pub public: &'static str,
    /// the Authorization header was used, so the answer needs a challenge (OAuth 2.1 §3.2.4)
    pub used_header: bool,
}

/// Reads the credentials of a request: exactly one way of presenting them (CA-04).
pub fn read_credentials(authorization: Option<&str>, params: &Params) -> Result<Presented, CredentialFault> {
    let fault = |code, public| CredentialFault { code, public, used_header: authorization.is_some() };
    for name in ["client_id", "client_secret", "client_assertion", "client_assertion_type"] {
        if params.is_repeated(name) {
            return Err(fault(ErrorCode::InvalidRequest, "A client credential was sent more than once."));
        }
    }
    let asserted = params.one("client_assertion").is_some() || params.one("client_assertion_type").is_some();
    // more than one mechanism comes first: which one would have failed is then nobody's business (OAuth 2.1 §3.2.4)
    let ways = [authorization.is_some(), params.one("client_secret").is_some(), asserted];
    if ways.into_iter().filter(|used| *used).count() > 1 {
        return Err(fault(ErrorCode::InvalidRequest, "More than one way of client authentication was used."));
    }
    if asserted {
        return Err(fault(ErrorCode::InvalidClient, "Client assertions are not supported."));
    }
    let named = params.one("client_id");
    // an empty secret is omitted like any empty parameter: then the client is only named, which is not enough for a
    // confidential one (TK9)
    let posted = params.one("client_secret");
    let Some(header) = authorization else {
        let client_id = named.ok_or_else(|| fault(ErrorCode::InvalidClient, "No client was named."))?.to_owned();
        return Ok(match posted {
            Some(secret) => Presented::Post { client_id, secret: PresentedSecret(Zeroizing::new(secret.to_owned())) },
            None => Presented::None { client_id },
        });
    };
    let (client_id, secret) = read_basic(header).ok_or_else(|| {
        fault(ErrorCode::InvalidClient, "The Authorization header is not usable Basic authentication.")
    })?;
    if named.is_some_and(|named| named != client_id) {
        return Err(fault(ErrorCode::InvalidRequest, "client_id is not the one in the Authorization header."));
    }
    Ok(Presented::Basic { client_id, secret })
}

/// Both halves are form-encoded before they are joined (OAuth 2.1 §2.4.1), so that an id may contain a colon.
fn read_basic(header: &str) -> Option<(String, PresentedSecret)> {
    let (scheme, encoded) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let plain = Zeroizing::new(STANDARD.decode(encoded.trim_start_matches(' ')).ok()?);
    let colon = plain.iter().position(|byte| *byte == b':')?;
    let client_id = decode_component(&plain[..colon]).ok()?;
    let secret = Zeroizing::new(decode_component(&plain[colon + 1..]).ok()?);
    (!client_id.is_empty()).then_some((client_id, PresentedSecret(secret)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn basic(text: &str) -> String {
        format!("Basic {}", STANDARD.encode(text))
    }

    fn form(text: &str) -> Params {
        Params::parse(text.as_bytes()).expect("a form")
    }

    #[test]
    fn ca_02_both_halves_are_form_decoded() {
        let header = basic("a%3Ab+c:s%25%2B%C3%BC%3A");
        let Ok(Presented::Basic { client_id, secret }) = read_credentials(Some(&header), &form("")) else {
            panic!("basic")
        };
        assert_eq!((client_id.as_str(), secret.expose()), ("a:b c", "s%+ü:"));
        for bad in ["Basic", "Basic !!!", "Basic YQ", "Bearer x", "Basic OnM=", "DPoP x"] {
            let fault = read_credentials(Some(bad), &form("")).expect_err(bad);
            assert_eq!((fault.code, fault.used_header), (ErrorCode::InvalidClient, true), "{bad}");
        }
    }

    #[test]
    fn ca_04_one_way_at_a_time() {
        let header = basic("a:s");
        assert_eq!(
            read_credentials(Some(&header), &form("client_secret=s")).map_err(|f| f.code).err(),
            Some(ErrorCode::InvalidRequest)
        );
        assert_eq!(
            read_credentials(Some(&header), &form("client_id=b")).map_err(|f| f.code).err(),
            Some(ErrorCode::InvalidRequest)
        );
        assert!(read_credentials(Some(&header), &form("client_id=a")).is_ok());
        assert_eq!(
            read_credentials(None, &form("client_id=a&client_id=a")).map_err(|f| f.code).err(),
            Some(ErrorCode::InvalidRequest)
        );
    }

    #[test]
    fn ca_04_an_assertion_is_a_way_too() {
        let code = |header: Option<&str>, body: &str| read_credentials(header, &form(body)).map_err(|f| f.code).err();
        let header = basic("a:s");
        assert_eq!(code(Some(&header), "client_assertion=x"), Some(ErrorCode::InvalidRequest));
        assert_eq!(code(None, "client_id=a&client_secret=s&client_assertion=x"), Some(ErrorCode::InvalidRequest));
        assert_eq!(code(None, "client_assertion=x&client_assertion=x"), Some(ErrorCode::InvalidRequest));
        assert_eq!(code(None, "client_id=a&client_assertion=x"), Some(ErrorCode::InvalidClient));
    }

    #[test]
    fn ca_02_base64_has_one_spelling() {
        // "a:s" is YTpz; "a:st" is YTpzdA==
        for bad in ["Basic YTpzdA", "Basic YTpzdA=", "Basic YTpzdB==", "Basic YTpz ", "Basic YT pz", "Basic YTpz\n"] {
            let fault = read_credentials(Some(bad), &form("")).expect_err(bad);
            assert_eq!((fault.code, fault.used_header), (ErrorCode::InvalidClient, true), "{bad:?}");
        }
        assert!(read_credentials(Some("bAsIc  YTpz"), &form("")).is_ok());
    }

    #[test]
    fn r_62_a_presented_secret_is_not_printed() {
        let presented = read_credentials(None, &form("client_id=a&client_secret=hunter2")).expect("post");
        assert!(!format!("{presented:?}").contains("hunter2"));
    }

    proptest::proptest! {
        #[test]
        fn reading_never_panics(header: String, body: Vec<u8>) {
            if let Ok(params) = Params::parse(&body) {
                drop(read_credentials(Some(&header), &params));
                drop(read_credentials(Some(&format!("Basic {}", STANDARD.encode(&body))), &params));
            }
        }
    }

    #[test]
    fn tk_09_an_empty_secret_is_no_secret() {
        assert!(matches!(read_credentials(None, &form("client_id=a&client_secret=")), Ok(Presented::None { .. })));
        assert!(matches!(read_credentials(Some(&basic("a:")), &form("")), Ok(Presented::Basic { .. })));
        assert_eq!(read_credentials(None, &form("")).map_err(|f| f.code).err(), Some(ErrorCode::InvalidClient));
    }
}
