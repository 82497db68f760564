//! `wss://` for servers and clients with [rustls]: builds its two configurations from PEM files.
//!
//! A server:
//!
//! ```no_run
//! use actix_web::{App, HttpServer};
//! use distributed_scope_actor_peer::tls::{self, Certificate, Clients};
//! use distributed_scope_actor_peer::{Peer, on_connect};
//! use distributed_scope_core::{Blocks, PeerId};
//!
//! #[actix_web::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let config = tls::server(Certificate::from_files("server.pem", "server.key")?, Clients::Any)?;
//!     let peer = Peer::builder(PeerId::named("server")).expose(Blocks::all()).start();
//!     HttpServer::new(move || App::new().service(peer.service("/scope")))
//!         .on_connect(on_connect)
//!         .bind_rustls_0_23(("0.0.0.0", 47291), config)?
//!         .run()
//!         .await?;
//!     Ok(())
//! }
//! ```
//!
//! A client trusts the roots of the operating system or the roots given to it, and can present a
//! client certificate:
//!
//! ```no_run
//! # use distributed_scope_actor_peer::tls::{self, Certificate, Roots};
//! # use distributed_scope_actor_peer::{Endpoint, Peer};
//! # async fn f(peer: Peer) -> Result<(), Box<dyn std::error::Error>> {
//! let alice = Certificate::from_files("alice.pem", "alice.key")?;
//! let config = tls::client(Roots::from_file("authority.pem")?, Some(alice))?;
//! peer.connect(Endpoint::new("wss://example.com:47291/scope").tls(config)).await?;
//! # Ok(()) }
//! ```
//!
//! | module | idea |
//! |---|---|
//! | here | the two configurations |
//! | `files` | certificates, keys and roots, from PEM |
//! | `renewable` | a certificate that is replaced while its server runs |
//! | `client_certificate` | the principal of a client certificate |
//! | `error` | the errors of files and handshakes |

mod client_certificate;
mod error;
mod files;
mod renewable;

use std::sync::{Arc, OnceLock};

use rustls::crypto::{CryptoProvider, ring};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};

pub use self::client_certificate::ClientCertificate;
pub use self::error::TlsError;
pub(crate) use self::error::hint;
pub use self::files::{Certificate, Roots};
pub use self::renewable::Renewable;
/// The TLS library, for needs beyond this module: any of its configurations can be used.
pub use rustls;

/// The client certificates that a server requests and accepts.
///
/// A client whose certificate is signed by one of the roots has a
/// [`Principal`](distributed_scope_core::Principal). If the peer has its own
/// [`authenticate`](crate::Builder::authenticate), that decides instead; it gets the certificate
/// from [`Upgrade::certificate`](crate::Upgrade::certificate).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Clients {
    /// Accepts all clients and requests no certificate.
    Any,
    /// Accepts clients without a certificate, or with one that is signed by these roots.
    MayShow(Roots),
    /// Accepts only clients with a certificate that is signed by these roots.
    MustShow(Roots),
}

/// Returns the configuration for `HttpServer::bind_rustls_0_23`: TLS 1.3 and 1.2 with this
/// certificate.
///
/// actix-web sets the ALPN protocols itself, `h2` first. Browsers and peers offer only `http/1.1`
/// for a WebSocket, so that protocol is used.
///
/// # Errors
///
/// If the key does not match the certificate, or there are no roots to verify client
/// certificates.
pub fn server(certificate: Certificate, clients: Clients) -> Result<ServerConfig, TlsError> {
    server_with(&Renewable::new(certificate)?, clients)
}

/// Like [`server`], with a certificate that can be replaced while the server runs.
///
/// # Errors
///
/// If there are no roots to verify client certificates.
pub fn server_with(certificate: &Renewable, clients: Clients) -> Result<ServerConfig, TlsError> {
    let builder = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Config)?;
    let builder = match clients {
        Clients::Any => builder.with_no_client_auth(),
        Clients::MayShow(roots) => builder.with_client_cert_verifier(verifier(roots, false)?),
        Clients::MustShow(roots) => builder.with_client_cert_verifier(verifier(roots, true)?),
    };
    Ok(builder.with_cert_resolver(certificate.resolver()))
}

fn verifier(roots: Roots, must_show: bool) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots.into_store()), provider());
    let builder = if must_show { builder } else { builder.allow_unauthenticated() };
    builder.build().map_err(TlsError::Verifier)
}

/// Returns the configuration for [`Endpoint::tls`](crate::Endpoint::tls). It trusts servers whose
/// certificates are signed by these roots, and presents this certificate to servers that ask for
/// one.
///
/// # Errors
///
/// If the key does not match the certificate.
pub fn client(roots: Roots, certificate: Option<Certificate>) -> Result<ClientConfig, TlsError> {
    let builder = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Config)?
        .with_root_certificates(roots.into_store());
    match certificate {
        None => Ok(builder.with_no_client_auth()),
        Some(certificate) => {
            let (chain, key) = certificate.into_parts();
            builder.with_client_auth_cert(chain, key).map_err(TlsError::Config)
        }
    }
}

/// The default configuration of a client: the roots of the operating system, read once.
#[doc(hidden)]
pub fn usual_client() -> Result<Arc<ClientConfig>, TlsError> {
    static USUAL: OnceLock<Arc<ClientConfig>> = OnceLock::new();
    if let Some(config) = USUAL.get() {
        return Ok(Arc::clone(config));
    }
    let config = for_http(client(Roots::system()?, None)?);
    Ok(Arc::clone(USUAL.get_or_init(|| config)))
}

/// A WebSocket is upgraded from HTTP/1.1, so ALPN offers nothing newer.
#[doc(hidden)]
pub fn for_http(mut config: ClientConfig) -> Arc<ClientConfig> {
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Arc::new(config)
}

/// Named here instead of using the default of the process, which may have several compiled in.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

fn store(
    roots: impl IntoIterator<Item = rustls::pki_types::CertificateDer<'static>>,
) -> (RootCertStore, usize) {
    let mut store = RootCertStore::empty();
    let (_, ignored) = store.add_parsable_certificates(roots);
    (store, ignored)
}
