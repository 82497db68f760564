//! `wss://` at both ends, by [rustls]: from PEM files to the two configurations that it takes.
//!
//! The server:
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
//! A client trusts what the operating system trusts, or what it is told to, and may show a
//! certificate, too:
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
//! | `client_certificate` | who a client is by its certificate |
//! | `error` | what can be wrong with a file, and what a handshake ended of |

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
/// The library that does it, for what goes beyond this module: any of its configurations can be
/// used.
pub use rustls;

/// Which clients a server lets make a connection, by the certificates that they show.
///
/// A client whose certificate one of the roots vouches for is a
/// [`Principal`](distributed_scope_core::Principal), unless the peer was
/// given an [`authenticate`](crate::Builder::authenticate) of its own, which finds it in
/// [`Upgrade::certificate`](crate::Upgrade::certificate).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Clients {
    /// Any, and none is asked for a certificate.
    Any,
    /// Those with no certificate or with one that these roots vouch for.
    MayShow(Roots),
    /// Only those with a certificate that these roots vouch for.
    MustShow(Roots),
}

/// What `HttpServer::bind_rustls_0_23` takes: TLS 1.3 and 1.2 with this certificate.
///
/// actix-web itself decides what is offered by ALPN, `h2` first. Browsers and peers offer
/// `http/1.1` alone for a WebSocket, so they get that.
///
/// # Errors
///
/// When the key is not the certificate's, or there are no roots to know clients by.
pub fn server(certificate: Certificate, clients: Clients) -> Result<ServerConfig, TlsError> {
    server_with(&Renewable::new(certificate)?, clients)
}

/// The same, with a certificate that can be replaced while the server runs.
///
/// # Errors
///
/// When there are no roots to know clients by.
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

/// What [`Endpoint::tls`](crate::Endpoint::tls) takes: trusts servers that these roots vouch for,
/// and shows this certificate to those that ask for one.
///
/// # Errors
///
/// When the key is not the certificate's.
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

/// What a client uses that was told nothing: the roots of the operating system, read once.
pub(crate) fn usual_client() -> Result<Arc<ClientConfig>, TlsError> {
    static USUAL: OnceLock<Arc<ClientConfig>> = OnceLock::new();
    if let Some(config) = USUAL.get() {
        return Ok(Arc::clone(config));
    }
    let config = for_http(client(Roots::system()?, None)?);
    Ok(Arc::clone(USUAL.get_or_init(|| config)))
}

/// A WebSocket is upgraded from HTTP/1.1, so nothing newer is offered.
pub(crate) fn for_http(mut config: ClientConfig) -> Arc<ClientConfig> {
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Arc::new(config)
}

/// Named here and not left to the process, in which several may be compiled.
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
