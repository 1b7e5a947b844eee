//! The report: Markdown with the aims first, then every figure with its ratio to the right floor.

use std::fmt::Write;
use std::fs;

use crate::aims::{FILLED, find_busy_mb, find_floor, find_sweep_ratio, judge_run};
use crate::cli::LoadArgs;
use crate::figures::{Figures, Measurement, take_median};
use crate::ops::{Load, Op};
use crate::procs;

/// About the machine and the load.
pub(crate) fn list_facts(load: &Load) -> Vec<String> {
    let build = if cfg!(debug_assertions) { "debug build: the figures mean nothing" } else { "optimized build" };
    vec![
        procs::describe_machine(),
        build.into(),
        format!("{} connections from the same machine", load.connections),
        format!("{} s a measurement after {} s of warming up", load.duration.as_secs_f64(), load.warmup.as_secs_f64()),
        format!("{} rounds", load.repeat),
    ]
}

/// Prints the report and writes the files that were asked for; an error when something could not be measured.
pub(crate) fn publish_report(measurement: &Measurement, args: &LoadArgs) -> Result<(), String> {
    let text = render_report(measurement);
    println!("{text}");
    if let Some(file) = &args.out {
        fs::write(file, &text).map_err(|error| format!("{}: {error}", file.display()))?;
    }
    if let Some(file) = &args.raw {
        let raw = serde_json::to_string_pretty(measurement).map_err(|error| error.to_string())?;
        fs::write(file, raw).map_err(|error| format!("{}: {error}", file.display()))?;
    }
    let failed =
        measurement.rounds.iter().filter(|round| round.error.is_some() || !round.failed_ops.is_empty()).count();
    if failed > 0 || measurement.rounds.is_empty() {
        return Err(format!("{failed} of {} rounds are not complete", measurement.rounds.len()));
    }
    Ok(())
}

/// The report as Markdown.
pub(crate) fn render_report(measurement: &Measurement) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "Measured on {}.\n", measurement.facts.join("; "));
    for note in &measurement.notes {
        let _ = writeln!(out, "**{note}**\n");
    }
    if measurement.targets.iter().any(|(name, _)| name.starts_with("gatepost-")) {
        write_aims(&mut out, measurement);
    }
    write_growth(&mut out, measurement);
    write_sweeps(&mut out, measurement);
    for op in Op::ALL {
        write_op(&mut out, measurement, op);
    }
    write_processes(&mut out, measurement);
    write_failures(&mut out, measurement);
    out
}

fn write_aims(out: &mut String, measurement: &Measurement) {
    out.push_str("### Aims\n\n| what | aim | reached | |\n|---|---|---:|---|\n");
    for verdict in judge_run(measurement) {
        let good = verdict.good.map_or("–", |good| if good { "yes" } else { "**no**" });
        let _ = writeln!(out, "| {} | {} | {} | {good} |", verdict.what, verdict.aim, verdict.reached);
    }
    out.push_str("\nA multiple of a floor is one of CPU time for each request, the database's included.\n\n");
}

