//! Why nothing came of a request, told apart as far as the causes need different remedies.

use std::error::Error;
use std::io;
use std::iter;

use rustls::{AlertDescription, CertificateError, InvalidMessage};

/// Why a request has no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The host's name leads nowhere.
    NoSuchName,
    /// The host takes no connection on this port.
    NoConnection(String),
    /// No connection, or no answer, in time.
    TimedOut,
    /// There is no agreement on encryption.
    Tls(TlsFault),
    /// Connections can't be set up here, whatever the site does.
    Setup(String),
    /// Anything else.
    Other(String),
}

/// Why there is no agreement on encryption.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TlsFault {
    /// The certificate's time is over.
    Expired,
    /// The certificate's time has not come.
    NotYetValid,
    /// Nobody known vouches for the certificate.
    UnknownAuthority,
    /// The certificate is another host's.
    OtherHost(String),
    /// The site wants a certificate of its client, or another one.
    ClientCertificate(String),
    /// What answers does not speak TLS.
    NotSpoken,
    /// Anything else.
    Other(String),
}

impl Failure {
    /// What a client's error comes down to.
    pub(super) fn of(error: &reqwest::Error) -> Self {
        let bottom = causes(error).last().map(ToString::to_string).unwrap_or_default();
        if let Some(fault) = causes(error).find_map(|cause| cause.downcast_ref::<rustls::Error>()) {
            return Self::Tls(TlsFault::of(fault));
        }
        if error.is_timeout() && !error.is_connect() {
            return Self::TimedOut;
        }
        let ended = |cause: &(dyn Error + 'static)| {
            cause.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::UnexpectedEof)
        };
        // Before a connection is there, only a handshake can end too early.
        if error.is_connect() && causes(error).any(ended) {
            return Self::Tls(TlsFault::Other(bottom));
        }
        if error.is_connect() { Self::NoConnection(bottom) } else { Self::Other(bottom) }
    }
}

impl TlsFault {
    fn of(error: &rustls::Error) -> Self {
        use rustls::Error as Tls;
        match error {
            Tls::InvalidCertificate(CertificateError::Expired | CertificateError::ExpiredContext { .. }) => {
                Self::Expired
            }
            Tls::InvalidCertificate(CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. }) => {
                Self::NotYetValid
            }
            Tls::InvalidCertificate(CertificateError::UnknownIssuer) => Self::UnknownAuthority,
            Tls::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            ) => Self::OtherHost(error.to_string()),
            Tls::AlertReceived(
                AlertDescription::CertificateRequired
                | AlertDescription::BadCertificate
                | AlertDescription::UnknownCA
                | AlertDescription::AccessDenied,
            ) => Self::ClientCertificate(error.to_string()),
            Tls::InvalidMessage(InvalidMessage::InvalidContentType) => Self::NotSpoken,
            _ => Self::Other(error.to_string()),
        }
    }
}

/// An error and what caused it, the outermost first. An I/O error stands in the way of the one that it holds.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    iter::successors(Some(error), |&error| {
        let held = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        held.map(|held| held as &(dyn Error + 'static)).or_else(|| error.source())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_of_encryption_are_told_apart() {
        use rustls::Error as Tls;
        for (error, fault) in [
            (Tls::InvalidCertificate(CertificateError::Expired), TlsFault::Expired),
            (Tls::InvalidCertificate(CertificateError::NotValidYet), TlsFault::NotYetValid),
            (Tls::InvalidCertificate(CertificateError::UnknownIssuer), TlsFault::UnknownAuthority),
            (Tls::InvalidMessage(InvalidMessage::InvalidContentType), TlsFault::NotSpoken),
        ] {
            assert_eq!(TlsFault::of(&error), fault);
        }
        let host = TlsFault::of(&Tls::InvalidCertificate(CertificateError::NotValidForName));
        assert!(matches!(host, TlsFault::OtherHost(_)));
        let wanted = TlsFault::of(&Tls::AlertReceived(AlertDescription::CertificateRequired));
        assert!(matches!(wanted, TlsFault::ClientCertificate(_)));
    }

    #[test]
    fn a_cause_is_found_behind_an_error_that_holds_it() {
        let inner = rustls::Error::InvalidCertificate(CertificateError::Expired);
        let outer = io::Error::other(io::Error::new(io::ErrorKind::InvalidData, inner));
        assert!(causes(&outer).any(|cause| cause.is::<rustls::Error>()));
    }
}
