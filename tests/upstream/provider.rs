//! The providers of `tests/interop/provider`, and a person's browser there.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use serde_json::json;

use crate::support::flow::login_form;
use crate::support::html::find_refresh;
use crate::support::*;

/// Where the providers listen; they end with this process, because their stdin ends.
pub(crate) struct Providers {
    pub(crate) oidc: u16,
    pub(crate) userinfo: u16,
    pub(crate) github: u16,
    pub(crate) traps: u16,
    _child: Child,
}

/// The providers, started once.
pub(crate) fn providers() -> &'static Providers {
    static PROVIDERS: OnceLock<Providers> = OnceLock::new();
    PROVIDERS.get_or_init(|| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("interop/provider");
        assert!(folder.join("node_modules").exists(), "run tests/setup/tools.sh rust first");
        let mut child = Command::new("node")
            .arg("provider.mjs")
            .current_dir(&folder)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("node starts");
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let line = lines.find_map(|line| line.ok().filter(|line| line.starts_with('{'))).expect("the ports");
        // what it writes later goes nowhere, and must not make it wait
        std::thread::spawn(move || lines.for_each(drop));
        let ports: serde_json::Value = serde_json::from_str(&line).expect("JSON");
        let port = |name: &str| ports[name].as_u64().and_then(|port| u16::try_from(port).ok()).expect("a port");
        Providers {
            oidc: port("oidc"),
            userinfo: port("userinfo"),
            github: port("github"),
            traps: port("traps"),
            _child: child,
        }
    })
}

const SECRET: &str = "client_id = \"gatepost\"\nclient_secret = \"a secret of & two+sides %\"\n";

/// A server that knows them all; `acme` has the address in its ID token, `info` at userinfo only, `gone` does not answer.
pub(crate) fn setup(database: Database) -> Setup {
    let ports = providers();
    let mut toml = String::new();
    let mut add = |id: &str, name: &str, lines: &str| {
        toml.push_str(&format!("\n[[providers]]\nid = \"{id}\"\nname = \"{name}\"\n{SECRET}{lines}"));
    };
    let oidc = |issuer: String| format!("kind = \"oidc\"\nissuer = \"{issuer}\"\n");
    add("acme", "Acme", &oidc(format!("http://127.0.0.1:{}", ports.oidc)));
    add("info", "Info", &oidc(format!("http://127.0.0.1:{}", ports.userinfo)));
    add("gone", "Gone", &oidc("http://127.0.0.1:9".to_owned()));
    for trap in ["redirect", "large", "other", "silent"] {
        add(trap, trap, &oidc(format!("http://127.0.0.1:{}/{trap}", ports.traps)));
    }
    let github = format!("http://127.0.0.1:{}", ports.github);
    add("github", "GitHub", &format!("kind = \"github\"\ngithub_url = \"{github}\"\ngithub_api_url = \"{github}\"\n"));
    Setup::new(database).set("signup.mode", "open").declare(&toml)
}

/// Somebody with an account at a provider.
#[derive(Clone, Debug)]
pub(crate) struct Account(serde_json::Value);

impl Account {
    pub(crate) fn new(sub: &str, email: &str) -> Self {
        // the providers serve all tests at once
        let sub = format!("{sub}-{}", random_text(6));
        Self(json!({"sub": sub, "email": email, "email_verified": true, "name": "Ada Lovelace"}))
    }

    pub(crate) fn set(mut self, name: &str, value: impl Into<serde_json::Value>) -> Self {
        self.0[name] = value.into();
        self
    }

    /// Whom the provider says it is.
    pub(crate) fn subject(&self) -> &str {
        self.0["sub"].as_str().expect("a text")
    }

    fn encode(&self) -> String {
        use base64::Engine;
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(self.0.to_string())
    }
}

/// Presses "Continue with …" on a page with a sign-in form.
pub(crate) fn press(browser: &mut Browser<'_>, page: &Response, provider: &str) -> Response {
    browser.submit(&login_form(page).set("with", provider))
}

/// The address at the provider that a page sends the browser to.
pub(crate) fn read_address(page: &Response) -> String {
    assert_eq!(page.status, 200, "{page:?}");
    find_refresh(&page.body).unwrap_or_else(|| panic!("nowhere to go: {page:?}"))
}

/// Signs in at the provider; gives the address with which it sends the browser back.
pub(crate) fn travel(page: &Response, account: &Account) -> String {
    visit(&read_address(page), &account.encode())
}

/// The person says no there.
pub(crate) fn cancel(page: &Response) -> String {
    visit(&read_address(page), "cancel")
}

/// A browser at the provider, with the cookies of that one visit, until it is sent to an address with `/callback`.
fn visit(address: &str, account: &str) -> String {
    let mut cookies: Vec<(String, String)> = Vec::new();
    let mut address = address.to_owned();
    for _ in 0..8 {
        let rest = address.strip_prefix("http://127.0.0.1:").unwrap_or_else(|| panic!("elsewhere: {address}"));
        let (port, target) = rest.split_at(rest.find('/').expect("a path"));
        let mut target = target.to_owned();
        if target.starts_with("/interaction/") {
            target.push_str("/as?account=");
            target.push_str(account);
        } else if target.starts_with("/login/oauth/authorize?") {
            target.push_str("&account=");
            target.push_str(account);
        }
        let pairs: Vec<String> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let port: u16 = port.parse().expect("a port");
        let response = Request::get(&target).header("Cookie", &pairs.join("; ")).send(port);
        for line in response.header_all("set-cookie") {
            let (name, value) = line.split(';').next().and_then(|pair| pair.split_once('=')).expect("a cookie");
            cookies.retain(|(known, _)| known != name);
            cookies.push((name.to_owned(), value.to_owned()));
        }
        assert!((302..=303).contains(&response.status), "at {target}: {response:?}");
        let next = response.location().to_owned();
        address = if next.starts_with('/') { format!("http://127.0.0.1:{port}{next}") } else { next };
        if address.contains("/callback?") {
            return address;
        }
    }
    panic!("no way back: {address}");
}

/// Comes back from the provider.
pub(crate) fn come_back(app: &TestApp, browser: &mut Browser<'_>, address: &str) -> Response {
    let target = address.strip_prefix(app.origin()).unwrap_or_else(|| panic!("not to us: {address}"));
    browser.send(Request::get(target).header("Sec-Fetch-Site", "cross-site"))
}

/// The whole way from the sign-in page to the answer after it.
pub(crate) fn sign_in_with(app: &TestApp, browser: &mut Browser<'_>, provider: &str, account: &Account) -> Response {
    let page = browser.get("/login");
    let page = press(browser, &page, provider);
    let address = travel(&page, account);
    come_back(app, browser, &address)
}