/// What grows with the data: each server with a filled database beside the same server without.
fn write_growth(out: &mut String, measurement: &Measurement) {
    let filled: Vec<(&str, &str)> = measurement
        .targets
        .iter()
        .filter_map(|(name, _)| Some((name.as_str(), name.strip_suffix(FILLED)?)))
        .filter(|(_, small)| measurement.targets.iter().any(|(name, _)| name == small))
        .collect();
    if filled.is_empty() {
        return;
    }
    out.push_str(
        "### Small and filled\n\n| server | what | CPU µs/req, small | filled | ratio | p99 ms, small | filled | ratio |\n\
         |---|---|---:|---:|---:|---:|---:|---:|\n",
    );
    for (filled, small) in &filled {
        for op in Op::ALL {
            let both = |pick: Pick| [*small, *filled].map(|name| measurement.median_of(name, op, pick));
            let (cpu, p99) = (both(Figures::cpu_us), both(|figures| Some(figures.p99_ms)));
            if let [Some(_), Some(_)] = p99 {
                let _ = writeln!(out, "| {small} | {} | {} | {} |", op.name(), show_pair(cpu, 1), show_pair(p99, 2));
            }
        }
    }
    out.push_str("\n| server | what | small | filled | ratio |\n|---|---|---:|---:|---:|\n");
    for (filled, small) in &filled {
        let both = |pick: fn(&Measurement, &str) -> Option<f64>| [*small, *filled].map(|name| pick(measurement, name));
        let start = both(find_restart_ms);
        let idle = both(|measurement, name| take_median(&measurement.gather(name, |round| round.idle_mb)));
        let _ = writeln!(out, "| {small} | restart, ms | {} |", show_pair(start, 0));
        let _ = writeln!(out, "| {small} | idle, MiB | {} |", show_pair(idle, 1));
        let _ = writeln!(out, "| {small} | under load, MiB | {} |", show_pair(both(find_busy_mb), 1));
    }
    out.push('\n');
}

fn find_restart_ms(measurement: &Measurement, name: &str) -> Option<f64> {
    let rounds = measurement.rounds.iter().filter(|round| round.target == name);
    take_median(&rounds.flat_map(|round| round.restarts_ms.iter().copied()).collect::<Vec<f64>>())
}

/// Two values and their ratio, as three cells.
fn show_pair([small, filled]: [Option<f64>; 2], digits: usize) -> String {
    let ratio = filled.zip(small).filter(|(_, small)| *small > 0.0).map(|(filled, small)| filled / small);
    let ratio = ratio.map_or("–".into(), |ratio| format!("{ratio:.2} ×"));
    format!("{} | {} | {ratio}", show(small, digits), show(filled, digits))
}

fn write_sweeps(out: &mut String, measurement: &Measurement) {
    let op = Op::ClientCredentialsSweep;
    let measured =
        |name: &str| measurement.rounds.iter().any(|round| round.target == name && round.ops.contains_key(&op));
    let names: Vec<&str> =
        measurement.targets.iter().map(|(name, _)| name.as_str()).filter(|name| measured(name)).collect();
    if names.is_empty() {
        return;
    }
    out.push_str(
        "### client_credentials while the server sweeps\n\n| server | p99 ms, without | with | ratio | p99.9 ms, without | with | rows deleted a second |\n\
         |---|---:|---:|---:|---:|---:|---:|\n",
    );
    for name in names {
        let both = |pick: Pick| [Op::ClientCredentials, op].map(|op| show(measurement.median_of(name, op, pick), 2));
        let ratio = find_sweep_ratio(measurement, name).map_or("–".into(), |ratio| format!("{ratio:.2} ×"));
        let swept = |figures: &Figures| figures.swept.map(|swept| swept as f64 / figures.seconds);
        let (p99, p999) = (both(|figures| Some(figures.p99_ms)), both(|figures| Some(figures.p999_ms)));
        let swept = show(measurement.median_of(name, op, swept), 0);
        let _ = writeln!(out, "| {name} | {} | {ratio} | {} | {swept} |", p99.join(" | "), p999.join(" | "));
    }
    out.push('\n');
}

type Pick = fn(&Figures) -> Option<f64>;

/// Heading, digits, and the figure; each is followed by its ratio to the floor.
const COLUMNS: [(&str, usize, Pick); 5] = [
    ("req/s", 0, |figures| Some(figures.rps)),
    ("CPU µs/req", 1, Figures::cpu_us),
    ("p50 ms", 2, |figures| Some(figures.p50_ms)),
    ("p99 ms", 2, |figures| Some(figures.p99_ms)),
    ("p99.9 ms", 2, |figures| Some(figures.p999_ms)),
];

