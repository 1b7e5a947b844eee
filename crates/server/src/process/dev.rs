//! `gatepost serve --dev`: a person, a command-line client, an API and a web app to try, made on the first run and the
//! same on later ones.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use actix_web::dev::ServerHandle;
use gatepost_engine::Error;
use gatepost_engine::audit::Actor;
use gatepost_engine::clients::declared::{Declared, DeclaredClient, DeclaredResourceServer};
use gatepost_engine::clients::manage::ClientSpec;
use gatepost_engine::clients::registry::ClientKind;
use gatepost_engine::clients::resource_servers::{ResourceServerSpec, ScopeSpec};
use gatepost_engine::people::email::normalize_email;
use gatepost_engine::people::password::hash_password;
use gatepost_engine::people::sign_up::NewUser;
use gatepost_engine::people::users::{add_user, find_user};
use gatepost_protocol::secret::{SecretKind, TokenHash};
use gatepost_store::people::users::ROLE_ADMIN;
use serde::{Deserialize, Serialize};

use crate::process::startup::{Installation, StartFault, write_private_file};
use crate::samples::{SampleApi, SampleWebApp, run_sample_api, run_sample_web_app};

/// The person that is there.
pub(crate) const EMAIL: &str = "dev@example.com";

/// What the first run chose and later runs use again; in a file that only its owner can read.
#[derive(Serialize, Deserialize)]
pub(crate) struct DevSecrets {
    pub(crate) password: String,
    api_secret: String,
    app_secret: String,
}

/// Where the samples are.
pub(crate) struct Samples {
    api: TcpListener,
    app: TcpListener,
    pub(crate) api_url: String,
    pub(crate) app_url: String,
}

/// Takes the two ports after the server's own, or any where those are taken.
pub(crate) fn bind_samples(port: u16) -> std::io::Result<Samples> {
    let bind = |port: u16| TcpListener::bind(("127.0.0.1", port)).or_else(|_| TcpListener::bind(("127.0.0.1", 0)));
    let (app, api) = (bind(port.saturating_add(1))?, bind(port.saturating_add(2))?);
    let url =
        |listener: &TcpListener| Ok::<_, std::io::Error>(format!("http://localhost:{}", listener.local_addr()?.port()));
    Ok(Samples { api_url: url(&api)?, app_url: url(&app)?, api, app })
}

/// The secrets of this development folder.
pub(crate) fn load_secrets(installation: &Installation, folder: &Path) -> Result<DevSecrets, StartFault> {
    let path: PathBuf = folder.join("secrets.json");
    let failed = |error: &dyn std::fmt::Display| StartFault(format!("{}: {error}", path.display()));
    if !path.exists() {
        let secret = |kind| -> Result<String, Error> { Ok(installation.engine.make_secret(kind)?.expose().to_owned()) };
        let made = DevSecrets {
            password: make_password()?,
            api_secret: secret(SecretKind::ClientSecret)?,
            app_secret: secret(SecretKind::ClientSecret)?,
        };
        let text = serde_json::to_string_pretty(&made).map_err(|error| failed(&error))?;
        write_private_file(&path, text.as_bytes()).map_err(|error| failed(&error))?;
    }
    let text = fs::read_to_string(&path).map_err(|error| failed(&error))?;
    serde_json::from_str(&text).map_err(|error| failed(&error))
}

