//! `gatepost admin`, and what all commands of an operator stand on: the opened installation.

use clap::{Args, Subcommand};
use gatepost_engine::kernel::manage::{ManageFault, Managed};
use gatepost_engine::people::setup;
use gatepost_engine::{Call, Error};
use gatepost_store::{Db, Outcome, Role, Tx};
use serde_json::json;

use super::output::{DONE, FAILED, Output, Problem, REFUSED, USAGE, format_span, format_time};
use crate::process::startup::{Installation, open_installation};
use crate::settings::Settings;

/// `gatepost admin …`
#[derive(Args, Debug)]
#[command(before_help = "Examples:\n  gatepost admin setup-link\n  gatepost admin setup-link --json")]
pub(crate) struct AdminArgs {
    #[command(subcommand)]
    command: AdminCommand,
}

#[derive(Subcommand, Debug)]
enum AdminCommand {
    /// Make a new link with which the first administrator is created; links made before stop working
    SetupLink,
}

/// Runs the command and gives the exit status: 0, 1 failed, 4 there is an administrator already.
pub(crate) async fn run_admin(args: AdminArgs, settings: &Settings, style: &Output) -> i32 {
    let AdminCommand::SetupLink = args.command;
    finish(style, make_link(settings, style).await)
}

async fn make_link(settings: &Settings, style: &Output) -> Result<i32, Problem> {
    let operator = Operator::open(settings, style).await?;
    let Some(link) = operator.write(setup::make_setup_link).await? else {
        let problem = Problem::failed("administrator_exists", "there is an administrator already")
            .because("the link is for the first one only")
            .try_command("user add --admin");
        return Err(problem.with_exit(REFUSED));
    };
    let call = operator.call();
    let (ttl, ends_at) = (call.policy().setup_link_ttl, call.now + call.policy().setup_link_ttl);
    if style.json {
        return Ok(style.print_json(&json!({ "setup_link": link, "expires_at": ends_at })));
    }
    style.note(&format_args!(
        "Create the first administrator. The link works once, for {} (until {}):",
        format_span(ttl),
        format_time(ends_at)
    ));
    Ok(style.print(&format!("{link}\n")))
}

/// An opened installation and the way to speak about it.
pub(super) struct Operator {
    installation: Installation,
}

impl Operator {
    /// Opens what the settings describe; what has to be made for that is said, because a wrong path would make it too.
    pub(super) async fn open(settings: &Settings, style: &Output) -> Result<Self, Problem> {
        let (installation, made) = open_installation(settings, Role::Command).await.map_err(|fault| {
            let message = format!("the installation with {} cannot be opened", settings.database.url);
            let problem = Problem::failed("installation", message).try_command("doctor");
            // libpq writes several lines
            fault.0.lines().map(str::trim).filter(|line| !line.is_empty()).fold(problem, Problem::because)
        })?;
        if made.database {
            style.note(&format_args!("made     database    {}", settings.database.url));
            style.note(&"         Is your server's elsewhere? Run commands in its folder, with its --config.");
        }
        if let Some(path) = made.master_key {
            let advice = "Back it up: without it, stored keys cannot be read";
            style.note(&format_args!("made     master key  {} (0600). {advice}", path.display()));
        }
        Ok(Self { installation })
    }

    /// What decisions are given, at this moment.
    pub(super) fn call(&self) -> Call {
        self.installation.call()
    }

    /// Reads.
    pub(super) async fn read<T, F>(&self, mut read: F) -> Result<T, Problem>
    where
        T: Send + 'static,
        F: FnMut(&Call, &mut Db) -> Result<T, Error> + Send + 'static,
    {
        let call = self.call();
        self.installation.store.read(move |db| read(&call, db)).await.map_err(Problem::from)
    }

    /// Writes, in one transaction.
    pub(super) async fn write<T, F>(&self, mut write: F) -> Result<T, Problem>
    where
        T: Send + 'static,
        F: FnMut(&Call, &mut Tx<'_>) -> Result<Outcome<T>, Error> + Send + 'static,
    {
        let call = self.call();
        self.installation.store.write(move |tx| write(&call, tx)).await.map_err(Problem::from)
    }

    /// Writes something that may be refused with a sentence for the operator.
    pub(super) async fn manage<T, F>(&self, manage: F) -> Result<T, Problem>
    where
        T: Send + 'static,
        F: FnMut(&Call, &mut Tx<'_>) -> Managed<T> + Send + 'static,
    {
        self.write(manage).await?.map_err(Problem::from)
    }
}

/// The exit status of a command.
pub(super) fn finish(style: &Output, result: Result<i32, Problem>) -> i32 {
    result.unwrap_or_else(|problem| style.report(&problem))
}

/// Says what was done, on stderr or as the document that was asked for.
pub(super) fn finish_change(style: &Output, sentence: &str, document: &serde_json::Value) -> i32 {
    if style.json {
        return style.print_json(document);
    }
    style.tell_done(&sentence);
    DONE
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Store(error) => {
                Self::failed("database", "the database did not do it; nothing was changed").because(error.to_string())
            }
            Error::Refused(refused) => Self::failed("refused", refused.to_string()).with_exit(REFUSED),
            Error::Internal(why) => Self::failed("internal", "something is broken").because(why),
        }
        .try_command("doctor")
    }
}

impl From<ManageFault> for Problem {
    fn from(fault: ManageFault) -> Self {
        match fault {
            ManageFault::NotFound(what) => Self::failed("not_found", what).with_exit(FAILED),
            ManageFault::Invalid(what) => Self::failed("invalid", what).with_exit(USAGE),
            ManageFault::TooMany(what) => Self::failed("too_many", what).with_exit(REFUSED),
            ManageFault::Forbidden(what) => Self::failed("forbidden", what).with_exit(REFUSED),
            ManageFault::LastAdministrator(what) => Self::failed("last_administrator", what).with_exit(REFUSED),
        }
    }
}
