//! `[[providers]]`: who else may vouch for people; what must be so is checked completely.

use serde::{Deserialize, Serialize};
use url::{Host, Url};

use super::checker::Checker;
use super::declared::word_enum;
use super::layers::{Origin, name_element};
use super::schema::quote_text;
use super::types::SecretText;

/// The issuer of Google (OpenID Connect Discovery 1.0).
const GOOGLE: &str = "https://accounts.google.com";
const GITHUB: &str = "https://github.com";
const GITHUB_API: &str = "https://api.github.com";

/// Words that the sign-in form uses for the other ways in.
const TAKEN_IDS: [&str; 5] = ["password", "passkey", "link", "code", "invite"];
const MAX_PROVIDERS: usize = 10;

/// A provider.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(crate) struct ProviderDecl {
    pub(crate) id: String,
    pub(crate) name: String,
    /// Always set after loading.
    pub(crate) kind: Option<ProviderKind>,
    /// Always set after loading, except for GitHub.
    pub(crate) issuer: Option<String>,
    pub(crate) client_id: String,
    pub(crate) client_secret: SecretText,
    /// Never empty after loading.
    pub(crate) scopes: Vec<String>,
    /// Always in lower case after loading.
    pub(crate) allowed_domains: Vec<String>,
    pub(crate) allow_private_network: bool,
    /// Always set after loading for GitHub.
    pub(crate) github_url: Option<String>,
    /// Always set after loading for GitHub.
    pub(crate) github_api_url: Option<String>,
}

word_enum!(
    /// How a provider is talked to.
    ProviderKind {
        /// OpenID Connect with discovery
        Oidc = "oidc",
        /// the same, with what is known of Google
        Google = "google",
        /// GitHub's own OAuth interface, also of GitHub Enterprise Server
        Github = "github",
    }
);

impl ProviderDecl {
    /// Who vouches: a subject means nothing without it.
    pub(crate) fn issuer_url(&self) -> &str {
        self.issuer.as_deref().or(self.github_url.as_deref()).unwrap_or_default()
    }
}

/// Checks every provider and fills in what follows from its kind.
pub(super) fn check_providers(checker: &mut Checker<'_>, providers: &mut [ProviderDecl]) {
    if providers.len() > MAX_PROVIDERS {
        checker.fault("providers", format!("{} entries; at most {MAX_PROVIDERS}", providers.len()));
    }
    for index in 0..providers.len() {
        let (earlier, rest) = providers.split_at_mut(index);
        let Some(provider) = rest.first_mut() else { continue };
        let at = name_element("providers", index, &provider.id);
        check_provider(checker, &at, provider);
        let same_id = earlier.iter().position(|one| !provider.id.is_empty() && one.id == provider.id);
        let same_issuer = || earlier.iter().position(|one| has_same_issuer(one, provider));
        let taken = same_id.map(|first| ("id", first)).or_else(|| same_issuer().map(|first| ("issuer", first)));
        if let Some((field, first)) = taken {
            checker.fault(&format!("providers[{index}].{field}"), format!("is taken by entry {first}"));
        }
    }
}

/// Two entries of one issuer would be two names for the same accounts.
fn has_same_issuer(one: &ProviderDecl, other: &ProviderDecl) -> bool {
    let (one, other) = (one.issuer_url(), other.issuer_url());
    !one.is_empty() && one == other
}

fn check_provider(checker: &mut Checker<'_>, at: &str, provider: &mut ProviderDecl) {
    check_words(checker, at, provider);
    let Some(kind) = provider.kind else {
        // nothing else can be judged without it
        return checker.fault(&format!("{at}.kind"), "missing: oidc, google or github");
    };
    match kind {
        ProviderKind::Oidc => {
            if provider.issuer.is_none() {
                checker.fault(&format!("{at}.issuer"), "missing: its address, for example https://login.example.com");
            }
        }
        ProviderKind::Google => {
            provider.issuer.get_or_insert_with(|| GOOGLE.to_owned());
        }
        ProviderKind::Github => {
            provider.github_url.get_or_insert_with(|| GITHUB.to_owned());
            provider.github_api_url.get_or_insert_with(|| GITHUB_API.to_owned());
        }
    }
    check_kind_fields(checker, at, provider, kind);
    for (field, url) in [
        ("issuer", &provider.issuer),
        ("github_url", &provider.github_url),
        ("github_api_url", &provider.github_api_url),
    ] {
        if let Some(url) = url {
            check_address(checker, &format!("{at}.{field}"), url);
        }
    }
    check_scopes(checker, at, provider, kind);
    check_domains(checker, at, provider);
}

