//! Where a peer connects to, and the credential it sends there. The parts shared with the browser
//! are in the core. TLS is not one of them: a browser handles TLS itself.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
#[cfg(feature = "rustls")]
use std::sync::Arc;

use awc::http::Uri;
use distributed_scope_core::PeerId;
use distributed_scope_core::peer::{self, ConnectError, Credential, Place};

use crate::gate::is_loopback;

/// The target of a connection and the credential to send there, for
/// [`Peer::connect`](crate::Peer::connect). A URL alone is also accepted there.
///
/// ```no_run
/// # use distributed_scope_actor_peer::{Endpoint, Peer};
/// # use distributed_scope_core::PeerId;
/// # async fn f(peer: Peer, token: String, server: PeerId) -> Result<(), Box<dyn std::error::Error>> {
/// peer.connect(Endpoint::new("ws://127.0.0.1:47291/scope").bearer(token).peer(server)).await?;
/// # Ok(()) }
/// ```
///
/// `Debug` and `Display` show no token, and of the URL only scheme, host, port and path.
#[derive(Clone)]
pub struct Endpoint {
    portable: peer::Endpoint,
    addresses: Vec<SocketAddr>,
    #[cfg(feature = "rustls")]
    tls: Option<Arc<rustls::ClientConfig>>,
}

impl Endpoint {
    /// An endpoint with this URL, which begins with `ws://`, or with `wss://` for TLS (feature
    /// `rustls`).
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            portable: peer::Endpoint::new(url),
            addresses: Vec::new(),
            #[cfg(feature = "rustls")]
            tls: None,
        }
    }

    /// Sends this token with each connection, as `Authorization: Bearer`.
    #[must_use]
    pub fn bearer(mut self, token: impl Into<String>) -> Self {
        self.portable = self.portable.bearer(token);
        self
    }

    /// Gets a token from this function for each connection, so that the token can be renewed. The
    /// other side closes a connection whose token has expired. The session then resumes over the
    /// next connection.
    #[must_use]
    pub fn bearer_from<F, Fut, E>(mut self, token: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<String, E>> + 'static,
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        self.portable = self.portable.bearer_from(token);
        self
    }

    pub(crate) fn showing(mut self, credential: &Credential) -> Self {
        self.portable = self.portable.showing(credential);
        self
    }

    /// Accepts only this peer at the endpoint. An id that is [derived from a
    /// key](PeerId::is_of_key) is verified. Any other id is only claimed by the other side, so
    /// that only TLS authenticates it.
    #[must_use]
    pub fn peer(mut self, peer: PeerId) -> Self {
        self.portable = self.portable.peer(peer);
        self
    }

    /// Sends the token even over an unencrypted connection, where it can be read in transit.
    ///
    /// Default: `connect` refuses to do so, unless the other side is on this machine.
    #[must_use]
    pub fn allow_plaintext(mut self) -> Self {
        self.portable = self.portable.allow_plaintext();
        self
    }

    /// Connects to one of these addresses instead of resolving the host of the URL. A certificate
    /// must still be valid for the host of the URL. Use this in programs that discover their
    /// servers by other means than DNS.
    ///
    /// The addresses are tried in this order, like the addresses of a host name. Each attempt
    /// starts 250 ms after the previous one, or as soon as that one has failed, until one
    /// answers. This also covers a first address that accepts connections but sends nothing. If a
    /// server takes longer than that to answer, two of its addresses may be dialled; the later
    /// connection is dropped.
    #[must_use]
    pub fn addresses(mut self, addresses: impl IntoIterator<Item = SocketAddr>) -> Self {
        self.addresses = addresses.into_iter().collect();
        self
    }

    /// The roots to trust at a `wss://` URL and the client certificate to present there: see
    /// [`tls::client`](crate::tls::client).
    ///
    /// Default: the other side needs a certificate that the operating system trusts.
    #[cfg(feature = "rustls")]
    #[must_use]
    pub fn tls(mut self, config: rustls::ClientConfig) -> Self {
        self.tls = Some(crate::tls::for_http(config));
        self
    }

    #[cfg(feature = "rustls")]
    pub(crate) fn tls_config(&self) -> Result<Arc<rustls::ClientConfig>, ConnectError> {
        if let Some(config) = &self.tls {
            return Ok(Arc::clone(config));
        }
        crate::tls::usual_client().map_err(|source| ConnectError::Tls {
            url: self.to_string(),
            reason: "no trusted root certificates are configured; add them with `Endpoint::tls(..)`".into(),
            source: source.into(),
        })
    }

    /// The place of this endpoint: identifies the connection to it.
    pub(crate) fn place(&self) -> Place {
        Place::new(&self.portable, &self.addresses)
    }

    pub(crate) fn url(&self) -> &str {
        self.portable.url()
    }

    /// The addresses to connect to; empty if the host of the URL is to be resolved.
    pub(crate) fn known_addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    pub(crate) fn wanted(&self) -> Option<PeerId> {
        self.portable.wanted()
    }

    /// The token to send, if it may be sent to `uri`.
    pub(crate) async fn token(&self, uri: &Uri) -> Result<Option<String>, ConnectError> {
        let is_local = match &self.addresses[..] {
            [] => uri.host().is_some_and(is_this_machine),
            // The addresses decide, not the URL.
            addresses => addresses.iter().all(|address| is_loopback(address.ip())),
        };
        let is_private = uri.scheme_str() == Some("wss") || is_local;
        self.portable.token(is_private).await
    }
}

