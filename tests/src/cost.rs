//! What a running program costs, as Linux counts it in /proc.

use std::fs;
use std::path::Path;

/// Times that threads of the process began to run after they had waited for something.
pub fn wake_ups(pid: u32) -> u64 {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    tasks.filter_map(|task| field(&task.path().join("status"), "voluntary_ctxt_switches:")).sum()
}

/// Memory that is resident now, in KiB.
pub fn resident_kib(pid: u32) -> u64 {
    field(Path::new(&format!("/proc/{pid}/status")), "VmRSS:").unwrap_or(0)
}

/// Most memory that was ever resident, in KiB.
pub fn peak_kib(pid: u32) -> u64 {
    field(Path::new(&format!("/proc/{pid}/status")), "VmHWM:").unwrap_or(0)
}

/// Files and sockets that are open.
pub fn open_files(pid: u32) -> usize {
    fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().count()
}

/// Time on a processor, in hundredths of a second.
pub fn cpu_ticks(pid: u32) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // Behind the name, which may hold anything: utime and stime are the 12th and 13th.
    let behind = text.rsplit(')').next().unwrap_or_default();
    let fields: Vec<u64> = behind.split_whitespace().map(|word| word.parse().unwrap_or(0)).collect();
    fields.get(11).zip(fields.get(12)).map_or(0, |(user, system)| user + system)
}

fn field(path: &Path, name: &str) -> Option<u64> {
    let text = fs::read_to_string(path).ok()?;
    text.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?.parse().ok()
}
