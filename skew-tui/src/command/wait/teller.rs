//! Telling a wait: on a terminal, line by line, or as JSON.

use crate::cli::Options;
use crate::command::look::can_draw;
use crate::command::stop::Stop;
use crate::output::{Ending, Grain, Moment, Pace, Sink, Voice, Worth, inline, line, state_line, verdict, verdict_line};
use crate::view::text::fit;

/// Shortest time between two lines for people that differ in figures alone, in milliseconds.
const LINES_MS: u64 = 5_000;

/// Time between two drawings of a line that tells the time, in milliseconds.
const REDRAW_MS: u64 = 1_000;

/// Columns of a terminal that does not say how many it has.
const COLUMNS: u16 = 80;

/// How a wait is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// One line, redrawn in place.
    Inline,
    /// A line for each change.
    Lines,
    /// JSON, a line for each state.
    Json,
}

impl Form {
    fn of(options: &Options) -> Self {
        match options.json {
            true => Self::Json,
            false if can_draw(options) => Self::Inline,
            false => Self::Lines,
        }
    }
}

/// Tells a wait on standard output.
pub(super) struct Teller {
    form: Form,
    pace: Pace,
    voice: Voice,
    sink: Sink,
}

impl Teller {
    pub(super) fn new(options: &Options, voice: Voice) -> Self {
        let form = Form::of(options);
        let pace = match form {
            Form::Json => Pace::new(Grain::Connection, u64::try_from(options.interval.as_millis()).unwrap_or(u64::MAX)),
            Form::Lines | Form::Inline => Pace::new(Grain::Percent, LINES_MS),
        };
        Self { form, pace, voice, sink: Sink::new() }
    }

    /// Tells where it stands, if that is worth it. Answers when it will be, where it is not yet.
    pub(super) async fn tell(&mut self, moment: &Moment<'_>) -> Result<Option<u64>, Stop> {
        if self.form == Form::Inline {
            let columns = crossterm::terminal::size().map_or(COLUMNS, |(columns, _)| columns);
            // The last column is left free: a terminal may begin the next line with it.
            self.sink.redraw(&fit(&inline(moment), usize::from(columns.saturating_sub(1)))).await?;
            return Ok(Some(moment.now.monotonic_ms.saturating_add(REDRAW_MS)));
        }
        match self.pace.worth(moment) {
            Worth::Nothing => return Ok(None),
            Worth::At(due_ms) => return Ok(Some(due_ms)),
            Worth::Now => {}
        }
        let text = if self.form == Form::Json { json(state_line(moment))? } else { line(moment) };
        self.pace.said(moment);
        self.print(&text).await?;
        Ok(None)
    }

    /// Says something that is not where it stands.
    pub(super) async fn notice(&mut self, text: &str) -> Result<(), Stop> {
        self.clear().await?;
        self.voice.notice(text);
        Ok(())
    }

    /// Tells how it has ended, with this exit code.
    pub(super) async fn end(&mut self, moment: &Moment<'_>, ending: Ending<'_>, code: u8) -> Result<(), Stop> {
        self.clear().await?;
        if self.form == Form::Json {
            let text = json(verdict_line(moment, ending, code))?;
            return self.print(&text).await;
        }
        // What went wrong is said on standard error, by its exit code.
        if code == 0 || ending == Ending::Interrupted {
            let text = format!("{}: {}", moment.label, verdict(moment, ending));
            return self.print(&text).await;
        }
        Ok(())
    }

    async fn clear(&mut self) -> Result<(), Stop> {
        if self.form == Form::Inline {
            self.sink.redraw("").await?;
        }
        Ok(())
    }

    async fn print(&mut self, text: &str) -> Result<(), Stop> {
        // Standard output takes a text as short as this as a whole or not at all, also where the program is told to end.
        Ok(self.sink.line(text).await?)
    }
}

fn json(line: Result<String, serde_json::Error>) -> Result<String, Stop> {
    line.map_err(|error| Stop::Failed(format!("the state can't be printed: {error}")))
}
