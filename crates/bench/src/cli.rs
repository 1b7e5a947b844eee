//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::floor::Mode;
use crate::ops::Op;

/// Measures Gatepost, other authorization servers, and the floors under them.
#[derive(Parser)]
#[command(name = "gatepost-bench", version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Measure the floors and Gatepost on SQLite and PostgreSQL, and compare them with the aims
    Run(RunArgs),
    /// Drive the authorization servers that JSON files describe (see src/target.rs)
    Drive(DriveArgs),
    /// Make a folder with settings and a database of a million people, to serve, look into and drive by hand
    Fill(FillArgs),
    /// Be one of the floors: a minimal server that `run` measures beside Gatepost
    Floor(FloorArgs),
}

/// How hard and how long; the same for every server.
#[derive(Args, Clone)]
pub(crate) struct LoadArgs {
    /// Seconds that each operation is measured
    #[arg(long, default_value_t = 4.0, value_parser = parse_seconds)]
    pub(crate) duration: f64,
    /// Seconds that each operation runs before it is measured
    #[arg(long, default_value_t = 1.0, value_parser = parse_seconds)]
    pub(crate) warmup: f64,
    /// Keep-alive connections, each with one request at a time
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=512))]
    pub(crate) connections: u16,
    /// Distinct access tokens to introspect
    #[arg(long, default_value_t = 10_000)]
    pub(crate) tokens: usize,
    /// Rows that have ended, for the server to delete while it is driven
    #[arg(long, default_value_t = 200_000)]
    pub(crate) expired: u64,
    /// Rounds; the report shows their medians
    #[arg(long, default_value_t = 3)]
    pub(crate) repeat: usize,
    /// Only these operations; some need the tokens of an earlier one
    #[arg(long, value_delimiter = ',')]
    pub(crate) ops: Vec<Op>,
    /// Write the report (Markdown) here, not only to standard output
    #[arg(long)]
    pub(crate) out: Option<PathBuf>,
    /// Write every round's figures (JSON) here
    #[arg(long)]
    pub(crate) raw: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub(crate) load: LoadArgs,
    /// Only these servers, by name; `--only ?` lists the names
    #[arg(long, value_delimiter = ',')]
    pub(crate) only: Vec<String>,
    /// Measure Gatepost on a filled database as well
    #[arg(long)]
    pub(crate) filled: bool,
    #[command(flatten)]
    pub(crate) size: SizeArgs,
    /// Leave out everything on PostgreSQL
    #[arg(long)]
    pub(crate) skip_postgres: bool,
    /// Restarts on existing data in the first round
    #[arg(long, default_value_t = 20)]
    pub(crate) starts: usize,
    /// Folder for the temporary data, on the disk to be measured; not one that lives in memory
    #[arg(long)]
    pub(crate) data: Option<PathBuf>,
    /// The gatepost program, instead of the one beside this program
    #[arg(long)]
    pub(crate) gatepost: Option<PathBuf>,
    /// Folder with the programs initdb and postgres, instead of the newest that is installed
    #[arg(long)]
    pub(crate) postgres_bin: Option<PathBuf>,
}

/// How much a filled database holds.
#[derive(Args)]
pub(crate) struct SizeArgs {
    /// People in a filled database, each with a session and a family of tokens
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) filled_users: u64,
    /// Access and refresh tokens in a filled database
    #[arg(long, default_value_t = 5_000_000)]
    pub(crate) filled_tokens: u64,
}

#[derive(Args)]
pub(crate) struct FillArgs {
    #[command(flatten)]
    pub(crate) size: SizeArgs,
    /// A new folder for settings, database and the file for `drive`
    pub(crate) folder: PathBuf,
    /// Fill this empty PostgreSQL database instead of a SQLite file in the folder
    #[arg(long)]
    pub(crate) postgres: Option<String>,
    /// The gatepost program, instead of the one beside this program
    #[arg(long)]
    pub(crate) gatepost: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct DriveArgs {
    #[command(flatten)]
    pub(crate) load: LoadArgs,
    /// Restarts on existing data in each round
    #[arg(long, default_value_t = 3)]
    pub(crate) starts: usize,
    /// Folder for what the servers write to standard output and error
    #[arg(long, default_value = "bench-logs")]
    pub(crate) logs: PathBuf,
    /// JSON files, one for each server; `${NAME}` in them is an environment variable
    #[arg(required = true)]
    pub(crate) targets: Vec<PathBuf>,
}

#[derive(Args)]
pub(crate) struct FloorArgs {
    /// What it does
    pub(crate) mode: Mode,
    /// Port on 127.0.0.1
    #[arg(long, default_value_t = 9100)]
    pub(crate) port: u16,
    /// The SQLite file; made if it is not there
    #[arg(long, default_value = "floor.db")]
    pub(crate) data: PathBuf,
    /// Address of an empty PostgreSQL database, for the floors that use one
    #[arg(long, env = "FLOOR_POSTGRES", hide_env_values = true, default_value = "")]
    pub(crate) postgres: String,
}

fn parse_seconds(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(seconds) if (0.0..=3600.0).contains(&seconds) => Ok(seconds),
        _ => Err("seconds from 0 to 3600".into()),
    }
}
