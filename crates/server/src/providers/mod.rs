//! The other side of sign-in through other providers: sending people there, and checking what they bring back. Whose account that
//! opens is decided in `engine::sign_in::upstream`.

mod github;
mod oidc;

use std::fmt::Display;
use std::future::Future;
use std::time::Duration;

use gatepost_engine::people::providers::UpstreamIdentity;
use gatepost_engine::people::providers::trip::Trip;
use gatepost_protocol::issuer::Issuer;
use gatepost_protocol::params::Params;
use url::Url;

use crate::fetch::{Fetcher, Reach, is_allowed_url};
use crate::settings::providers::{ProviderDecl, ProviderKind, is_loopback};
use github::GitHub;
use oidc::OpenIdProvider;

/// How long a person waits for a provider, over all its answers.
const PATIENCE: Duration = Duration::from_secs(8);

/// Why a trip to a provider came to nothing. The text is for the log and holds nothing that the provider sent.
#[derive(Debug)]
pub(crate) enum TripFault {
    /// it does not answer, or not as a provider would
    Unreachable(String),
    /// the person said no there
    Cancelled,
    /// what came back proves nothing
    Refused(String),
    /// the account is of none of the domains that the operator allows
    OtherDomain,
}

impl TripFault {
    fn unreachable(why: impl Display) -> Self {
        Self::Unreachable(why.to_string())
    }

    fn refused(why: impl Display) -> Self {
        Self::Refused(why.to_string())
    }
}

/// All providers of the settings.
pub(crate) struct Upstream(Vec<Provider>);

impl Upstream {
    /// Makes their clients; a sentence says what is wrong.
    pub(crate) fn new(providers: &[ProviderDecl], issuer: &Issuer) -> Result<Self, String> {
        providers.iter().map(|decl| Provider::new(decl, issuer)).collect::<Result<_, _>>().map(Self)
    }

    /// The provider with this id.
    pub(crate) fn find(&self, id: &str) -> Option<&Provider> {
        self.0.iter().find(|provider| provider.decl.id == id)
    }

    /// The provider with this issuer.
    pub(crate) fn find_issuer(&self, issuer: &str) -> Option<&Provider> {
        self.0.iter().find(|provider| provider.decl.issuer_url() == issuer)
    }

    /// All of them, in the order of the settings.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Provider> {
        self.0.iter()
    }
}

/// A provider and what is known of it.
pub(crate) struct Provider {
    decl: ProviderDecl,
    protocol: Protocol,
}

enum Protocol {
    OpenId(Box<OpenIdProvider>),
    GitHub(Box<GitHub>),
}

impl Provider {
    fn new(decl: &ProviderDecl, issuer: &Issuer) -> Result<Self, String> {
        let reach = find_reach(decl);
        let door = Door {
            redirect_uri: issuer.url(&format!("/login/via/{}/callback", decl.id)),
            fetcher: Fetcher::new(reach)?,
            reach,
        };
        let protocol = match decl.kind {
            Some(ProviderKind::Github) => Protocol::GitHub(Box::new(GitHub::new(decl, door))),
            _ => Protocol::OpenId(Box::new(OpenIdProvider::new(decl, door)?)),
        };
        Ok(Self { decl: decl.clone(), protocol })
    }

    /// Its id in the settings.
    pub(crate) fn id(&self) -> &str {
        &self.decl.id
    }

    /// What people call it.
    pub(crate) fn name(&self) -> &str {
        &self.decl.name
    }

    /// Where the browser goes for this trip.
    pub(crate) async fn start(&self, trip: &Trip) -> Result<String, TripFault> {
        match &self.protocol {
            Protocol::OpenId(provider) => be_patient(provider.start(trip)).await,
            Protocol::GitHub(provider) => provider.start(trip),
        }
    }

    /// Whom the provider vouches for, by what the browser brought back. `now` is in unix seconds.
    pub(crate) async fn finish(&self, trip: &Trip, answer: &Params, now: i64) -> Result<UpstreamIdentity, TripFault> {
        let found = match &self.protocol {
            Protocol::OpenId(provider) => be_patient(provider.finish(trip, answer, now)).await?,
            Protocol::GitHub(provider) => be_patient(provider.finish(trip, answer)).await?,
        };
        self.check_domain(&found)?;
        Ok(UpstreamIdentity {
            provider: self.decl.id.clone(),
            provider_name: self.decl.name.clone(),
            issuer: self.decl.issuer_url().to_owned(),
            subject: found.subject,
            email: found.email,
            email_verified: found.email_verified,
            name: found.name,
        })
    }

    /// An address at Google may be anybody's, whatever it ends in; the Workspace it belongs to is what Google vouches for.
    fn check_domain(&self, found: &Person) -> Result<(), TripFault> {
        let allowed = &self.decl.allowed_domains;
        if allowed.is_empty() {
            return Ok(());
        }
        let domain = match self.decl.kind {
            Some(ProviderKind::Google) => found.workspace.as_deref(),
            _ => found.email.as_deref().and_then(|email| email.rsplit_once('@')).map(|(_, domain)| domain),
        };
        let inside = domain.is_some_and(|domain| allowed.contains(&domain.to_lowercase()));
        if inside { Ok(()) } else { Err(TripFault::OtherDomain) }
    }
}

