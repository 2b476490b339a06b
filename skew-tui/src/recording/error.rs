//! What can be wrong with a recording.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// Why a recording can't be made or can't be read on. It names the file, and the line where there is one.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// The file can't be opened.
    #[error("{} can't be read: {source}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Something else is in the file.
    #[error("{} is no recording of skew-tui; skew-tui record URL FILE makes one", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The format is of a later program.
    #[error("{} has format {version}, and this skew-tui reads up to {}; use a newer skew-tui", path.display(), super::VERSION)]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        version: u64,
    },
    /// A line can't be used. Everything before it was.
    #[error("{} is damaged at line {line}: {damage}; it was read up to there", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: u64,
        /// What is wrong with it.
        damage: Damage,
    },
    /// A new file can't be made.
    #[error("{} can't be written: {source}", path.display())]
    Create {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is such a file already.
    #[error("{} is there already; choose another name, or overwrite it with --force", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// What is there is no file that could be overwritten.
    #[error("{} is no regular file; choose another name", path.display())]
    NoFile {
        /// The path.
        path: PathBuf,
    },
    /// The file can't be written on.
    #[error("{} can't be written on: {source}; it holds what came before", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// What is wrong with a line.
#[derive(Debug)]
pub enum Damage {
    /// The file ends in the middle of it, or before the line that ends a recording.
    CutOff,
    /// It is longer than any line of a recording.
    TooLong,
    /// It is no UTF-8.
    NotText,
    /// It is no JSON, or no event; with the reason, which holds nothing of the line.
    NotAnEvent(String),
    /// Its time is before that of the line before it.
    Backwards,
    /// It is about a site that the header does not list.
    UnknownTarget,
    /// The disk failed.
    Unreadable(io::Error),
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CutOff => f.write_str("the recording breaks off here, or still goes on"),
            Self::TooLong => write!(f, "it is longer than {} MiB", super::MAX_LINE_BYTES >> 20),
            Self::NotText => f.write_str("it is no UTF-8 text"),
            Self::NotAnEvent(reason) => write!(f, "it is no event of a recording ({reason})"),
            Self::Backwards => f.write_str("its time is before that of the line before it"),
            Self::UnknownTarget => f.write_str("it is about a site that the first line does not list"),
            Self::Unreadable(error) => write!(f, "it can't be read: {error}"),
        }
    }
}