fn write_op(out: &mut String, measurement: &Measurement, op: Op) {
    let measured: Vec<&str> = measurement
        .targets
        .iter()
        .map(|(name, _)| name.as_str())
        .filter(|name| measurement.rounds.iter().any(|round| round.target == **name && round.ops.contains_key(&op)))
        .collect();
    if measured.is_empty() {
        return;
    }
    let headings: Vec<&str> = COLUMNS.iter().map(|(heading, _, _)| *heading).collect();
    let _ = writeln!(
        out,
        "### {}\n\n| server | floor | {} | CPU range | of it database | fsyncs/req | others' cores | errors |\n|---|---|{}---:|---:|---:|---:|---:|",
        op.name(),
        headings.join(" | "),
        "---:|".repeat(COLUMNS.len())
    );
    for name in measured {
        write_row(out, measurement, name, op);
    }
    out.push('\n');
}

fn write_row(out: &mut String, measurement: &Measurement, name: &str, op: Op) {
    let floor = find_floor(name, op);
    let median = |pick: Pick| measurement.median_of(name, op, pick);
    let _ = write!(out, "| {name} | {} |", floor.map_or("–", |(floor, _)| floor));
    for (_, digits, pick) in COLUMNS {
        let value = median(pick);
        let base = floor.and_then(|(floor, floor_op)| measurement.median_of(floor, floor_op, pick));
        let _ = write!(out, " {} |", show_with_ratio(value, base, digits));
    }
    let cpus = measurement.gather(name, |round| round.ops.get(&op).and_then(Figures::cpu_us));
    let errors: u64 = measurement
        .rounds
        .iter()
        .filter(|round| round.target == name)
        .filter_map(|round| round.ops.get(&op))
        .map(|figures| figures.errors)
        .sum();
    let least = cpus.iter().copied().min_by(f64::total_cmp);
    let most = cpus.iter().copied().max_by(f64::total_cmp);
    let _ = writeln!(
        out,
        " {}–{} | {} | {} | {} | {errors} |",
        show(least, 1),
        show(most, 1),
        show(median(|figures| figures.db_cpu_us), 1),
        show(median(|figures| figures.commits_per_request), 3),
        show(median(|figures| Some(figures.others_cores)), 2),
    );
}

fn write_processes(out: &mut String, measurement: &Measurement) {
    out.push_str(
        "### Processes\n\n| server | first start ms | restart ms (slowest) | idle MiB | under load MiB | peak with set-up MiB | database MiB | what |\n\
         |---|---:|---:|---:|---:|---:|---:|---|\n",
    );
    for (name, about) in &measurement.targets {
        let median = |pick: fn(&crate::figures::Round) -> Option<f64>| take_median(&measurement.gather(name, pick));
        let rounds = measurement.rounds.iter().filter(|round| round.target == *name);
        let slowest = rounds.flat_map(|round| round.restarts_ms.iter().copied()).max_by(f64::total_cmp);
        let _ = writeln!(
            out,
            "| {name} | {} | {} ({}) | {} | {} | {} | {} | {about} |",
            show(median(|round| round.first_start_ms), 0),
            show(find_restart_ms(measurement, name), 0),
            show(slowest, 0),
            show(median(|round| round.idle_mb), 1),
            show(find_busy_mb(measurement, name), 1),
            show(median(|round| round.peak_mb), 1),
            show(median(|round| round.db_mb), 1),
        );
    }
}

fn write_failures(out: &mut String, measurement: &Measurement) {
    let mut lines = Vec::new();
    for round in &measurement.rounds {
        let place = format!("round {}, {}", round.round, round.target);
        lines.extend(round.error.iter().map(|error| format!("- {place}: {error}")));
        lines.extend(round.failed_ops.iter().map(|(op, error)| format!("- {place}, {}: {error}", op.name())));
        for (op, figures) in round.ops.iter().filter(|(_, figures)| figures.errors > 0) {
            let samples = figures.error_samples.join("; ");
            lines.push(format!("- {place}, {}: {} errors: {samples}", op.name(), figures.errors));
        }
    }
    if !lines.is_empty() {
        let _ = writeln!(out, "\n### What failed\n\n{}", lines.join("\n"));
    }
}

