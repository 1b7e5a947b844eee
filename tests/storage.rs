//! The schema, migrations, and what a start refuses.
//!
//! The files of `storage/` freeze the schema on each database. A migration changes them on purpose, and never by accident.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use gatepost_store::{DatabaseUrl, Role, Store, StoreConfig};

use crate::support::app::{find_binary, find_port, run_command};
use crate::support::database::{OwnDatabase, run_sql};
use crate::support::{Database, Request, Setup, random_text, run_at_once, wait_until};

/// Runs statements on either database, from outside of the server; the rows, columns separated by `|`.
pub(crate) fn run_statement(url: &str, statement: &str) -> String {
    match url.strip_prefix("sqlite:") {
        Some(path) => run_sqlite(Path::new(path), statement),
        None => run_sql(url, statement).unwrap_or_else(|problem| panic!("{statement}: {problem}")),
    }
    .trim()
    .to_owned()
}

/// The program `sqlite3`, which is not our code.
pub(crate) fn sqlite_program() -> Command {
    let mut command = Command::new("sqlite3");
    command.arg("-batch");
    command
}

fn run_sqlite(path: &Path, statement: &str) -> String {
    let output = sqlite_program().args(["-cmd", ".timeout 5000"]).arg(path).arg(statement).output();
    let output = output.expect("sqlite3 is installed: apt-get install sqlite3");
    assert!(output.status.success(), "{statement}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// An empty database and settings for it, without a server.
struct Place {
    config: PathBuf,
    port: u16,
    setup: Setup,
    folder: tempfile::TempDir,
    database: OwnDatabase,
}

impl Place {
    fn new(database: Database) -> Self {
        Self::with(Setup::new(database), database)
    }

    fn with(setup: Setup, database: Database) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let database = OwnDatabase::create(database, folder.path(), false);
        let mut place =
            Self { config: folder.path().join("gatepost.toml"), port: find_port(), setup, folder, database };
        place.config = place.write_config("gatepost", place.port);
        place
    }

    /// A settings file for this database.
    fn write_config(&self, name: &str, port: u16) -> PathBuf {
        let path = self.folder.path().join(format!("{name}.toml"));
        let issuer = format!("http://127.0.0.1:{}", self.port);
        std::fs::write(&path, self.setup.to_toml(&issuer, port, &self.database.url)).expect("written");
        path
    }

    fn run_statement(&self, statement: &str) -> String {
        run_statement(&self.database.url, statement)
    }

    /// Opens the database with a command that does nothing else.
    fn open(&self) {
        let output = run_command(&self.config, &["user", "list", "--json"], "");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// The same command as a child that can be killed.
    fn start_opening(&self) -> Child {
        let mut command = Command::new(find_binary());
        command.arg("--config").arg(&self.config).args(["user", "list", "--json"]).current_dir(self.folder.path());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program starts")
    }

    fn describe_schema(&self) -> Vec<String> {
        let url = DatabaseUrl::parse(&self.database.url).expect("a URL");
        let store = Store::open(StoreConfig::new(url, Role::Command)).expect("a database");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(store.describe_schema()).expect("the schema")
    }
}

fn frozen_name(database: Database) -> &'static str {
    match database {
        Database::Sqlite => "schema-sqlite.txt",
        Database::Postgres => "schema-postgres.txt",
    }
}

/// Compares with the frozen schema; where they differ, the present one is written to where it can be taken from.
#[track_caller]
fn assert_frozen(database: Database, found: &[String]) {
    let (here, name) = (Path::new(env!("CARGO_MANIFEST_DIR")), frozen_name(database));
    let frozen = std::fs::read_to_string(here.join("storage").join(name)).unwrap_or_default();
    let frozen: Vec<&str> = frozen.lines().collect();
    if frozen == found {
        return;
    }
    let new: Vec<_> = found.iter().filter(|line| !frozen.contains(&line.as_str())).collect();
    let gone: Vec<_> = frozen.iter().filter(|line| !found.iter().any(|known| known == *line)).collect();
    let present = here.join("../target/test-logs");
    drop(std::fs::create_dir_all(&present));
    drop(std::fs::write(present.join(name), found.join("\n") + "\n"));
    panic!(
        "the schema is not the one that is frozen in tests/storage/{name}. If that is meant, copy target/test-logs/{name} there.\n\
         new: {new:#?}\ngone: {gone:#?}"
    );
}

/// What a schema says about references.
#[derive(Default)]
struct References {
    /// tables and their columns that refer to another table
    columns: Vec<(String, String)>,
    /// the columns with which the indexes of a table begin
    indexes: BTreeMap<String, Vec<String>>,
}

fn read_references(lines: &[String]) -> References {
    let mut found = References::default();
    for line in lines {
        if let Some(rest) = line.strip_prefix("foreign key ") {
            let (table, what) = rest.split_once(' ').expect("a table and its columns");
            // SQLite: `grant_id -> grants`; PostgreSQL: `FOREIGN KEY (grant_id) REFERENCES …`
            let column = match what.split_once('(') {
                Some((_, after)) => after.split_once(')').expect("a list").0,
                None => what.split_once(" -> ").expect("an arrow").0,
            };
            found.columns.push((table.to_owned(), column.to_owned()));
        }
        if let Some(rest) = line.strip_prefix("index ") {
            let (table, what) = rest.split_once(' ').expect("a table and its columns");
            let columns = what.rsplit_once('(').map_or(what, |(_, list)| list.trim_end_matches(')'));
            let first = columns.split(',').next().expect("a column").trim();
            found.indexes.entry(table.to_owned()).or_default().push(first.to_owned());
        }
    }
    found
}

/// How many migrations there are.
fn read_migrations() -> usize {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrations");
    std::fs::read_dir(folder)
        .expect("the migrations")
        .filter(|entry| entry.as_ref().is_ok_and(|e| e.path().is_dir()))
        .count()
}

for_each_database! {
    /// The drift guard: tables, columns, indexes and foreign keys, and nothing else.
    fn r_57_the_schema_is_the_frozen_one(database) {
        assert_frozen(database, &Place::new(database).describe_schema());
    }

    fn every_foreign_key_has_an_index(database) {
        let References { columns, indexes } = read_references(&Place::new(database).describe_schema());
        assert!(columns.len() >= 8, "{columns:?}");
        for (table, column) in columns {
            assert!(indexes[&table].contains(&column), "no index of {table} begins with {column}");
        }
    }

    fn r_57_eight_processes_that_start_at_once_migrate_once(database) {
        let place = Place::new(database);
        run_at_once(8, |_| place.open());
        assert_frozen(database, &place.describe_schema());
        let migrations = "SELECT count(*) FROM __diesel_schema_migrations";
        assert_eq!(place.run_statement(migrations), read_migrations().to_string());
    }

    fn r_57_a_newer_schema_is_refused_in_clear_words(database) {
        let place = Place::new(database);
        place.open();
        place.run_statement("INSERT INTO __diesel_schema_migrations (version) VALUES ('29990101000000')");
        for args in [["serve"].as_slice(), &["user", "list"]] {
            let output = run_command(&place.config, args, "");
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(!output.status.success(), "{args:?}");
            for words in ["newer Gatepost", "29990101000000", "restore a backup"] {
                assert!(said.contains(words), "{args:?} says {said:?}");
            }
            assert!(!said.contains("panicked"), "{said}");
        }
        place.run_statement("DELETE FROM __diesel_schema_migrations WHERE version = '29990101000000'");
        place.open();
    }

    /// Killed at any moment of its first start, from before the first statement to after the last.
    fn r_57_a_killed_migration_is_completed_by_the_next_start(database) {
        for round in 0..8 {
            let place = Place::new(database);
            let mut child = place.start_opening();
            std::thread::sleep(Duration::from_millis(5 + 12 * round));
            child.kill().expect("killed");
            child.wait().expect("it ended");
            place.open();
            assert_frozen(database, &place.describe_schema());
            if database == Database::Sqlite {
                assert_eq!(place.run_statement("PRAGMA integrity_check"), "ok");
            }
        }
    }

    fn r_38_a_wrong_master_key_is_refused_in_clear_words(database) {
        let place = Place::new(database);
        place.open();
        let right = std::fs::read_to_string(&place.config).expect("the settings");
        let setup = place.setup.clone().set("security.master_key", random_text(32));
        let wrong = setup.to_toml(&format!("http://127.0.0.1:{}", place.port), place.port, &place.database.url);
        std::fs::write(&place.config, wrong).expect("written");
        let output = run_command(&place.config, &["serve"], "");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success());
        assert!(said.contains("master key") && said.contains("made with"), "{said}");
        assert!(!said.contains("panicked"), "{said}");
        std::fs::write(&place.config, right).expect("written");
        place.open();
    }

    /// The key's file is made by whoever is first, and whole before anybody reads it.
    fn r_38_eight_processes_that_start_at_once_make_one_master_key(database) {
        let setup = Setup::new(database).unset("security.master_key").set("security.master_key_path", "made/master.key");
        for _ in 0..2 {
            let place = Place::with(setup.clone(), database);
            run_at_once(8, |_| place.open());
            place.open();
        }
    }

    fn nodes_that_start_at_once_on_an_empty_database_publish_the_same_keys(database) {
        let place = Place::new(database);
        // SQLite is for one node
        let count = if database == Database::Sqlite { 1 } else { 3 };
        let nodes: Vec<(Child, u16)> = (0..count)
            .map(|number| {
                let port = if number == 0 { place.port } else { find_port() };
                let config = place.write_config(&format!("node-{number}"), port);
                let mut command = Command::new(find_binary());
                command.arg("--config").arg(config).arg("serve").current_dir(place.folder.path());
                let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
                (child.expect("the program starts"), port)
            })
            .collect();
        let read_keys = |port: u16| Request::get("/oauth2/jwks").try_send(port).map(|answer| answer.body);
        let agree = || {
            let all: Option<Vec<String>> = nodes.iter().map(|(_, port)| read_keys(*port)).collect();
            all.is_some_and(|all| all.iter().all(|keys| *keys == all[0]))
        };
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            wait_until("all nodes answer", Duration::from_secs(60), || {
                nodes.iter().all(|(_, port)| read_keys(*port).is_some())
            });
            // each node checks the signatures of the others' tokens with these
            wait_until("all nodes publish the same keys", Duration::from_secs(5), agree);
        }));
        for (mut child, _) in nodes {
            drop(child.kill());
            drop(child.wait());
        }
        if let Err(panic) = outcome {
            std::panic::resume_unwind(panic);
        }
    }
}

