//! Code that uses a client, to be pasted: with a library that is kept, and with the client's own values.

use clap::ValueEnum;
use gatepost_store::clients::ClientRow;

use super::read_list;

/// In which language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Language {
    /// openid-client 6
    Node,
    /// Authlib
    Python,
    /// gatepost-client; reqwest for services
    Rust,
}

/// The code; the secret is read from the environment, because it is known to nobody but its owner.
pub(super) fn write_snippet(row: &ClientRow, issuer: &str, language: Language) -> String {
    let redirect_uri = read_list(&row.redirect_uris).into_iter().next().unwrap_or_default();
    let scope = if row.scopes.is_empty() { "SCOPE" } else { &row.scopes };
    let facts = Facts {
        id: &row.client_id,
        issuer,
        redirect_uri: &redirect_uri,
        scope,
        method: &row.auth_method,
        service: !read_list(&row.grant_types).iter().any(|grant| grant == "authorization_code"),
        native: row.kind == "native",
    };
    match language {
        Language::Node => facts.write_node(),
        Language::Python => facts.write_python(),
        Language::Rust => facts.write_rust(),
    }
}

struct Facts<'a> {
    id: &'a str,
    issuer: &'a str,
    redirect_uri: &'a str,
    scope: &'a str,
    method: &'a str,
    service: bool,
    native: bool,
}

