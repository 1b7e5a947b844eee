//! What declared apps and APIs must be; each is checked completely.

use std::collections::BTreeMap;

use gatepost_protocol::grant_type::GrantType;
use gatepost_protocol::secret::{Secret, SecretKind};
use gatepost_protocol::{redirect_uri, resource};

use super::checker::Checker;
use super::declared::is_plain_id;
use super::declared::{AuthMethod, ClientDecl, ClientKind, RefreshRotation, ResourceServerDecl, TokenFormat};
use super::faults::did_you_mean;
use super::layers::{Origin, name_element};
use super::schema::quote_text;
use super::sections::{Settings, TokenSettings};
use super::types::SecretText;

/// Scopes with a meaning of their own, which no API can have.
const RESERVED_SCOPES: [&str; 7] = ["openid", "profile", "email", "address", "phone", "offline_access", "roles"];
const MAX_REDIRECT_URIS: usize = 10;
const MAX_SCOPES: usize = 50;
/// A secret made by Gatepost has 43 signs of randomness; less than 32 can be guessed offline from its fast hash.
const MIN_SECRET_LENGTH: usize = 32;

/// Checks everything that is declared and fills in what follows from the kind.
pub(super) fn check_declared(checker: &mut Checker<'_>, settings: &mut Settings) {
    check_unique(checker, "clients", "client_id", settings.clients.iter().map(|client| client.client_id.as_str()));
    check_unique(checker, "resource_servers", "id", settings.resource_servers.iter().map(|server| server.id.as_str()));
    check_unique_resources(checker, &settings.resource_servers);
    let mut scope_owners = BTreeMap::new();
    for (index, server) in settings.resource_servers.iter_mut().enumerate() {
        let at = name_element("resource_servers", index, &server.id);
        check_resource_server(checker, &at, server, &mut scope_owners);
    }
    let resources: Vec<String> = settings.resource_servers.iter().map(|server| server.resource.clone()).collect();
    for (index, client) in settings.clients.iter_mut().enumerate() {
        let at = name_element("clients", index, &client.client_id);
        check_client(checker, &at, client);
        check_lifetimes(checker, &at, client, &settings.tokens);
        for (field, values, known) in [
            ("scopes", &client.scopes, scope_owners.keys().map(String::as_str).collect::<Vec<_>>()),
            ("resources", &client.resources, resources.iter().map(String::as_str).collect()),
        ] {
            warn_of_slips(checker, &format!("{at}.{field}"), values, &known);
        }
    }
}

fn check_unique<'v>(checker: &mut Checker<'_>, list: &str, field: &str, values: impl Iterator<Item = &'v str>) {
    let mut seen = BTreeMap::new();
    for (index, value) in values.enumerate().filter(|(_, value)| !value.is_empty()) {
        if let Some(first) = seen.insert(value, index) {
            checker
                .fault(&format!("{list}[{index}].{field}"), format!("{} is taken by entry {first}", quote_text(value)));
        }
    }
}

/// Two spellings of one address would be two audiences for the same tokens.
fn check_unique_resources(checker: &mut Checker<'_>, servers: &[ResourceServerDecl]) {
    for (index, server) in servers.iter().enumerate().filter(|(_, server)| !server.resource.is_empty()) {
        let mut earlier = servers.iter().take(index);
        if let Some(owner) = earlier.find(|owner| resource::same_resource(&owner.resource, &server.resource)) {
            let key = format!("resource_servers[{index}].resource");
            checker.fault(&key, format!("{} is taken by {}", quote_text(&server.resource), quote_text(&owner.id)));
        }
    }
}

/// A scope or resource may also live in the database only; what is almost a declared one is probably a slip.
fn warn_of_slips(checker: &mut Checker<'_>, key: &str, values: &[String], known: &[&str]) {
    for value in
        values.iter().filter(|value| !known.contains(&value.as_str()) && !RESERVED_SCOPES.contains(&value.as_str()))
    {
        let close = did_you_mean(value, known.iter().copied());
        if !close.is_empty() {
            checker.warn(key, format_args!("{} is not declared{close}", quote_text(value)));
        }
    }
}