/// Returns true if the host name denotes this machine, without a DNS lookup.
#[must_use]
pub fn is_this_machine(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || address.parse::<IpAddr>().is_ok_and(is_loopback)
}

impl<T: Into<peer::Endpoint>> From<T> for Endpoint {
    fn from(portable: T) -> Self {
        Self {
            portable: portable.into(),
            addresses: Vec::new(),
            #[cfg(feature = "rustls")]
            tls: None,
        }
    }
}

impl fmt::Display for Endpoint {
    /// The URL without parts that may be secret: user name and password, and everything after the
    /// path.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.portable, f)
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.portable, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn token_for(endpoint: Endpoint) -> Result<Option<String>, ConnectError> {
        let uri = endpoint.url().parse().unwrap();
        endpoint.token(&uri).await
    }

    #[actix_web::test]
    async fn a_token_is_shown_over_tls_and_to_this_machine_and_elsewhere_only_if_that_is_allowed() {
        for url in ["wss://example.com/scope", "ws://localhost:1/scope", "ws://127.0.0.2/", "ws://[::1]:9/"] {
            assert_eq!(token_for(Endpoint::new(url).bearer("abc")).await.unwrap().unwrap(), "abc", "{url}");
        }
        for url in [
            "ws://example.com/",
            "ws://localhost.example.com/",
            "ws://192.0.2.1/",
            "ws://127.0.0.1.example.com/",
        ] {
            let error = token_for(Endpoint::new(url).bearer("abc")).await.unwrap_err();
            assert!(matches!(error, ConnectError::Plaintext { .. }), "{url}");
            assert!(error.to_string().contains(".allow_plaintext()") && !error.to_string().contains("abc"));
            assert!(token_for(Endpoint::new(url).bearer("abc").allow_plaintext()).await.is_ok());
            assert_eq!(token_for(Endpoint::new(url)).await.unwrap(), None);
        }
    }

    /// If addresses are given, they decide whether a token stays on this machine, not the host of
    /// the URL.
    #[actix_web::test]
    async fn given_addresses_decide_about_token() {
        let at = |url: &str, addresses: &[&str]| {
            let addresses = addresses.iter().map(|address| address.parse().unwrap());
            token_for(Endpoint::new(url).bearer("abc").addresses(addresses))
        };
        assert!(at("ws://example.com/", &["127.0.0.1:1", "[::1]:1"]).await.is_ok());
        for addresses in [&["192.0.2.1:1"][..], &["127.0.0.1:1", "192.0.2.1:1"]] {
            let error = at("ws://localhost/", addresses).await.unwrap_err();
            assert!(matches!(error, ConnectError::Plaintext { .. }), "{addresses:?}");
        }
    }
}
