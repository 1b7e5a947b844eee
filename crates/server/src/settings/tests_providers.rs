//! What providers must be.

use super::tests::{assert_fault, faults, loaded};

fn provider(lines: &str) -> String {
    format!("[[providers]]\nid = \"acme\"\nname = \"Acme\"\nclient_id = \"gatepost\"\n{lines}")
}

const SECRET: &str = "client_secret = \"s3cret\"\n";

#[test]
fn providers_are_checked_completely() {
    let oidc = |lines: &str| provider(&format!("kind = \"oidc\"\nissuer = \"https://login.example\"\n{SECRET}{lines}"));
    for (file, fault) in [
        (provider(SECRET), "providers.acme.kind: missing: oidc, google or github"),
        (
            provider("kind = \"google\""),
            "providers.acme.client_secret: missing: give it by a variable or client_secret_file",
        ),
        (
            provider(&format!("kind = \"oidc\"\n{SECRET}")),
            "providers.acme.issuer: missing: its address, for example https://login.example.com",
        ),
        (
            oidc("").replace("https://login", "http://login"),
            "providers.acme.issuer: \"http://login.example\" must be https, except on this computer",
        ),
        (
            oidc("").replace(".example", ".example/?a=b"),
            "providers.acme.issuer: \"https://login.example/?a=b\" must have no ? and no #",
        ),
        (
            oidc("github_url = \"https://github.example\""),
            "providers.acme.github_url: not used with kind = \"oidc\": leave it out",
        ),
        (
            provider(&format!("kind = \"github\"\nissuer = \"https://github.example\"\n{SECRET}")),
            "providers.acme.issuer: not used with kind = \"github\": leave it out",
        ),
        (oidc("scopes = [\"email\"]"), "providers.acme.scopes: needs \"openid\""),
        (oidc("scopes = [\"openid\", \"a b\"]"), "providers.acme.scopes[1]: \"a b\" is not a scope"),
        (
            oidc("allowed_domains = [\"@example.com\"]"),
            "providers.acme.allowed_domains[0]: \"@example.com\" is not the part of an address behind the @ (with xn-- for other letters)",
        ),
        (
            oidc("").replace("\"acme\"", "\"password\""),
            "providers.password.id: \"password\" is another way to sign in; choose another",
        ),
        (
            oidc("").replace("\"acme\"", "\"Acme\""),
            "providers.Acme.id: \"Acme\" may have at most 32 of a-z, 0-9 and - only",
        ),
        (
            oidc("").replace("\"Acme\"", "\"A\\u202eB\""),
            "providers.acme.name: needs 1 to 40 plain characters on one line",
        ),
        (oidc("") + &oidc(""), "providers[1].id: is taken by entry 0"),
        (oidc("") + &oidc("").replace("acme", "other"), "providers[1].issuer: is taken by entry 0"),
        (
            oidc("").replace("s3cret", " s3cret"),
            "providers.acme.client_secret: has spaces around it or control characters inside",
        ),
        (oidc("secret = \"x\""), "providers.acme.secret: unknown"),
    ] {
        assert_fault(&file, fault);
    }
}

#[test]
fn all_faults_of_a_provider_come_together() {
    let file = "[[providers]]\nid = \"acme\"\nkind = \"oidc\"\nissuer = \"ftp://x\"\n";
    let keys: Vec<String> =
        faults(file, &[], false).iter().filter_map(|fault| fault.split(':').next().map(str::to_owned)).collect();
    for key in ["name", "client_id", "client_secret", "issuer"] {
        assert!(keys.contains(&format!("providers.acme.{key}")), "{key} is not in {keys:?}");
    }
}

#[test]
fn what_follows_from_the_kind_is_filled_in() {
    let file = provider("kind = \"google\"\n")
        + "[[providers]]\nid = \"git-hub\"\nname = \"GitHub\"\nclient_id = \"x\"\nkind = \"github\"\n";
    let env =
        [("GATEPOST__PROVIDERS__ACME__CLIENT_SECRET", "one"), ("GATEPOST__PROVIDERS__GIT_HUB__CLIENT_SECRET", "two")];
    let settings = loaded(&file, &env).settings;
    let [google, github] = settings.providers.as_slice() else { panic!("two") };
    assert_eq!(google.issuer_url(), "https://accounts.google.com");
    assert_eq!(google.scopes, ["openid", "email", "profile"]);
    assert_eq!(google.client_secret.expose(), Some("one"));
    assert_eq!(github.issuer_url(), "https://github.com");
    assert_eq!(github.github_api_url.as_deref(), Some("https://api.github.com"));
    assert_eq!(github.scopes, ["read:user", "user:email"]);
    assert_eq!(github.client_secret.expose(), Some("two"));
}