fn check_names(checker: &mut Checker<'_>, at: &str, (id_field, id): (&str, &str), name: &str) {
    if id.is_empty() {
        checker.fault(&format!("{at}.{id_field}"), "missing");
    } else if !is_plain_id(id) {
        checker.fault(
            &format!("{at}.{id_field}"),
            format!("{} may have at most 64 letters, digits and . _ - only", quote_text(id)),
        );
    }
    if name.is_empty() {
        checker.fault(&format!("{at}.name"), "missing: the name that people see");
    } else if !is_plain_text(name, 60) {
        checker.fault(&format!("{at}.name"), "needs 1 to 60 plain characters on one line");
    }
}

/// Whether a text can be shown to people as it is: no control signs, and none that turn the direction of the line.
pub(super) fn is_plain_text(text: &str, most: usize) -> bool {
    let turns = |c: char| matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    text.trim() == text && text.chars().count() <= most && !text.chars().any(|c| c.is_control() || turns(c))
}

fn check_client(checker: &mut Checker<'_>, at: &str, client: &mut ClientDecl) {
    check_names(checker, at, ("client_id", &client.client_id), &client.name);
    let Some(kind) = client.kind else {
        // nothing else can be judged without it
        return checker.fault(&format!("{at}.kind"), "missing: web, native, browser or service");
    };
    check_client_auth(checker, at, client, kind);
    check_grant_types(checker, at, client, kind);
    check_redirect_uris(checker, at, client);
    check_scope_names(checker, &format!("{at}.scopes"), &client.scopes);
    for resource in &client.resources {
        check_resource(checker, &format!("{at}.resources"), resource);
    }
    if client.resources.len() > 5 {
        checker.fault(&format!("{at}.resources"), "has more than 5 entries");
    }
    if client.first_party && kind.is_public() {
        let text = "nobody is asked before this app gets data, and it has no secret: any program that uses its client_id gets the same";
        checker.warn(&format!("{at}.first_party"), text);
    }
    if client.refresh_rotation == RefreshRotation::Keep {
        let key = format!("{at}.refresh_rotation");
        if kind.is_public() {
            // RFC 9700 §4.14.2: a public client's refresh tokens MUST be sender-constrained or rotated
            checker.below_floor(&key, "an app without a secret must rotate");
        } else {
            checker.warn(&key, "a stolen refresh token is not noticed");
        }
    }
    if client.refresh_replay {
        checker.warn(&format!("{at}.refresh_replay"), "a rotated refresh token works once more for a few seconds");
    }
}

fn check_client_auth(checker: &mut Checker<'_>, at: &str, client: &mut ClientDecl, kind: ClientKind) {
    let default = if kind.is_public() { AuthMethod::None } else { AuthMethod::Basic };
    let method = *client.auth_method.get_or_insert(default);
    let key = format!("{at}.auth_method");
    match (kind.is_public(), method) {
        (true, AuthMethod::None) => {
            for (field, set) in [("secret", client.secret.is_set()), ("secret_hash", client.secret_hash.is_some())] {
                if set {
                    checker.fault(
                        &format!("{at}.{field}"),
                        format!("a {} app cannot keep a secret: leave it out", kind.as_str()),
                    );
                }
            }
        }
        (true, _) => checker.fault(&key, format!("a {} app cannot keep a secret: leave it out", kind.as_str())),
        (false, AuthMethod::None) => checker.fault(
            &key,
            format!("a {} app has a secret; one without is kind = \"browser\" or \"native\"", kind.as_str()),
        ),
        (false, _) => check_secret(checker, at, &mut client.secret_hash, &client.secret),
    }
}