/// What every protocol needs: the way out, and the way back.
struct Door {
    redirect_uri: String,
    fetcher: Fetcher,
    reach: Reach,
}

impl Door {
    /// Whether the browser may be sent there.
    fn check_page(&self, url: &Url) -> Result<(), TripFault> {
        match is_allowed_url(url, self.reach) {
            true => Ok(()),
            false => Err(TripFault::unreachable("its sign-in page is not https")),
        }
    }
}

/// Who a provider says it is.
struct Person {
    subject: String,
    email: Option<String>,
    email_verified: Option<bool>,
    name: String,
    /// the domain of the Google Workspace
    workspace: Option<String>,
}

/// Only a provider that the operator put on this computer is talked to in http.
fn find_reach(decl: &ProviderDecl) -> Reach {
    let here = Url::parse(decl.issuer_url()).is_ok_and(|url| url.scheme() == "http" && is_loopback(&url));
    match (here, decl.allow_private_network) {
        (true, _) => Reach::Loopback,
        (false, true) => Reach::Private,
        (false, false) => Reach::Public,
    }
}

async fn be_patient<T>(work: impl Future<Output = Result<T, TripFault>>) -> Result<T, TripFault> {
    let late = |_| TripFault::unreachable("it took too long");
    tokio::time::timeout(PATIENCE, work).await.map_err(late)?
}

/// What came back as an error (RFC 6749 §4.1.2.1), or the code.
fn read_code(answer: &Params) -> Result<String, TripFault> {
    match (answer.one("error"), answer.one("code")) {
        (Some("access_denied"), _) => Err(TripFault::Cancelled),
        (Some("temporarily_unavailable" | "server_error"), _) => {
            Err(TripFault::unreachable("it has trouble of its own"))
        }
        (Some(_), _) => Err(TripFault::refused("it answered with an error")),
        (None, Some(code)) => Ok(code.to_owned()),
        (None, None) => Err(TripFault::refused("it answered without a code")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::types::SecretText;

    fn decl(kind: ProviderKind, issuer: &str) -> ProviderDecl {
        ProviderDecl {
            id: "acme".into(),
            name: "Acme".into(),
            kind: Some(kind),
            issuer: Some(issuer.into()),
            client_id: "gatepost".into(),
            client_secret: SecretText::default(),
            ..ProviderDecl::default()
        }
    }

    fn provider(decl: &ProviderDecl) -> Provider {
        Provider::new(decl, &Issuer::parse("https://auth.example.com").expect("an issuer")).expect("a provider")
    }

    #[test]
    fn how_far_a_provider_reaches_is_the_operators_word() {
        let mut one = decl(ProviderKind::Oidc, "https://login.example");
        assert_eq!(find_reach(&one), Reach::Public);
        one.allow_private_network = true;
        assert_eq!(find_reach(&one), Reach::Private);
        assert_eq!(find_reach(&decl(ProviderKind::Oidc, "http://127.0.0.1:9000")), Reach::Loopback);
        assert_eq!(find_reach(&decl(ProviderKind::Oidc, "https://127.0.0.1:9000")), Reach::Public);
    }

    #[test]
    fn a_domain_of_google_is_its_workspace_and_not_the_end_of_an_address() {
        let person = |workspace: Option<&str>| Person {
            subject: "1".into(),
            email: Some("ada@EXAMPLE.com".into()),
            email_verified: Some(true),
            name: String::new(),
            workspace: workspace.map(str::to_owned),
        };
        let domains = vec!["example.com".to_owned()];
        let google = provider(&ProviderDecl {
            allowed_domains: domains.clone(),
            ..decl(ProviderKind::Google, "https://accounts.google.com")
        });
        assert!(google.check_domain(&person(None)).is_err());
        assert!(google.check_domain(&person(Some("other.com"))).is_err());
        assert!(google.check_domain(&person(Some("Example.com"))).is_ok());
        let other =
            provider(&ProviderDecl { allowed_domains: domains, ..decl(ProviderKind::Oidc, "https://login.example") });
        assert!(other.check_domain(&person(None)).is_ok());
        let stranger = Person { email: Some("example.com@evil.example".into()), ..person(None) };
        assert!(other.check_domain(&stranger).is_err());
    }

    #[test]
    fn errors_that_come_back_are_told_apart() {
        let read = |query: &str| read_code(&Params::parse(query.as_bytes()).expect("a query"));
        assert!(matches!(read("error=access_denied&code=x"), Err(TripFault::Cancelled)));
        assert!(matches!(read("error=server_error"), Err(TripFault::Unreachable(_))));
        assert!(matches!(read("error=invalid_scope"), Err(TripFault::Refused(_))));
        assert!(matches!(read("state=x"), Err(TripFault::Refused(_))));
        assert!(read("code=abc").is_ok_and(|code| code == "abc"));
    }
}
