//! The people, apps and APIs that every server under test knows.

use std::fmt::Write;

use super::hash_of;

/// Somebody with an account.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) email: &'static str,
    pub(crate) name: &'static str,
    pub(crate) password: &'static str,
}

pub(crate) const ALICE: Person =
    Person { email: "alice@example.com", name: "Alice Liddell", password: "nine violet paper lanterns" };
pub(crate) const BOB: Person =
    Person { email: "bob@example.com", name: "Bob Sawyer", password: "seven amber river stones" };

/// How a client proves who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Auth {
    None,
    Basic,
    Post,
    Any,
}

/// An app that the settings declare.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TestClient {
    pub(crate) id: &'static str,
    pub(crate) name: &'static str,
    kind: &'static str,
    pub(crate) auth: Auth,
    /// the address that requests of the tests use
    pub(crate) redirect: &'static str,
    registered: &'static [&'static str],
    pub(crate) scopes: &'static [&'static str],
    extra: &'static str,
}

const NOTES_SCOPES: &[&str] = &["notes:read", "notes:write", "offline_access"];
const ALL_SCOPES: &[&str] = &["notes:read", "notes:write", "mail:read", "jwt:read", "offline_access"];

/// A program on people's computers: public, loopback, always asked about.
pub(crate) const CLI: TestClient = TestClient {
    id: "test-cli",
    name: "Test CLI",
    kind: "native",
    auth: Auth::None,
    redirect: "http://127.0.0.1:51004/callback",
    registered: &["http://127.0.0.1/callback", "http://[::1]/callback"],
    scopes: NOTES_SCOPES,
    extra: "",
};
/// The same made by the operator: nobody is asked.
pub(crate) const OWN_CLI: TestClient = TestClient {
    id: "own-cli",
    name: "Own CLI",
    kind: "native",
    auth: Auth::None,
    redirect: "http://127.0.0.1:51005/callback",
    registered: &["http://127.0.0.1/callback"],
    scopes: ALL_SCOPES,
    extra: "first_party = true\n",
};
/// A program that says `localhost`, with a fixed port and a path of one slash beside it.
pub(crate) const LOCALHOST: TestClient = TestClient {
    id: "localhost-cli",
    name: "Localhost CLI",
    kind: "native",
    auth: Auth::None,
    redirect: "http://localhost:3118/callback",
    registered: &["http://localhost/callback", "http://127.0.0.1:33418/"],
    scopes: NOTES_SCOPES,
    extra: "",
};
/// A program with a scheme of its own.
pub(crate) const SCHEME: TestClient = TestClient {
    id: "scheme-app",
    name: "Scheme App",
    kind: "native",
    auth: Auth::None,
    redirect: "com.example.app:/Callback",
    registered: &["com.example.app:/Callback"],
    scopes: NOTES_SCOPES,
    extra: "",
};
/// A page in the browser: public, but with an https address that proves who it is.
pub(crate) const SPA: TestClient = TestClient {
    id: "browser-app",
    name: "Browser App",
    kind: "browser",
    auth: Auth::None,
    redirect: "https://spa.example/callback",
    registered: &["https://spa.example/callback"],
    scopes: NOTES_SCOPES,
    extra: "",
};
/// A web app with a secret, by HTTP Basic; consent is remembered. Its secret needs form encoding.
pub(crate) const WEB: TestClient = TestClient {
    id: "test.web_basic",
    name: "Test Web",
    kind: "web",
    auth: Auth::Basic,
    redirect: "https://web.example/callback",
    registered: &["https://web.example/callback"],
    scopes: ALL_SCOPES,
    extra: "",
};
/// A web app that sends its secret in the form.
pub(crate) const POST: TestClient = TestClient {
    id: "test-web-post",
    name: "Test Web Post",
    kind: "web",
    auth: Auth::Post,
    redirect: "https://post.example/callback",
    registered: &["https://post.example/callback"],
    scopes: ALL_SCOPES,
    extra: "grant_types = [\"authorization_code\", \"refresh_token\", \"client_credentials\"]\n",
};
/// A web app that may send its secret either way.
pub(crate) const ANY: TestClient = TestClient {
    id: "test-web-any",
    name: "Test Web Any",
    kind: "web",
    auth: Auth::Any,
    redirect: "https://any.example/callback",
    registered: &["https://any.example/callback"],
    scopes: NOTES_SCOPES,
    extra: "",
};
/// A web app with two addresses, one of them with a query.
pub(crate) const TWO: TestClient = TestClient {
    id: "test-web-two",
    name: "Test Web Two",
    kind: "web",
    auth: Auth::Basic,
    redirect: "https://two.example/callback?tenant=a%20b&x=1",
    registered: &["https://two.example/callback?tenant=a%20b&x=1", "https://two.example/Other"],
    scopes: NOTES_SCOPES,
    extra: "show_setup_errors = true\n",
};
/// A web app of the operator that keeps its refresh token.
pub(crate) const KEEP: TestClient = TestClient {
    id: "test-web-keep",
    name: "Test Web Keep",
    kind: "web",
    auth: Auth::Basic,
    redirect: "https://keep.example/callback",
    registered: &["https://keep.example/callback"],
    scopes: NOTES_SCOPES,
    extra: "first_party = true\nrefresh_rotation = \"keep\"\n",
};
/// A web app that gets the answer to a refresh once more within the grace.
pub(crate) const REPLAY: TestClient = TestClient {
    id: "test-web-replay",
    name: "Test Web Replay",
    kind: "web",
    auth: Auth::Basic,
    redirect: "https://replay.example/callback",
    registered: &["https://replay.example/callback"],
    scopes: NOTES_SCOPES,
    extra: "first_party = true\nrefresh_replay = true\n",
};
/// An app of the operator that may not refresh.
pub(crate) const ONCE: TestClient = TestClient {
    id: "test-web-once",
    name: "Test Web Once",
    kind: "web",
    auth: Auth::Basic,
    redirect: "https://once.example/callback",
    registered: &["https://once.example/callback"],
    scopes: NOTES_SCOPES,
    extra: "first_party = true\ngrant_types = [\"authorization_code\"]\n",
};
/// A service without people.
pub(crate) const SERVICE: TestClient = TestClient {
    id: "test-service",
    name: "Test Service",
    kind: "service",
    auth: Auth::Basic,
    redirect: "",
    registered: &[],
    scopes: &["notes:read", "mail:read", "jwt:read"],
    extra: "",
};
/// A service that may ask for one API only.
pub(crate) const NARROW: TestClient = TestClient {
    id: "narrow-service",
    name: "Narrow Service",
    kind: "service",
    auth: Auth::Any,
    redirect: "",
    registered: &[],
    scopes: &["notes:read", "mail:read"],
    extra: "resources = [\"https://notes.example/api\"]\n",
};