fn check_secret(checker: &mut Checker<'_>, at: &str, hash: &mut Option<String>, secret: &SecretText) {
    let (hash_key, secret_key) = (format!("{at}.secret_hash"), format!("{at}.secret"));
    match (hash.as_deref(), secret.expose()) {
        (None, None) => {
            checker.fault(&secret_key, "missing: give it by a variable or secret_file, or give secret_hash")
        }
        (Some(_), Some(_)) => checker.fault(&secret_key, "stands beside secret_hash; keep one of them"),
        (Some(text), None) => match decode_hash(text) {
            Ok(normal) => *hash = Some(normal),
            Err(problem) => checker.fault(&hash_key, problem),
        },
        (None, Some(secret)) => {
            let length = secret.chars().count();
            if secret.trim() != secret || secret.chars().any(char::is_control) {
                checker.fault(&secret_key, "has spaces around it or control characters inside");
            } else if length < MIN_SECRET_LENGTH {
                checker.below_floor(
                    &secret_key,
                    format_args!("{length} characters; at least {MIN_SECRET_LENGTH} random ones"),
                );
            }
            if secret.starts_with(SecretKind::ClientSecret.prefix())
                && Secret::parse(SecretKind::ClientSecret, secret).is_none()
            {
                checker.fault(&secret_key, "was made by Gatepost and is not complete: its checksum is wrong");
            }
            if let Some(Origin::File(file)) = checker.origins.get(&secret_key) {
                let text = format!("stands readable in {file}; weaker than secret_file, a variable or secret_hash");
                checker.warn(&secret_key, text);
            }
        }
    }
}

/// The hash as base64url; it must be a SHA-256 of something.
fn decode_hash(text: &str) -> Result<String, &'static str> {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    /// SHA-256 of nothing: what a script writes when its variable was empty.
    const OF_NOTHING: &str = "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU";
    let bytes = super::validate::decode_key(text).map_err(|_| "is not a SHA-256 as base64url or hex")?;
    let normal = URL_SAFE_NO_PAD.encode(bytes);
    if normal == OF_NOTHING { Err("is the hash of an empty text") } else { Ok(normal) }
}

fn check_grant_types(checker: &mut Checker<'_>, at: &str, client: &mut ClientDecl, kind: ClientKind) {
    use GrantType::{AuthorizationCode, ClientCredentials, RefreshToken};
    if client.grant_types.is_empty() {
        client.grant_types =
            if kind == ClientKind::Service { vec![ClientCredentials] } else { vec![AuthorizationCode, RefreshToken] };
    }
    let key = format!("{at}.grant_types");
    let has = |grant| client.grant_types.contains(&grant);
    if kind == ClientKind::Service && (has(AuthorizationCode) || has(RefreshToken)) {
        checker.fault(&key, "a service has no people to ask: client_credentials only");
    } else if kind.is_public() && has(ClientCredentials) {
        // RFC 6749 §4.4: MUST only be used by confidential clients
        checker.fault(&key, "client_credentials needs a secret");
    } else if has(RefreshToken) && !has(AuthorizationCode) {
        checker.fault(&key, "refresh_token has nothing to start from without authorization_code");
    }
}

fn check_redirect_uris(checker: &mut Checker<'_>, at: &str, client: &ClientDecl) {
    let key = format!("{at}.redirect_uris");
    let needed = client.grant_types.contains(&GrantType::AuthorizationCode);
    match client.redirect_uris.len() {
        0 if needed => checker.fault(&key, "missing: where people are sent back to"),
        0 => {}
        _ if !needed => checker.fault(&key, "not used without authorization_code: leave it out"),
        more if more > MAX_REDIRECT_URIS => checker.fault(&key, format!("{more} entries; at most {MAX_REDIRECT_URIS}")),
        _ => {}
    }
    for (index, uri) in client.redirect_uris.iter().enumerate() {
        let key = format!("{key}[{index}]");
        if let Err(problem) = redirect_uri::check_registration(uri) {
            checker.fault(&key, format!("{}: {problem}", quote_text(uri)));
        } else if client.kind == Some(ClientKind::Web) && !uri.starts_with("http") {
            // any program on a device can claim such a scheme; a web app has an address of its own
            checker.fault(&key, format!("{} is for programs; a web app needs https", quote_text(uri)));
        } else if client.redirect_uris.get(..index).is_some_and(|earlier| earlier.contains(uri)) {
            checker.fault(&key, format!("{} stands there twice", quote_text(uri)));
        }
    }
}