/// A file in WAL mode says so in its header (bytes 18 and 19); the rest of R-50 is asked in crates/store/tests.
#[test]
fn r_50_the_file_is_in_wal_mode() {
    let place = Place::new(Database::Sqlite);
    place.open();
    let file = std::fs::read(place.folder.path().join("gatepost.db")).expect("the database");
    assert_eq!(&file[18..20], [2, 2]);
}

/// Nodes wait for the one that migrates, however long it takes, and go on when it dies.
#[test]
fn r_57_a_node_waits_for_the_one_that_migrates() {
    let place = Place::new(Database::Postgres);
    let name = place.database.url.rsplit('/').next().expect("a name").split('?').next().expect("a name").to_owned();
    // the number is in crates/store/src/db/migrate.rs; three seconds are longer than any time-out of a connection
    let holder = {
        let url = place.database.url.clone();
        std::thread::spawn(move || run_sql(&url, "SELECT pg_advisory_lock(7449363237674382196), pg_sleep(60)"))
    };
    let holders = format!(
        "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database \
         WHERE l.locktype = 'advisory' AND l.granted AND d.datname = '{name}'"
    );
    wait_until("the lock is held", Duration::from_secs(10), || place.run_statement(&holders) == "1");
    let mut waiting = place.start_opening();
    std::thread::sleep(Duration::from_millis(3000));
    assert!(waiting.try_wait().expect("asked").is_none(), "it must wait");
    assert_eq!(place.run_statement("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"), "0");
    place.run_statement(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
         WHERE query LIKE '%pg_sleep%' AND pid <> pg_backend_pid() AND datname = current_database()",
    );
    assert!(waiting.wait().expect("it ends").success());
    drop(holder.join());
    assert_frozen(Database::Postgres, &place.describe_schema());
}
