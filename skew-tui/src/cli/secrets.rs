//! Settings of a target: options, the files that they name, and the secrets that the environment holds.

use std::path::Path;

use super::{Options, UsageError};
use crate::credentials::{CredentialError, Credentials, Secret};
use crate::target::{PlainHttp, Settings};

/// The settings of all targets, without a URL. `variable` looks an environment variable up.
pub(super) fn settings(options: &Options, variable: &dyn Fn(&str) -> Option<String>) -> Result<Settings, UsageError> {
    let secret = |file: Option<&Path>, name: &str| secret(file, name, variable);
    let token = secret(options.token_file.as_deref(), "SKEW_TOKEN")?;
    let cookie = secret(options.cookie_file.as_deref(), "SKEW_COOKIE")?;
    let headers = options.header_file.as_deref().map(Secret::read).transpose()?;
    let ca_pem = options
        .ca_file
        .as_deref()
        .map(|path| std::fs::read_to_string(path).map_err(|source| UsageError::File { path: path.to_owned(), source }));
    Ok(Settings {
        url: String::new(),
        base_path: options.base_path.clone(),
        transport: options.transport,
        stats_path: options.stats_path.clone(),
        invalidate_path: options.invalidate_path.clone(),
        credentials: Credentials::new(token, cookie.as_ref(), headers.as_ref())?,
        admin_secret: secret(options.admin_secret_file.as_deref(), "SKEW_ADMIN_SECRET")?,
        ca_pem: ca_pem.transpose()?,
        client_cert: options.client_cert.as_deref().map(Secret::read).transpose()?,
        plain_http: if options.insecure_http { PlainHttp::Anywhere } else { PlainHttp::LoopbackOnly },
    })
}

/// A secret of a file, else of an environment variable.
fn secret(
    file: Option<&Path>,
    name: &str,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<Option<Secret>, CredentialError> {
    match file {
        Some(path) => Secret::read(path).map(Some),
        None => variable(name).map(|text| Secret::new(&text, name)).transpose(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_comes_before_the_variable_and_an_empty_one_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        std::fs::write(&file, "of-the-file\n").unwrap();
        let variable = |_: &str| Some("of-the-environment".to_owned());
        let exposed = |file, variable: &dyn Fn(&str) -> Option<String>| {
            secret(file, "SKEW_TOKEN", variable).unwrap().map(|secret| secret.expose().to_owned())
        };
        assert_eq!(exposed(Some(file.as_path()), &variable).as_deref(), Some("of-the-file"));
        assert_eq!(exposed(None, &variable).as_deref(), Some("of-the-environment"));
        assert_eq!(exposed(None, &|_| None), None);
        assert!(secret(None, "SKEW_TOKEN", &|_| Some(String::new())).is_err());
        std::fs::write(&file, "\n").unwrap();
        assert!(secret(Some(&file), "SKEW_TOKEN", &variable).is_err());
    }
}
