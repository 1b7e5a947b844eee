//! Gatepost as a server under test: its settings file, its people and clients, through its own CLI and pages.

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};

use crate::fill::{APP, Filled, RESOURCE, SCOPE, Size, fill_database};
use crate::http::{Conn, Response};
use crate::jar::Jar;
use crate::ops::{Op, draw_text};
use crate::server::{find_free_port, run_program};
use crate::target::{Client, Counter, Program, Target};
use crate::wire::{encode, origin_of, split_url, write_request};

const REDIRECT_URI: &str = "http://127.0.0.1/callback";

/// What a Gatepost under test is measured at, and the settings that this takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Setup {
    /// as it comes
    Default,
    /// every answer of introspection comes from the database
    Uncached,
    /// looks every second for what has ended, instead of every minute
    Sweeping,
}

impl Setup {
    fn list_ops(self) -> Vec<Op> {
        match self {
            Self::Default => vec![
                Op::ClientCredentials,
                Op::IntrospectActive,
                Op::IntrospectUnknown,
                Op::CodeExchange,
                Op::IntrospectUserFirst,
                Op::IntrospectUser,
                Op::Refresh,
                Op::RefreshOld,
            ],
            Self::Uncached => {
                vec![Op::ClientCredentials, Op::IntrospectActive, Op::IntrospectUnknown, Op::IntrospectUserFirst]
            }
            Self::Sweeping => vec![Op::ClientCredentials, Op::ClientCredentialsSweep],
        }
    }
}

/// The secrets of an installation: whoever starts from a copy of its database needs them too.
#[derive(Clone)]
pub(crate) struct Secrets {
    master_key: String,
    service: String,
    resource: String,
}

impl Secrets {
    pub(crate) fn draw() -> Self {
        Self { master_key: draw_text(32), service: draw_text(32), resource: draw_text(32) }
    }
}

/// The program beside this one, as cargo puts it there.
pub(crate) fn find_program(named: Option<&Path>) -> Result<PathBuf, String> {
    let own = std::env::current_exe().map_err(|error| format!("this program's own path: {error}"))?;
    let beside = own.with_file_name(format!("gatepost{}", std::env::consts::EXE_SUFFIX));
    let program = named.map_or(beside, Path::to_path_buf);
    let program = std::path::absolute(program).map_err(|error| error.to_string())?;
    if program.is_file() {
        return Ok(program);
    }
    let profile = if cfg!(debug_assertions) { "" } else { " --profile dist" };
    Err(format!(
        "there is no gatepost at {}; build it first:\n    cargo build{profile} -p gatepost-server",
        program.display()
    ))
}

/// What a Gatepost under test is made from.
#[derive(Clone)]
pub(crate) struct Plan<'a> {
    pub(crate) program: &'a Path,
    /// for settings and data; emptied first
    pub(crate) folder: PathBuf,
    pub(crate) setup: Setup,
    pub(crate) secrets: Secrets,
}

/// A database that is copied for each server that is to have it.
pub(crate) struct Template {
    /// the SQLite file; none for a PostgreSQL database, which its cluster copies
    pub(crate) file: Option<PathBuf>,
    /// as in the setting `database.url`
    pub(crate) database: String,
    pub(crate) size: Size,
}

