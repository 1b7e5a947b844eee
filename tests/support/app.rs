//! The server under test: the real binary as a child process.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{Read, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use super::database::{Database, OwnDatabase};
use super::declared::{Person, write_declared};
use super::http::{Request, Response, send};
use super::random_text;

const START_LIMIT: Duration = Duration::from_secs(60);

/// The program under test, built beforehand.
pub(crate) fn find_binary() -> PathBuf {
    if let Some(path) = std::env::var_os("GATEPOST_TEST_BINARY") {
        return path.into();
    }
    // target/debug/deps/tests-… → target/debug/gatepost
    let test = std::env::current_exe().expect("a test knows where it is");
    let binary = test.parent().and_then(Path::parent).expect("it is in target/debug/deps").join("gatepost");
    assert!(binary.exists(), "{} does not exist: run cargo build -p gatepost-server first", binary.display());
    binary
}

/// What a server is started with. [`Setup::new`] has limits that tests do not reach and no grace for reuse.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    database: Database,
    database_url: Option<String>,
    path: &'static str,
    public_url: Option<&'static str>,
    values: BTreeMap<String, String>,
    extra: String,
    filled: bool,
    dev: bool,
}

impl Setup {
    pub(crate) fn new(database: Database) -> Self {
        let setup = Self {
            database,
            database_url: None,
            path: "",
            public_url: None,
            values: BTreeMap::new(),
            extra: String::new(),
            filled: true,
            dev: false,
        };
        setup
            .set("server.shutdown_delay", "0s")
            .set("server.shutdown_timeout", "2s")
            .set("security.master_key", master_key())
            .set("tokens.reuse_grace", "0s")
            .set("database.pool_size", 4)
            .set("http.workers", 2)
            .set("log.level", "debug,hyper=info")
            .set("log.format", "text")
            .set("limits.authorize_per_minute", 100_000)
            .set("limits.signups_per_hour", 10_000)
            .set("limits.token_failures_per_minute", 10_000)
            .set("limits.introspection_failures_per_minute", 10_000)
            .set("limits.sign_in_failures_per_address", 10_000)
    }

    /// Sets `section.key`; texts are quoted.
    pub(crate) fn set(mut self, key: &str, value: impl Into<toml::Value>) -> Self {
        self.values.insert(key.to_owned(), value.into().to_string());
        self
    }

    /// Back to the default of the program.
    pub(crate) fn unset(mut self, key: &str) -> Self {
        self.values.remove(key);
        self
    }

    /// Letters go to this mail server.
    pub(crate) fn with_mail(self, smtp: &super::Smtp) -> Self {
        self.set("mail.smtp_url", smtp.url()).set("mail.from", "gatepost@example.com")
    }

    /// The issuer gets this path, such as `/api/v1/auth`.
    pub(crate) fn path(mut self, path: &'static str) -> Self {
        self.path = path;
        self
    }

    /// An issuer that is not where the server listens, as behind a proxy. Its path, if it has one, is also to be given.
    pub(crate) fn public_url(mut self, url: &'static str) -> Self {
        self.public_url = Some(url);
        self
    }

    /// More settings, at the end: `[[clients]]` and the like.
    pub(crate) fn declare(mut self, toml: &str) -> Self {
        self.extra.push_str(toml);
        self
    }

    /// A database that exists; the test owns it.
    pub(crate) fn database_url(mut self, url: &str) -> Self {
        self.database_url = Some(url.to_owned());
        self
    }

    /// An empty database, as on a first start: no schema, no keys, nobody.
    pub(crate) fn empty(mut self) -> Self {
        self.filled = false;
        self
    }

    /// `serve --dev` with an empty database.
    pub(crate) fn dev(mut self) -> Self {
        self.dev = true;
        self.filled = false;
        self
    }

    /// The settings file.
    pub(crate) fn to_toml(&self, issuer: &str, port: u16, database_url: &str) -> String {
        let mut all = self.values.clone();
        for (key, value) in [
            ("server.public_url", issuer.to_owned()),
            ("server.listen", format!("127.0.0.1:{port}")),
            ("database.url", database_url.to_owned()),
        ] {
            all.entry(key.to_owned()).or_insert_with(|| toml::Value::from(value).to_string());
        }
        let mut sections: BTreeMap<&str, Vec<(&str, &str)>> = BTreeMap::new();
        for (key, value) in &all {
            let (section, key) = key.split_once('.').expect("section.key");
            sections.entry(section).or_default().push((key, value));
        }
        let mut toml = String::new();
        for (section, values) in sections {
            writeln!(toml, "[{section}]").expect("text");
            for (key, value) in values {
                writeln!(toml, "{key} = {value}").expect("text");
            }
        }
        // development declares samples of its own
        let declared = if self.dev { String::new() } else { write_declared() };
        toml + &declared + &self.extra
    }

