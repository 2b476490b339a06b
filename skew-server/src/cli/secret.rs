//! Secrets, from files and the environment.

use std::env::VarError;
use std::path::Path;

use skew_server::Secret;

use super::StartError;

/// A secret from a file, without the line break that editors put at its end, else from the environment.
pub(super) fn secret(file: Option<&Path>, variable: &str) -> Result<Option<Secret>, StartError> {
    let (text, place) = match (file, std::env::var(variable)) {
        (Some(path), _) => {
            let text = std::fs::read_to_string(path);
            let text = text.map_err(|error| StartError::SecretFile { path: path.to_owned(), error })?;
            let text =
                text.strip_suffix('\n').map_or(&*text, |line| line.strip_suffix('\r').unwrap_or(line)).to_owned();
            (text, format!("the secret file {}", path.display()))
        }
        (None, Ok(text)) => (text, variable.to_owned()),
        (None, Err(VarError::NotPresent)) => return Ok(None),
        (None, Err(VarError::NotUnicode(_))) => {
            return Err(StartError::SecretEncoding { variable: variable.to_owned() });
        }
    };
    Secret::new(&text).map(Some).map_err(|error| StartError::Secret { place, error })
}
