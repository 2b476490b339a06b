//! How a recording is being played.

/// Slowest and fastest that a recording is played.
pub const SPEEDS: std::ops::RangeInclusive<f64> = 0.0625..=4096.0;

/// Whether time goes on in a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Motion {
    /// It does.
    Playing,
    /// It stands still, as asked.
    Paused,
    /// The way to another moment is being gone.
    Seeking,
    /// The end is reached.
    Over,
}

/// What a person wants of a recording that is played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Control {
    /// To hold it, or to go on.
    Pause,
    /// To another moment, so many milliseconds from this one.
    Skip(i64),
    /// To its begin.
    Begin,
    /// To its end.
    End,
    /// Twice as fast.
    Faster,
    /// Half as fast.
    Slower,
}

/// A recording that is being played, as the dashboard shows it. The position is the time of the last event: a recording's clock
/// starts at 0.
#[derive(Debug, Clone, PartialEq)]
pub struct Playback {
    /// Its last moment in milliseconds, where that is known.
    pub total_ms: Option<u64>,
    /// How many times as fast as it was.
    pub speed: f64,
    /// Whether time goes on.
    pub motion: Motion,
    /// What is wrong where it ends, once that is reached.
    pub error: Option<String>,
    /// How many times it began anew, to go back. What was known before is of no worth then.
    pub rewinds: u64,
}
