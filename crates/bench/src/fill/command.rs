//! `fill`: a filled database to keep, and how to drive it.

use std::fs;
use std::path::PathBuf;

use super::{Filled, Size, derive_session};
use crate::cli::{FillArgs, SizeArgs};
use crate::gatepost::{Plan, Secrets, Setup, find_program};
use crate::server::find_free_port;
use crate::target::Target;

/// Browsers that `drive` can use.
const SESSIONS: u64 = 512;

impl From<&SizeArgs> for Size {
    fn from(args: &SizeArgs) -> Self {
        Self { users: args.filled_users, tokens: args.filled_tokens }
    }
}

/// Makes the folder and says what is in it.
pub(crate) fn run_fill(args: &FillArgs) -> Result<(), String> {
    let fail = |error: std::io::Error| format!("{}: {error}", args.folder.display());
    // the plan empties its folder: it must be nobody's
    if args.folder.exists() {
        return Err(format!("{} is there already; name a new folder", args.folder.display()));
    }
    let program = find_program(args.gatepost.as_deref())?;
    let folder: PathBuf = std::path::absolute(&args.folder).map_err(fail)?;
    let plan = Plan { program: &program, folder, setup: Setup::Default, secrets: Secrets::draw() };
    let size = Size::from(&args.size);
    let port = find_free_port()?;
    let template = plan.make_template(port, args.postgres.clone(), size)?;
    let mut target =
        Target { name: "filled".into(), about: "Gatepost on a filled database".into(), ..Target::default() };
    plan.describe_server(port, &mut target);
    let session = |person| format!("gp_session={}", derive_session(person).expose());
    target.sessions = (0..size.users.min(SESSIONS)).map(session).collect();
    target.filled = Some(Filled { database: template.database, size });
    let text = serde_json::to_string_pretty(&target).map_err(|error| error.to_string())?;
    let file = plan.folder.join("target.json");
    fs::write(&file, text).map_err(fail)?;
    println!(
        "Everybody who has this program knows these tokens: measure with them, and nothing else.\n\n\
         Serve it:  {} --config {} serve\nDrive it:  gatepost-bench drive {}",
        program.display(),
        plan.folder.join("gatepost.toml").display(),
        file.display()
    );
    Ok(())
}
