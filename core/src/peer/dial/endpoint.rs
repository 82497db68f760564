//! Where a peer connects to, and the credential it shows there.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::identity::peer_id::PeerId;
use crate::peer::{ConnectError, Credential};
use crate::util::guard;

/// Where to connect to, and the credential to show there: for `Peer::connect`. A plain URL
/// converts into an endpoint, too.
///
/// ```
/// use distributed_scope_core::PeerId;
/// use distributed_scope_core::peer::Endpoint;
///
/// let endpoint = Endpoint::new("wss://example.com/scope").bearer("a token").peer(PeerId::named("server"));
/// assert!(!format!("{endpoint:?}").contains("a token"));
/// ```
///
/// `Debug` and `Display` show neither the token nor the parts of the URL other than its path.
#[derive(Clone)]
pub struct Endpoint {
    url: String,
    token: Option<Token>,
    peer: Option<PeerId>,
    allow_plaintext: bool,
}

type TokenFuture = Pin<Box<dyn Future<Output = Result<String, Box<dyn Error + Send + Sync>>>>>;
type Token = Arc<dyn Fn() -> TokenFuture + Send + Sync>;

impl Endpoint {
    /// Creates the endpoint of this URL, which begins with `ws://`, or with `wss://` for TLS.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), token: None, peer: None, allow_plaintext: false }
    }

    /// Sends this token each time a connection is made: in a header, or from a page, among the
    /// subprotocols. The token is never part of the URL.
    #[must_use]
    pub fn bearer(self, token: impl Into<String>) -> Self {
        let token = token.into();
        self.bearer_from(move || std::future::ready(Ok::<_, std::convert::Infallible>(token.clone())))
    }

    /// Asks for a token each time a connection is made, so that the token can be a fresh one. The
    /// other side drops a connection whose token has expired, and the session is resumed over the
    /// next connection.
    #[must_use]
    pub fn bearer_from<F, Fut, E>(mut self, token: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<String, E>> + 'static,
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        self.token = Some(Arc::new(move || {
            let token = token();
            Box::pin(async move { token.await.map_err(Into::into) })
        }));
        self
    }

    /// Sends this instead of its token.
    #[doc(hidden)]
    #[must_use]
    pub fn showing(mut self, credential: &Credential) -> Self {
        match credential.instead() {
            None => self,
            Some(Some(token)) => self.bearer(token),
            Some(None) => {
                self.token = None;
                self
            }
        }
    }

    /// Accepts only this peer there. An id that is [derived from a key](PeerId::is_of_key) is
    /// proved. Any other id is only claimed by the other side, so that only TLS authenticates it.
    #[must_use]
    pub fn peer(mut self, peer: PeerId) -> Self {
        self.peer = Some(peer);
        self
    }

    /// Sends the token even in plaintext, where it can be read on the network path. Without this,
    /// `connect` refuses to do so unless the other side is on this machine.
    #[must_use]
    pub fn allow_plaintext(mut self) -> Self {
        self.allow_plaintext = true;
        self
    }

    /// The URL as given.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The only peer that is accepted there.
    #[must_use]
    pub fn wanted(&self) -> Option<PeerId> {
        self.peer
    }

    /// The token to send, if there is one. `is_private` says whether the network path is encrypted
    /// or local.
    ///
    /// # Errors
    ///
    /// Fails if the path is not private and plaintext was not allowed, and if the token cannot be
    /// obtained.
    pub async fn token(&self, is_private: bool) -> Result<Option<String>, ConnectError> {
        let Some(token) = &self.token else { return Ok(None) };
        if !is_private && !self.allow_plaintext {
            return Err(ConnectError::Plaintext { url: self.to_string() });
        }
        let token = guard::run_async(|| token()).await.unwrap_or_else(|_| Err("it panicked".into()));
        token.map(Some).map_err(|source| ConnectError::Token { url: self.to_string(), source: source.into() })
    }
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
    /// The URL without parts that may be secret: the user's name and password, and everything
    /// after the path.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.url.split(['?', '#']).next().unwrap_or_default();
        // The standard library's string search would add 2 KB to a page's bundle.
        match path.as_bytes().windows(3).position(|bytes| bytes == b"://") {
            Some(end) => {
                let (scheme, rest) = (&path[..end], &path[end + 3..]);
                let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
                let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
                write!(f, "{scheme}://{host}{path}")
            }
            // It is not a URL, but may be meant as one.
            None => f.write_str(path.rsplit_once('@').map_or(path, |(_, host)| host)),
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

    #[test]
    fn what_may_be_secret_in_a_url_is_not_shown() {
        let endpoint = Endpoint::new("ws://user:password@example.com:80/scope?token=abc#def").bearer("ghi");
        assert_eq!(endpoint.to_string(), "ws://example.com:80/scope");
        for odd in ["user:password@example.com/scope?token=abc", "ws:/user:password@example.com/scope"] {
            assert_eq!(Endpoint::new(odd).to_string(), "example.com/scope");
        }
        let debug = format!("{endpoint:?}");
        for secret in ["user", "password", "abc", "def", "ghi"] {
            assert!(!debug.contains(secret), "{debug}");
        }
    }
}
