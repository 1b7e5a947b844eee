//! What Gatepost is to reach, and whether it did: ratios of CPU to the right floor of the same run, and to itself with less data.

use crate::figures::{Figures, Measurement, Round, take_median};
use crate::ops::Op;
use Measure::{Busy, Commits, Growth, Idle, Ratio, Start, SweepP99};

/// What the names of servers with a filled database end with.
pub(crate) const FILLED: &str = "-filled";

/// Which floor an operation of a server is compared with, and with which of its operations.
pub(crate) fn find_floor(target: &str, op: Op) -> Option<(&'static str, Op)> {
    let writes = matches!(
        op,
        Op::ClientCredentials | Op::ClientCredentialsSweep | Op::CodeExchange | Op::Refresh | Op::RefreshOld
    );
    let target = target.strip_suffix(FILLED).unwrap_or(target);
    let (sqlite, setup) = match target.strip_prefix("gatepost-sqlite") {
        Some(setup) => (true, setup),
        None => (false, target.strip_prefix("gatepost-postgres")?),
    };
    let looks_up = if sqlite { "floor-diesel-sqlite" } else { "floor-diesel-pg-pool" };
    Some(match op {
        _ if writes => {
            (if sqlite { "floor-rusqlite-batch-full" } else { "floor-diesel-pg-pool" }, Op::ClientCredentials)
        }
        Op::IntrospectActive | Op::IntrospectUser if setup != "-uncached" => ("floor-bare", Op::IntrospectActive),
        // what nobody issued and what nobody asked for before is in no cache
        Op::IntrospectUnknown => (looks_up, op),
        _ => (looks_up, Op::IntrospectActive),
    })
}

