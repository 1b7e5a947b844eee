//! One round of one server: prepare, start, set up, drive each operation, stop, start again on what is there now.

use std::path::Path;
use std::time::Duration;

use crate::figures::Round;
use crate::ops::{Driven, Load, Op, Stock, run_op};
use crate::procs;
use crate::server::{Server, discover_endpoints, read_tail};
use crate::target::Target;

/// What a server needs before it is started, or once it runs.
pub(crate) type Hook<'a> = Box<dyn FnMut(&mut Target) -> Result<(), String> + 'a>;

/// One server under test and what is done with it.
pub(crate) struct Stand<'a> {
    pub(crate) target: Target,
    pub(crate) prepare: Hook<'a>,
    pub(crate) set_up: Hook<'a>,
    /// restarts on the data that the round leaves
    pub(crate) restarts: usize,
}

/// Runs one round; a failure is in [`Round::error`], because the other servers still count.
pub(crate) fn run_round(stand: &mut Stand<'_>, load: &Load, logs: &Path) -> Round {
    let mut round = Round { target: stand.target.name.clone(), load_before: procs::read_load(), ..Round::default() };
    if let Err(problem) = fill_round(stand, load, logs, &mut round) {
        eprintln!("  {}: {problem}", round.target);
        round.error = Some(problem);
    }
    round
}

fn fill_round(stand: &mut Stand<'_>, load: &Load, logs: &Path, round: &mut Round) -> Result<(), String> {
    (stand.prepare)(&mut stand.target)?;
    let mut target = stand.target.clone();
    let (server, first_ms) = Server::start(&target, logs)?;
    round.first_start_ms = target.start.is_some().then_some(first_ms);
    discover_endpoints(&mut target)?;
    let log = logs.join(format!("{}.log", target.name));
    (stand.set_up)(&mut target).map_err(|problem| format!("{problem}; the server wrote: {}", read_tail(&log)))?;
    let pid = server.pid().or_else(|| target.find_foreign_pid());
    drive_ops(&Driven { target: &target, load, pid }, round);
    round.peak_mb = pid.map(|pid| procs::read_peak_mb(&procs::list_tree(pid)));
    round.db_mb = target.db_pid.map(procs::read_proportional_mb);
    let own = server.pid().is_some();
    drop(server);
    for at in 0..if own { stand.restarts } else { 0 } {
        let (server, restart_ms) = Server::start(&target, logs)?;
        round.restarts_ms.push(restart_ms);
        if at + 1 == stand.restarts {
            std::thread::sleep(Duration::from_millis(500));
            round.idle_mb = server.pid().map(|pid| procs::read_resident_mb(&procs::list_tree(pid)));
        }
    }
    Ok(())
}

fn drive_ops(driven: &Driven<'_>, round: &mut Round) {
    let chosen = |op: &Op, list: &[Op]| list.is_empty() || list.contains(op);
    let mut stock = Stock::default();
    for op in Op::ALL.into_iter().filter(|op| chosen(op, &driven.load.ops) && chosen(op, &driven.target.ops)) {
        match run_op(op, driven, &mut stock) {
            Ok(figures) => {
                eprintln!("  {:20} {}", op.name(), figures.to_line());
                round.ops.insert(op, figures);
            }
            Err(problem) => {
                eprintln!("  {:20} -- {problem}", op.name());
                round.failed_ops.insert(op, problem);
            }
        }
    }
}