/// Three words and a number: easy to type, good enough for loopback.
fn make_password() -> Result<String, StartFault> {
    const FIRST: [&str; 16] = [
        "quiet", "amber", "brisk", "candid", "dusty", "eager", "gentle", "hollow", "ivory", "jolly", "lucid", "mellow",
        "narrow", "pale", "rustic", "silver",
    ];
    const SECOND: [&str; 16] = [
        "copper", "garden", "harbor", "island", "kettle", "ladder", "marble", "needle", "orchid", "pepper", "quarry",
        "ribbon", "saddle", "timber", "velvet", "willow",
    ];
    const THIRD: [&str; 16] = [
        "lantern", "anchor", "bottle", "canyon", "dolphin", "falcon", "glacier", "hammock", "jacket", "meadow",
        "octave", "pigeon", "rocket", "summit", "teapot", "window",
    ];
    let mut bytes = [0; 4];
    crate::process::random::source().fill(&mut bytes).map_err(|_| StartFault("no random bytes".into()))?;
    let pick = |words: [&'static str; 16], byte: u8| words[usize::from(byte % 16)];
    let words = [pick(FIRST, bytes[0]), pick(SECOND, bytes[1]), pick(THIRD, bytes[2])];
    Ok(format!("{}-{:02}", words.join("-"), bytes[3] % 100))
}

/// What is declared in development, beside what the settings declare.
pub(crate) fn declare_samples(secrets: &DevSecrets, samples: &Samples) -> Declared {
    let strings = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let scopes = strings(&["notes:read", "notes:write", "offline_access"]);
    let cli = ClientSpec {
        client_id: Some("gatepost-cli".into()),
        redirect_uris: strings(&["http://127.0.0.1/callback", "http://[::1]/callback"]),
        scopes: scopes.clone(),
        ..ClientSpec::new("Gatepost CLI", ClientKind::Native)
    };
    let app = ClientSpec {
        client_id: Some("sample-app".into()),
        redirect_uris: vec![format!("{}/callback", samples.app_url)],
        scopes,
        ..ClientSpec::new("Sample Notes", ClientKind::Web)
    };
    let scope = |name: &str, description: &str, sensitive| ScopeSpec {
        name: name.into(),
        description: description.into(),
        sensitive,
    };
    let api = ResourceServerSpec {
        id: "sample-api".into(),
        name: "Sample notes API".into(),
        resource: samples.api_url.clone(),
        scopes: vec![
            scope("notes:read", "Read your notes", false),
            scope("notes:write", "Change and delete your notes", true),
        ],
        jwt: false,
    };
    Declared {
        clients: vec![
            DeclaredClient { spec: cli, secret: None },
            DeclaredClient { spec: app, secret: Some(TokenHash::of_text(&secrets.app_secret)) },
        ],
        resource_servers: vec![DeclaredResourceServer { spec: api, secret: TokenHash::of_text(&secrets.api_secret) }],
    }
}

/// Makes the person, unless there is one with this address.
pub(crate) async fn seed_person(installation: &Installation, secrets: &DevSecrets) -> Result<(), StartFault> {
    let call = installation.call();
    let known = installation.store.read(|db| find_user(db, EMAIL)).await?;
    if known.is_some() {
        return Ok(());
    }
    let hash = hash_password(&call.engine.policy.password, crate::process::random::source(), &secrets.password)
        .map_err(|_| StartFault("cannot hash the password".into()))?;
    let email = normalize_email(EMAIL).map_err(|fault| StartFault(fault.to_string()))?;
    let new =
        NewUser { email, name: "Dev Eloper".into(), email_verified: true, password_hash: Some(hash), role: ROLE_ADMIN };
    let added = installation.store.write(move |tx| add_user(&call, tx, Actor::Operator, &new)).await;
    added.map_err(|error: Error| StartFault(error.to_string()))?.map_err(|fault| StartFault(fault.to_string()))?;
    Ok(())
}

/// Starts the sample API and the sample app.
pub(crate) fn start_samples(
    installation: &Installation,
    secrets: &DevSecrets,
    samples: Samples,
) -> std::io::Result<Vec<ServerHandle>> {
    let issuer = installation.engine.issuer.as_str().to_owned();
    let api = run_sample_api(
        samples.api,
        SampleApi {
            issuer: issuer.clone(),
            resource: samples.api_url.clone(),
            client_id: "sample-api".into(),
            client_secret: secrets.api_secret.clone().into(),
        },
    )?;
    let app = run_sample_web_app(
        samples.app,
        SampleWebApp {
            issuer,
            client_id: "sample-app".into(),
            client_secret: secrets.app_secret.clone().into(),
            redirect_uri: format!("{}/callback", samples.app_url),
            api_url: format!("{}/notes", samples.api_url),
            resource: samples.api_url.clone(),
        },
    )?;
    let handles = vec![api.handle(), app.handle()];
    actix_web::rt::spawn(api);
    actix_web::rt::spawn(app);
    Ok(handles)
}
