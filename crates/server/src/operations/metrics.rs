//! Counters in the text format of Prometheus.

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};

use gatepost_store::Store;

/// What is counted in this process.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    /// answers by hundreds of their status: 1xx to 5xx
    answers: [AtomicU64; 5],
    panics: AtomicU64,
    timeouts: AtomicU64,
}

impl Metrics {
    pub(crate) fn count_answer(&self, status: u16) {
        if let Some(counter) = self.answers.get(usize::from(status / 100).wrapping_sub(1)) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn count_panic(&self) {
        self.panics.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_timeout(&self) {
        self.timeouts.fetch_add(1, Ordering::Relaxed);
    }

    /// The page that a collector reads.
    pub(crate) fn render(&self, store: &Store) -> String {
        let mut page = String::from(
            "# HELP gatepost_responses_total Answers by status class.\n# TYPE gatepost_responses_total counter\n",
        );
        for (class, counter) in (1..).zip(&self.answers) {
            let count = counter.load(Ordering::Relaxed);
            // writing to a String cannot fail
            let _ = writeln!(page, "gatepost_responses_total{{class=\"{class}xx\"}} {count}");
        }
        let mut add = |name: &str, help: &str, value: u64| {
            let _ = writeln!(page, "# HELP {name} {help}\n# TYPE {name} counter\n{name} {value}");
        };
        add(
            "gatepost_panics_total",
            "Requests that ended in a panic.",
            self.panics.load(Ordering::Relaxed) + store.count_panics(),
        );
        add("gatepost_timeouts_total", "Requests that took too long.", self.timeouts.load(Ordering::Relaxed));
        add("gatepost_commits_total", "Transactions committed by this process.", store.count_commits());
        if store.is_sqlite() {
            add(
                "gatepost_sqlite_commits_total",
                "Commits to SQLite, each one fsync of its log.",
                store.count_commits(),
            );
        }
        page
    }
}
