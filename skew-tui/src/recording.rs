//! What a site said, kept in a file: NDJSON, a header and then a line for each event with its time.
//!
//! ```text
//! SourceEvent ── thin: how often stats ── hide: what is nobody's business ── line ── Recorder ── file
//! file ── Reader ── line ── Entry
//! ```
//!
//! `docs/recording.md` has the format. A file is harmless to show, is readable by its owner only, and is read to the line
//! where it breaks off.

mod error;
mod hide;
mod line;
mod reader;
mod recorder;
pub(crate) mod thin;
mod total;

pub use error::{Damage, RecordingError};
pub use line::Header;
pub use reader::{Place, Reader};
pub use recorder::{Overwrite, Recorder, Settings};
pub(crate) use total::total_ms;

use crate::SourceEvent;

/// Version of the format that is written, and the newest that is read. Within it lines and fields are only ever added.
pub const VERSION: u64 = 1;

/// Longest line in bytes: the longest message that a source reads, and what stands around it.
pub const MAX_LINE_BYTES: u64 = (64 << 20) + (64 << 10);

/// Whether visitors' addresses are kept in a recording.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Addresses {
    /// As the server sent them.
    #[default]
    Kept,
    /// Only their network, as [`skew_proto::text::mask_address`] leaves it.
    Masked,
}

/// Whether users' ids are kept in a recording.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Users {
    /// In the place of each id stands another text: the same all through one recording, and another in the next.
    #[default]
    Hidden,
    /// As the server sent them.
    Kept,
}

/// One event of a recording.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Milliseconds from the start of the recording.
    pub at_ms: u64,
    /// Which of [`Header::targets`] it is about.
    pub target: usize,
    /// What happened.
    pub event: SourceEvent,
}
