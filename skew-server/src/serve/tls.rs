//! TLS: a certificate and its key from files, which can be read again while the server runs.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{Error, ServerConfig};

/// HTTP/2 as a client asks for it in its handshake.
pub(super) const H2: &[u8] = b"h2";
const HTTP_1_1: &[u8] = b"http/1.1";

/// A certificate with its key. Clones are one: a reload changes all of them.
#[derive(Debug, Clone)]
pub struct Tls(Arc<Files>);

#[derive(Debug)]
struct Files {
    certificate: PathBuf,
    key: PathBuf,
    /// What they held when they were last read.
    config: RwLock<Arc<ServerConfig>>,
}

/// Why a certificate can't be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The file can't be read.
    #[error("can't read {}: {error}", path.display())]
    Read {
        /// That file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// The file is no PEM, or holds something else.
    #[error("{} holds no {wanted} in PEM", path.display())]
    Pem {
        /// That file.
        path: PathBuf,
        /// What it is to hold.
        wanted: &'static str,
    },
    /// A key of another certificate, or a certificate or key of an unknown kind.
    #[error("{} and {} can't be used together: {error}", certificate.display(), key.display())]
    Pair {
        /// The file of the certificate.
        certificate: PathBuf,
        /// The file of the key.
        key: PathBuf,
        /// What the TLS library says.
        error: Error,
    },
}

impl Tls {
    /// Reads a certificate, followed by those that lead to a known authority, and its private key: both PEM.
    ///
    /// # Errors
    ///
    /// When they can't be read or used.
    pub fn read(certificate: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Result<Self, TlsError> {
        let (certificate, key) = (certificate.into(), key.into());
        let config = RwLock::new(config(&certificate, &key)?);
        Ok(Self(Arc::new(Files { certificate, key, config })))
    }

    /// Reads both files again, for connections that come from now on. Blocks while it reads.
    ///
    /// # Errors
    ///
    /// When they can't be read or used: then the old ones stay.
    pub fn reload(&self) -> Result<(), TlsError> {
        let config = config(&self.0.certificate, &self.0.key)?;
        *self.0.config.write().unwrap_or_else(PoisonError::into_inner) = config;
        Ok(())
    }

    pub(super) fn acceptor(&self) -> TlsAcceptor {
        self.0.config.read().unwrap_or_else(PoisonError::into_inner).clone().into()
    }
}

fn config(certificate: &Path, key: &Path) -> Result<Arc<ServerConfig>, TlsError> {
    let chain = CertificateDer::pem_file_iter(certificate).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let chain = chain.map_err(|error| unreadable(error, certificate, "certificate"))?;
    if chain.is_empty() {
        return Err(unreadable(pem::Error::NoItemsFound, certificate, "certificate"));
    }
    let secret = PrivateKeyDer::from_pem_file(key).map_err(|error| unreadable(error, key, "private key"))?;
    let unusable = |error| TlsError::Pair { certificate: certificate.to_owned(), key: key.to_owned(), error };
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[&TLS13, &TLS12])
        .map_err(unusable)?
        .with_no_client_auth()
        .with_single_cert(chain, secret)
        .map_err(unusable)?;
    config.alpn_protocols = vec![H2.to_vec(), HTTP_1_1.to_vec()];
    Ok(Arc::new(config))
}

/// Says nothing of what the file holds: it may be a key.
fn unreadable(error: pem::Error, path: &Path, wanted: &'static str) -> TlsError {
    let path = path.to_owned();
    match error {
        pem::Error::Io(error) => TlsError::Read { path, error },
        _ => TlsError::Pem { path, wanted },
    }
}
