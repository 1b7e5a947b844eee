//! Who we are towards authenticators.

use gatepost_protocol::issuer::Issuer;
use url::{Host, Url};
use webauthn_rs::prelude::{Webauthn, WebauthnBuilder};

/// The relying party of an issuer: its host is what passkeys are bound to, its origin the only one that is accepted.
pub(crate) struct RelyingParty {
    pub(crate) webauthn: Webauthn,
    /// the host of the issuer
    pub(crate) id: String,
    /// byte for byte what a browser must say
    pub(crate) origin: String,
}

impl RelyingParty {
    /// `None` where browsers know no passkeys: an address without a host name, or plain HTTP beyond this computer.
    pub(crate) fn of(issuer: &Issuer) -> Option<Self> {
        let origin = Url::parse(issuer.origin()).ok()?;
        let Some(Host::Domain(host)) = origin.host() else { return None };
        if !issuer.is_https() && host != "localhost" {
            return None;
        }
        let id = host.to_owned();
        // neither subdomains nor other ports: both are off unless asked for
        let webauthn = WebauthnBuilder::new(&id, &origin).and_then(WebauthnBuilder::build).ok()?;
        Some(Self { webauthn, id, origin: issuer.origin().to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pk_2_only_a_host_name_by_tls_or_this_computer_has_passkeys() {
        let of =
            |text| RelyingParty::of(&Issuer::parse(text).expect("an issuer")).map(|party| (party.id, party.origin));
        let both = |id: &str, origin: &str| Some((id.to_owned(), origin.to_owned()));
        assert_eq!(of("https://id.example/auth"), both("id.example", "https://id.example"));
        assert_eq!(of("https://id.example:8443"), both("id.example", "https://id.example:8443"));
        assert_eq!(of("http://localhost:8480"), both("localhost", "http://localhost:8480"));
        for without in ["http://127.0.0.1:8480", "https://192.0.2.1", "http://[::1]:8480", "http://id.example"] {
            assert_eq!(of(without), None, "{without}");
        }
    }
}