/// What is measured.
#[derive(Clone, Copy)]
enum Measure {
    /// CPU for each request, database included, as a multiple of the floor's
    Ratio(Op),
    /// the largest multiple of any operation's CPU of what it is in the server that begins with little data
    Growth,
    /// commits that reached the disk for each request
    Commits,
    /// the p99 of client_credentials while the server sweeps, as a multiple of the same without
    SweepP99,
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
const AIMS: [Aim; 22] = [
    aim("Introspection, answer in memory", "gatepost-sqlite", Ratio(Op::IntrospectActive), 1.25),
    aim("Introspection of a service's token from SQLite", "gatepost-sqlite-uncached", Ratio(Op::IntrospectActive), 1.5),
    aim(
        "Introspection of a person's token from SQLite",
        "gatepost-sqlite-uncached",
        Ratio(Op::IntrospectUserFirst),
        1.3,
    ),
    aim("The same, filled", "gatepost-sqlite-uncached-filled", Ratio(Op::IntrospectUserFirst), 1.5),
    aim(
        "Introspection of a service's token from PostgreSQL",
        "gatepost-postgres-uncached",
        Ratio(Op::IntrospectActive),
        1.5,
    ),
    aim("client_credentials, SQLite at FULL", "gatepost-sqlite", Ratio(Op::ClientCredentials), 1.3),
    aim("client_credentials, fsyncs a request", "gatepost-sqlite", Commits, 0.2),
    aim("Refresh, SQLite at FULL", "gatepost-sqlite", Ratio(Op::Refresh), 2.2),
    aim("Authorize and code exchange, SQLite at FULL", "gatepost-sqlite", Ratio(Op::CodeExchange), 5.0),
    aim("client_credentials, PostgreSQL", "gatepost-postgres", Ratio(Op::ClientCredentials), 2.0),
    aim("Refresh, PostgreSQL", "gatepost-postgres", Ratio(Op::Refresh), 1.7),
    aim("Authorize and code exchange, PostgreSQL", "gatepost-postgres", Ratio(Op::CodeExchange), 3.6),
    aim("Filled against small, the worst operation, SQLite", "gatepost-sqlite-filled", Growth, 1.25),
    aim("The same, every answer from SQLite", "gatepost-sqlite-uncached-filled", Growth, 1.25),
    aim("Filled against small, the worst operation, PostgreSQL", "gatepost-postgres-filled", Growth, 1.25),
    aim("The same, every answer from PostgreSQL", "gatepost-postgres-uncached-filled", Growth, 1.25),
    aim("p99 of client_credentials during a sweep, SQLite", "gatepost-sqlite-sweep", SweepP99, 1.2),
    aim("The same, filled", "gatepost-sqlite-sweep-filled", SweepP99, 1.2),
    aim("p99 of client_credentials during a sweep, PostgreSQL", "gatepost-postgres-sweep", SweepP99, 1.2),
    aim("Start to first answer, filled", "gatepost-sqlite-filled", Start, 50.0),
    aim("Resident memory, idle", "gatepost-sqlite", Idle, 24.0),
    aim("Resident memory, under load", "gatepost-sqlite", Busy, 50.0),
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

/// What was reached of an aim.
struct Reached {
    /// the aim in words
    aim: String,
    value: Option<f64>,
    unit: &'static str,
    digits: usize,
    /// what else there is to say of the value
    detail: String,
}

fn judge_aim(aim: &Aim, measurement: &Measurement) -> Verdict {
    let reached = measure_aim(aim, measurement);
    let strict = matches!(aim.measure, Commits);
    let good = reached.value.map(|value| if strict { value < aim.at_most } else { value <= aim.at_most });
    let failures = count_failures(aim, measurement);
    let Reached { value, unit, digits, .. } = reached;
    let mut text = value.map_or_else(|| "not measured".into(), |value| format!("{value:.digits$}{unit}"));
    text.push_str(&reached.detail);
    if failures > 0 {
        text.push_str(&format!(", with {failures} failed requests"));
    }
    // of what failed altogether there is no figure: that is not the same as not having been asked for
    let broken = is_broken(aim, measurement);
    if broken {
        text = "failed".into();
    }
    let good = if broken { Some(false) } else { good.map(|good| good && failures == 0) };
    Verdict { what: aim.what, aim: reached.aim, reached: text, good }
}

fn measure_aim(aim: &Aim, measurement: &Measurement) -> Reached {
    let (target, most) = (aim.target, aim.at_most);
    let reached = |aim, value, unit, digits| Reached { aim, value, unit, digits, detail: String::new() };
    match aim.measure {
        Ratio(op) => {
            let floor = find_floor(target, op).map_or("no floor", |(floor, _)| floor);
            reached(format!("≤ {most} × {floor}"), find_cpu_ratio(measurement, target, op), " ×", 2)
        }
        Growth => {
            let worst = list_growth(measurement, target).into_iter().max_by(|(_, a), (_, b)| a.total_cmp(b));
            let small = target.strip_suffix(FILLED).unwrap_or(target);
            let mut found = reached(format!("≤ {most} × {small}"), worst.map(|(_, ratio)| ratio), " ×", 2);
            found.detail = worst.map(|(op, _)| format!(" ({})", op.name())).unwrap_or_default();
            found
        }
        Commits => {
            let pick = |figures: &Figures| figures.commits_per_request;
            let value = measurement.median_of(target, Op::ClientCredentials, pick);
            reached(format!("< {most} at 16 connections"), value, "", 3)
        }
        SweepP99 => reached(format!("≤ {most} × without"), find_sweep_ratio(measurement, target), " ×", 2),
        Start => {
            let all: Vec<f64> = measurement
                .rounds
                .iter()
                .filter(|round| round.target == target)
                .flat_map(|round| round.restarts_ms.clone())
                .collect();
            reached(format!("≤ {most} ms"), take_median(&all), " ms", 0)
        }
        Idle => {
            let value = take_median(&measurement.gather(target, |round| round.idle_mb));
            reached(format!("≤ {most} MiB"), value, " MiB", 1)
        }
        Busy => reached(format!("≤ {most} MiB"), find_busy_mb(measurement, target), " MiB", 1),
    }
}

/// Whether an aim looks at this operation.
fn concerns(aim: &Aim, op: Op) -> bool {
    match aim.measure {
        Ratio(measured) => op == measured,
        Commits => op == Op::ClientCredentials,
        SweepP99 => matches!(op, Op::ClientCredentials | Op::ClientCredentialsSweep),
        Growth => true,
        Start | Idle | Busy => false,
    }
}

/// The rounds whose requests an aim is about; for a comparison with less data those too.
fn rounds_of<'a>(aim: &Aim, measurement: &'a Measurement) -> impl Iterator<Item = &'a Round> {
    let (target, grows) = (aim.target, matches!(aim.measure, Growth));
    let small = target.strip_suffix(FILLED).unwrap_or(target);
    measurement.rounds.iter().filter(move |round| round.target == target || (grows && round.target == small))
}

