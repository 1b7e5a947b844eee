//! `drive`: any authorization server, described by a JSON file.

use std::fs;
use std::path::Path;

use crate::cli::DriveArgs;
use crate::figures::Measurement;
use crate::ops::Load;
use crate::report;
use crate::round::{Stand, run_round};
use crate::server::run_program;
use crate::target::Target;

/// Drives each server in each round and reports.
pub(crate) fn drive_targets(args: &DriveArgs) -> Result<(), String> {
    fs::create_dir_all(&args.logs).map_err(|error| format!("{}: {error}", args.logs.display()))?;
    let targets = args.targets.iter().map(|file| read_target(file)).collect::<Result<Vec<_>, _>>()?;
    let load = Load::from(&args.load);
    let mut measurement = Measurement { facts: report::list_facts(&load), ..Measurement::default() };
    measurement.targets = targets.iter().map(|target| (target.name.clone(), target.about.clone())).collect();
    for at in 0..args.load.repeat {
        for target in &targets {
            eprintln!("round {} {}", at + 1, target.name);
            let mut stand = make_stand(target.clone(), args.starts);
            let mut round = run_round(&mut stand, &load, &args.logs);
            round.round = at + 1;
            measurement.rounds.push(round);
        }
    }
    report::publish_report(&measurement, &args.load)
}

fn make_stand(target: Target, restarts: usize) -> Stand<'static> {
    Stand {
        target,
        prepare: Box::new(|target| match &target.prepare {
            Some(program) => run_program(program, "").map(|_| ()),
            None => Ok(()),
        }),
        set_up: Box::new(|target| {
            if let Some(program) = target.setup.clone() {
                target.absorb(&run_program(&program, "")?)?;
            }
            let file = target.db_pid_file.as_ref().and_then(|file| fs::read_to_string(file).ok());
            target.db_pid = file.and_then(|text| text.lines().next()?.trim().parse().ok());
            Ok(())
        }),
        restarts,
    }
}

fn read_target(file: &Path) -> Result<Target, String> {
    let text = fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let text = fill_variables(&text).map_err(|problem| format!("{}: {problem}", file.display()))?;
    serde_json::from_str(&text).map_err(|error| format!("{}: {error}", file.display()))
}

/// Replaces `${NAME}` by the environment variable.
fn fill_variables(text: &str) -> Result<String, String> {
    let mut parts = text.split("${");
    let mut out = parts.next().unwrap_or_default().to_string();
    for part in parts {
        let (name, rest) = part.split_once('}').ok_or("a ${ without its }")?;
        out.push_str(&std::env::var(name).map_err(|_| format!("the variable {name} is not set"))?);
        out.push_str(rest);
    }
    Ok(out)
}
