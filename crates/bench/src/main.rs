//! The benchmark of Gatepost: a load generator, the floors under it and the report, in one program.
//!
//! `run` measures Gatepost and the floors in one go, `drive` any authorization server by its discovery document, `fill` makes
//! a database of a million people to look into, and `floor` is one of the floors, which `run` starts as a child process of
//! its own. See `docs/performance.md`.

mod aims;
mod cli;
mod drive;
mod figures;
mod fill;
mod floor;
mod gatepost;
mod http;
mod jar;
mod ops;
mod postgres;
mod procs;
mod report;
mod round;
mod server;
mod suite;
mod target;
mod wire;

use clap::Parser;

fn main() {
    let outcome = match cli::Cli::parse().command {
        cli::Command::Run(args) => suite::run_suite(&args),
        cli::Command::Drive(args) => drive::drive_targets(&args),
        cli::Command::Fill(args) => fill::run_fill(&args),
        cli::Command::Floor(args) => floor::run_floor(args),
    };
    if let Err(problem) = outcome {
        eprintln!("gatepost-bench: {problem}");
        std::process::exit(1);
    }
}
