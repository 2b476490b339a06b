//! The log, on stderr: a queue to a thread that writes it, so that a pipe nobody reads, a full disk or a closed pipe stops nothing.
//! What can't be written is lost and counted, and that is told when it goes on.

mod line;
mod writer;

use std::panic;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::reload;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Registry, fmt};

use self::line::Form;
use self::writer::Queue;
use crate::cli::{LogFormat, LogLevel};

/// How long the end of the program waits for its last lines to be written.
const LAST_TIME: Duration = Duration::from_secs(1);

/// The log of this process.
#[derive(Clone)]
pub(crate) struct Log {
    level: reload::Handle<Targets, Registry>,
    queue: Queue,
}

impl Log {
    pub(crate) fn start(format: LogFormat, level: LogLevel) -> Self {
        let (filter, level) = reload::Layer::new(filter(level));
        let queue = Queue::start(match format {
            LogFormat::Text => Form::Text,
            LogFormat::Json => Form::Json,
        });
        // A log that can't be written would be complained of with `eprintln!`, which panics for the same reason.
        let log = fmt::layer().with_writer(queue.clone()).with_ansi(false).log_internal_errors(false);
        let registry = tracing_subscriber::registry().with(filter);
        match format {
            LogFormat::Text => registry.with(log.with_target(false)).init(),
            LogFormat::Json => registry.with(log.json()).init(),
        }
        // The usual words of a panic go to stderr at once, and would wait there for somebody to read them.
        panic::set_hook(Box::new(|panic| {
            let place = panic.location().map(ToString::to_string);
            tracing::error!(place, what = panic.payload_as_str(), "a task has panicked; please report this");
        }));
        Self { level, queue }
    }

    pub(crate) fn set_level(&self, level: LogLevel) {
        // The subscriber lives as long as the process.
        let _ = self.level.reload(filter(level));
    }

    /// The count of lines that were lost.
    pub(crate) fn lost_lines(&self) -> Arc<AtomicU64> {
        self.queue.lost_lines()
    }

    /// Writes a line that is no event, and what waits before it: the last of the program.
    pub(crate) fn end(&self, last: Option<&str>) {
        if let Some(last) = last {
            self.queue.push(last);
        }
        self.queue.flush(LAST_TIME);
    }
}

/// The libraries that read what visitors send would tell of each of their frames: with it a visitor could fill the log.
const TALKATIVE: [&str; 2] = ["h2", "hyper"];

fn filter(level: LogLevel) -> Targets {
    let level = match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
    };
    let quieter = TALKATIVE.map(|target| (target, level.min(LevelFilter::INFO)));
    Targets::new().with_default(level).with_targets(quieter)
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    #[test]
    fn a_visitors_frames_are_not_logged() {
        let debug = filter(LogLevel::Debug);
        assert!(debug.would_enable("skew_server::hub", &Level::DEBUG) && debug.would_enable("h2", &Level::INFO));
        assert!(["h2::codec", "hyper::proto"].iter().all(|target| !debug.would_enable(target, &Level::DEBUG)));
        assert!(!filter(LogLevel::Error).would_enable("h2", &Level::INFO));
    }
}
