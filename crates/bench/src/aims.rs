//! What Gatepost is to reach, and whether it did: ratios of CPU to the right floor of the same run.

use crate::figures::{Measurement, take_median};
use crate::ops::Op;

/// Which floor an operation of a server is compared with, and with which of its operations.
pub(crate) fn find_floor(target: &str, op: Op) -> Option<(&'static str, Op)> {
    let writes = matches!(op, Op::ClientCredentials | Op::CodeExchange | Op::Refresh);
    let (floor, floor_op) = match (target, writes) {
        ("gatepost-sqlite" | "gatepost-sqlite-uncached", true) => ("floor-rusqlite-batch-full", Op::ClientCredentials),
        ("gatepost-postgres" | "gatepost-postgres-uncached", true) => ("floor-diesel-pg-pool", Op::ClientCredentials),
        // what nobody issued is in no cache
        ("gatepost-sqlite", false) if op == Op::IntrospectUnknown => ("floor-diesel-sqlite", op),
        ("gatepost-postgres", false) if op == Op::IntrospectUnknown => ("floor-diesel-pg-pool", op),
        ("gatepost-sqlite" | "gatepost-postgres", false) => ("floor-bare", Op::IntrospectActive),
        ("gatepost-sqlite-uncached", false) => ("floor-diesel-sqlite", op),
        ("gatepost-postgres-uncached", false) => ("floor-diesel-pg-pool", op),
        _ => return None,
    };
    Some((floor, floor_op))
}

/// What is measured.
enum Measure {
    /// CPU for each request, database included, as a multiple of the floor's
    Ratio(Op),
    /// commits that reached the disk for each request
    Commits,
    /// median milliseconds from start to first answer on existing data
    Start,
    /// MiB at rest
    Idle,
    /// MiB while it is driven
    Busy,
}

struct Aim {
    what: &'static str,
    target: &'static str,
    measure: Measure,
    at_most: f64,
}

const fn aim(what: &'static str, target: &'static str, measure: Measure, at_most: f64) -> Aim {
    Aim { what, target, measure, at_most }
}

const AIMS: [Aim; 11] = [
    aim("Introspection, answer in memory", "gatepost-sqlite", Measure::Ratio(Op::IntrospectActive), 1.5),
    aim(
        "Introspection, every answer from SQLite",
        "gatepost-sqlite-uncached",
        Measure::Ratio(Op::IntrospectActive),
        1.5,
    ),
    aim(
        "Introspection, every answer from PostgreSQL",
        "gatepost-postgres-uncached",
        Measure::Ratio(Op::IntrospectActive),
        1.5,
    ),
    aim("client_credentials, SQLite at FULL", "gatepost-sqlite", Measure::Ratio(Op::ClientCredentials), 2.0),
    aim("client_credentials, fsyncs a request", "gatepost-sqlite", Measure::Commits, 0.2),
    aim("client_credentials, PostgreSQL", "gatepost-postgres", Measure::Ratio(Op::ClientCredentials), 2.0),
    aim("Refresh, SQLite at FULL", "gatepost-sqlite", Measure::Ratio(Op::Refresh), 3.0),
    aim("Authorize and code exchange, SQLite at FULL", "gatepost-sqlite", Measure::Ratio(Op::CodeExchange), 5.0),
    aim("Start to first answer, existing data", "gatepost-sqlite", Measure::Start, 50.0),
    aim("Resident memory, idle", "gatepost-sqlite", Measure::Idle, 20.0),
    aim("Resident memory, under load", "gatepost-sqlite", Measure::Busy, 60.0),
];

/// One aim, in words, with what was reached.
pub(crate) struct Verdict {
    pub(crate) what: &'static str,
    pub(crate) aim: String,
    pub(crate) reached: String,
    /// absent when it was not measured
    pub(crate) good: Option<bool>,
}

/// Compares a run with every aim.
pub(crate) fn judge_run(measurement: &Measurement) -> Vec<Verdict> {
    AIMS.iter().map(|aim| judge_aim(aim, measurement)).collect()
}

