//! A request as the machines of oxide-auth see it.

use std::borrow::Cow;

use gatepost_protocol::params::Params;
use oxide_auth::code_grant::accesstoken::Authorization as CodeAuthorization;
use oxide_auth::code_grant::{accesstoken, authorization, client_credentials, refresh};

/// The request as the machines see it. The client has been authenticated: `client_id` is the proven one.
pub(super) struct MachineRequest<'a> {
    pub(super) params: &'a Params,
    pub(super) client_id: &'a str,
    /// where the code was sent, for a token request that does not repeat it (OAuth 2.1 §10.2)
    pub(super) redirect_uri: Option<&'a str>,
}

impl MachineRequest<'_> {
    fn one(&self, name: &str) -> Option<Cow<'_, str>> {
        self.params.one(name).map(Cow::Borrowed)
    }

    /// What the client proved before is nobody's business any more.
    fn extension_value(&self, name: &str) -> Option<Cow<'_, str>> {
        if name == "client_secret" { None } else { self.one(name) }
    }
}

impl authorization::Request for MachineRequest<'_> {
    fn valid(&self) -> bool {
        true
    }
    fn client_id(&self) -> Option<Cow<'_, str>> {
        Some(Cow::Borrowed(self.client_id))
    }
    fn scope(&self) -> Option<Cow<'_, str>> {
        self.one("scope")
    }
    fn redirect_uri(&self) -> Option<Cow<'_, str>> {
        self.redirect_uri.map(Cow::Borrowed)
    }
    fn state(&self) -> Option<Cow<'_, str>> {
        self.one("state")
    }
    fn response_type(&self) -> Option<Cow<'_, str>> {
        self.one("response_type")
    }
    fn extension(&self, key: &str) -> Option<Cow<'_, str>> {
        self.extension_value(key)
    }
}

impl accesstoken::Request for MachineRequest<'_> {
    fn valid(&self) -> bool {
        true
    }
    fn code(&self) -> Option<Cow<'_, str>> {
        self.one("code")
    }
    fn authorization(&self) -> CodeAuthorization<'_> {
        CodeAuthorization::None
    }
    fn client_id(&self) -> Option<Cow<'_, str>> {
        Some(Cow::Borrowed(self.client_id))
    }
    fn redirect_uri(&self) -> Option<Cow<'_, str>> {
        self.one("redirect_uri").or_else(|| self.redirect_uri.map(Cow::Borrowed))
    }
    fn grant_type(&self) -> Option<Cow<'_, str>> {
        self.one("grant_type")
    }
    fn extension(&self, key: &str) -> Option<Cow<'_, str>> {
        self.extension_value(key)
    }
}

impl refresh::Request for MachineRequest<'_> {
    fn valid(&self) -> bool {
        true
    }
    fn refresh_token(&self) -> Option<Cow<'_, str>> {
        self.one("refresh_token")
    }
    fn scope(&self) -> Option<Cow<'_, str>> {
        self.one("scope")
    }
    fn grant_type(&self) -> Option<Cow<'_, str>> {
        self.one("grant_type")
    }
    /// Always `Some`: only that branch of the machine compares the grant's client with the requesting one, which
    /// public clients need as well.
    fn authorization(&self) -> Option<(Cow<'_, str>, Cow<'_, [u8]>)> {
        Some((Cow::Borrowed(self.client_id), Cow::Borrowed(&b""[..])))
    }
    fn extension(&self, key: &str) -> Option<Cow<'_, str>> {
        self.extension_value(key)
    }
}

impl client_credentials::Request for MachineRequest<'_> {
    fn valid(&self) -> bool {
        true
    }
    fn authorization(&self) -> Option<(Cow<'_, str>, Cow<'_, [u8]>)> {
        Some((Cow::Borrowed(self.client_id), Cow::Borrowed(&b""[..])))
    }
    fn scope(&self) -> Option<Cow<'_, str>> {
        self.one("scope")
    }
    fn grant_type(&self) -> Option<Cow<'_, str>> {
        self.one("grant_type")
    }
    /// A `client_id` in the body would be taken for a second way of authentication.
    fn extension(&self, key: &str) -> Option<Cow<'_, str>> {
        if key == "client_id" { None } else { self.extension_value(key) }
    }
}