impl Plan<'_> {
    fn sqlite_file(&self) -> PathBuf {
        self.folder.join("gatepost.db")
    }

    /// Empties the folder and writes the settings into it; gives the setting `database.url`, by default SQLite in the folder.
    fn write_settings(&self, port: u16, database: Option<String>) -> Result<String, String> {
        let fail = |error: std::io::Error| format!("{}: {error}", self.folder.display());
        if self.folder.exists() {
            fs::remove_dir_all(&self.folder).map_err(fail)?;
        }
        fs::create_dir_all(&self.folder).map_err(fail)?;
        let database = database.unwrap_or_else(|| format!("sqlite:{}", self.sqlite_file().display()));
        let settings = make_settings(port, &database, self.setup, &self.secrets);
        let text = toml::to_string(&settings).map_err(|error| format!("settings: {error}"))?;
        fs::write(self.folder.join("gatepost.toml"), text).map_err(fail)?;
        Ok(database)
    }

    /// Lets the server make an empty database and fills it; without an address it is SQLite in the folder.
    pub(crate) fn make_template(&self, port: u16, database: Option<String>, size: Size) -> Result<Template, String> {
        let file = database.is_none().then(|| self.sqlite_file());
        let database = self.write_settings(port, database)?;
        // any command that opens the database makes and migrates it; this one has nothing to do beyond that
        run_program(&call(self, &["sweep"]), "")?;
        fill_database(&Filled { database: database.clone(), size })?;
        Ok(Template { file, database, size })
    }

    /// Writes fresh settings over a copy of the template and describes the server in `target`. The address is of the copy of
    /// a PostgreSQL database.
    pub(crate) fn prepare_target(
        &self,
        template: &Template,
        database: Option<String>,
        target: &mut Target,
    ) -> Result<(), String> {
        let port = find_free_port()?;
        let database = self.write_settings(port, database)?;
        if let Some(file) = &template.file {
            fs::copy(file, self.sqlite_file()).map_err(|error| format!("{}: {error}", file.display()))?;
        }
        self.describe_server(port, target);
        target.filled = Some(Filled { database, size: template.size });
        Ok(())
    }

    /// What the settings of this port tell about the server.
    pub(crate) fn describe_server(&self, port: u16, target: &mut Target) {
        let issuer = format!("http://127.0.0.1:{port}");
        let client = |id: &str, secret: &str, auth: &str, scope: &str| Client {
            id: id.into(),
            secret: secret.into(),
            auth: auth.into(),
            scope: scope.into(),
            ..Client::default()
        };
        target.start = Some(call(self, &["serve"]));
        target.ready_url = format!("{issuer}/.well-known/oauth-authorization-server");
        target.discovery = true;
        target.cc = Some(client("bench-service", &self.secrets.service, "basic", SCOPE));
        target.resource = Some(client("bench-api", &self.secrets.resource, "basic", ""));
        let mut code = client(APP, "", "none", &format!("{SCOPE} offline_access"));
        code.redirect_uri = REDIRECT_URI.into();
        target.code = Some(code);
        target.forwarded = true;
        target.commits =
            Some(Counter { url: format!("{issuer}/metrics"), name: "gatepost_sqlite_commits_total".into() });
        target.ops = self.setup.list_ops();
    }
}

/// A command of the gatepost program with the settings of the plan.
fn call(plan: &Plan<'_>, arguments: &[&str]) -> Program {
    let mut cmd = vec![plan.program.display().to_string(), "--config".into()];
    cmd.push(plan.folder.join("gatepost.toml").display().to_string());
    cmd.extend(arguments.iter().map(|argument| (*argument).to_string()));
    Program { cmd, cwd: plan.folder.display().to_string(), ..Program::default() }
}

