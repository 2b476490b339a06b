//! Why the program does not start.

use std::path::PathBuf;

use skew_server::ConfigError;
use skew_server::manifest::ManifestError;

/// Why the server does not start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    #[error("can't read the secret file {}: {error}", path.display())]
    SecretFile { path: PathBuf, error: std::io::Error },
    #[error("{variable} is not UTF-8 text; put the secret into a file and name that")]
    SecretEncoding { variable: String },
    #[error("{place} holds no secret: put one on each line; empty lines and those that begin with # are none")]
    NoSecret { place: String },
    #[error("{place}: {error}")]
    Secret { place: String, error: ConfigError },
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("{0}; give --build-id to start without it")]
    Manifest(#[from] ManifestError),
    #[error("can't listen on {address}: {error}")]
    Listen { address: String, error: std::io::Error },
    #[error("can't start the runtime: {0}")]
    Runtime(std::io::Error),
}
