//! Where a peer connects to, and what it shows there.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::net::IpAddr;
use std::sync::Arc;

use awc::http::Uri;
use distributed_scope_core::PeerId;
use distributed_scope_core::peer::ConnectError;
use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;

use crate::gate::is_loopback;

/// Where to connect to, and what to show there: for [`Peer::connect`](crate::Peer::connect). A URL alone is one, too.
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
    url: String,
    token: Option<Token>,
    peer: Option<PeerId>,
    allow_plaintext: bool,
    #[cfg(feature = "rustls")]
    tls: Option<Arc<rustls::ClientConfig>>,
}

type TokenFuture = LocalBoxFuture<'static, Result<String, Box<dyn Error + Send + Sync>>>;
type Token = Arc<dyn Fn() -> TokenFuture + Send + Sync>;

impl Endpoint {
    /// The peer at this URL, which begins with `ws://`, or with `wss://` for TLS (feature `rustls`).
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            token: None,
            peer: None,
            allow_plaintext: false,
            #[cfg(feature = "rustls")]
            tls: None,
        }
    }

    /// Shows this token each time the connection is made, as `Authorization: Bearer`.
    #[must_use]
    pub fn bearer(self, token: impl Into<String>) -> Self {
        let token = token.into();
        self.bearer_from(move || std::future::ready(Ok::<_, std::convert::Infallible>(token.clone())))
    }

    /// Asks for a token each time the connection is made, so that it can be a fresh one: the other side drops a connection whose
    /// token has expired, and the session goes on over the next one.
    #[must_use]
    pub fn bearer_from<F, Fut, E>(mut self, token: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<String, E>> + 'static,
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        self.token = Some(Arc::new(move || token().map(|token| token.map_err(Into::into)).boxed_local()));
        self
    }

    /// Accepts no other peer there than this one. An id that is [of a key](PeerId::is_of_key) is proved; any other is what the other
    /// side says, so that only TLS makes sure of it.
    #[must_use]
    pub fn peer(mut self, peer: PeerId) -> Self {
        self.peer = Some(peer);
        self
    }

    /// Shows the token even where everybody on the way can read it. Without this, `connect` refuses to do so unless the other side is
    /// on this machine.
    #[must_use]
    pub fn allow_plaintext(mut self) -> Self {
        self.allow_plaintext = true;
        self
    }

    /// Whom to trust at a `wss://` URL, and which certificate to show there: see [`tls::client`](crate::tls::client). Without this, the
    /// other side needs a certificate that the operating system trusts.
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
            reason: "there is nobody whom this peer trusts; name somebody with `Endpoint::tls(..)`",
            source: Box::new(source),
        })
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn wanted(&self) -> Option<PeerId> {
        self.peer
    }

    /// The token to show, if it may be shown to `uri`.
    pub(crate) async fn token(&self, uri: &Uri) -> Result<Option<String>, ConnectError> {
        let Some(token) = &self.token else { return Ok(None) };
        let is_private = uri.scheme_str() == Some("wss") || uri.host().is_some_and(is_this_machine);
        if !is_private && !self.allow_plaintext {
            return Err(ConnectError::Plaintext { url: self.to_string() });
        }
        token().await.map(Some).map_err(|source| ConnectError::Token { url: self.to_string(), source })
    }
}

/// Whether a host is this machine by its name, without asking anybody.
pub(crate) fn is_this_machine(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || address.parse::<IpAddr>().is_ok_and(is_loopback)
}

impl From<&str> for Endpoint {
    fn from(url: &str) -> Self {
        Self::new(url)
    }
}

impl From<String> for Endpoint {
    fn from(url: String) -> Self {
        Self::new(url)
    }
}

impl From<&String> for Endpoint {
    fn from(url: &String) -> Self {
        Self::new(url)
    }
}

impl fmt::Display for Endpoint {
    /// The URL without what may be secret in it: a user's name and password, and what follows the path.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.url.split(['?', '#']).next().unwrap_or_default();
        match path.split_once("://") {
            Some((scheme, rest)) => {
                let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
                let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
                write!(f, "{scheme}://{host}{path}")
            }
            None => f.write_str(path),
        }
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint")
            .field("url", &self.to_string())
            .field("peer", &self.peer)
            .field("has_token", &self.token.is_some())
            .field("allow_plaintext", &self.allow_plaintext)
            .finish()
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

    #[test]
    fn what_may_be_secret_in_a_url_is_not_shown() {
        let endpoint = Endpoint::new("ws://user:password@example.com:80/scope?token=abc#def").bearer("ghi");
        assert_eq!(endpoint.to_string(), "ws://example.com:80/scope");
        let debug = format!("{endpoint:?}");
        for secret in ["user", "password", "abc", "def", "ghi"] {
            assert!(!debug.contains(secret), "{debug}");
        }
    }
}
