//! What was measured.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::ops::Op;

/// One operation in one round; times of latency in milliseconds, CPU in microseconds for each request.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Figures {
    pub(crate) requests: usize,
    pub(crate) errors: u64,
    pub(crate) error_samples: Vec<String>,
    pub(crate) seconds: f64,
    pub(crate) rps: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) p999_ms: f64,
    /// the server's alone
    pub(crate) server_cpu_us: Option<f64>,
    pub(crate) db_cpu_us: Option<f64>,
    /// processors that the server and its database kept busy
    pub(crate) server_cores: Option<f64>,
    pub(crate) client_cpu_us: f64,
    /// processors that neither the server nor this program kept busy: noise
    pub(crate) others_cores: f64,
    /// the most resident memory of the server while it was driven, in MiB
    pub(crate) resident_mb: Option<f64>,
    pub(crate) commits_per_request: Option<f64>,
    pub(crate) distinct_tokens: Option<usize>,
    /// rows that the server deleted meanwhile
    pub(crate) swept: Option<u64>,
}

impl Figures {
    /// CPU of the server and its database.
    pub(crate) fn cpu_us(&self) -> Option<f64> {
        self.server_cpu_us.map(|cpu| cpu + self.db_cpu_us.unwrap_or(0.0))
    }

    /// One line for the terminal.
    pub(crate) fn to_line(&self) -> String {
        let or_nan = |value: Option<f64>| value.unwrap_or(f64::NAN);
        let mut line = format!(
            "{:9.0} req/s  p50 {:6.2}  p99 {:6.2}  p99.9 {:6.2} ms  cpu {:7.1} us/req  client {:5.1}  others {:.2} cores",
            self.rps,
            self.p50_ms,
            self.p99_ms,
            self.p999_ms,
            or_nan(self.cpu_us()),
            self.client_cpu_us,
            self.others_cores
        );
        if self.errors > 0 {
            let sample = self.error_samples.first().map(String::as_str).unwrap_or_default();
            line.push_str(&format!("  ERRORS {} {sample}", self.errors));
        }
        line
    }
}

/// One server in one round.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Round {
    pub(crate) target: String,
    pub(crate) round: usize,
    pub(crate) load_before: String,
    /// to the first answer on empty data
    pub(crate) first_start_ms: Option<f64>,
    /// to the first answer on the data that this round left
    pub(crate) restarts_ms: Vec<f64>,
    /// resident memory at rest after a restart, in MiB
    pub(crate) idle_mb: Option<f64>,
    /// the most resident memory since the start, set-up included, in MiB
    pub(crate) peak_mb: Option<f64>,
    /// proportional memory of the database server, in MiB
    pub(crate) db_mb: Option<f64>,
    pub(crate) ops: BTreeMap<Op, Figures>,
    pub(crate) failed_ops: BTreeMap<Op, String>,
    /// why the round ended early
    pub(crate) error: Option<String>,
}

/// Everything that one command measured.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Measurement {
    /// about the machine, the program and how it was driven
    pub(crate) facts: Vec<String>,
    /// what was left out and why, and what makes the figures doubtful
    pub(crate) notes: Vec<String>,
    /// name and description, in the order of the report
    pub(crate) targets: Vec<(String, String)>,
    pub(crate) rounds: Vec<Round>,
}

impl Measurement {
    /// A value of each round of a server that has it.
    pub(crate) fn gather(&self, target: &str, pick: impl Fn(&Round) -> Option<f64>) -> Vec<f64> {
        self.rounds.iter().filter(|round| round.target == target).filter_map(pick).collect()
    }

    /// The median over the rounds of one figure of an operation.
    pub(crate) fn median_of(&self, target: &str, op: Op, pick: impl Fn(&Figures) -> Option<f64>) -> Option<f64> {
        take_median(&self.gather(target, |round| round.ops.get(&op).and_then(&pick)))
    }
}

/// The middle value, or the mean of the two in the middle.
pub(crate) fn take_median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        length if length % 2 == 1 => Some(sorted[middle]),
        _ => Some(f64::midpoint(sorted[middle - 1], sorted[middle])),
    }
}
