//! The audit log: who acted on which site's users, when, and what came of it. JSON lines that are only ever appended.
//!
//! An action has two or three lines with one `id`: `started` before anything is sent, so that a crash leaves a trace, what came of
//! it, and `followed` where those who were hit were followed to the end.

mod file;
mod read;

use std::path::{Path, PathBuf};
use std::{fmt, io};

use etcetera::BaseStrategy;
use serde::{Deserialize, Serialize};
use skew_proto::{MatchKind, text};

use crate::clock::Clock;
use crate::invalidate::ServerKind;
use crate::output::iso;
use crate::state::follow::Followed;
use crate::target::Target;

pub(crate) use read::{Acted, read};

/// Version of a line's fields, which are only ever added to.
const SCHEMA: u32 = 1;

/// Characters of a reason in a line.
const REASON_CHARS: usize = 500;

/// Where actions are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Audit {
    /// To this file.
    To(PathBuf),
    /// Nowhere, as the operator has said.
    Off,
    /// Nowhere is known, so nothing may be done.
    Homeless,
}

/// Why an action can't be written down.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// There is no home directory.
    #[error(
        "where the audit log belongs is not known, since there is no home directory; name a file with --audit-file, or go \
         without one by --no-audit"
    )]
    Homeless,
    /// The file can't be written.
    #[error(
        "the audit log {path} can't be written: {source}; name another file with --audit-file, or go without one by --no-audit"
    )]
    Unwritable {
        /// The file, cleaned.
        path: String,
        /// Why.
        source: io::Error,
    },
}

/// What acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Command {
    /// The dashboard.
    Dashboard,
    /// `skew-tui invalidate`
    Invalidate,
    /// `skew-tui release`
    Release,
    /// `skew-tui message`
    Message,
}

/// What is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
pub enum Action {
    /// Users are sent a refresh.
    Invalidate {
        /// The pattern, whole.
        pattern: String,
        /// How it is compared.
        #[serde(rename = "match")]
        kind: MatchKind,
    },
    /// One user is sent a refresh.
    InvalidateUser {
        /// The user's id.
        #[serde(rename = "userId")]
        user_id: String,
    },
    /// A message of the application's own is sent.
    Message {
        /// To whom: a user, a connection, a route or everybody.
        to: String,
        /// The id or the pattern; nothing where it goes to everybody.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        /// The message's type, where it has one. The rest of it is not kept.
        #[serde(default, rename = "messageType", skip_serializing_if = "Option::is_none")]
        kind: Option<String>,
    },
    /// A build becomes the current one.
    Release {
        /// The build.
        version: String,
    },
}

/// Where an action stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Outcome {
    /// It is about to be sent.
    Started,
    /// The server did it.
    Sent {
        /// Connections that the server says it reached; a stock app does not say.
        matched: Option<u64>,
    },
    /// Nothing was done.
    Refused {
        /// Why, cleaned.
        error: String,
    },
    /// Whether it was done is not known.
    Unknown {
        /// Why, cleaned.
        error: String,
    },
    /// What became of those who were hit.
    Followed {
        /// How many did what.
        followed: Followed,
    },
}

/// One line of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Line {
    schema: u32,
    r#type: Kind,
    /// The same in all lines of one action.
    pub(crate) id: String,
    /// ISO 8601 in UTC.
    pub(crate) at: Option<String>,
    /// The user of this machine who acts.
    pub(crate) user: Option<String>,
    pub(crate) host: Option<String>,
    pid: u32,
    command: Command,
    /// What the site is called.
    pub(crate) target: String,
    pub(crate) url: String,
    server: Option<String>,
    /// Visitors' connections that were seen to match before.
    pub(crate) expected: Option<u64>,
    #[serde(flatten)]
    pub(crate) action: Action,
    #[serde(flatten)]
    pub(crate) outcome: Outcome,
}

/// What a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    Audit,
}

/// An action that is to be written down.
#[derive(Debug, Clone)]
pub struct Deed {
    /// What acts.
    pub command: Command,
    /// What is done.
    pub action: Action,
    /// Who the server is, where that is known.
    pub server: Option<ServerKind>,
    /// Visitors' connections that match before it is sent.
    pub expected: Option<u64>,
}

/// An action whose beginning is written down.
#[derive(Debug, Clone)]
pub struct Record {
    audit: Audit,
    line: Line,
}

impl Audit {
    /// Where the options want it: the file, else the one of this user.
    #[must_use]
    pub fn new(file: Option<&Path>, off: bool) -> Self {
        match (off, file) {
            (true, _) => Self::Off,
            (false, Some(file)) => Self::To(file.to_owned()),
            (false, None) => usual_file().map_or(Self::Homeless, Self::To),
        }
    }

    /// Writes down that an action is about to be sent.
    ///
    /// # Errors
    ///
    /// When that can't be written: the action must not be sent then.
    pub fn begin(&self, target: &Target, deed: Deed) -> Result<Record, AuditError> {
        let line = Line {
            schema: SCHEMA,
            r#type: Kind::Audit,
            id: format!("{:016x}", rand::random::<u64>()),
            at: None,
            user: whoami::username().ok(),
            host: whoami::hostname().ok(),
            pid: std::process::id(),
            command: deed.command,
            target: target.label(),
            url: target.url().to_string(),
            server: deed.server.map(|server| server.to_string()),
            expected: deed.expected,
            action: deed.action,
            outcome: Outcome::Started,
        };
        let record = Record { audit: self.clone(), line };
        record.conclude(Outcome::Started)?;
        Ok(record)
    }

    /// The file, where there is one.
    ///
    /// # Errors
    ///
    /// When none is known.
    pub(crate) fn file(&self) -> Result<Option<&Path>, AuditError> {
        match self {
            Self::To(path) => Ok(Some(path)),
            Self::Off => Ok(None),
            Self::Homeless => Err(AuditError::Homeless),
        }
    }
}

impl Record {
    /// Writes down where the action stands now.
    ///
    /// # Errors
    ///
    /// When that can't be written.
    pub fn conclude(&self, outcome: Outcome) -> Result<(), AuditError> {
        let Some(path) = self.audit.file()? else { return Ok(()) };
        let line = Line { at: iso(Clock::start().now()), outcome, ..self.line.clone() };
        let written = text::json_line(&line).map_err(io::Error::other).and_then(|line| file::append(path, &line));
        written.map_err(|source| AuditError::Unwritable { path: shown(path), source })
    }
}

impl Outcome {
    /// Nothing was done, for this reason.
    #[must_use]
    pub fn refused(reason: &str) -> Self {
        Self::Refused { error: text::cut(reason, REASON_CHARS) }
    }

    /// Whether it was done is not known, for this reason.
    #[must_use]
    pub fn unknown(reason: &str) -> Self {
        Self::Unknown { error: text::cut(reason, REASON_CHARS) }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Started => "started",
            Self::Sent { .. } => "sent",
            Self::Refused { .. } => "refused",
            Self::Unknown { .. } => "unknown",
            Self::Followed { .. } => "followed",
        })
    }
}

/// A path as it is shown.
pub(crate) fn shown(path: &Path) -> String {
    text::clean(&path.to_string_lossy()).into_owned()
}

/// The log of this user, by the XDG rules, and by Windows' own there.
fn usual_file() -> Option<PathBuf> {
    let places = etcetera::choose_base_strategy().ok()?;
    let state = places.state_dir().unwrap_or_else(|| places.data_dir());
    Some(state.join("skew").join("audit.jsonl"))
}

#[cfg(test)]
mod tests;