fn make_settings(port: u16, database: &str, setup: Setup, secrets: &Secrets) -> Value {
    let hash = |secret: &String| URL_SAFE_NO_PAD.encode(digest(&SHA256, secret.as_bytes()));
    json!({
        "server": {
            "public_url": format!("http://127.0.0.1:{port}"),
            "listen": format!("127.0.0.1:{port}"),
            "shutdown_delay": "0s",
            // authorizations come as if from many people behind a proxy
            "trusted_proxies": ["127.0.0.1"],
        },
        "database": { "url": database },
        "security": { "master_key": secrets.master_key },
        "tokens": { "access_ttl": 3600 },
        "cache": { "introspection": setup != Setup::Uncached },
        "observability": { "metrics": "main" },
        "sweep": { "interval": if setup == Setup::Sweeping { "1s" } else { "1m" } },
        // the limits are what is not to be measured
        "limits": { "authorize_per_minute": 100_000 },
        "resource_servers": [{
            "id": "bench-api",
            "name": "Bench API",
            "resource": RESOURCE,
            "secret_hash": hash(&secrets.resource),
            "scopes": [{ "name": SCOPE, "description": "Read what the benchmark reads" }],
        }],
        "clients": [
            {
                "client_id": "bench-service",
                "name": "Bench service",
                "kind": "service",
                "auth_method": "client_secret_basic",
                "secret_hash": hash(&secrets.service),
                "scopes": [SCOPE],
                "grant_types": ["client_credentials"],
            },
            {
                "client_id": APP,
                "name": "Bench app",
                "kind": "native",
                "first_party": true,
                "redirect_uris": [REDIRECT_URI],
                "scopes": [SCOPE, "offline_access"],
                "grant_types": ["authorization_code", "refresh_token"],
            },
        ],
    })
}

/// Adds people and signs them in, each in a browser of their own.
pub(crate) fn sign_people_in(plan: &Plan<'_>, target: &mut Target, count: usize) -> Result<(), String> {
    let issuer = origin_of(&target.ready_url).to_string();
    target.sessions.clear();
    for index in 0..count {
        let (email, password) = (format!("person{index}@example.com"), draw_text(24));
        let name = format!("Person {index}");
        let arguments = ["user", "add", "--email", &email, "--name", &name, "--password-stdin", "--json"];
        run_program(&call(plan, &arguments), &format!("{password}\n"))?;
        target.sessions.push(sign_in(&issuer, &email, &password)?);
    }
    Ok(())
}

/// Signs in on the login page; gives the Cookie header of the session.
fn sign_in(issuer: &str, email: &str, password: &str) -> Result<String, String> {
    let (host, _) = split_url(issuer).ok_or("the issuer is not an http:// address")?;
    let mut conn = Conn::new(&host);
    let mut send = |request: Vec<u8>| conn.send(&request).map_err(|error| format!("login: {error}"));
    let page: Response = send(write_request("GET", (&host, "/login"), &[], None))?;
    let mut jar = Jar::default();
    jar.absorb(&page);
    let csrf = find_input(&page.text(), "csrf").ok_or_else(|| format!("login: no csrf: {}", page.clip()))?;
    let body = format!("csrf={}&email={}&password={}&with=password", encode(&csrf), encode(email), encode(password));
    let headers = [("Cookie".into(), jar.to_header()), ("Origin".into(), issuer.into())];
    let answer = send(write_request("POST", (&host, "/login"), &headers, Some(&body)))?;
    jar.absorb(&answer);
    if answer.status >= 400 || !jar.has("gp_session") {
        return Err(format!("login: no session: {}", answer.clip()));
    }
    Ok(jar.to_header())
}

/// The value of an input element of that name, whatever the order of its attributes.
fn find_input(page: &str, name: &str) -> Option<String> {
    let inputs = page.split("<input").skip(1).filter_map(|rest| rest.split_once('>')).map(|(input, _)| input);
    let attribute = |input: &str, key: &str| {
        let (_, after) = input.split_once(&format!(" {key}=\""))?;
        after.split_once('"').map(|(value, _)| value.to_string())
    };
    inputs.into_iter().find_map(|input| {
        let found = attribute(input, "name").is_some_and(|found| found == name);
        if found { attribute(input, "value") } else { None }
    })
}

#[cfg(test)]
mod tests {
    use super::find_input;

    #[test]
    fn hidden_inputs_are_found() {
        let page = r#"<input type="hidden" name="tx" value="t"><input value="c-1_" name="csrf" type="hidden"/>"#;
        assert_eq!(find_input(page, "csrf").as_deref(), Some("c-1_"));
        assert_eq!(find_input(page, "tx").as_deref(), Some("t"));
        assert_eq!(find_input(page, "email"), None);
    }
}
