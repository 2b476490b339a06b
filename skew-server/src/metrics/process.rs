//! What the system knows of this process, by the names that dashboards expect. Read at each scrape, and only where there is `/proc`.

use std::fmt;
use std::fs;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;

/// Ticks of a second in `/proc/self/stat`. It is so on every Linux that this runs on.
const TICKS: f64 = 100.0;

/// Lines that a log has lost, where somebody counts them.
pub(super) type LostLines = Arc<OnceLock<Arc<AtomicU64>>>;

#[derive(Debug)]
pub(super) struct Process {
    start: SystemTime,
    started: Instant,
    lost_lines: LostLines,
}

impl Process {
    pub(super) fn new(lost_lines: LostLines) -> Self {
        Self { start: SystemTime::now(), started: Instant::now(), lost_lines }
    }
}

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), fmt::Error> {
        let mut gauge = |name: &str, help: &str, unit: Option<Unit>, value: f64| {
            let gauge = ConstGauge::new(value);
            let encoder = encoder.encode_descriptor(name, help, unit.as_ref(), gauge.metric_type())?;
            gauge.encode(encoder)
        };
        let start = self.start.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        gauge("process_start_time", "When the server started, since 1970", Some(Unit::Seconds), start)?;
        let uptime = self.started.elapsed().as_secs_f64();
        gauge("skew_uptime", "How long the server has run", Some(Unit::Seconds), uptime)?;
        if let Some(bytes) = resident_bytes() {
            gauge("process_resident_memory", "Memory that is held", Some(Unit::Bytes), bytes)?;
        }
        if let Some(count) = open_files() {
            gauge("process_open_fds", "Open file descriptors", None, count)?;
        }
        if let Some(count) = max_files() {
            gauge("process_max_fds", "File descriptors that may be open", None, count)?;
        }
        let mut counter = |name: &str, help: &str, unit: Option<Unit>, value: f64| {
            let counter = ConstCounter::new(value);
            let encoder = encoder.encode_descriptor(name, help, unit.as_ref(), counter.metric_type())?;
            counter.encode(encoder)
        };
        if let Some(time) = processor_time() {
            counter("process_cpu", "Processor time that was used", Some(Unit::Seconds), time)?;
        }
        let lost = self.lost_lines.get().map_or(0, |lost| lost.load(Ordering::Relaxed));
        counter("skew_log_lost_lines", "Lines of the log that could not be written", None, lost as f64)
    }
}

fn resident_bytes() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024.0)
}

fn open_files() -> Option<f64> {
    // A recent Linux tells it as the folder's size: with a million of them, counting takes its time.
    let size = fs::metadata("/proc/self/fd").ok()?.len();
    Some(if size > 0 { size as f64 } else { fs::read_dir("/proc/self/fd").ok()?.count() as f64 })
}

fn max_files() -> Option<f64> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

fn processor_time() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The name of the program stands in parentheses and may hold anything. The fields after it begin with the third.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let (user, system): (f64, f64) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    Some((user + system) / TICKS)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn the_system_tells_of_this_process() {
        let held = vec![1u8; 8 << 20];
        assert!(resident_bytes().unwrap() > held.len() as f64);
        let before = open_files().unwrap();
        let files: Vec<_> = (0..200).map(|_| fs::File::open("/proc/self/status").unwrap()).collect();
        // Other tests of this process open and close files as well.
        assert!(open_files().unwrap() > before + 100.0);
        assert!(max_files().unwrap() > files.len() as f64);
        assert!(processor_time().is_some());
    }
}