/// Id, name and how Gatepost proves itself there.
fn check_words(checker: &mut Checker<'_>, at: &str, provider: &ProviderDecl) {
    let id = provider.id.as_str();
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    if id.is_empty() {
        checker.fault(&format!("{at}.id"), "missing");
    } else if id.len() > 32 || !id.bytes().all(plain) {
        let problem = format!("{} may have at most 32 of a-z, 0-9 and - only", quote_text(id));
        checker.fault(&format!("{at}.id"), problem);
    } else if TAKEN_IDS.contains(&id) {
        checker.fault(&format!("{at}.id"), format!("{} is another way to sign in; choose another", quote_text(id)));
    }
    if provider.name.is_empty() {
        checker.fault(&format!("{at}.name"), "missing: people read \"Continue with\" before it");
    } else if !super::check_declared::is_plain_text(&provider.name, 40) {
        checker.fault(&format!("{at}.name"), "needs 1 to 40 plain characters on one line");
    }
    if provider.client_id.is_empty() {
        checker.fault(&format!("{at}.client_id"), "missing: the provider gives it to you when you register Gatepost");
    } else if provider.client_id.len() > 255 || provider.client_id.chars().any(|c| c.is_control() || c == ' ') {
        checker.fault(&format!("{at}.client_id"), "has spaces or control characters, or more than 255 of them");
    }
    let key = format!("{at}.client_secret");
    match provider.client_secret.expose() {
        None => checker.fault(&key, "missing: give it by a variable or client_secret_file"),
        Some(secret) if secret.trim() != secret || secret.chars().any(char::is_control) => {
            checker.fault(&key, "has spaces around it or control characters inside");
        }
        Some(_) => {
            if let Some(Origin::File(file)) = checker.origins.get(&key) {
                let text = format!("stands readable in {file}; weaker than client_secret_file or a variable");
                checker.warn(&key, text);
            }
        }
    }
}

/// What only another kind has a use for.
fn check_kind_fields(checker: &mut Checker<'_>, at: &str, provider: &ProviderDecl, kind: ProviderKind) {
    let not_used = |set: bool, field: &str| set.then(|| format!("{at}.{field}"));
    let keys = match kind {
        ProviderKind::Github => vec![not_used(provider.issuer.is_some(), "issuer")],
        ProviderKind::Oidc | ProviderKind::Google => vec![
            not_used(provider.github_url.is_some(), "github_url"),
            not_used(provider.github_api_url.is_some(), "github_api_url"),
        ],
    };
    for key in keys.into_iter().flatten() {
        checker.fault(&key, format!("not used with kind = \"{}\": leave it out", kind.as_str()));
    }
}

/// https, or http on this computer: the codes and secrets of people's sign-ins go there.
fn check_address(checker: &mut Checker<'_>, key: &str, text: &str) {
    let Ok(url) = Url::parse(text) else {
        return checker.fault(key, format!("{} is no address", quote_text(text)));
    };
    let here = is_loopback(&url);
    if url.scheme() != "https" && !(url.scheme() == "http" && here) {
        checker.fault(key, format!("{} must be https, except on this computer", quote_text(text)));
    } else if url.host_str().is_none_or(str::is_empty) || !url.username().is_empty() || url.password().is_some() {
        checker.fault(key, format!("{} must have a host, and no name or password in it", quote_text(text)));
    } else if url.query().is_some() || url.fragment().is_some() {
        checker.fault(key, format!("{} must have no ? and no #", quote_text(text)));
    } else if url.scheme() == "http" {
        checker.warn(key, "is not encrypted; only for a provider on this computer");
    }
}

/// `127.0.0.0/8`, `[::1]` and `localhost`.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

fn check_scopes(checker: &mut Checker<'_>, at: &str, provider: &mut ProviderDecl, kind: ProviderKind) {
    let key = format!("{at}.scopes");
    let (default, needed): (&[&str], &str) = match kind {
        ProviderKind::Github => (&["read:user", "user:email"], "user:email"),
        ProviderKind::Oidc | ProviderKind::Google => (&["openid", "email", "profile"], "openid"),
    };
    if provider.scopes.is_empty() {
        provider.scopes = default.iter().map(|scope| (*scope).to_owned()).collect();
    }
    for (index, scope) in provider.scopes.iter().enumerate() {
        if !super::check_declared::is_scope_token(scope) {
            checker.fault(&format!("{key}[{index}]"), format!("{} is not a scope", quote_text(scope)));
        }
    }
    let covers = |scope: &String| scope == needed || (needed == "user:email" && scope == "user");
    if !provider.scopes.iter().any(covers) {
        checker.fault(&key, format!("needs {}", quote_text(needed)));
    }
}

fn check_domains(checker: &mut Checker<'_>, at: &str, provider: &mut ProviderDecl) {
    for (index, domain) in provider.allowed_domains.iter_mut().enumerate() {
        *domain = domain.to_lowercase();
        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'.';
        if !domain.contains('.') || domain.starts_with('.') || domain.ends_with('.') || !domain.bytes().all(plain) {
            let key = format!("{at}.allowed_domains[{index}]");
            let text = quote_text(domain);
            checker.fault(
                &key,
                format!("{text} is not the part of an address behind the @ (with xn-- for other letters)"),
            );
        }
    }
}
