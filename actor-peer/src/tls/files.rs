//! Certificates, keys and roots, from PEM.

use std::fmt;
use std::path::Path;

use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::{TlsError, store};

/// A certificate, its intermediate certificates, and its private key.
///
/// `Debug` does not show the key.
pub struct Certificate {
    /// The end-entity certificate comes first.
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl Certificate {
    /// Reads two PEM files: the certificate followed by its intermediate certificates without the
    /// root, and the private key (PKCS #8, PKCS #1 or SEC 1). If one file has both, it can be
    /// given twice.
    ///
    /// # Errors
    ///
    /// If a file cannot be read, is not PEM, or lacks the certificate or the key.
    pub fn from_files(chain: impl AsRef<Path>, key: impl AsRef<Path>) -> Result<Self, TlsError> {
        let (chain, key) = (chain.as_ref(), key.as_ref());
        let certificates = certificates(&read(chain)?).map_err(|error| error.of_file(chain))?;
        let key = private_key(&read(key)?).map_err(|error| error.of_file(key))?;
        Ok(Self { chain: certificates, key })
    }

    /// Like [`from_files`](Self::from_files), from PEM in memory.
    ///
    /// # Errors
    ///
    /// If the input is not PEM, or lacks the certificate or the key.
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        Ok(Self { chain: certificates(chain)?, key: private_key(key)? })
    }

    pub(super) fn into_parts(self) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
        (self.chain, self.key)
    }
}

impl Clone for Certificate {
    fn clone(&self) -> Self {
        Self { chain: self.chain.clone(), key: self.key.clone_key() }
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate").field("chain", &self.chain.len()).finish_non_exhaustive()
    }
}

/// The root certificates that are trusted to sign other certificates.
///
/// Each of these roots can issue a certificate for any name. For client certificates, use a root
/// of your own and no public one.
#[derive(Clone)]
pub struct Roots(RootCertStore);

impl Roots {
    /// Reads a PEM file with one or more certificates.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, is not PEM, or has a certificate that cannot be used as a
    /// root.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, TlsError> {
        let path = path.as_ref();
        Self::from_pem(&read(path)?).map_err(|error| error.of_file(path))
    }

    /// Like [`from_file`](Self::from_file), from PEM in memory.
    ///
    /// # Errors
    ///
    /// If the input is not PEM, or has a certificate that cannot be used as a root.
    pub fn from_pem(pem: &[u8]) -> Result<Self, TlsError> {
        match store(certificates(pem)?) {
            (store, 0) => Ok(Self(store)),
            (_, ignored) => Err(TlsError::Roots(ignored)),
        }
    }

    /// Returns the roots of the operating system. `SSL_CERT_FILE` and `SSL_CERT_DIR` override
    /// their location.
    ///
    /// # Errors
    ///
    /// If there are none.
    pub fn system() -> Result<Self, TlsError> {
        let loaded = rustls_native_certs::load_native_certs();
        // A system may have some that are too old to be parsed.
        let (store, _) = store(loaded.certs);
        match (store.is_empty(), loaded.errors.into_iter().next()) {
            (false, _) => Ok(Self(store)),
            (true, error) => Err(TlsError::System(error.map(Into::into))),
        }
    }

    pub(super) fn into_store(self) -> RootCertStore {
        self.0
    }
}

impl fmt::Debug for Roots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Roots({})", self.0.len())
    }
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    std::fs::read(path).map_err(|source| TlsError::Read { path: path.to_owned(), source })
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let certificates: Vec<_> =
        CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().map_err(TlsError::pem)?;
    if certificates.is_empty() { Err(TlsError::NoCertificate) } else { Ok(certificates) }
}

fn private_key(pem: &[u8]) -> Result<PrivateKeyDer<'static>, TlsError> {
    use rustls::pki_types::pem::Error;
    PrivateKeyDer::from_pem_slice(pem).map_err(|error| match error {
        Error::NoItemsFound => TlsError::NoKey,
        error => TlsError::pem(error),
    })
}
