//! The errors of certificate files and of TLS handshakes.

use std::error::Error;
use std::path::{Path, PathBuf};

use rustls::server::VerifierBuilderError;
use rustls::{AlertDescription, CertificateError};

/// Why a TLS configuration cannot be created.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        source: std::io::Error,
    },
    /// The input is not PEM.
    #[error("not PEM (text between `-----BEGIN ..-----` and `-----END ..-----`)")]
    Pem(#[source] Box<dyn Error + Send + Sync>),
    /// The input contains no certificate.
    #[error(
        "no `-----BEGIN CERTIFICATE-----` found: give the certificate first, then its intermediate certificates"
    )]
    NoCertificate,
    /// The input contains no private key.
    #[error(
        "no `-----BEGIN PRIVATE KEY-----` found (nor a key of PKCS #1 or SEC 1); decrypt an encrypted key first"
    )]
    NoKey,
    /// This number of the certificates cannot be used as roots.
    #[error("{0} of these certificates cannot be used as roots: they are not valid X.509 certificates")]
    Roots(usize),
    /// The operating system has no trusted roots.
    #[error(
        "the operating system trusts no certificate: install its `ca-certificates`, or use `Roots::from_file(..)`"
    )]
    System(#[source] Option<Box<dyn Error + Send + Sync>>),
    /// One of the other errors, for this file.
    #[error("invalid TLS file {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: Box<TlsError>,
    },
    /// The certificate and the key do not match or cannot be used.
    #[error("the certificate and the key do not match or are not supported")]
    Config(#[source] rustls::Error),
    /// Client certificates cannot be verified with these roots.
    #[error("client certificates cannot be verified with these roots")]
    Verifier(#[source] VerifierBuilderError),
}

impl TlsError {
    pub(super) fn pem(error: rustls::pki_types::pem::Error) -> Self {
        // Its own source adds nothing, and its text must not contain a part of a key.
        Self::Pem(error.to_string().into())
    }

    pub(super) fn of_file(self, path: &Path) -> Self {
        Self::File { path: path.to_owned(), source: Box::new(self) }
    }
}

/// The fix for a handshake that failed with this error, if known.
pub(crate) fn hint(error: &std::io::Error) -> Option<String> {
    let error = error.get_ref()?.downcast_ref::<rustls::Error>()?;
    let text = match error {
        rustls::Error::InvalidCertificate(refused) => return Some(refused_certificate(refused)),
        rustls::Error::AlertReceived(AlertDescription::CertificateRequired) => {
            "the other side asks for a client certificate; present one with `Endpoint::tls(tls::client(roots, Some(certificate))?)`"
        }
        rustls::Error::AlertReceived(
            alert @ (AlertDescription::UnknownCA
            | AlertDescription::BadCertificate
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateUnknown
            | AlertDescription::DecryptError),
        ) => return Some(format!("the other side does not take this peer's certificate ({alert:?})")),
        rustls::Error::InvalidMessage(_) => "the server does not speak TLS; is it `ws://`?",
        _ => return None,
    };
    Some(text.to_owned())
}

/// Why the certificate of the server is not trusted.
fn refused_certificate(error: &CertificateError) -> String {
    let text = match error {
        // A signature is invalid if another certificate uses the name of a root.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "the certificate of the server is not signed by a trusted root; add its root with `Endpoint::tls(tls::client(Roots::from_file(..)?, None)?)`"
        }
        CertificateError::NotValidForNameContext { expected, presented } => {
            // They are written as `DnsName("example.com")`.
            let names = presented.iter().map(|name| name.split('"').nth(1).unwrap_or(name));
            let (expected, names) = (expected.to_str(), names.collect::<Vec<_>>().join(", "));
            return format!(
                "the certificate of the server is for another name than the host of the URL: it is for {names:?}, not for {expected:?}"
            );
        }
        CertificateError::NotValidForName => {
            "the certificate of the server is for another name than the host of the URL"
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            return format!(
                "the certificate of the server has expired ({error}); renew it, or correct the clock of this machine"
            );
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            return format!(
                "the certificate of the server is not valid yet ({error}); check the clock of this machine"
            );
        }
        // rustls has no own variant for this, and passes on the error of webpki.
        CertificateError::Other(other) if format!("{other:?}").contains("CaUsedAsEndEntity") => {
            "the certificate of the server is a CA certificate, which a server must not use as its own (CaUsedAsEndEntity); issue a server certificate with this CA"
        }
        other => return format!("the certificate of the server is not valid: {other}"),
    };
    text.to_owned()
}
