//! Reading the log.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use super::{Line, Outcome};
use crate::state::follow::Followed;

/// Longest line that is read, in bytes; no action makes one as long.
const MAX_LINE_BYTES: u64 = 64 << 10;

/// One action, from its lines.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Acted {
    /// Its lines, the oldest first. There is at least one.
    pub(crate) lines: Vec<Line>,
}

/// What a log holds.
#[derive(Debug, Default)]
pub(crate) struct Log {
    /// The actions, the oldest first.
    pub(crate) actions: Vec<Acted>,
    /// Numbers of lines that are no lines of a log, from 1.
    pub(crate) damaged: Vec<usize>,
}

impl Acted {
    /// The line it began with.
    pub(crate) fn first(&self) -> &Line {
        &self.lines[0]
    }

    /// What came of it, as far as that was written.
    pub(crate) fn outcome(&self) -> &Outcome {
        let said = self.lines.iter().rev().map(|line| &line.outcome);
        said.into_iter().find(|outcome| !matches!(outcome, Outcome::Followed { .. })).unwrap_or(&Outcome::Started)
    }

    /// What became of those who were hit.
    pub(crate) fn followed(&self) -> Option<Followed> {
        self.lines.iter().rev().find_map(|line| match line.outcome {
            Outcome::Followed { followed } => Some(followed),
            _ => None,
        })
    }
}

/// Reads a log. There is none where nobody has acted yet.
pub(crate) fn read(path: &Path) -> io::Result<Option<Log>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut file = BufReader::new(file);
    let mut log = Log::default();
    let mut places: HashMap<String, usize> = HashMap::new();
    for number in 1.. {
        match next(&mut file)? {
            Next::End => break,
            Next::Line(bytes) => match serde_json::from_slice::<Line>(&bytes) {
                Ok(line) => {
                    let place = *places.entry(line.id.clone()).or_insert(log.actions.len());
                    if place == log.actions.len() {
                        log.actions.push(Acted { lines: Vec::with_capacity(3) });
                    }
                    log.actions[place].lines.push(line);
                }
                Err(_) if bytes.trim_ascii().is_empty() => {}
                Err(_) => log.damaged.push(number),
            },
            Next::TooLong => log.damaged.push(number),
        }
    }
    Ok(Some(log))
}

enum Next {
    Line(Vec<u8>),
    TooLong,
    End,
}

fn next(file: &mut BufReader<File>) -> io::Result<Next> {
    let mut line = Vec::new();
    file.by_ref().take(MAX_LINE_BYTES).read_until(b'\n', &mut line)?;
    match line.last() {
        None => Ok(Next::End),
        Some(b'\n') => Ok(Next::Line(line)),
        Some(_) if (line.len() as u64) < MAX_LINE_BYTES => Ok(Next::Line(line)),
        Some(_) => {
            file.skip_until(b'\n')?;
            Ok(Next::TooLong)
        }
    }
}
