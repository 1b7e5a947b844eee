//! A private PostgreSQL for the measurement: made, started, and thrown away with its data.

use std::fs::{self, File};
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use rustix::process::Signal;
use tempfile::TempDir;

use crate::ops::draw_text;
use crate::server::{find_free_port, read_tail, stop_child};

/// A running cluster; it ends when this is dropped.
pub(crate) struct Cluster {
    server: Option<Child>,
    port: u16,
    password: String,
    // after the server in the order of dropping: it must not lose its files while it runs
    _folder: TempDir,
}

/// Settings of the cluster beside the defaults: durable, on this machine only, by TCP only.
const SETTINGS: [&str; 6] = [
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "shared_buffers=128MB",
    "synchronous_commit=on",
    "fsync=on",
    "max_connections=50",
];

impl Cluster {
    /// Makes and starts a cluster whose data is in a new folder under `data`; the error says what is missing.
    pub(crate) fn start(programs: &Path, data: &Path) -> Result<Self, String> {
        let fail = |error: std::io::Error| format!("PostgreSQL: {error}");
        let folder = tempfile::Builder::new().prefix("gatepost-bench-pg-").tempdir_in(data).map_err(fail)?;
        let owner = find_owner()?;
        let password = draw_text(24);
        let password_file = folder.path().join("password");
        fs::write(&password_file, &password).map_err(fail)?;
        if let Some((user, group)) = owner {
            chown(folder.path(), Some(user), Some(group)).map_err(fail)?;
            chown(&password_file, Some(user), Some(group)).map_err(fail)?;
        }
        let port = find_free_port()?;
        let cluster_folder = folder.path().join("data");
        let mut initdb = make_command(&programs.join("initdb"), folder.path(), owner);
        initdb.args(["-U", "postgres", "-A", "scram-sha-256", "-E", "UTF8", "--locale=C", "--no-sync"]);
        initdb.arg("-D").arg(&cluster_folder).arg("--pwfile").arg(&password_file);
        let output = initdb.output().map_err(|error| format!("initdb: {error}"))?;
        if !output.status.success() {
            return Err(format!("initdb: {}", String::from_utf8_lossy(&output.stderr).trim()));
        }
        let log = folder.path().join("log");
        let file = File::create(&log).map_err(fail)?;
        let mut postgres = make_command(&programs.join("postgres"), folder.path(), owner);
        postgres.arg("-D").arg(&cluster_folder).arg("-p").arg(port.to_string());
        postgres.args(SETTINGS.iter().flat_map(|setting| ["-c", setting]));
        postgres.stdout(Stdio::null()).stderr(file);
        let server = postgres.spawn().map_err(|error| format!("postgres: {error}"))?;
        let mut cluster = Self { server: Some(server), port, password, _folder: folder };
        cluster.wait(&log)?;
        Ok(cluster)
    }

    fn wait(&mut self, log: &Path) -> Result<(), String> {
        let began = Instant::now();
        let url = self.make_url("postgres");
        loop {
            let Err(error) = PgConnection::establish(&url) else { return Ok(()) };
            let ended = matches!(self.server.as_mut().map(Child::try_wait), Some(Ok(Some(_))));
            if ended || began.elapsed() > Duration::from_secs(30) {
                return Err(format!("PostgreSQL did not start: {error}{}", read_tail(log)));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// The postmaster.
    pub(crate) fn pid(&self) -> Option<i32> {
        self.server.as_ref().and_then(|server| i32::try_from(server.id()).ok())
    }

    fn make_url(&self, database: &str) -> String {
        format!("postgres://postgres:{}@127.0.0.1:{}/{database}", self.password, self.port)
    }

    /// Makes an empty database, in place of one of that name, and gives its address.
    pub(crate) fn make_database(&self, name: &str) -> Result<String, String> {
        self.replace_database(name, "")
    }

    /// Makes a copy of a database that nobody is connected to, in place of one of that name, and gives its address.
    pub(crate) fn copy_database(&self, template: &str, name: &str) -> Result<String, String> {
        let how = format!("TEMPLATE \"{template}\"");
        // by files: the other way writes all of it to the log as well. Before PostgreSQL 15 there was no choice.
        self.replace_database(name, &format!("{how} STRATEGY file_copy")).or_else(|_| self.replace_database(name, &how))
    }

    fn replace_database(&self, name: &str, how: &str) -> Result<String, String> {
        self.drop_database(name)?;
        self.execute(&format!("CREATE DATABASE \"{name}\" {how}"))?;
        Ok(self.make_url(name))
    }

    /// Drops a database, if there is one of that name.
    pub(crate) fn drop_database(&self, name: &str) -> Result<(), String> {
        self.execute(&format!("DROP DATABASE IF EXISTS \"{name}\" WITH (FORCE)"))
    }

    fn execute(&self, statement: &str) -> Result<(), String> {
        let url = self.make_url("postgres");
        let mut connection = PgConnection::establish(&url).map_err(|error| format!("PostgreSQL: {error}"))?;
        // one at a time: these statements do not work in a transaction
        connection.batch_execute(statement).map_err(|error| format!("PostgreSQL: {error}"))
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Some(server) = self.server.take() {
            // INT is the fast shutdown: it does not wait for clients
            stop_child(server, Signal::INT);
        }
    }
}

fn make_command(program: &Path, folder: &Path, owner: Option<(u32, u32)>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder).stdin(Stdio::null()).env("LC_ALL", "C");
    if let Some((user, group)) = owner {
        command.uid(user).gid(group);
    }
    command
}

/// PostgreSQL refuses to run as root: then it is the user `postgres` who runs it.
fn find_owner() -> Result<Option<(u32, u32)>, String> {
    if !rustix::process::geteuid().is_root() {
        return Ok(None);
    }
    let users = fs::read_to_string("/etc/passwd").map_err(|error| format!("/etc/passwd: {error}"))?;
    let fields = users.lines().find_map(|line| line.strip_prefix("postgres:")).map(|rest| rest.split(':'));
    let ids = fields.and_then(|mut fields| Some((fields.nth(1)?.parse().ok()?, fields.next()?.parse().ok()?)));
    ids.map(Some).ok_or_else(|| "PostgreSQL does not run as root, and there is no user postgres".into())
}

/// The folder with initdb and postgres: of the newest version in the usual places, or on the PATH.
pub(crate) fn find_programs() -> Result<PathBuf, String> {
    let is_there = |folder: &PathBuf| folder.join("initdb").is_file() && folder.join("postgres").is_file();
    let mut found: Vec<(u32, PathBuf)> = Vec::new();
    for (root, prefix) in [("/usr/lib/postgresql", ""), ("/usr", "pgsql-"), ("/opt", "pgsql-")] {
        for entry in fs::read_dir(root).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let version = name.strip_prefix(prefix).and_then(|version| version.parse().ok());
            found.extend(version.map(|version| (version, entry.path().join("bin"))));
        }
    }
    found.retain(|(_, folder)| is_there(folder));
    let newest = found.into_iter().max().map(|(_, folder)| folder);
    let path = std::env::var_os("PATH").unwrap_or_default();
    newest.or_else(|| std::env::split_paths(&path).find(is_there)).ok_or_else(|| {
        "PostgreSQL's programs initdb and postgres are not there; install them (Debian: apt-get install postgresql) \
         or name their folder with --postgres-bin"
            .into()
    })
}
