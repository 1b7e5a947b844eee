//! A database that a test may take away.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

/// A PostgreSQL cluster of this test's own, which it may take away. `tests/run` removes those of tests that were killed.
pub(crate) struct Cluster {
    folder: PathBuf,
    pub(crate) url: String,
}

impl Cluster {
    pub(crate) fn start_new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let (number, process) = (COUNT.fetch_add(1, Ordering::Relaxed), std::process::id());
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the repository");
        let folder = root.join(format!("target/test-postgres.own-{number}.{process}"));
        let mut cluster = Self { folder, url: String::new() };
        cluster.run("start");
        cluster.url = cluster.run("url").trim().to_owned();
        cluster
    }

    /// `start`, `stop`, `kill` (no time to finish anything) or `restart`.
    pub(crate) fn run(&self, verb: &str) -> String {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("setup/postgres.sh");
        let output = Command::new(script).arg(verb).arg(&self.folder).output().expect("postgres.sh runs");
        assert!(output.status.success(), "postgres.sh {verb}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    /// Sends a signal to every process of the cluster.
    pub(super) fn signal(&self, name: &str) {
        let place = std::fs::read_to_string(self.folder.join("place")).expect("the folder of the cluster");
        let file = Path::new(place.trim()).join("data/postmaster.pid");
        let text = std::fs::read_to_string(file).expect("the cluster runs");
        let first = text.lines().next().expect("a process id").to_owned();
        let children = Command::new("ps").args(["-o", "pid=", "--ppid", &first]).output().expect("ps runs");
        let children = String::from_utf8_lossy(&children.stdout).into_owned();
        let all = children.split_whitespace().chain([first.as_str()]);
        assert!(Command::new("kill").arg(format!("-{name}")).args(all).status().expect("kill runs").success());
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("setup/postgres.sh");
        drop(Command::new(script).arg("remove").arg(&self.folder).output());
    }
}
