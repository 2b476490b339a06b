//! Why the program does not start.

use std::path::PathBuf;

use clap::error::ErrorKind;
use skew_server::manifest::ManifestError;
use skew_server::{ConfigError, TlsError};

use super::file::FileError;
use super::in_short;

/// Why the server does not start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    /// Also where the help was asked for.
    #[error("{}", in_short(.0))]
    Usage(clap::Error),
    #[error("can't read the secret file {}: {error}", path.display())]
    SecretFile { path: PathBuf, error: std::io::Error },
    #[error("{variable} is not UTF-8 text; put the secret into a file and name that")]
    SecretEncoding { variable: String },
    #[error("{place} holds no secret: put one on each line; empty lines and those that begin with # are none")]
    NoSecret { place: String },
    #[error("{place}: {error}")]
    Secret { place: String, error: ConfigError },
    #[error(
        "the Redis URL on the command line has a password, which everybody on this machine can read: put it into a file and name that by --redis-password-file, or set SKEW_REDIS"
    )]
    PasswordInArguments,
    #[error(transparent)]
    File(#[from] FileError),
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error("--tls-cert and --tls-key go together: give both")]
    HalfTls,
    #[error("{0}; give --build-id to start without it")]
    Manifest(#[from] ManifestError),
    #[error("can't listen on {address}: {error}")]
    Listen { address: String, error: std::io::Error },
    #[error("can't start the runtime: {0}")]
    Runtime(std::io::Error),
}

impl StartError {
    /// Everything that is wrong, a line each.
    pub(crate) fn problems(&self) -> Vec<String> {
        self.to_string().lines().map(str::to_owned).collect()
    }

    /// Whether options exclude each other, which no further one can mend.
    pub(super) fn is_conflict(&self) -> bool {
        matches!(self, Self::Usage(error) if error.kind() == ErrorKind::ArgumentConflict)
    }
}
