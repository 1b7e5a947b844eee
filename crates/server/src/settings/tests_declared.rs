//! What declared apps and APIs must be.

use super::declared;
use super::tests::{assert_fault, faults, loaded};

/// A client with these lines; the hash is of some text.
fn client(lines: &str) -> String {
    format!("[[clients]]\nclient_id = \"app\"\nname = \"App\"\n{lines}")
}

const HASH: &str = "secret_hash = \"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\"\n";
const CALLBACK: &str = "redirect_uris = [\"https://app.example/callback\"]\n";

#[test]
fn declared_clients_are_checked_completely() {
    let web = |lines: &str| client(&format!("kind = \"web\"\n{HASH}{CALLBACK}{lines}"));
    let native =
        |lines: &str| client(&format!("kind = \"native\"\nredirect_uris = [\"http://127.0.0.1/callback\"]\n{lines}"));
    for (file, fault) in [
        (client(""), "clients.app.kind: missing: web, native, browser or service"),
        (
            client("kind = \"web\"\nredirect_uris = [\"https://app.example/\"]"),
            "clients.app.secret: missing: give it by a variable or secret_file, or give secret_hash",
        ),
        (
            client(&format!("kind = \"web\"\n{HASH}")),
            "clients.app.redirect_uris: missing: where people are sent back to",
        ),
        (web("secret = \"x\""), "clients.app.secret: stands beside secret_hash; keep one of them"),
        (
            web("auth_method = \"none\""),
            "clients.app.auth_method: a web app has a secret; one without is kind = \"browser\" or \"native\"",
        ),
        (
            web("grant_types = [\"refresh_token\"]").replace(CALLBACK, ""),
            "clients.app.grant_types: refresh_token has nothing to start from without authorization_code",
        ),
        (
            web("grant_types = [\"password\"]"),
            "clients.app.grant_types: \"password\" is not \"authorization_code\" or \"refresh_token\" or \"client_credentials\"",
        ),
        (
            web("scopes = [\"a b\"]"),
            "clients.app.scopes[0]: \"a b\" is not a scope: no spaces, quotation marks or backslashes",
        ),
        (
            web("resources = [\"/api\"]"),
            "clients.app.resources: \"/api\": it must be an absolute URI, for example https://api.example.com",
        ),
        (web("access_ttl = \"2h\""), "clients.app.access_ttl: 2h is too much; at most 1h"),
        (
            web("refresh_absolute_ttl = \"1d\""),
            "clients.app.refresh_idle_ttl: 30d is longer than clients.app.refresh_absolute_ttl, 1d",
        ),
        (web("redirect_uri = \"x\""), "clients.app.redirect_uri: unknown; did you mean clients.app.redirect_uris?"),
        (native(HASH), "clients.app.secret_hash: a native app cannot keep a secret: leave it out"),
        (
            native("auth_method = \"client_secret_post\""),
            "clients.app.auth_method: a native app cannot keep a secret: leave it out",
        ),
        (
            native("grant_types = [\"authorization_code\", \"client_credentials\"]"),
            "clients.app.grant_types: client_credentials needs a secret",
        ),
        (native("refresh_rotation = \"keep\""), "clients.app.refresh_rotation: an app without a secret must rotate"),
        (
            client(&format!("kind = \"service\"\n{HASH}{CALLBACK}")),
            "clients.app.redirect_uris: not used without authorization_code: leave it out",
        ),
        (web("") + &web(""), "clients[1].client_id: \"app\" is taken by entry 0"),
        (
            web("").replace("\"app\"", "\"a b\""),
            "clients[0].client_id: \"a b\" may have at most 64 letters, digits and . _ - only",
        ),
        (web("").replace("\"App\"", "\"A\\u202eB\""), "clients.app.name: needs 1 to 60 plain characters on one line"),
        (web("").replace("ba7816bf", ""), "clients.app.secret_hash: is not a SHA-256 as base64url or hex"),
        (
            web("").replace(HASH, "secret_hash = \"47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU\"\n"),
            "clients.app.secret_hash: is the hash of an empty text",
        ),
        (web("").replace(HASH, "secret = \"short\"\n"), "clients.app.secret: 5 characters; at least 32 random ones"),
        (
            web("").replace(HASH, &format!("secret = \"gp_cs_{}\"\n", "A".repeat(49))),
            "clients.app.secret: was made by Gatepost and is not complete: its checksum is wrong",
        ),
    ] {
        assert_fault(&file, fault);
    }
    let http = faults(&web("").replace("https://app", "http://app"), &[], false);
    assert!(
        http.len() == 1
            && http
                .iter()
                .all(|fault| fault.starts_with("clients.app.redirect_uris[0]: \"http://app.example/callback\": ")),
        "{http:?}"
    );
    let good = loaded(&native("first_party = true"), &[]);
    let declared = good.settings.clients.first().expect("declared");
    assert_eq!(declared.auth_method, Some(declared::AuthMethod::None));
    assert_eq!(
        declared.grant_types.iter().map(|grant| grant.as_str()).collect::<Vec<_>>(),
        ["authorization_code", "refresh_token"]
    );
    assert!(
        good.warnings.iter().any(|warning| warning.starts_with("clients.app.first_party: ")),
        "{:?}",
        good.warnings
    );
    let hash = loaded(&web(""), &[]).settings.clients.first().and_then(|client| client.secret_hash.clone());
    assert_eq!(hash.as_deref(), Some("ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0"), "normalised to base64url");
}

