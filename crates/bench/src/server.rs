//! Starting and stopping the servers under test.

use std::fs::{self, File};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::http::Conn;
use crate::procs;
use crate::target::{Program, Target};
use crate::wire::{split_url, write_request};

/// Longest wait for the first answer.
const START_LIMIT: Duration = Duration::from_secs(60);
/// Longest wait for an orderly end.
const STOP_LIMIT: Duration = Duration::from_secs(8);

/// A server that runs; it is stopped when this is dropped. One that somebody else started is left alone.
pub(crate) struct Server {
    child: Option<Child>,
}

impl Server {
    /// Starts the server and waits for its first 200: with the milliseconds that took.
    pub(crate) fn start(target: &Target, logs: &Path) -> Result<(Self, f64), String> {
        let (host, path) = split_url(&target.ready_url)
            .ok_or_else(|| format!("{}: ready_url must be an http:// address", target.name))?;
        let log = logs.join(format!("{}.log", target.name));
        let began = Instant::now();
        let mut server = Self { child: None };
        if let Some(program) = &target.start {
            if TcpStream::connect(&host).is_ok() {
                return Err(format!("something already listens on {host}"));
            }
            server.child = Some(spawn_logged(program, &log)?);
        }
        let request = write_request("GET", (&host, &path), &target.headers, None);
        loop {
            if Conn::new(&host).send(&request).is_ok_and(|response| response.status == 200) {
                return Ok((server, began.elapsed().as_secs_f64() * 1000.0));
            }
            if let Some(Ok(Some(status))) = server.child.as_mut().map(Child::try_wait) {
                return Err(format!("{} ended at once, {status}: {}", target.name, read_tail(&log)));
            }
            if began.elapsed() > START_LIMIT {
                return Err(format!("{}: no 200 from {} in 60 s: {}", target.name, target.ready_url, read_tail(&log)));
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Its process id, when this program started it.
    pub(crate) fn pid(&self) -> Option<i32> {
        self.child.as_ref().and_then(|child| i32::try_from(child.id()).ok())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(child) = self.child.take() {
            stop_child(child, Signal::TERM);
        }
    }
}

/// Asks the process and its descendants to end, waits, and then insists.
pub(crate) fn stop_child(mut child: Child, politely: Signal) {
    let root = i32::try_from(child.id()).unwrap_or_default();
    let tree = procs::list_tree(root);
    // a wrapper such as sh does not pass the signal on; PostgreSQL's INT must not reach its own children twice
    let asked = if politely == Signal::TERM { &tree[..] } else { &tree[..1] };
    signal_all(asked, politely);
    let began = Instant::now();
    while began.elapsed() < STOP_LIMIT {
        if matches!(child.try_wait(), Ok(Some(_))) {
            // what a wrapper left behind
            return signal_all(&tree[1..], Signal::KILL);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    signal_all(&tree, Signal::KILL);
    let _ = child.wait();
}

fn signal_all(pids: &[i32], signal: Signal) {
    for pid in pids.iter().filter_map(|pid| Pid::from_raw(*pid)) {
        // one that has ended meanwhile is what was wanted
        let _ = kill_process(pid, signal);
    }
}

fn make_command(program: &Program) -> Result<Command, String> {
    let (first, arguments) = program.cmd.split_first().ok_or("an empty cmd")?;
    let mut command = Command::new(first);
    command.args(arguments).envs(&program.env).stdin(Stdio::null());
    if !program.cwd.is_empty() {
        command.current_dir(&program.cwd);
    }
    // settings of the person's own server must not reach the one that is measured
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("GATEPOST__") {
            command.env_remove(name);
        }
    }
    Ok(command)
}

fn spawn_logged(program: &Program, log: &Path) -> Result<Child, String> {
    let file = File::create(log).map_err(|error| format!("{}: {error}", log.display()))?;
    let copy = file.try_clone().map_err(|error| error.to_string())?;
    let mut command = make_command(program)?;
    command.stdout(file).stderr(copy);
    command.spawn().map_err(|error| format!("{}: {error}", program.cmd.join(" ")))
}

/// The last lines of a log, for a message.
pub(crate) fn read_tail(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    format!("\n{}", lines[lines.len().saturating_sub(15)..].join("\n"))
}

/// Runs a program to its end and gives what it printed; the text goes to its standard input.
pub(crate) fn run_program(program: &Program, input: &str) -> Result<String, String> {
    use std::io::Write;
    let what = program.cmd.join(" ");
    let fail = |error: std::io::Error| format!("{what}: {error}");
    let mut command = make_command(program)?;
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = piped.spawn().map_err(fail)?;
    if let Some(mut stdin) = child.stdin.take() {
        // a program that does not read its input is free not to
        let _ = stdin.write_all(input.as_bytes());
    }
    let output = child.wait_with_output().map_err(fail)?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(format!("{what} failed, {}: {}", output.status, errors.trim()))
}

/// Fills in the endpoints that the discovery document names (RFC 8414 §2).
pub(crate) fn discover_endpoints(target: &mut Target) -> Result<(), String> {
    if !target.discovery {
        return Ok(());
    }
    let response = crate::http::get_once(&target.ready_url, &target.headers)?;
    let document: Value = serde_json::from_slice(&response.body).map_err(|error| format!("discovery: {error}"))?;
    let endpoints = &mut target.endpoints;
    for (slot, key) in [
        (&mut endpoints.token, "token_endpoint"),
        (&mut endpoints.introspection, "introspection_endpoint"),
        (&mut endpoints.authorization, "authorization_endpoint"),
        (&mut endpoints.userinfo, "userinfo_endpoint"),
    ] {
        if slot.is_empty() {
            *slot = document[key].as_str().unwrap_or_default().to_string();
        }
    }
    Ok(())
}

/// A port of 127.0.0.1 that is free now.
pub(crate) fn find_free_port() -> Result<u16, String> {
    let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| format!("no free port: {error}"))?;
    listener.local_addr().map(|address| address.port()).map_err(|error| error.to_string())
}
