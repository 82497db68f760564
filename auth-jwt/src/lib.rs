//! Authentication of clients by JSON web tokens (RFC 7519) of a trusted issuer.
//!
//! ```no_run
//! use distributed_scope_actor_peer::Peer;
//! use distributed_scope_auth_jwt::{Algorithm, Issuer, Keys, Tokens};
//! use distributed_scope_core::PeerId;
//!
//! # fn f() -> Result<(), Box<dyn std::error::Error>> {
//! let keys = Keys::published(Algorithm::EdDsa, "https://login.example.com/keys.json")?;
//! let issuer = Issuer::new("https://login.example.com", "shop", keys);
//! let peer = Peer::builder(PeerId::named("shop")).authenticate(Tokens::required(issuer)).start();
//! # Ok(()) }
//! ```
//!
//! A client sends its token with
//! [`Endpoint::bearer`](distributed_scope_actor_peer::Endpoint::bearer); a browser sends
//! it as a subprotocol. The claims of the token become the claims of a [`Principal`]. When the
//! token expires, the connection is dropped. The session resumes if the client reconnects with a
//! newer token of the same subject.
//!
//! | module | idea |
//! |---|---|
//! | here | issuers, and the checks of a token |
//! | `token` | a token before it is verified: its claimed issuer and key |
//! | `claims` | the checks of the claims, and the principal that they make |
//! | `keys`, `key_set`, `key` | the keys of an issuer: one, several, or those that it publishes; one key and the check of a signature |
//! | `published`, `cache` | fetching published keys, and when to do so |
//! | `algorithm` | the algorithms that sign tokens |
//! | `error`, `key_error` | why a token is rejected, each with its own code; why keys cannot be used |

// On docs.rs each item names the feature that it needs.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod algorithm;
mod cache;
mod claims;
mod error;
mod key;
mod key_error;
mod key_set;
mod keys;
mod published;
mod token;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use distributed_scope_actor_peer::{Authenticate, Upgrade};
use distributed_scope_core::{Denied, Principal};
use futures_util::future::LocalBoxFuture;

pub use self::algorithm::Algorithm;
pub use self::error::TokenError;
pub use self::key_error::KeyError;
pub use self::keys::Keys;
use self::token::Token;

/// A token issuer: its name, the audience that its tokens need, and the keys that verify them.
#[derive(Clone, Debug)]
pub struct Issuer {
    name: String,
    audience: String,
    keys: Keys,
    leeway: Duration,
}

impl Issuer {
    /// Creates an issuer whose tokens have `name` in `iss` and `audience` in `aud`. Tokens for
    /// another audience are rejected.
    #[must_use]
    pub fn new(name: impl Into<String>, audience: impl Into<String>, keys: Keys) -> Self {
        Self { name: name.into(), audience: audience.into(), keys, leeway: Duration::from_secs(5) }
    }

    /// Sets the allowed clock difference between issuer and server, in whole seconds. A token is
    /// accepted this much after it expires and this much before it becomes valid. Default: 5 s.
    #[must_use]
    pub fn leeway(mut self, leeway: Duration) -> Self {
        self.leeway = Duration::from_secs(leeway.as_secs());
        self
    }

    async fn check(&self, token: &Token<'_>) -> Result<Principal, TokenError> {
        let algorithm = self.keys.algorithm();
        if !token.is_of(algorithm) {
            return Err(TokenError::Algorithm(algorithm));
        }
        let key = self.keys.find(token.key_id()).await?;
        let claims = token.verified(&key)?;
        claims::check(&claims, &self.name, &self.audience, self.leeway)?;
        claims::principal(&self.name, claims, self.leeway)
    }
}

/// Authenticates clients by their tokens, for
/// [`Builder::authenticate`](distributed_scope_actor_peer::Builder::authenticate).
///
/// A token is rejected before any cryptography if it is larger than 8 KiB, its issuer is not one
/// of these, or its algorithm is not the issuer's.
#[derive(Clone)]
pub struct Tokens {
    issuers: Arc<HashMap<String, Issuer>>,
    must_show: bool,
}

impl Tokens {
    /// Accepts only clients with a valid token of this issuer.
    #[must_use]
    pub fn required(issuer: Issuer) -> Self {
        Self::new(issuer, true)
    }

    /// Accepts clients with a valid token of this issuer, and clients without a token, which have
    /// no principal. An invalid token is rejected.
    #[must_use]
    pub fn optional(issuer: Issuer) -> Self {
        Self::new(issuer, false)
    }

    fn new(issuer: Issuer, must_show: bool) -> Self {
        Self { issuers: Arc::new(HashMap::new()), must_show }.or(issuer)
    }

    /// Also accepts the tokens of this issuer. A second issuer of the same name replaces the
    /// first.
    #[must_use]
    pub fn or(mut self, issuer: Issuer) -> Self {
        Arc::make_mut(&mut self.issuers).insert(issuer.name.clone(), issuer);
        self
    }

    /// Verifies a token and returns its principal.
    ///
    /// # Errors
    ///
    /// See [`TokenError`].
    pub async fn check(&self, token: &str) -> Result<Principal, TokenError> {
        let token = Token::parse(token)?;
        self.issuers.get(token.issuer()).ok_or(TokenError::Issuer)?.check(&token).await
    }
}

impl Authenticate for Tokens {
    fn authenticate(&self, upgrade: Upgrade) -> LocalBoxFuture<'static, Result<Option<Principal>, Denied>> {
        let tokens = self.clone();
        Box::pin(async move {
            match upgrade.bearer()? {
                Some(token) => Ok(Some(tokens.check(&token).await?)),
                None if tokens.must_show => Err(TokenError::None.into()),
                None => Ok(None),
            }
        })
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens")
            .field("issuers", &self.issuers.keys())
            .field("must_show", &self.must_show)
            .finish()
    }
}