fn judge_aim(aim: &Aim, measurement: &Measurement) -> Verdict {
    let (target, most) = (aim.target, aim.at_most);
    let (text, value, unit, digits) = match aim.measure {
        Measure::Ratio(op) => {
            let floor = find_floor(target, op).map_or("no floor", |(floor, _)| floor);
            (format!("≤ {most} × {floor}"), find_cpu_ratio(measurement, target, op), " ×", 2)
        }
        Measure::Commits => {
            let pick = |figures: &crate::figures::Figures| figures.commits_per_request;
            let value = measurement.median_of(target, Op::ClientCredentials, pick);
            (format!("< {most} at 16 connections"), value, "", 3)
        }
        Measure::Start => {
            let all: Vec<f64> = measurement
                .rounds
                .iter()
                .filter(|round| round.target == target)
                .flat_map(|round| round.restarts_ms.clone())
                .collect();
            (format!("≤ {most} ms"), take_median(&all), " ms", 0)
        }
        Measure::Idle => {
            (format!("≤ {most} MiB"), take_median(&measurement.gather(target, |round| round.idle_mb)), " MiB", 1)
        }
        Measure::Busy => (format!("≤ {most} MiB"), find_busy_mb(measurement, target), " MiB", 1),
    };
    let strict = matches!(aim.measure, Measure::Commits);
    let good = value.map(|value| if strict { value < most } else { value <= most });
    let failures = count_failures(aim, measurement);
    let mut reached = value.map_or_else(|| "not measured".into(), |value| format!("{value:.digits$}{unit}"));
    if failures > 0 {
        reached.push_str(&format!(", with {failures} failed requests"));
    }
    Verdict { what: aim.what, aim: text, reached, good: good.map(|good| good && failures == 0) }
}

fn count_failures(aim: &Aim, measurement: &Measurement) -> u64 {
    let op = match aim.measure {
        Measure::Ratio(op) => op,
        Measure::Commits => Op::ClientCredentials,
        _ => return 0,
    };
    let rounds = measurement.rounds.iter().filter(|round| round.target == aim.target);
    rounds.filter_map(|round| round.ops.get(&op)).map(|figures| figures.errors).sum()
}

/// CPU of an operation over CPU of its floor, medians of both.
pub(crate) fn find_cpu_ratio(measurement: &Measurement, target: &str, op: Op) -> Option<f64> {
    let (floor, floor_op) = find_floor(target, op)?;
    let cpu = |target: &str, op| measurement.median_of(target, op, |figures| figures.cpu_us());
    let floor_cpu = cpu(floor, floor_op).filter(|cpu| *cpu > 0.0)?;
    Some(cpu(target, op)? / floor_cpu)
}

/// The most resident memory during any operation of a round; the median of the rounds.
pub(crate) fn find_busy_mb(measurement: &Measurement, target: &str) -> Option<f64> {
    let busiest = |round: &crate::figures::Round| {
        round.ops.values().filter_map(|figures| figures.resident_mb).max_by(f64::total_cmp)
    };
    take_median(&measurement.gather(target, busiest))
}

#[cfg(test)]
mod tests {
    use super::{find_cpu_ratio, judge_run};
    use crate::figures::{Figures, Measurement, Round};
    use crate::ops::Op;

    fn round(target: &str, op: Op, cpu: f64, errors: u64) -> Round {
        let figures = Figures { server_cpu_us: Some(cpu), errors, ..Figures::default() };
        Round { target: target.into(), ops: [(op, figures)].into(), ..Round::default() }
    }

    #[test]
    fn ratios_are_of_medians() {
        let op = Op::IntrospectActive;
        let rounds = vec![
            round("floor-bare", op, 10.0, 0),
            round("floor-bare", op, 30.0, 0),
            round("gatepost-sqlite", op, 28.0, 0),
        ];
        let measurement = Measurement { rounds, ..Measurement::default() };
        assert_eq!(find_cpu_ratio(&measurement, "gatepost-sqlite", op), Some(1.4));
        let verdicts = judge_run(&measurement);
        assert_eq!(verdicts.iter().filter(|verdict| verdict.good == Some(true)).count(), 1);
        assert!(verdicts[1..].iter().all(|verdict| verdict.good.is_none()));
    }

    #[test]
    fn failed_requests_fail_the_aim() {
        let op = Op::IntrospectActive;
        let rounds = vec![round("floor-bare", op, 10.0, 0), round("gatepost-sqlite", op, 10.0, 3)];
        let measurement = Measurement { rounds, ..Measurement::default() };
        assert_eq!(judge_run(&measurement)[0].good, Some(false));
    }
}
