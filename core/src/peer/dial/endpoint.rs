//! Where a peer connects to, and what it shows there.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::identity::peer_id::PeerId;
use crate::peer::{ConnectError, Credential};
use crate::util::guard;

/// Where to connect to, and what to show there: for `Peer::connect`. A URL alone is one, too.
///
/// ```
/// use distributed_scope_core::PeerId;
/// use distributed_scope_core::peer::Endpoint;
///
/// let endpoint = Endpoint::new("wss://example.com/scope").bearer("a token").peer(PeerId::named("server"));
/// assert!(!format!("{endpoint:?}").contains("a token"));
/// ```
///
/// `Debug` and `Display` show neither the token nor what stands in the URL besides its path.
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
    /// The peer at this URL, which begins with `ws://`, or with `wss://` for TLS.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), token: None, peer: None, allow_plaintext: false }
    }

    /// Shows this token each time the connection is made: in a header, or from a page, among the
    /// subprotocols. It is never part of the URL.
    #[must_use]
    pub fn bearer(self, token: impl Into<String>) -> Self {
        let token = token.into();
        self.bearer_from(move || std::future::ready(Ok::<_, std::convert::Infallible>(token.clone())))
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
        self.token = Some(Arc::new(move || {
            let token = token();
            Box::pin(async move { token.await.map_err(Into::into) })
        }));
        self
    }

    /// Shows this instead of its token.
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

    /// Accepts no other peer there than this one. An id that is [of a key](PeerId::is_of_key) is
    /// proved; any other is what the other side says, so that only TLS makes sure of it.
    #[must_use]
    pub fn peer(mut self, peer: PeerId) -> Self {
        self.peer = Some(peer);
        self
    }

    /// Shows the token even where everybody on the way can read it. Without this, `connect`
    /// refuses to do so unless the other side is on this machine.
    #[must_use]
    pub fn allow_plaintext(mut self) -> Self {
        self.allow_plaintext = true;
        self
    }

    /// The URL as it was given.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The only peer that will do there.
    #[must_use]
    pub fn wanted(&self) -> Option<PeerId> {
        self.peer
    }

    /// The token to show, if there is one. `is_private` says whether nobody on the way can read
    /// it.
    ///
    /// # Errors
    ///
    /// When somebody can and that was not allowed, and when the token cannot be had.
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
    /// The URL without what may be secret in it: a user's name and password, and what follows the
    /// path.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.url.split(['?', '#']).next().unwrap_or_default();
        // The search of the standard library is 2 KB of a page's bundle.
        match path.as_bytes().windows(3).position(|bytes| bytes == b"://") {
            Some(end) => {
                let (scheme, rest) = (&path[..end], &path[end + 3..]);
                let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
                let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
                write!(f, "{scheme}://{host}{path}")
            }
            // It is no URL, but may be meant for one.
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