impl Facts<'_> {
    fn is_public(&self) -> bool {
        self.method == "none"
    }

    fn write_node(&self) -> String {
        let Self { id, issuer, redirect_uri, scope, .. } = self;
        let auth = match self.method {
            "none" => "client.None()",
            "client_secret_post" => "client.ClientSecretPost(process.env.CLIENT_SECRET)",
            _ => "client.ClientSecretBasic(process.env.CLIENT_SECRET)",
        };
        // the library refuses http, also on this computer, unless it is told
        let insecure = if issuer.starts_with("http:") { ", execute: [client.allowInsecureRequests]" } else { "" };
        let head = format!(
            "// npm install openid-client@6\n\
             import * as client from \"openid-client\";\n\n\
             const config = await client.discovery(new URL(\"{issuer}\"), \"{id}\", undefined, {auth}, {{\n  \
             algorithm: \"oauth2\"{insecure},\n}});\n"
        );
        let body = if self.service {
            format!(
                "\nconst tokens = await client.clientCredentialsGrant(config, {{ scope: \"{scope}\" }});\n\
                 // Authorization: Bearer ${{tokens.access_token}}\n"
            )
        } else {
            format!(
                "\n// 1. Send the person's browser to `url`; keep `verifier` and `state` in its session.\n\
                 const verifier = client.randomPKCECodeVerifier();\n\
                 const state = client.randomState();\n\
                 const url = client.buildAuthorizationUrl(config, {{\n  \
                 redirect_uri: \"{redirect_uri}\",\n  \
                 scope: \"{scope}\",\n  \
                 state,\n  \
                 code_challenge: await client.calculatePKCECodeChallenge(verifier),\n  \
                 code_challenge_method: \"S256\",\n}});\n\n\
                 // 2. At the redirect address: `answer` is the whole address that the browser came with, as a URL.\n\
                 const tokens = await client.authorizationCodeGrant(config, answer, {{\n  \
                 pkceCodeVerifier: verifier,\n  \
                 expectedState: state,\n}});\n\
                 // Authorization: Bearer ${{tokens.access_token}}\n"
            )
        };
        head + &body
    }

    fn write_python(&self) -> String {
        let Self { id, issuer, redirect_uri, scope, .. } = self;
        let method = if self.method == "client_secret_any" { "client_secret_basic" } else { self.method };
        // the library refuses http, also on this computer, unless it is told before it is imported
        let import = match (issuer.starts_with("http:"), self.is_public()) {
            (true, _) => {
                "import os\n\nos.environ[\"AUTHLIB_INSECURE_TRANSPORT\"] = \"1\"  # plain http, on this computer only\n\n"
            }
            (false, false) => "import os\n\n",
            (false, true) => "",
        };
        let secret = if self.is_public() { "" } else { "\n    client_secret=os.environ[\"CLIENT_SECRET\"]," };
        if self.service {
            return format!(
                "# pip install authlib requests\n{import}\
                 from authlib.integrations.requests_client import OAuth2Session\n\n\
                 session = OAuth2Session(\n    \"{id}\",{secret}\n    scope=\"{scope}\",\n    \
                 token_endpoint_auth_method=\"{method}\",\n)\n\
                 session.fetch_token(\"{issuer}/oauth2/token\", grant_type=\"client_credentials\")\n\
                 # session.get(\"https://…\") now sends the token\n"
            );
        }
        format!(
            "# pip install authlib requests\n{import}\
             from authlib.common.security import generate_token\n\
             from authlib.integrations.requests_client import OAuth2Session\n\n\
             session = OAuth2Session(\n    \"{id}\",{secret}\n    redirect_uri=\"{redirect_uri}\",\n    scope=\"{scope}\",\n    \
             token_endpoint_auth_method=\"{method}\",\n    code_challenge_method=\"S256\",\n)\n\n\
             # 1. Send the person's browser to `url`; keep `verifier` and `state` in its session.\n\
             verifier = generate_token(48)\n\
             url, state = session.create_authorization_url(\"{issuer}/oauth2/authorize\", code_verifier=verifier)\n\n\
             # 2. At the redirect address: `answer` is the whole address that the browser came with.\n\
             session.fetch_token(\n    \"{issuer}/oauth2/token\",\n    authorization_response=answer,\n    \
             state=state,\n    code_verifier=verifier,\n)\n\
             # session.get(\"https://…\") now sends the token\n"
        )
    }

    fn write_rust(&self) -> String {
        let Self { id, issuer, redirect_uri, scope, .. } = self;
        if self.service {
            return self.write_rust_service();
        }
        let identity = if self.is_public() {
            format!("ClientIdentity::public(\"{id}\")")
        } else {
            format!("ClientIdentity::confidential(\"{id}\", std::env::var(\"CLIENT_SECRET\")?)")
        };
        let scopes: Vec<_> = scope.split(' ').map(|scope| format!("\"{scope}\".to_owned()")).collect();
        let wanted = format!("Wanted {{ scopes: vec![{}], ..Wanted::default() }}", scopes.join(", "));
        if self.native {
            return format!(
                "// cargo add gatepost-client\n\
                 use gatepost_client::{{ClientIdentity, LoginOptions, Session, TokenStore, Wanted, log_in}};\n\n\
                 let me = {identity};\n\
                 let mut options = LoginOptions::new(\"{issuer}\", me.clone());\n\
                 options.wanted = {wanted};\n\
                 let tokens = log_in(&options, |event| eprintln!(\"{{event:?}}\")).await?;\n\n\
                 // kept for the next run, and renewed when it must be\n\
                 let session = Session::new(\"{issuer}\", me, TokenStore::for_app(\"{id}\")?);\n\
                 session.keep(tokens).await?;\n\
                 let response = session.send(gatepost_client::reqwest::Client::new().get(api)).await?;\n"
            );
        }
        format!(
            "// cargo add gatepost-client\n\
             use gatepost_client::{{ClientIdentity, PendingLogin, Wanted, discover}};\n\n\
             let server = discover(\"{issuer}\").await?;\n\
             let me = {identity};\n\n\
             // 1. Send the person's browser to `pending.url()`; keep `pending` in its session.\n\
             let wanted = {wanted};\n\
             let pending = PendingLogin::begin(&server, &me, \"{redirect_uri}\", &wanted)?;\n\n\
             // 2. At the redirect address: `query` is what stands after the question mark.\n\
             let code = pending.read_answer(&server, query)?;\n\
             let tokens = pending.redeem_code(&server, &me, &code).await?;\n\
             // Authorization: Bearer {{tokens.access_token.expose()}}\n"
        )
    }

    fn write_rust_service(&self) -> String {
        let Self { id, issuer, scope, .. } = self;
        let form = format!("(\"grant_type\", \"client_credentials\"), (\"scope\", \"{scope}\")");
        let (auth, form) = if self.method == "client_secret_post" {
            (String::new(), format!("{form}, (\"client_id\", \"{id}\"), (\"client_secret\", &secret)"))
        } else {
            (format!("\n    .basic_auth(\"{id}\", Some(&secret))"), form)
        };
        format!(
            "// cargo add reqwest --features json\n\
             let secret = std::env::var(\"CLIENT_SECRET\")?;\n\
             let tokens: serde_json::Value = reqwest::Client::new()\n    \
             .post(\"{issuer}/oauth2/token\"){auth}\n    \
             .form(&[{form}])\n    \
             .send()\n    .await?\n    .error_for_status()?\n    .json()\n    .await?;\n\
             // Authorization: Bearer {{tokens[\"access_token\"]}}\n"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(kind: &str, method: &str, grants: &str) -> ClientRow {
        ClientRow {
            client_id: "acme-notes".into(),
            name: "Acme Notes".into(),
            kind: kind.into(),
            auth_method: method.into(),
            secret_hash: None,
            previous_secret_hash: None,
            previous_secret_expires_at: None,
            redirect_uris: "[\"https://notes.example/callback\"]".into(),
            scopes: "notes:read notes:write".into(),
            resources: "[]".into(),
            grant_types: grants.into(),
            first_party: false,
            verified: true,
            show_setup_errors: false,
            access_ttl: None,
            refresh_idle_ttl: None,
            refresh_absolute_ttl: None,
            refresh_rotation: "rotate".into(),
            refresh_replay: false,
            declared: false,
            created_at: 0,
            updated_at: 0,
            disabled_at: None,
            deleted_at: None,
            require_second_factor: false,
        }
    }

    #[test]
    fn every_snippet_has_the_values_of_its_client() {
        let cases = [
            row("web", "client_secret_basic", "[\"authorization_code\",\"refresh_token\"]"),
            row("native", "none", "[\"authorization_code\"]"),
            row("browser", "none", "[\"authorization_code\"]"),
            row("service", "client_secret_post", "[\"client_credentials\"]"),
        ];
        for case in &cases {
            for language in [Language::Node, Language::Python, Language::Rust] {
                let code = write_snippet(case, "https://auth.example.com", language);
                assert!(code.contains("\"acme-notes\"") && code.contains("https://auth.example.com"), "{code}");
                assert_eq!(code.contains("CLIENT_SECRET"), case.auth_method != "none", "{code}");
                assert_eq!(
                    code.contains("client_credentials") || code.contains("clientCredentials"),
                    case.kind == "service"
                );
                assert!(code.contains("notes:write") && code.ends_with('\n'), "{code}");
            }
        }
        let web = write_snippet(&cases[0], "http://localhost:8480", Language::Node);
        assert!(web.contains("allowInsecureRequests") && web.contains("ClientSecretBasic"), "{web}");
    }
}