/// RFC 6749 §3.3: `scope-token`.
pub(super) fn is_scope_token(scope: &str) -> bool {
    (1..=128).contains(&scope.len()) && scope.bytes().all(|b| matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
}

fn check_scope_names(checker: &mut Checker<'_>, key: &str, scopes: &[String]) {
    if scopes.len() > MAX_SCOPES {
        checker.fault(key, format!("{} entries; at most {MAX_SCOPES}", scopes.len()));
    }
    for (index, scope) in scopes.iter().enumerate() {
        if !is_scope_token(scope) {
            checker.fault(
                &format!("{key}[{index}]"),
                format!("{} is not a scope: no spaces, quotation marks or backslashes", quote_text(scope)),
            );
        } else if scopes.get(..index).is_some_and(|earlier| earlier.contains(scope)) {
            checker.fault(&format!("{key}[{index}]"), format!("{} stands there twice", quote_text(scope)));
        }
    }
}

fn check_resource(checker: &mut Checker<'_>, key: &str, resource: &str) {
    if let Err(problem) = resource::check_resource(resource) {
        checker.fault(key, format!("{}: {problem}, for example https://api.example.com", quote_text(resource)));
    }
}

fn check_lifetimes(checker: &mut Checker<'_>, at: &str, client: &ClientDecl, tokens: &TokenSettings) {
    use super::validate::{check_access_ttl, check_refresh_ttls};
    if let Some(ttl) = client.access_ttl {
        check_access_ttl(checker, &format!("{at}.access_ttl"), ttl);
    }
    if client.refresh_idle_ttl.is_some() || client.refresh_absolute_ttl.is_some() {
        let idle = client.refresh_idle_ttl.unwrap_or(tokens.refresh_idle_ttl);
        let absolute = client.refresh_absolute_ttl.unwrap_or(tokens.refresh_absolute_ttl);
        let at = format!("{at}.");
        check_refresh_ttls(checker, &at, (idle, absolute));
    }
}

fn check_resource_server(
    checker: &mut Checker<'_>,
    at: &str,
    server: &mut ResourceServerDecl,
    owners: &mut BTreeMap<String, String>,
) {
    check_names(checker, at, ("id", &server.id), &server.name);
    if server.resource.is_empty() {
        checker.fault(
            &format!("{at}.resource"),
            "missing: its address as the audience of tokens, for example https://api.example.com",
        );
    } else {
        check_resource(checker, &format!("{at}.resource"), &server.resource);
    }
    check_secret(checker, at, &mut server.secret_hash, &server.secret);
    for (index, scope) in server.scopes.iter().enumerate() {
        let key = format!("{at}.scopes[{index}]");
        if !is_scope_token(&scope.name) {
            checker.fault(
                &format!("{key}.name"),
                format!("{} is not a scope: no spaces, quotation marks or backslashes", quote_text(&scope.name)),
            );
        } else if RESERVED_SCOPES.contains(&scope.name.as_str()) {
            checker.fault(
                &format!("{key}.name"),
                format!("{} has a meaning of its own; choose another", quote_text(&scope.name)),
            );
        } else if let Some(owner) = owners.insert(scope.name.clone(), at.to_owned()) {
            checker.fault(&format!("{key}.name"), format!("{} belongs to {owner} already", quote_text(&scope.name)));
        }
        if scope.description.is_empty() || !is_plain_text(&scope.description, 200) {
            checker.fault(
                &format!("{key}.description"),
                "needs the sentence that people read, up to 200 plain characters",
            );
        }
    }
    if server.access_token_format == TokenFormat::Jwt {
        checker.warn(&format!("{at}.access_token_format"), "a JWT lives on after it is revoked, until it expires");
    }
}
