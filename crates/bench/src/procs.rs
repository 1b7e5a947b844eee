//! What the kernel says of a process tree: CPU seconds and resident memory; and of the machine. Linux only.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

fn ticks_per_second() -> f64 {
    rustix::param::clock_ticks_per_second() as f64
}

/// Parent and CPU ticks, those of reaped children included (proc_pid_stat(5)).
fn read_stat(pid: &str) -> Option<(i32, u64)> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // the name before it may hold anything, also brackets
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    // fields[0] is field 3, the state: the parent is field 4, utime to cstime are 14 to 17
    let ticks = fields.get(11..15)?.iter().filter_map(|field| field.parse::<u64>().ok()).sum();
    Some((fields.get(1)?.parse().ok()?, ticks))
}

/// The process and everything that descends from it.
pub(crate) fn list_tree(root: i32) -> Vec<i32> {
    let mut parents: HashMap<i32, i32> = HashMap::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        if let (Ok(pid), Some((parent, _))) = (name.parse(), name.parse::<i32>().ok().and_then(|_| read_stat(name))) {
            parents.insert(pid, parent);
        }
    }
    let mut tree = vec![root];
    let mut at = 0;
    while let Some(parent) = tree.get(at).copied() {
        tree.extend(parents.iter().filter(|(_, of)| **of == parent).map(|(child, _)| *child));
        at += 1;
    }
    tree
}

/// CPU seconds of the tree, reaped children included.
pub(crate) fn read_cpu(root: i32) -> f64 {
    let ticks: u64 = list_tree(root).iter().filter_map(|pid| read_stat(&pid.to_string())).map(|(_, ticks)| ticks).sum();
    ticks as f64 / ticks_per_second()
}

/// CPU seconds of this process.
pub(crate) fn read_own_cpu() -> f64 {
    read_stat("self").map_or(0.0, |(_, ticks)| ticks as f64 / ticks_per_second())
}

fn read_status_mb(pids: &[i32], key: &str) -> f64 {
    let read = |pid: &i32| -> Option<u64> {
        let text = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        text.lines().find(|line| line.starts_with(key))?.split_whitespace().nth(1)?.parse().ok()
    };
    pids.iter().filter_map(read).sum::<u64>() as f64 / 1024.0
}

/// Resident memory of these processes now, in MiB.
pub(crate) fn read_resident_mb(pids: &[i32]) -> f64 {
    read_status_mb(pids, "VmRSS:")
}

/// The most resident memory these processes ever had, in MiB.
pub(crate) fn read_peak_mb(pids: &[i32]) -> f64 {
    read_status_mb(pids, "VmHWM:")
}

/// Proportional resident memory in MiB: pages that are shared, such as a database's buffers, count once.
pub(crate) fn read_proportional_mb(root: i32) -> f64 {
    let read = |pid: &i32| -> Option<u64> {
        let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
        text.lines().find(|line| line.starts_with("Pss:"))?.split_whitespace().nth(1)?.parse().ok()
    };
    list_tree(root).iter().filter_map(read).sum::<u64>() as f64 / 1024.0
}

/// Seconds of the whole machine in which a processor was busy, summed over the processors.
pub(crate) fn read_machine_busy() -> f64 {
    let text = fs::read_to_string("/proc/stat").unwrap_or_default();
    let first = text.lines().next().unwrap_or_default();
    let fields: Vec<f64> = first.split_whitespace().skip(1).take(8).filter_map(|field| field.parse().ok()).collect();
    // field 3 is idle, field 4 is waiting for a disk
    let idle: f64 = fields.iter().skip(3).take(2).sum();
    (fields.iter().sum::<f64>() - idle) / ticks_per_second()
}

/// Memory that programs could still have, in KiB.
pub(crate) fn read_available_kib() -> u64 {
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

/// The load averages.
pub(crate) fn read_load() -> String {
    fs::read_to_string("/proc/loadavg").unwrap_or_default().trim().to_string()
}

/// Processor, number of cores and kernel, on one line.
pub(crate) fn describe_machine() -> String {
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpus.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": ").map(|(_, name)| name));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("{cores} cores of {}, Linux {}", model.unwrap_or("an unknown processor").trim(), kernel.trim())
}

/// The type of the file system that holds the folder, such as `ext4`.
pub(crate) fn find_file_system(folder: &Path) -> Option<String> {
    let folder = folder.canonicalize().ok()?;
    let mounts = fs::read_to_string("/proc/self/mounts").ok()?;
    let rows = mounts.lines().filter_map(|line| {
        let mut fields = line.split(' ').skip(1);
        Some((fields.next()?, fields.next()?))
    });
    // the longest mount point is the one that counts; of two at the same place the later hides the earlier
    let found = rows.filter(|(place, _)| folder.starts_with(place)).max_by_key(|(place, _)| place.len())?;
    Some(found.1.to_string())
}
