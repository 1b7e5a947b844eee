//! The command line: one file a command.

mod admin;
mod client;
mod config;
mod doctor;
mod invite;
mod key;
mod login;
mod logout;
mod output;
mod prompt;
mod resource_server;
mod serve;
mod signup_mode;
mod sweep;
mod token;
mod token_print;
mod user;
mod whoami;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::settings::{Loaded, Settings, Sources, load_settings, read_environment};
use output::{Output, OutputArgs};

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
    #[command(flatten)]
    output: OutputArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Run the server
    Serve(serve::ServeArgs),
    /// Show and check the settings
    Config(config::ConfigArgs),
    /// Say what is wrong with this installation
    Doctor(doctor::DoctorArgs),
    /// Manage apps
    Client(client::ClientArgs),
    /// Manage APIs
    ResourceServer(resource_server::ResourceServerArgs),
    /// Manage people
    User(user::UserArgs),
    /// Invite people
    Invite(invite::InviteArgs),
    /// Say or choose who may create an account
    SignupMode(signup_mode::SignupModeArgs),
    /// Print an access token; or, as the operator, look at one and end it
    Token(TokenArgs),
    /// Manage signing keys
    Key(key::KeyArgs),
    /// Get back in
    Admin(admin::AdminArgs),
    /// Delete what has ended; the server does it by itself
    Sweep(sweep::SweepArgs),
    /// Sign in with the browser
    Login(login::LoginArgs),
    /// Say who is signed in
    Whoami(whoami::WhoamiArgs),
    /// Sign out and revoke the tokens
    Logout(logout::LogoutArgs),
}

#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
struct TokenArgs {
    #[command(subcommand)]
    operator: Option<token::TokenCommand>,
    #[command(flatten)]
    print: token_print::TokenPrintArgs,
}

/// Runs what the command line asks for; the exit code.
pub(crate) async fn run_command() -> i32 {
    let Cli { config, dev, output, command } = Cli::parse();
    let style = Output::new(&output);
    match command {
        Command::Config(args) => config::run_config(args, config, dev),
        Command::Login(args) => login::run_login(args).await,
        Command::Whoami(args) => whoami::run_whoami(args).await,
        Command::Logout(args) => logout::run_logout(args).await,
        Command::Token(TokenArgs { operator: None, print }) => token_print::run_token_print(print).await,
        Command::Serve(args) => match load(config, dev, args.port) {
            Ok(loaded) => serve::run_serve(args, loaded, dev).await,
            Err(code) => code,
        },
        Command::Doctor(args) => match load(config, dev, None) {
            Ok(loaded) => doctor::run_doctor(args, &loaded, &style).await,
            Err(code) => code,
        },
        operator => match load(config, dev, None) {
            Ok(loaded) => run_operator(operator, &loaded.settings, &style).await,
            Err(code) => code,
        },
    }
}

/// Commands that work on the database that the settings name.
async fn run_operator(command: Command, settings: &Settings, style: &Output) -> i32 {
    match command {
        Command::Client(args) => client::run_client(args, settings, style).await,
        Command::ResourceServer(args) => resource_server::run_resource_server(args, settings, style).await,
        Command::User(args) => user::run_user(args, settings, style).await,
        Command::Invite(args) => invite::run_invite(args, settings, style).await,
        Command::SignupMode(args) => signup_mode::run_signup_mode(args, settings, style).await,
        Command::Key(args) => key::run_key(args, settings, style).await,
        Command::Admin(args) => admin::run_admin(args, settings, style).await,
        Command::Sweep(args) => sweep::run_sweep(args, settings, style).await,
        Command::Token(TokenArgs { operator: Some(command), .. }) => {
            token::run_operator_token(command, settings, style).await
        }
        // the others need no database and were run before
        _ => output::USAGE,
    }
}

/// The settings, or all that is wrong with them on stderr.
fn load(config_file: Option<PathBuf>, dev: bool, port: Option<u16>) -> Result<Loaded, i32> {
    let mut env = read_environment();
    if let Some(port) = port {
        env.push(("GATEPOST__SERVER__LISTEN".into(), format!("127.0.0.1:{port}")));
    }
    load_settings(Sources { config_file, env, dev }).map_err(|faults| {
        eprintln!("{}", faults.to_transcript(&output::program_name()));
        2
    })
}
