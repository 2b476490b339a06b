//! Secrets, from files and the environment.

use std::env::VarError;
use std::path::{Path, PathBuf};

use skew_server::Secret;

use super::StartError;

/// A text that is, or holds, a secret, with what an error calls the place it comes from.
struct Found {
    text: String,
    place: String,
}

impl Found {
    fn whole(self) -> Result<Secret, StartError> {
        Secret::new(&self.text).map_err(|error| StartError::Secret { place: self.place, error })
    }
}

/// The one secret of a file, else of the environment.
pub(super) fn secret_or_variable(file: Option<&Path>, variable: &str) -> Result<Option<Secret>, StartError> {
    let found = match file {
        Some(path) => Some(from_file(path)?),
        None => from_environment(variable)?,
    };
    found.map(Found::whole).transpose()
}

/// The one secret of a file.
pub(super) fn secret(file: &Path) -> Result<Secret, StartError> {
    from_file(file)?.whole()
}

/// A file that need not be kept secret, such as a public key.
pub(super) fn text(file: &Path) -> Result<String, StartError> {
    Ok(from_file(file)?.text)
}

/// The secrets of several files, else of the environment: one on each line, so that a new one can be added before the old one is taken
/// out. Empty lines and those that begin with `#` are none.
pub(super) fn secrets(files: &[PathBuf], variable: &str) -> Result<Vec<Secret>, StartError> {
    let found = if files.is_empty() {
        from_environment(variable)?.into_iter().collect()
    } else {
        files.iter().map(|path| from_file(path)).collect::<Result<Vec<_>, _>>()?
    };
    let mut secrets = Vec::new();
    for Found { text, place } in found {
        let before = secrets.len();
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        secrets.extend(lines.filter_map(|line| Secret::new(line).ok()));
        if secrets.len() == before {
            return Err(StartError::NoSecret { place });
        }
    }
    Ok(secrets)
}

/// A file without the line break that editors put at its end.
fn from_file(path: &Path) -> Result<Found, StartError> {
    let text = std::fs::read_to_string(path);
    let text = text.map_err(|error| StartError::SecretFile { path: path.to_owned(), error })?;
    let text = text.strip_suffix('\n').map_or(&*text, |line| line.strip_suffix('\r').unwrap_or(line)).to_owned();
    Ok(Found { text, place: format!("the secret file {}", path.display()) })
}

fn from_environment(variable: &str) -> Result<Option<Found>, StartError> {
    match std::env::var(variable) {
        Ok(text) => Ok(Some(Found { text, place: variable.to_owned() })),
        Err(VarError::NotPresent) => Ok(None),
        Err(VarError::NotUnicode(_)) => Err(StartError::SecretEncoding { variable: variable.to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        file
    }

    fn read(texts: &[&str]) -> Result<usize, String> {
        let files: Vec<_> = texts.iter().map(|text| file(text)).collect();
        let paths: Vec<PathBuf> = files.iter().map(|file| file.path().to_owned()).collect();
        secrets(&paths, "SKEW_NO_SUCH_VARIABLE").map(|secrets| secrets.len()).map_err(|error| error.to_string())
    }

    #[test]
    fn every_line_of_every_file_is_a_secret_but_empty_ones_and_comments() {
        assert_eq!(read(&["one\n"]), Ok(1));
        assert_eq!(read(&["# the new one\r\none\r\n\r\n# until Friday\r\ntwo", "three"]), Ok(3));
        assert_eq!(read(&[]), Ok(0));
    }

    #[test]
    fn a_file_without_a_secret_is_not_passed_over() {
        for text in ["", "\n", "# nothing\n", " \n"] {
            let error = read(&["one", text]).unwrap_err();
            assert!(error.contains("holds no secret") && error.contains('#'), "{error}");
        }
    }

    #[test]
    fn a_password_is_the_whole_file_also_where_it_looks_like_a_comment() {
        let file = file("#a password of one line\n");
        assert!(secret(file.path()).is_ok());
    }
}
