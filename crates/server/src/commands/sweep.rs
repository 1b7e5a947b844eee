//! `gatepost sweep`: removes what has ended, now, as the server does by itself from time to time.

use clap::Args;
use gatepost_engine::sweeping::sweep_batch;
use gatepost_store::sweep::Sweepable;
use serde_json::{Map, Value, json};

use super::admin::{Operator, finish};
use super::output::{Output, Problem, format_count, format_table};
use crate::settings::Settings;

/// `gatepost sweep`
#[derive(Args, Debug)]
#[command(before_help = "Examples:\n  gatepost sweep\n  gatepost sweep --json")]
pub(crate) struct SweepArgs {}

/// Runs the command and gives the exit status: 0, 1 failed.
pub(crate) async fn run_sweep(_args: SweepArgs, settings: &Settings, style: &Output) -> i32 {
    finish(style, sweep_all(settings, style).await)
}

async fn sweep_all(settings: &Settings, style: &Output) -> Result<i32, Problem> {
    let operator = Operator::open(settings, style).await?;
    let mut counts = Vec::new();
    for what in Sweepable::ALL {
        let removed = sweep_table(&operator, what).await?;
        counts.push((what.as_str(), removed));
    }
    let total: usize = counts.iter().map(|(_, removed)| removed).sum();
    if style.json {
        let tables: Map<String, Value> =
            counts.iter().map(|(name, removed)| ((*name).to_owned(), json!(removed))).collect();
        return Ok(style.print_json(&json!({ "removed": tables, "total": total })));
    }
    let rows: Vec<_> = counts.iter().map(|(name, removed)| vec![(*name).to_owned(), removed.to_string()]).collect();
    let status = style.print(&format_table(&["TABLE", "REMOVED"], &rows));
    style.tell_done(&format_args!("Removed {} that had ended", format_count(total, "row")));
    Ok(status)
}

/// Batch after batch, each a transaction of its own, so that a server beside us never waits long.
async fn sweep_table(operator: &Operator, what: Sweepable) -> Result<usize, Problem> {
    let mut total = 0;
    loop {
        let swept = operator.write(move |call, tx| sweep_batch(call, tx, what)).await?;
        total += swept.removed;
        if !swept.more {
            return Ok(total);
        }
    }
}
