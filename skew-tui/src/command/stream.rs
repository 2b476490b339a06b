//! `--json URL`: a line for every state, until interrupted or the end of a recording.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval, timeout};

use super::origin::Origin;
use super::stop::Stop;
use super::watch::Watch;
use super::{signals, watchers};
use crate::cli::Options;
use crate::output::{ReportOptions, Sink, Voice, nobody_reads, report, report_line};

/// Time between two looks at whether anybody still reads.
const READER_CHECK: Duration = Duration::from_secs(1);

/// How long a last line may take once the program is told to end.
const LAST_LINE: Duration = Duration::from_millis(500);

/// Prints states until interrupted, refused, nobody reads, or a recording is over.
pub(super) async fn run(origin: &Origin, options: &Options, voice: Voice) -> Result<(), Stop> {
    let mut stream = Stream::start(origin, options, voice)?;
    let stop = tokio::select! {
        stop = stream.pump() => stop,
        stop = signals::interrupted() => stop,
    };
    // The last state is not lost to the interval. Half a line is, when the reader is stuck: no other may follow it then.
    if !stream.writing && !matches!(stop, Stop::Closed) {
        stream.watch.catch_up();
        let _ = timeout(LAST_LINE, stream.print()).await;
    }
    Err(stop)
}

struct Stream {
    watch: Watch,
    sink: Sink,
    label: String,
    options: ReportOptions,
    interval: Duration,
    printed: String,
    writing: bool,
}

impl Stream {
    fn start(origin: &Origin, options: &Options, voice: Voice) -> Result<Self, Stop> {
        Ok(Self {
            watch: Watch::start(origin, watchers(options), Some(voice))?,
            sink: Sink::new(),
            label: origin.label(),
            options: ReportOptions { without_connections: options.no_connections, top: options.top },
            interval: options.interval,
            printed: String::new(),
            writing: false,
        })
    }

    async fn pump(&mut self) -> Stop {
        match self.lines().await {
            Err(stop) => stop,
            Ok(never) => match never {},
        }
    }

    async fn lines(&mut self) -> Result<std::convert::Infallible, Stop> {
        let mut reader = interval(READER_CHECK);
        reader.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let interval_ms = u64::try_from(self.interval.as_millis()).unwrap_or(u64::MAX);
        let mut earliest_ms = 0;
        loop {
            tokio::select! {
                changed = changed(&mut self.watch, earliest_ms) => {
                    changed?;
                    self.watch.catch_up();
                    if let Some(stop) = self.watch.hopeless() {
                        return Err(stop);
                    }
                    self.print().await?;
                    earliest_ms = self.watch.now().monotonic_ms.saturating_add(interval_ms);
                }
                _ = reader.tick() => if nobody_reads() {
                    return Err(Stop::Closed);
                },
            }
        }
    }

    /// Prints the state, if it is another than the one before.
    async fn print(&mut self) -> Result<(), Stop> {
        let report = report(&self.watch.known, &self.label, self.options)
            .map_err(|error| Stop::Failed(format!("the state can't be printed: {error}")))?;
        if report != self.printed {
            self.writing = true;
            self.sink.line(&report_line(&report, self.watch.now())).await?;
            self.writing = false;
            self.printed = report;
        }
        Ok(())
    }
}

/// Waits for something new, and then for its turn. What comes until then waits unread, where the newest stats replace older ones.
async fn changed(watch: &mut Watch, earliest_ms: u64) -> Result<(), Stop> {
    watch.arrived().await?;
    watch.reach(earliest_ms).await;
    Ok(())
}
