//! Why a command ends before it is done, and the exit code of that.

use crate::app::AppError;
use crate::cli::UsageError;
use crate::output::SinkError;
use crate::recording::RecordingError;
use crate::source::SourceError;
use crate::target::TargetError;

/// Why a command ends.
#[derive(Debug)]
pub(super) enum Stop {
    /// Whoever read the output has had enough.
    Closed,
    /// The recording that was read is over.
    Over,
    /// A signal.
    Interrupted,
    /// The arguments can't be carried out.
    Usage(String),
    /// The credentials are not enough.
    Unauthorized(String),
    /// A share was not met when it was asked for, or can't be met any more.
    NotMet(String),
    /// The time that was given is over.
    TimedOut(String),
    /// Anything else.
    Failed(String),
}

impl Stop {
    /// The exit code, as `--help` documents it.
    pub(super) fn code(&self) -> u8 {
        match self {
            Self::Closed | Self::Over => 0,
            Self::Failed(_) => 1,
            Self::Usage(_) => 2,
            Self::Unauthorized(_) => 4,
            Self::NotMet(_) => 8,
            Self::TimedOut(_) => 124,
            Self::Interrupted => 130,
        }
    }

    /// What to say, where there is something to say.
    pub(super) fn message(&self) -> Option<&str> {
        match self {
            Self::Closed | Self::Over | Self::Interrupted => None,
            Self::Usage(message)
            | Self::Unauthorized(message)
            | Self::NotMet(message)
            | Self::TimedOut(message)
            | Self::Failed(message) => Some(message),
        }
    }
}

impl From<UsageError> for Stop {
    fn from(error: UsageError) -> Self {
        Self::Usage(error.to_string())
    }
}

impl From<TargetError> for Stop {
    fn from(error: TargetError) -> Self {
        Self::Usage(error.to_string())
    }
}

impl From<AppError> for Stop {
    fn from(error: AppError) -> Self {
        match error {
            AppError::NoTerminal => Self::Usage(error.to_string()),
            AppError::Terminal(_) | AppError::Source(_) => Self::Failed(error.to_string()),
        }
    }
}

impl From<SourceError> for Stop {
    fn from(error: SourceError) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<RecordingError> for Stop {
    fn from(error: RecordingError) -> Self {
        match error {
            RecordingError::Exists { .. } | RecordingError::NoFile { .. } => Self::Usage(error.to_string()),
            other => Self::Failed(other.to_string()),
        }
    }
}

impl From<SinkError> for Stop {
    fn from(error: SinkError) -> Self {
        match error {
            SinkError::Closed => Self::Closed,
            SinkError::Failed(_) => Self::Failed(error.to_string()),
        }
    }
}