/// A number with thousands marked; a dash when there is none.
fn show(value: Option<f64>, digits: usize) -> String {
    let Some(value) = value.filter(|value| value.is_finite()) else { return "–".into() };
    let text = format!("{value:.digits$}");
    let (whole, part) = text.split_once('.').map_or((text.as_str(), None), |(whole, part)| (whole, Some(part)));
    let (sign, numerals) = whole.strip_prefix('-').map_or(("", whole), |numerals| ("-", numerals));
    let mut out = sign.to_string();
    for (index, numeral) in numerals.chars().enumerate() {
        if index > 0 && (numerals.len() - index) % 3 == 0 {
            out.push(',');
        }
        out.push(numeral);
    }
    if let Some(part) = part {
        out.push('.');
        out.push_str(part);
    }
    out
}

fn show_with_ratio(value: Option<f64>, base: Option<f64>, digits: usize) -> String {
    let shown = show(value, digits);
    match (value, base) {
        (Some(value), Some(base)) if base > 0.0 => format!("{shown} ({:.2} ×)", value / base),
        _ => shown,
    }
}

#[cfg(test)]
mod tests {
    use super::{render_report, show, show_with_ratio};
    use crate::figures::{Figures, Measurement, Round};
    use crate::ops::Op;

    #[test]
    fn numbers_are_readable() {
        assert_eq!(show(Some(1_234_567.891), 1), "1,234,567.9");
        assert_eq!(show(Some(999.0), 0), "999");
        assert_eq!(show(Some(-1000.0), 0), "-1,000");
        assert_eq!(show(None, 2), "–");
        assert_eq!(show_with_ratio(Some(30.0), Some(20.0), 0), "30 (1.50 ×)");
    }

    #[test]
    fn every_server_has_a_row_with_its_floor() {
        let figures = |rps: f64, cpu: f64| Figures { rps, server_cpu_us: Some(cpu), ..Figures::default() };
        let round = |target: &str, rps, cpu| Round {
            target: target.into(),
            ops: [(Op::IntrospectActive, figures(rps, cpu))].into(),
            ..Round::default()
        };
        let names = ["floor-bare", "gatepost-sqlite"];
        let report = render_report(&Measurement {
            targets: names.map(|name| (name.to_string(), String::new())).to_vec(),
            rounds: vec![round(names[0], 80_000.0, 10.0), round(names[1], 60_000.0, 14.0)],
            ..Measurement::default()
        });
        assert!(report.contains("| gatepost-sqlite | floor-bare | 60,000 (0.75 ×) | 14.0 (1.40 ×) |"), "{report}");
        assert!(report.contains("| ≤ 1.25 × floor-bare | 1.40 × | **no** |"), "{report}");
        assert!(report.contains("| not measured | – |"), "{report}");
    }

    #[test]
    fn small_and_filled_stand_side_by_side() {
        let round = |target: &str, cpu, restart| {
            let figures = Figures { server_cpu_us: Some(cpu), p99_ms: cpu / 10.0, ..Figures::default() };
            let ops = [(Op::Refresh, figures)].into();
            Round { target: target.into(), ops, restarts_ms: vec![restart], ..Round::default() }
        };
        let names = ["gatepost-sqlite", "gatepost-sqlite-filled"];
        let report = render_report(&Measurement {
            targets: names.map(|name| (name.to_string(), String::new())).to_vec(),
            rounds: vec![round(names[0], 100.0, 10.0), round(names[1], 120.0, 30.0)],
            ..Measurement::default()
        });
        let row = "| gatepost-sqlite | refresh | 100.0 | 120.0 | 1.20 × | 10.00 | 12.00 | 1.20 × |";
        assert!(report.contains(row), "{report}");
        assert!(report.contains("| gatepost-sqlite | restart, ms | 10 | 30 | 3.00 × |"), "{report}");
    }
}
