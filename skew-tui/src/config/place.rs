//! Where the configuration is.

use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;

/// A place for the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A file that somebody named: it has to exist.
    Named(PathBuf),
    /// The file that is looked for where none is named.
    Usual(PathBuf),
    /// Nowhere: this system has no home.
    Nowhere,
}

impl Place {
    /// The named file, else `skew/config.toml` under the XDG configuration directory.
    #[must_use]
    pub fn of(named: Option<&Path>) -> Self {
        match (named, etcetera::choose_base_strategy()) {
            (Some(path), _) => Self::Named(path.to_owned()),
            (None, Ok(folders)) => Self::Usual(folders.config_dir().join("skew").join("config.toml")),
            (None, Err(_)) => Self::Nowhere,
        }
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Named(path) | Self::Usual(path) => Some(path),
            Self::Nowhere => None,
        }
    }

    /// Whether somebody named it.
    #[must_use]
    pub fn is_named(&self) -> bool {
        matches!(self, Self::Named(_))
    }
}
