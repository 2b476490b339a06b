//! The certificate for https.

use std::path::PathBuf;

use clap::Args;
use skew_server::Tls;

use super::StartError;

#[derive(Debug, Args)]
#[command(next_help_heading = "Network")]
pub(crate) struct TlsArgs {
    /// Certificate in PEM, followed by those that lead to a known authority: serves https, with HTTP/2. Without one a proxy has it
    /// [default: none]
    #[arg(long, env = "SKEW_TLS_CERT", hide_env_values = true, value_name = "FILE")]
    tls_cert: Option<PathBuf>,

    /// Private key of the certificate, in PEM. SIGHUP reads both again [default: none]
    #[arg(long, env = "SKEW_TLS_KEY", hide_env_values = true, value_name = "FILE")]
    tls_key: Option<PathBuf>,
}

impl TlsArgs {
    /// Reads the certificate, where one is named.
    pub(crate) fn read(&self) -> Result<Option<Tls>, StartError> {
        match (&self.tls_cert, &self.tls_key) {
            (Some(certificate), Some(key)) => Ok(Some(Tls::read(certificate, key)?)),
            (None, None) => Ok(None),
            _ => Err(StartError::HalfTls),
        }
    }

    /// Options that take effect at a start only, and what they say.
    pub(super) fn fixed(&self) -> Vec<(&'static str, String)> {
        let file = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
        vec![("tls-cert", file(&self.tls_cert)), ("tls-key", file(&self.tls_key))]
    }
}
