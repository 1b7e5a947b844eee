//! A database for each test: a copy of one that was filled once.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use super::app::Setup;
use super::declared::{ALICE, BOB};

/// Where the server under test keeps its rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Database {
    Sqlite,
    Postgres,
}

/// The address of a PostgreSQL database from which others may be created.
pub(crate) fn postgres_url() -> String {
    std::env::var("GATEPOST_TEST_POSTGRES").unwrap_or_else(|_| {
        panic!(
            "GATEPOST_TEST_POSTGRES is not set, so nothing can be tested on PostgreSQL. `tests/run rust` starts one."
        )
    })
}

/// Runs a statement as the owner of the cluster and gives its output.
pub(crate) fn run_sql(url: &str, statement: &str) -> Result<String, String> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("setup/postgres.sh");
    let output = Command::new(script).args(["sql", url, statement]).output().expect("postgres.sh runs");
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
    }
}

/// The same cluster, another database.
fn with_name(url: &str, name: &str) -> String {
    let (base, query) = url.split_once('?').map_or((url, String::new()), |(base, query)| (base, format!("?{query}")));
    let cluster = base.rsplit_once('/').expect("the address names a database").0;
    format!("{cluster}/{name}{query}")
}

/// A database that is removed when it is dropped.
pub(crate) struct OwnDatabase {
    pub(crate) url: String,
    postgres_name: Option<String>,
}

impl OwnDatabase {
    /// A database in this folder, or in the cluster; `filled`: with signing keys and the people of the tests.
    pub(crate) fn create(kind: Database, folder: &Path, filled: bool) -> Self {
        match kind {
            Database::Sqlite => {
                let path = folder.join("gatepost.db");
                if filled {
                    let template = &template_of(kind).place;
                    std::fs::copy(template, &path).expect("the database is copied");
                    // a process that ends without closing leaves what it wrote in the log beside the file
                    let log = |file: &Path| PathBuf::from(format!("{}-wal", file.display()));
                    if log(template).exists() {
                        std::fs::copy(log(template), log(&path)).expect("its log is copied");
                    }
                }
                Self { url: format!("sqlite:{}", path.display()), postgres_name: None }
            }
            Database::Postgres => {
                static COUNT: AtomicU32 = AtomicU32::new(0);
                let name = format!("gatepost_test_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
                let source =
                    if filled { template_of(kind).place.display().to_string() } else { "template0".to_owned() };
                create_postgres(&name, &source);
                Self { url: with_name(&postgres_url(), &name), postgres_name: Some(name) }
            }
        }
    }
}

impl Drop for OwnDatabase {
    fn drop(&mut self) {
        if let Some(name) = &self.postgres_name {
            drop(run_sql(&postgres_url(), &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")));
        }
    }
}

fn create_postgres(name: &str, source: &str) {
    // two copies of one source at the same time are refused
    static ONE_AT_A_TIME: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Err(problem) = run_sql(&postgres_url(), &format!("CREATE DATABASE {name} TEMPLATE {source}")) {
        panic!("PostgreSQL does not make a database: {problem}");
    }
}

/// A database with the newest schema, signing keys, Alice and Bob. Making keys and hashes takes a while: once is enough.
struct Template {
    /// the file, or the name of the PostgreSQL database
    place: PathBuf,
}

fn template_of(kind: Database) -> &'static Template {
    static SQLITE: OnceLock<Template> = OnceLock::new();
    static POSTGRES: OnceLock<Template> = OnceLock::new();
    match kind {
        Database::Sqlite => SQLITE.get_or_init(|| {
            // it must outlive this function, and no destructor runs at the end of the tests
            remove_old_folders();
            let folder = std::env::temp_dir().join(format!("{FOLDER_PREFIX}{}", std::process::id()));
            std::fs::create_dir_all(&folder).expect("a folder for the template");
            let file = folder.join("gatepost.db");
            drop(std::fs::remove_file(&file));
            fill(&folder, &format!("sqlite:{}", file.display()));
            Template { place: file }
        }),
        Database::Postgres => POSTGRES.get_or_init(|| {
            remove_old_databases();
            let name = format!("gatepost_test_{}_template", std::process::id());
            create_postgres(&name, "template0");
            let folder = tempfile::tempdir().expect("a folder for the settings");
            fill(folder.path(), &with_name(&postgres_url(), &name));
            Template { place: PathBuf::from(name) }
        }),
    }
}

const FOLDER_PREFIX: &str = "gatepost-test-template-";

/// Whether the process that a name was made by still runs; where that cannot be known it does.
fn is_running(process: &str) -> bool {
    !Path::new("/proc/self").exists() || Path::new("/proc").join(process).exists()
}

/// Template folders of test processes that have ended.
fn remove_old_folders() {
    for entry in std::fs::read_dir(std::env::temp_dir()).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.strip_prefix(FOLDER_PREFIX).is_some_and(|process| !is_running(process)) {
            drop(std::fs::remove_dir_all(entry.path()));
        }
    }
}

fn fill(folder: &Path, url: &str) {
    let setup = Setup::new(Database::Sqlite);
    let config = folder.join("template.toml");
    std::fs::write(&config, setup.to_toml("http://127.0.0.1:1", 1, url)).expect("the settings are written");
    for person in [ALICE, BOB] {
        super::app::add_user(&config, &person);
    }
}

/// Databases of test processes that ended without cleaning up.
fn remove_old_databases() {
    let names = run_sql(&postgres_url(), "SELECT datname FROM pg_database WHERE datname LIKE 'gatepost_test_%'");
    for name in names.unwrap_or_default().lines() {
        let process = name.trim_start_matches("gatepost_test_").split('_').next().unwrap_or_default();
        if !is_running(process) {
            drop(run_sql(&postgres_url(), &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")));
        }
    }
}
