//! A certificate that is replaced while its server runs.

use std::fmt;
use std::sync::Arc;

use parking_lot::RwLock;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::{Certificate, TlsError, provider};

/// A server certificate that can be replaced without a restart, for certificates with a lifetime
/// of a few weeks.
///
/// New connections get the new certificate; existing connections continue. Clones share one
/// certificate. The program decides when to replace it: on a signal, or periodically.
///
/// ```no_run
/// use distributed_scope_actor_peer::tls::{self, Certificate, Clients, Renewable, TlsError};
///
/// # fn f() -> Result<(), TlsError> {
/// let load = || Certificate::from_files("server.pem", "server.key");
/// let certificate = Renewable::new(load()?)?;
/// let config = tls::server_with(&certificate, Clients::Any)?; // for `HttpServer::bind_rustls_0_23`
/// // Later, when there are new files:
/// certificate.replace(load()?)?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Renewable(Arc<Current>);

struct Current(RwLock<Arc<CertifiedKey>>);

impl Renewable {
    /// Creates it with this certificate.
    ///
    /// # Errors
    ///
    /// If the key does not match the certificate.
    pub fn new(certificate: Certificate) -> Result<Self, TlsError> {
        Ok(Self(Arc::new(Current(RwLock::new(certified(certificate)?)))))
    }

    /// Replaces the certificate for all new connections.
    ///
    /// # Errors
    ///
    /// If the key does not match the certificate; the old certificate is kept then.
    pub fn replace(&self, certificate: Certificate) -> Result<(), TlsError> {
        let certified = certified(certificate)?;
        *self.0.0.write() = certified;
        Ok(())
    }

    pub(super) fn resolver(&self) -> Arc<dyn ResolvesServerCert> {
        Arc::clone(&self.0) as Arc<dyn ResolvesServerCert>
    }
}

fn certified(certificate: Certificate) -> Result<Arc<CertifiedKey>, TlsError> {
    let (chain, key) = certificate.into_parts();
    CertifiedKey::from_der(chain, key, &provider()).map(Arc::new).map_err(TlsError::Config)
}

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.read()))
    }
}

impl fmt::Debug for Current {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Current")
    }
}

impl fmt::Debug for Renewable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Renewable").field("chain", &self.0.0.read().cert.len()).finish_non_exhaustive()
    }
}
