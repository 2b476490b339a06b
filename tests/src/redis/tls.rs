//! Certificates for servers that take TLS only.

use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tempfile::TempDir;

/// An authority of one's own, and what it has certified: `localhost`.
#[derive(Debug)]
pub struct Certificates {
    folder: TempDir,
}

impl Certificates {
    /// Makes them.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let write = |name: &str, text: String| {
            std::fs::write(folder.path().join(name), text).expect("a temporary file can be written");
        };
        let key = || KeyPair::generate().expect("a key can be made");
        let mut authority = CertificateParams::new(Vec::new()).expect("nobody is named");
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority_key = key();
        let own = authority.self_signed(&authority_key).expect("an authority can sign itself");
        write("ca.pem", own.pem());
        let issuer = Issuer::new(authority, authority_key);
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let (server, server_key) = (CertificateParams::new(names).expect("a name can be certified"), key());
        write("cert.pem", server.signed_by(&server_key, &issuer).expect("an authority can sign").pem());
        write("key.pem", server_key.serialize_pem());
        Self { folder }
    }

    /// The authority's certificate, which clients have to trust.
    pub fn authority(&self) -> PathBuf {
        self.file("ca.pem")
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The settings of a server that has them and asks for none.
    pub(super) fn settings(&self) -> Vec<String> {
        let text = |path: &Path| path.to_str().expect("a temporary path is UTF-8").to_owned();
        let files = [("--tls-cert-file", "cert.pem"), ("--tls-key-file", "key.pem"), ("--tls-ca-cert-file", "ca.pem")];
        let files = files.into_iter().flat_map(|(setting, name)| [setting.to_owned(), text(&self.file(name))]);
        files.chain(["--tls-auth-clients".to_owned(), "no".to_owned()]).collect()
    }
}

impl Default for Certificates {
    fn default() -> Self {
        Self::new()
    }
}