pub(crate) const CLIENTS: [TestClient; 13] =
    [CLI, OWN_CLI, LOCALHOST, SCHEME, SPA, WEB, POST, ANY, TWO, KEEP, REPLAY, ONCE, SERVICE];

impl TestClient {
    /// The secret; public clients have none.
    pub(crate) fn secret(&self) -> String {
        // signs that must be form-encoded in Basic (CA-02)
        format!("secret of {} +%:ü 0123456789abcdef", self.id)
    }

    /// Its scopes as a request writes them, in the order of answers.
    pub(crate) fn scope(&self) -> String {
        let mut scopes = self.scopes.to_vec();
        scopes.sort_unstable();
        scopes.join(" ")
    }

    fn write(&self, toml: &mut String) {
        let method = match self.auth {
            Auth::None => "none",
            Auth::Basic => "client_secret_basic",
            Auth::Post => "client_secret_post",
            Auth::Any => "client_secret_any",
        };
        let Self { id, name, kind, registered, scopes, extra, .. } = self;
        write!(
            toml,
            "\n[[clients]]\nclient_id = {id:?}\nname = {name:?}\nkind = {kind:?}\nauth_method = {method:?}\n\
             scopes = {scopes:?}\n"
        )
        .expect("text");
        if !registered.is_empty() {
            writeln!(toml, "redirect_uris = {registered:?}").expect("text");
        }
        if self.auth != Auth::None {
            writeln!(toml, "secret_hash = {:?}", hash_of(&self.secret())).expect("text");
        }
        toml.push_str(extra);
    }
}

/// An API that the settings declare.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TestApi {
    pub(crate) id: &'static str,
    pub(crate) resource: &'static str,
    scopes: &'static str,
    format: &'static str,
}

/// Opaque tokens, two scopes.
pub(crate) const NOTES: TestApi = TestApi {
    id: "notes-api",
    resource: "https://notes.example/api",
    scopes: r#"[{ name = "notes:read", description = "Read your notes" }, { name = "notes:write", description = "Change and delete your notes", sensitive = true }]"#,
    format: "opaque",
};
/// Opaque tokens; its address is a bare origin.
pub(crate) const MAIL: TestApi = TestApi {
    id: "mail-api",
    resource: "https://mail.example",
    scopes: r#"[{ name = "mail:read", description = "Read your mail" }]"#,
    format: "opaque",
};
/// JWT access tokens.
pub(crate) const JWT: TestApi = TestApi {
    id: "jwt-api",
    resource: "https://jwt.example/api",
    scopes: r#"[{ name = "jwt:read", description = "Read your drawings" }]"#,
    format: "jwt",
};

impl TestApi {
    pub(crate) fn secret(&self) -> String {
        format!("secret of the API {} 0123456789abcdef", self.id)
    }

    fn write(&self, toml: &mut String) {
        let Self { id, resource, scopes, format, .. } = self;
        write!(
            toml,
            "\n[[resource_servers]]\nid = {id:?}\nname = \"The {id}\"\nresource = {resource:?}\nsecret_hash = {:?}\n\
             scopes = {scopes}\naccess_token_format = {format:?}\n",
            hash_of(&self.secret())
        )
        .expect("text");
    }
}

/// Everything above as settings.
pub(crate) fn write_declared() -> String {
    let mut toml = String::new();
    [NOTES, MAIL, JWT].iter().for_each(|api| api.write(&mut toml));
    CLIENTS.iter().chain([&NARROW]).for_each(|client| client.write(&mut toml));
    toml
}