fn count_failures(aim: &Aim, measurement: &Measurement) -> u64 {
    let figures = rounds_of(aim, measurement).flat_map(|round| &round.ops).filter(|(op, _)| concerns(aim, **op));
    figures.map(|(_, figures)| figures.errors).sum()
}

fn is_broken(aim: &Aim, measurement: &Measurement) -> bool {
    rounds_of(aim, measurement).flat_map(|round| round.failed_ops.keys()).any(|op| concerns(aim, *op))
}

/// CPU of an operation over CPU of its floor, medians of both.
pub(crate) fn find_cpu_ratio(measurement: &Measurement, target: &str, op: Op) -> Option<f64> {
    let (floor, floor_op) = find_floor(target, op)?;
    let floor_cpu = measurement.median_of(floor, floor_op, Figures::cpu_us).filter(|cpu| *cpu > 0.0)?;
    Some(measurement.median_of(target, op, Figures::cpu_us)? / floor_cpu)
}

/// What each operation of a server with a filled database costs, as a multiple of what it costs in the same server without.
pub(crate) fn list_growth(measurement: &Measurement, filled: &str) -> Vec<(Op, f64)> {
    let Some(small) = filled.strip_suffix(FILLED) else { return Vec::new() };
    let cpu = |target: &str, op| measurement.median_of(target, op, Figures::cpu_us);
    let ratio = |op: Op| Some((op, cpu(filled, op)? / cpu(small, op).filter(|cpu| *cpu > 0.0)?));
    Op::ALL.into_iter().filter_map(ratio).collect()
}

/// The p99 of client_credentials during a sweep over the one before it, medians of both.
pub(crate) fn find_sweep_ratio(measurement: &Measurement, target: &str) -> Option<f64> {
    let p99 = |op| measurement.median_of(target, op, |figures| Some(figures.p99_ms));
    Some(p99(Op::ClientCredentialsSweep)? / p99(Op::ClientCredentials).filter(|p99| *p99 > 0.0)?)
}

/// The most resident memory during any operation of a round; the median of the rounds.
pub(crate) fn find_busy_mb(measurement: &Measurement, target: &str) -> Option<f64> {
    let busiest = |round: &Round| round.ops.values().filter_map(|figures| figures.resident_mb).max_by(f64::total_cmp);
    take_median(&measurement.gather(target, busiest))
}

#[cfg(test)]
mod tests {
    use super::{find_cpu_ratio, find_floor, judge_run};
    use crate::figures::{Figures, Measurement, Round};
    use crate::ops::Op;

    fn round(target: &str, op: Op, cpu: f64, errors: u64) -> Round {
        let figures = Figures { server_cpu_us: Some(cpu), p99_ms: cpu, errors, ..Figures::default() };
        Round { target: target.into(), ops: [(op, figures)].into(), ..Round::default() }
    }

    fn judge(rounds: Vec<Round>, what: &str) -> (String, Option<bool>) {
        let verdicts = judge_run(&Measurement { rounds, ..Measurement::default() });
        let found = verdicts.into_iter().find(|verdict| verdict.what == what).expect("such an aim");
        (found.reached, found.good)
    }

    #[test]
    fn ratios_are_of_medians() {
        let op = Op::IntrospectActive;
        let rounds = vec![
            round("floor-bare", op, 10.0, 0),
            round("floor-bare", op, 30.0, 0),
            round("gatepost-sqlite", op, 24.0, 0),
        ];
        let measurement = Measurement { rounds, ..Measurement::default() };
        assert_eq!(find_cpu_ratio(&measurement, "gatepost-sqlite", op), Some(1.2));
        let verdicts = judge_run(&measurement);
        assert_eq!(verdicts.iter().filter(|verdict| verdict.good == Some(true)).count(), 1);
        assert!(verdicts[1..].iter().all(|verdict| verdict.good.is_none()));
    }

