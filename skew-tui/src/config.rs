//! The configuration file: contexts, defaults and keys. It says what options of the command line are where none is given,
//! so every option may stand in it, by its long name with `_`, and is checked by the command line's own rules.
//!
//! It holds no secrets, only the names of files that do.

mod check;
mod keys;
mod place;
mod read;
pub(crate) mod setting;
mod settings;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use clap::Command;

use crate::keymap::Keymap;
pub(crate) use check::check;
pub use place::Place;
pub use settings::Settings;

/// A configuration as it stands in a file.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// What holds where a context says nothing.
    pub defaults: Settings,
    /// Sites by the names that one gives them.
    pub contexts: BTreeMap<String, Settings>,
    /// The keys of the dashboard.
    pub keymap: Keymap,
}

/// One thing that is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The line, from 1, where there is one.
    pub line: Option<usize>,
    /// What is wrong, and what to write instead. Cleaned.
    pub text: String,
}

/// A file that can't be used, and all that is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct ConfigError {
    /// The file.
    pub path: PathBuf,
    /// At least one.
    pub problems: Vec<Problem>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, problem) in self.problems.iter().enumerate() {
            if at > 0 {
                f.write_str("\n")?;
            }
            f.write_str(&problem.at(&self.path))?;
        }
        Ok(())
    }
}

impl Problem {
    /// The problem with its place in a file.
    #[must_use]
    pub fn at(&self, path: &Path) -> String {
        match self.line {
            Some(line) => format!("{}:{line}: {}", path.display(), self.text),
            None => format!("{}: {}", path.display(), self.text),
        }
    }
}

impl Config {
    /// Reads the file at a place. Where nobody named it, it need not exist.
    ///
    /// # Errors
    ///
    /// When it can't be read, or something in it is no option of `command`.
    pub fn load(place: &Place, command: &Command) -> Result<Self, ConfigError> {
        let Some(path) = place.path() else { return Ok(Self::default()) };
        match std::fs::read_to_string(path) {
            Ok(text) => Self::read(path, &text, command),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !place.is_named() => Ok(Self::default()),
            Err(error) => {
                let text = format!("the configuration can't be read: {error}; `skew-tui config init` writes one");
                Err(ConfigError { path: path.to_owned(), problems: vec![Problem { line: None, text }] })
            }
        }
    }

    /// Reads a file's text. Its path is what relative paths in it are relative to.
    ///
    /// # Errors
    ///
    /// All that is wrong with it.
    pub fn read(path: &Path, text: &str, command: &Command) -> Result<Self, ConfigError> {
        let (config, problems) = read::read(path, text, command);
        if problems.is_empty() { Ok(config) } else { Err(ConfigError { path: path.to_owned(), problems }) }
    }
}

#[cfg(test)]
mod tests;
