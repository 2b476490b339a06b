//! Standard error: what is no data.

use std::io::{self, Write};

use serde_json::json;
use skew_proto::text;

use crate::Now;
use crate::state::site::{Level, LogEntry};

use super::report::iso;

/// How things are said on standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Voice {
    /// As text for people.
    Text,
    /// As one JSON object a line.
    Json,
}

impl Voice {
    /// Says why the program ends, with its exit code.
    pub(crate) fn error(self, message: &str, code: u8) {
        match self {
            Self::Text => say(&format!("skew-tui: {}", text::clean(message))),
            Self::Json => object(&json!({ "type": "error", "message": message, "code": code })),
        }
    }

    /// Says what a person should know, in one or more lines, and the program goes on.
    pub(crate) fn notice(self, message: &str) {
        match self {
            Self::Text => message.lines().for_each(|line| say(&text::clean(line))),
            Self::Json => object(&json!({ "type": "notice", "message": message })),
        }
    }

    /// Says what happened to the connection, as far as it matters.
    pub(crate) fn happened(self, entry: &LogEntry) {
        let level = match entry.level {
            Level::Info => return,
            Level::Warning => "warning",
            Level::Error => "error",
        };
        let at = clock(entry.at);
        match self {
            Self::Text => say(&format!("{at} {level}: {}", entry.text)),
            Self::Json => object(&json!({ "type": "log", "at": at, "level": level, "message": entry.text })),
        }
    }
}

fn clock(at: Now) -> String {
    iso(at).unwrap_or_default()
}

fn object(value: &serde_json::Value) {
    if let Ok(line) = text::json_line(value) {
        say(&line);
    }
}

/// Nobody may be there to read it, which is no reason to panic as `eprintln!` does.
fn say(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}
