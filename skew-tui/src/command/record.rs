//! `record URL FILE`: what a site says, kept for later.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::Duration;

use skew_proto::text;

use super::origin::Origin;
use super::signals;
use super::stop::Stop;
use super::watch::Watch;
use crate::feed::{Next, whole};
use crate::output::Voice;
use crate::recording::{Recorder, Settings};
use crate::source::Keep;
use crate::state::clock::age;
use crate::state::site::Watchers;

/// Milliseconds between two words on how far it is.
const PROGRESS_MS: u64 = 1_000;

/// What is to be recorded, and where.
pub(super) struct Request {
    /// The file.
    pub(super) file: PathBuf,
    /// How long; until interrupted, where nothing is said.
    pub(super) lasting: Option<Duration>,
    /// How.
    pub(super) settings: Settings,
}

/// Records until it is interrupted, the time is over, or there will never be stats.
pub(super) async fn run(origin: &Origin, request: Request, voice: Voice) -> Result<(), Stop> {
    let keep = if request.settings.interval_ms == 0 { Keep::Every } else { Keep::Newest };
    // A recording is read by itself: it holds whole stats.
    let feed = origin.feed(keep, whole())?;
    let recorder = Recorder::create(&request.file, request.settings, feed.now())?;
    let watch = Watch::over(feed, &origin.labels(), Watchers::LeftOut, Some(voice));
    let mut recording = Recording { watch, recorder, progress: Progress::of(voice) };
    let done = tokio::select! {
        done = recording.go_on(request.lasting) => done,
        stop = signals::interrupted() => Err(stop),
    };
    let Recording { watch, recorder, progress } = recording;
    progress.clear();
    let summary = format!("recorded {} to {}", so_far(&recorder, &watch), recorder.path().display());
    recorder.finish(watch.now())?;
    voice.notice(&summary);
    done
}

struct Recording {
    watch: Watch,
    recorder: Recorder,
    progress: Progress,
}

impl Recording {
    async fn go_on(&mut self, lasting: Option<Duration>) -> Result<(), Stop> {
        let lasting = lasting.map(|lasting| u64::try_from(lasting.as_millis()).unwrap_or(u64::MAX));
        let over_ms = lasting.map(|lasting| self.watch.now().monotonic_ms.saturating_add(lasting));
        let mut progress_ms = None;
        loop {
            let until = [over_ms, self.recorder.due_ms(), progress_ms].into_iter().flatten().min();
            match self.watch.untaken(until).await {
                Next::Happened(happening) => {
                    self.recorder.record(happening.from, &happening.event, happening.at)?;
                    // Once stats are granted no more is to be known of them here.
                    if !(happening.event.is_stats() && self.watch.site().authorized() == Some(true)) {
                        self.watch.take([happening]);
                    }
                    if let Some(stop) = self.watch.hopeless() {
                        return Err(stop);
                    }
                }
                Next::Deadline(now) => self.recorder.tick(now)?,
                Next::Ended => return Err(self.watch.ended()),
            }
            let now_ms = self.watch.now().monotonic_ms;
            if over_ms.is_some_and(|over| over <= now_ms) {
                return Ok(());
            }
            if self.progress == Progress::Line && progress_ms.is_none_or(|due| due <= now_ms) {
                self.progress.show(&so_far(&self.recorder, &self.watch));
                progress_ms = Some(now_ms.saturating_add(PROGRESS_MS));
            }
        }
    }
}

/// `312 events, 4.2 MB in 10 min`.
fn so_far(recorder: &Recorder, watch: &Watch) -> String {
    let lasted = age(recorder.lasted_ms(watch.now()));
    format!("{} events, {} in {lasted}", recorder.events(), text::bytes(recorder.bytes()))
}

/// How one sees that it goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progress {
    /// By a line that is written over and over.
    Line,
    /// Not at all: nobody looks.
    Nothing,
}

impl Progress {
    fn of(voice: Voice) -> Self {
        if voice == Voice::Text && std::io::stderr().is_terminal() { Self::Line } else { Self::Nothing }
    }

    fn show(self, words: &str) {
        if self == Self::Line {
            eprint!("\r{words}\x1b[K");
        }
    }

    fn clear(self) {
        self.show("");
    }
}