    /// Starts the server.
    pub(crate) fn spawn(self) -> TestApp {
        TestApp::start(self)
    }
}

/// One key for all servers of this process, so that each opens what the template's made.
fn master_key() -> &'static str {
    static KEY: OnceLock<String> = OnceLock::new();
    KEY.get_or_init(|| random_text(32))
}

/// A port that no other test of this process gets, below those that the system hands out by itself.
pub(crate) fn find_port() -> u16 {
    static NEXT: OnceLock<AtomicU16> = OnceLock::new();
    let next = NEXT.get_or_init(|| AtomicU16::new((std::process::id() % 15_000) as u16));
    loop {
        let port = 15_000 + next.fetch_add(1, Ordering::Relaxed) % 15_000;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// A running process of the server and what it has written.
pub(crate) struct Node {
    pub(crate) port: u16,
    child: Child,
    log: Arc<Mutex<String>>,
}

impl Node {
    fn start(config: &Path, port: u16, dev: bool) -> Self {
        let mut child = command(config)
            .arg("serve")
            .args(dev.then_some("--dev"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let log = Arc::new(Mutex::new(String::new()));
        collect(child.stdout.take().expect("piped"), Arc::clone(&log));
        collect(child.stderr.take().expect("piped"), Arc::clone(&log));
        Self { port, child, log }
    }

    /// Waits for the first good answer; `false` where the process ended instead.
    fn wait_until_ready(&mut self, path: &str) -> bool {
        let began = Instant::now();
        loop {
            if self.child.try_wait().expect("the child can be asked").is_some() {
                return false;
            }
            let ready = Request::get(&format!("{path}/readyz")).try_send(self.port);
            if ready.is_some_and(|answer| answer.status == 200) {
                return true;
            }
            assert!(began.elapsed() < START_LIMIT, "the server is not ready after {START_LIMIT:?}:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Everything that it has written until now.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    /// The process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }

    /// SIGTERM, and the exit code.
    pub(crate) fn stop(&mut self) -> Option<i32> {
        let id = self.child.id().to_string();
        Command::new("kill").args(["-TERM", &id]).status().expect("kill runs");
        self.child.wait().expect("the child ends").code()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.kill();
    }
}

fn collect(mut from: impl Read + Send + 'static, into: Arc<Mutex<String>>) {
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            let text = String::from_utf8_lossy(&buffer[..count]).into_owned();
            into.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push_str(&text);
        }
    });
}

/// The program with this settings file and nothing of the environment of whoever runs the tests.
fn command(config: &Path) -> Command {
    let mut command = Command::new(find_binary());
    let folder = config.parent().expect("the file is in a folder");
    command.arg("--config").arg(config).current_dir(folder).env_clear();
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("HOME", folder).env("LANG", "C.UTF-8");
    command
}

/// Runs a command of the program; `input` goes to its stdin.
pub(crate) fn run_command(config: &Path, args: &[&str], input: &str) -> Output {
    let mut child = command(config)
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    // it may end without reading
    drop(child.stdin.take().expect("piped").write_all(input.as_bytes()));
    child.wait_with_output().expect("the program ends")
}

pub(crate) fn add_user(config: &Path, person: &Person) -> serde_json::Value {
    let args = ["user", "add", "--email", person.email, "--name", person.name, "--password-stdin", "--json"];
    let output = run_command(config, &args, &format!("{}\n", person.password));
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "user add: {out}{err}");
    serde_json::from_str(&out).unwrap_or_else(|error| panic!("user add --json: {error}: {out}"))
}

/// A server with a database of its own. It is killed and the database removed when it is dropped.
pub(crate) struct TestApp {
    /// its identity, also the base of all addresses
    pub(crate) issuer: String,
    /// the path of the issuer, often empty
    pub(crate) path: &'static str,
    /// the first process
    pub(crate) node: Node,
    /// the settings file
    pub(crate) config: PathBuf,
    /// `sqlite:…` or `postgres://…`
    pub(crate) database_url: String,
    /// what database it is
    pub(crate) database: Database,
    setup: Setup,
    folder: tempfile::TempDir,
    _database: Option<OwnDatabase>,
}

impl TestApp {
    /// Starts a server with the settings of [`Setup::new`].
    pub(crate) fn spawn(database: Database) -> Self {
        Setup::new(database).spawn()
    }

    fn start(setup: Setup) -> Self {
        let folder = tempfile::tempdir().expect("a folder for the server");
        let own = match setup.database_url {
            Some(_) => None,
            None => Some(OwnDatabase::create(setup.database, folder.path(), setup.filled)),
        };
        let database_url = setup.database_url.clone().or(own.as_ref().map(|own| own.url.clone())).expect("a database");
        let config = folder.path().join("gatepost.toml");
        let mut last_log = String::new();
        // somebody else can take the port between the look and the start
        for _ in 0..3 {
            let port = find_port();
            let here = || format!("http://127.0.0.1:{port}{}", setup.path);
            let issuer = setup.public_url.map_or_else(here, str::to_owned);
            std::fs::write(&config, setup.to_toml(&issuer, port, &database_url)).expect("the settings are written");
            let mut node = Node::start(&config, port, setup.dev);
            if node.wait_until_ready(setup.path) {
                let (database, path) = (setup.database, setup.path);
                return Self { issuer, path, node, config, database_url, database, setup, folder, _database: own };
            }
            std::thread::sleep(Duration::from_millis(50));
            last_log = node.log();
        }
        panic!("the server does not start:\n{last_log}");
    }

    /// The port of the first process.
    pub(crate) fn port(&self) -> u16 {
        self.node.port
    }

    /// A second process with the same settings and database on another port; the issuer stays the same.
    pub(crate) fn start_second_node(&self) -> Node {
        let port = find_port();
        let config = self.folder.path().join(format!("node-{port}.toml"));
        std::fs::write(&config, self.setup.to_toml(&self.issuer, port, &self.database_url)).expect("written");
        let mut node = Node::start(&config, port, self.setup.dev);
        assert!(node.wait_until_ready(self.path), "the second node does not start:\n{}", node.log());
        node
    }

    /// Starts the first process again, at the same address, after it was killed or stopped.
    pub(crate) fn start_again(&mut self) {
        let port = self.node.port;
        self.node = Node::start(&self.config, port, self.setup.dev);
        assert!(self.node.wait_until_ready(self.path), "the server does not start again:\n{}", self.node.log());
    }

    /// A path below the issuer as a request target.
    pub(crate) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.path)
    }

    /// Sends a request as it is, without cookies.
    pub(crate) fn send(&self, request: &Request) -> Response {
        request.send(self.port())
    }

    /// GET of a path below the issuer.
    pub(crate) fn get(&self, path: &str) -> Response {
        self.send(&Request::get(&self.at(path)))
    }

    /// POST of a form to a path below the issuer.
    pub(crate) fn post_form(&self, path: &str, form: &[(&str, &str)]) -> Response {
        self.send(&Request::post(&self.at(path)).form(form))
    }

    /// Bytes as they are; the answer as text. For what no HTTP client would send.
    pub(crate) fn send_raw(&self, bytes: &[u8]) -> String {
        send(self.port(), bytes).map(|answer| String::from_utf8_lossy(&answer).into_owned()).unwrap_or_default()
    }

    /// Runs `gatepost --config … ARGS`.
    pub(crate) fn run(&self, args: &[&str]) -> Output {
        run_command(&self.config, args, "")
    }

    /// Runs a command that must do its work, and gives its stdout.
    pub(crate) fn run_ok(&self, args: &[&str]) -> String {
        let output = self.run(args);
        let err = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "gatepost {args:?} ended with {:?}: {err}", output.status.code());
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    /// Adds a person with the command; gives what it prints as JSON.
    pub(crate) fn add_user(&self, person: &Person) -> serde_json::Value {
        add_user(&self.config, person)
    }

    /// An answer as text for snapshots: status, headers in order, body; what differs from run to run is replaced.
    pub(crate) fn show(&self, response: &Response) -> String {
        super::http::show(response).replace(self.origin(), "http://issuer")
    }

    /// The issuer without its path.
    pub(crate) fn origin(&self) -> &str {
        self.issuer.strip_suffix(self.path).unwrap_or(&self.issuer)
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = self.node.log();
            let skipped = log.len().saturating_sub(6000);
            let start = (skipped..log.len()).find(|at| log.is_char_boundary(*at)).unwrap_or(log.len());
            eprintln!("--- end of the server's log\n{}---", &log[start..]);
        }
        self.node.kill();
    }
}
