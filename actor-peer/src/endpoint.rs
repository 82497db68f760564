//! Where a peer connects to, and what it shows there. What is the same in a browser is in the
//! core; TLS is not, which a browser keeps to itself.

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

/// Where to connect to, and what to show there: for [`Peer::connect`](crate::Peer::connect). A URL
/// alone is one, too.
///
/// ```no_run
/// # use distributed_scope_actor_peer::{Endpoint, Peer};
/// # use distributed_scope_core::PeerId;
/// # async fn f(peer: Peer, token: String, server: PeerId) -> Result<(), Box<dyn std::error::Error>> {
/// peer.connect(Endpoint::new("ws://127.0.0.1:47291/scope").bearer(token).peer(server)).await?;
/// # Ok(()) }
/// ```
///
/// `Debug` and `Display` show neither the token nor what stands in the URL besides its path.
#[derive(Clone)]
pub struct Endpoint {
    portable: peer::Endpoint,
    addresses: Vec<SocketAddr>,
    #[cfg(feature = "rustls")]
    tls: Option<Arc<rustls::ClientConfig>>,
}

impl Endpoint {
    /// The peer at this URL, which begins with `ws://`, or with `wss://` for TLS (feature
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

    /// Shows this token each time the connection is made, as `Authorization: Bearer`.
    #[must_use]
    pub fn bearer(mut self, token: impl Into<String>) -> Self {
        self.portable = self.portable.bearer(token);
        self
    }

    /// Asks for a token each time the connection is made, so that it can be a fresh one: the other
    /// side drops a connection whose token has expired, and the session goes on over the next
    /// one.
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

    /// Accepts no other peer there than this one. An id that is [of a key](PeerId::is_of_key) is
    /// proved; any other is what the other side says, so that only TLS makes sure of it.
    #[must_use]
    pub fn peer(mut self, peer: PeerId) -> Self {
        self.portable = self.portable.peer(peer);
        self
    }

    /// Shows the token even where everybody on the way can read it. Without this, `connect`
    /// refuses to do so unless the other side is on this machine.
    #[must_use]
    pub fn allow_plaintext(mut self) -> Self {
        self.portable = self.portable.allow_plaintext();
        self
    }

    /// Connects to one of these addresses, and does not look up the host of the URL, which is
    /// still the one that a certificate has to be for. For programs that find their servers by
    /// other means than DNS.
    ///
    /// They are tried as those of a name are: in this order, each 250 ms after the one before, or
    /// as soon as that has failed, until one answers; so also when the first one accepts
    /// connections and says nothing. A server that takes longer than that to answer may be
    /// asked at two of its addresses, and the later connection is dropped.
    #[must_use]
    pub fn addresses(mut self, addresses: impl IntoIterator<Item = SocketAddr>) -> Self {
        self.addresses = addresses.into_iter().collect();
        self
    }

    /// Whom to trust at a `wss://` URL, and which certificate to show there: see
    /// [`tls::client`](crate::tls::client). Without this, the other side needs a certificate
    /// that the operating system trusts.
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

    /// Where it is, for those who ask whether somebody is connected there.
    pub(crate) fn place(&self) -> Place {
        Place::new(&self.portable, &self.addresses)
    }

    pub(crate) fn url(&self) -> &str {
        self.portable.url()
    }

    /// The addresses to connect to; none if the host of the URL is to be looked up.
    pub(crate) fn known_addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    pub(crate) fn wanted(&self) -> Option<PeerId> {
        self.portable.wanted()
    }

    /// The token to show, if it may be shown to `uri`.
    pub(crate) async fn token(&self, uri: &Uri) -> Result<Option<String>, ConnectError> {
        let is_local = match &self.addresses[..] {
            [] => uri.host().is_some_and(is_this_machine),
            // Where they lead to is what counts, and not what the URL says.
            addresses => addresses.iter().all(|address| is_loopback(address.ip())),
        };
        let is_private = uri.scheme_str() == Some("wss") || is_local;
        self.portable.token(is_private).await
    }
}

/// Whether a host is this machine by its name, without asking anybody.
pub(crate) fn is_this_machine(host: &str) -> bool {
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
    /// The URL without what may be secret in it: a user's name and password, and what follows the
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

    /// Where addresses are given, they and not the host of the URL say whether a token stays on
    /// this machine.
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
