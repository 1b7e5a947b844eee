//! The command line: one file a command.

mod config;
mod login;
mod logout;
mod serve;
mod token_print;
mod whoami;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::settings::{Loaded, Sources, load_settings, read_environment};

/// An OAuth 2.1 authorization server in one binary.
///
/// Examples:
///   gatepost serve --dev      a working server to try, on this computer
///   gatepost login            sign in with the browser, for use on the command line
///
/// Exit codes: 0 done, 1 failed, 2 wrong usage or settings, 3 not signed in, 4 refused, 5 server not reachable,
/// 130 interrupted.
#[derive(Parser, Debug)]
#[command(name = "gatepost", version, verbatim_doc_comment)]
struct Cli {
    /// Settings file (TOML); every key is in docs/configuration.md
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Development mode: loopback only, its own data folder, a person and samples to try
    #[arg(long, global = true)]
    dev: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Run the server
    Serve(serve::ServeArgs),
    /// Show and check the settings
    Config(config::ConfigArgs),
    /// Sign in with the browser
    Login(login::LoginArgs),
    /// Say who is signed in
    Whoami(whoami::WhoamiArgs),
    /// Print an access token
    Token(token_print::TokenPrintArgs),
    /// Sign out and revoke the tokens
    Logout(logout::LogoutArgs),
}

/// Runs what the command line asks for; the exit code.
pub(crate) async fn run_command() -> i32 {
    let cli = Cli::parse();
    match cli.command {
        Command::Config(args) => config::run_config(args, cli.config, cli.dev),
        Command::Login(args) => login::run_login(args).await,
        Command::Whoami(args) => whoami::run_whoami(args).await,
        Command::Token(args) => token_print::run_token_print(args).await,
        Command::Logout(args) => logout::run_logout(args).await,
        Command::Serve(args) => match load(cli.config, cli.dev, args.port) {
            Ok(loaded) => serve::run_serve(args, loaded, cli.dev).await,
            Err(code) => code,
        },
    }
}

/// The settings, or all that is wrong with them on stderr.
fn load(config_file: Option<PathBuf>, dev: bool, port: Option<u16>) -> Result<Loaded, i32> {
    let mut env = read_environment();
    if let Some(port) = port {
        env.push(("GATEPOST__SERVER__LISTEN".into(), format!("127.0.0.1:{port}")));
    }
    load_settings(Sources { config_file, env, dev }).map_err(|faults| {
        eprintln!("{}", faults.to_transcript(&serve::program_name()));
        2
    })
}