    #[test]
    fn failed_requests_fail_the_aim() {
        let op = Op::IntrospectActive;
        let rounds = vec![round("floor-bare", op, 10.0, 0), round("gatepost-sqlite", op, 10.0, 3)];
        let (reached, good) = judge(rounds, "Introspection, answer in memory");
        assert_eq!((reached.as_str(), good), ("1.00 ×, with 3 failed requests", Some(false)));
    }

    #[test]
    fn an_operation_that_failed_altogether_fails_the_aim() {
        let op = Op::Refresh;
        let mut broken = Round { target: "gatepost-sqlite".into(), ..Round::default() };
        broken.failed_ops.insert(op, "nothing succeeded".into());
        let rounds = vec![round("floor-rusqlite-batch-full", Op::ClientCredentials, 10.0, 0), broken];
        assert_eq!(judge(rounds, "Refresh, SQLite at FULL"), ("failed".into(), Some(false)));
    }

    #[test]
    fn growth_is_that_of_the_worst_operation() {
        let what = "Filled against small, the worst operation, SQLite";
        let both = |filled: f64, errors| {
            vec![
                round("gatepost-sqlite", Op::Refresh, 10.0, errors),
                round("gatepost-sqlite", Op::CodeExchange, 10.0, 0),
                round("gatepost-sqlite-filled", Op::Refresh, 11.0, 0),
                round("gatepost-sqlite-filled", Op::CodeExchange, filled, 0),
            ]
        };
        assert_eq!(judge(both(12.0, 0), what), ("1.20 × (code_exchange)".into(), Some(true)));
        assert_eq!(judge(both(13.0, 0), what), ("1.30 × (code_exchange)".into(), Some(false)));
        // also of the side that it is compared with
        assert_eq!(judge(both(12.0, 1), what).1, Some(false));
        assert_eq!(judge(both(12.0, 0)[..2].to_vec(), what), ("not measured".into(), None));
    }

    #[test]
    fn a_sweep_is_compared_with_the_same_server_before_it() {
        let what = "p99 of client_credentials during a sweep, SQLite";
        let name = "gatepost-sqlite-sweep";
        let rounds = |p99| {
            vec![
                round(name, Op::ClientCredentials, 5.0, 0),
                round(name, Op::ClientCredentialsSweep, p99, 0),
                round("gatepost-sqlite", Op::ClientCredentials, 1.0, 0),
            ]
        };
        assert_eq!(judge(rounds(6.0), what), ("1.20 ×".into(), Some(true)));
        assert_eq!(judge(rounds(6.5), what), ("1.30 ×".into(), Some(false)));
    }

    #[test]
    fn every_server_has_its_floor() {
        for (target, op, floor) in [
            ("gatepost-sqlite-filled", Op::IntrospectUser, "floor-bare"),
            ("gatepost-sqlite-filled", Op::IntrospectUserFirst, "floor-diesel-sqlite"),
            ("gatepost-sqlite-uncached", Op::IntrospectActive, "floor-diesel-sqlite"),
            ("gatepost-sqlite-sweep", Op::ClientCredentialsSweep, "floor-rusqlite-batch-full"),
            ("gatepost-postgres-uncached-filled", Op::IntrospectUserFirst, "floor-diesel-pg-pool"),
            ("gatepost-postgres", Op::RefreshOld, "floor-diesel-pg-pool"),
            ("gatepost-postgres", Op::IntrospectActive, "floor-bare"),
        ] {
            assert_eq!(find_floor(target, op).map(|(floor, _)| floor), Some(floor), "{target} {}", op.name());
        }
        assert!(find_floor("floor-bare", Op::IntrospectActive).is_none());
        assert!(find_floor("another", Op::Refresh).is_none());
    }
}