#[test]
fn declared_apis_are_checked_completely() {
    let api = |lines: &str| {
        format!("[[resource_servers]]\nid = \"api\"\nname = \"API\"\nresource = \"https://api.example\"\n{HASH}{lines}")
    };
    let scope = "scopes = [{ name = \"notes:read\", description = \"Read your notes\" }]\n";
    for (file, fault) in [
        (
            api("").replace(HASH, ""),
            "resource_servers.api.secret: missing: give it by a variable or secret_file, or give secret_hash",
        ),
        (
            api("").replace("https://api.example", "api#x"),
            "resource_servers.api.resource: \"api#x\": it must not have a fragment, for example https://api.example.com",
        ),
        (
            api("scopes = [{ name = \"openid\", description = \"x\" }]"),
            "resource_servers.api.scopes[0].name: \"openid\" has a meaning of its own; choose another",
        ),
        (
            api("scopes = [{ name = \"a\" }]"),
            "resource_servers.api.scopes[0].description: needs the sentence that people read, up to 200 plain characters",
        ),
        (
            api("scopes = [{ nam = \"a\" }]"),
            "resource_servers.api.scopes[0].nam: unknown; did you mean resource_servers.api.scopes[0].name?",
        ),
        (
            api("access_token_format = \"jwe\""),
            "resource_servers.api.access_token_format: \"jwe\" is not \"opaque\" or \"jwt\"; did you mean jwt?",
        ),
    ] {
        let found = faults(&file, &[], false);
        assert_eq!(found.first().map(String::as_str), Some(fault), "{found:?}");
    }
    let twice = api(scope) + &api(scope).replace("\"api\"", "\"other\"").replace("api.example", "other.example");
    assert_fault(
        &twice,
        "resource_servers.other.scopes[0].name: \"notes:read\" belongs to resource_servers.api already",
    );
    let spelled =
        api("") + &api("").replace("\"api\"", "\"other\"").replace("https://api.example", "HTTPS://API.example/");
    assert_fault(&spelled, "resource_servers[1].resource: \"HTTPS://API.example/\" is taken by \"api\"");
    let slip = api(scope) + &client(&format!("kind = \"web\"\nscopes = [\"notes:raed\"]\n{HASH}{CALLBACK}"));
    assert!(
        loaded(&slip, &[])
            .warnings
            .contains(&"clients.app.scopes: \"notes:raed\" is not declared; did you mean notes:read?".to_owned())
    );
    let whole_list = [(
        "GATEPOST__CLIENTS",
        "[{ client_id = \"cli\", name = \"CLI\", kind = \"native\", redirect_uris = [\"http://127.0.0.1/callback\"] }]",
    )];
    assert_eq!(loaded("", &whole_list).settings.clients.len(), 1);
}
