//! Runs workers for a while and gathers what they and the kernel say.

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::ScopedJoinHandle;
use std::time::{Duration, Instant};

use super::{Progress, Worker};
use crate::figures::Figures;
use crate::procs;

/// A worker that fails this often in a row gives up: the operation does not work.
const MOST_FAILURES_IN_A_ROW: u32 = 20;

/// The processes whose CPU and memory count.
#[derive(Default)]
pub(super) struct Watched {
    pub(super) server: Option<i32>,
    pub(super) database: Option<i32>,
}

/// What one worker saw.
#[derive(Default)]
struct Seen {
    latencies_us: Vec<u32>,
    errors: u64,
    samples: Vec<String>,
}

/// CPU seconds, each since some time in the past.
struct Clocks {
    server: Option<f64>,
    database: Option<f64>,
    own: f64,
    machine: f64,
}

impl Clocks {
    fn read(watched: &Watched) -> Self {
        Self {
            server: watched.server.map(procs::read_cpu),
            database: watched.database.map(procs::read_cpu),
            own: procs::read_own_cpu(),
            machine: procs::read_machine_busy(),
        }
    }

    fn since(&self, earlier: &Self) -> Self {
        Self {
            server: self.server.zip(earlier.server).map(|(now, then)| now - then),
            database: self.database.zip(earlier.database).map(|(now, then)| now - then),
            own: self.own - earlier.own,
            machine: self.machine - earlier.machine,
        }
    }
}

/// Lets every worker do its request again and again, all at once, for that long.
pub(super) fn measure(workers: Vec<Worker>, time: Duration, watched: &Watched) -> Result<Figures, String> {
    let stop = AtomicBool::new(false);
    let barrier = Barrier::new(workers.len() + 1);
    let tree = watched.server.map(procs::list_tree).unwrap_or_default();
    std::thread::scope(|scope| {
        let (stop, barrier) = (&stop, &barrier);
        let handles: Vec<_> =
            workers.into_iter().map(|worker| scope.spawn(move || repeat_worker(worker, stop, barrier))).collect();
        let before = Clocks::read(watched);
        barrier.wait();
        let began = Instant::now();
        let resident_mb = wait(time, &handles, &tree);
        stop.store(true, Ordering::Relaxed);
        let mut all = Seen::default();
        for handle in handles {
            let seen = handle.join().map_err(|_| "a worker panicked")?;
            all.latencies_us.extend(seen.latencies_us);
            all.samples.extend(seen.samples);
            all.errors += seen.errors;
        }
        let seconds = began.elapsed().as_secs_f64();
        let used = Clocks::read(watched).since(&before);
        let mut figures = summarize(all, &used, seconds);
        figures.resident_mb = watched.server.map(|_| resident_mb);
        Ok(figures)
    })
}

/// Waits and gives the most resident memory of the processes meanwhile.
fn wait(time: Duration, handles: &[ScopedJoinHandle<'_, Seen>], tree: &[i32]) -> f64 {
    let began = Instant::now();
    let mut most = 0.0_f64;
    while began.elapsed() < time && !handles.iter().all(ScopedJoinHandle::is_finished) {
        std::thread::sleep(Duration::from_millis(20));
        most = most.max(procs::read_resident_mb(tree));
    }
    most
}

fn repeat_worker(mut worker: Worker, stop: &AtomicBool, barrier: &Barrier) -> Seen {
    let mut seen = Seen { latencies_us: Vec::with_capacity(1 << 16), ..Seen::default() };
    let mut failures_in_a_row = 0;
    barrier.wait();
    while !stop.load(Ordering::Relaxed) {
        let began = Instant::now();
        match worker() {
            Ok(Progress::NothingLeft) => break,
            Ok(Progress::Done) => {
                seen.latencies_us.push(u32::try_from(began.elapsed().as_micros()).unwrap_or(u32::MAX));
                failures_in_a_row = 0;
            }
            Err(problem) => {
                seen.errors += 1;
                failures_in_a_row += 1;
                if seen.samples.len() < 2 {
                    seen.samples.push(problem);
                }
                if failures_in_a_row > MOST_FAILURES_IN_A_ROW {
                    break;
                }
            }
        }
    }
    seen
}

fn summarize(mut all: Seen, used: &Clocks, seconds: f64) -> Figures {
    all.latencies_us.sort_unstable();
    let requests = all.latencies_us.len();
    let per_request = |cpu: f64| if requests == 0 { 0.0 } else { cpu * 1e6 / requests as f64 };
    let servers = used.server.unwrap_or(0.0) + used.database.unwrap_or(0.0);
    Figures {
        requests,
        errors: all.errors,
        error_samples: all.samples.into_iter().take(3).collect(),
        seconds,
        rps: requests as f64 / seconds,
        p50_ms: take_quantile_ms(&all.latencies_us, 0.5),
        p99_ms: take_quantile_ms(&all.latencies_us, 0.99),
        p999_ms: take_quantile_ms(&all.latencies_us, 0.999),
        server_cpu_us: used.server.map(per_request),
        db_cpu_us: used.database.map(per_request),
        server_cores: used.server.map(|_| servers / seconds),
        client_cpu_us: per_request(used.own),
        others_cores: ((used.machine - servers - used.own) / seconds).max(0.0),
        ..Figures::default()
    }
}

/// The smallest value that is not below this part of all; 0 when there are none.
fn take_quantile_ms(sorted_us: &[u32], part: f64) -> f64 {
    let rank = (sorted_us.len() as f64 * part).ceil() as usize;
    sorted_us.get(rank.saturating_sub(1)).map_or(0.0, |us| f64::from(*us) / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::take_quantile_ms;

    #[test]
    fn quantiles_are_values_that_happened() {
        let values: Vec<u32> = (1..=1000).map(|ms| ms * 1000).collect();
        assert_eq!(take_quantile_ms(&values, 0.5), 500.0);
        assert_eq!(take_quantile_ms(&values, 0.999), 999.0);
        assert_eq!(take_quantile_ms(&values, 1.0), 1000.0);
        assert_eq!(take_quantile_ms(&[], 0.5), 0.0);
    }
}
