//! Authentication of clients by JSON web tokens (RFC 7519) of a trusted issuer.
//!
//! ```no_run
//! use distributed_scope_actor_peer::Peer;
//! use distributed_scope_actor_peer::jwt::{Algorithm, Issuer, Keys, Tokens};
//! use distributed_scope_core::PeerId;
//!
//! # fn f() -> Result<(), Box<dyn std::error::Error>> {
//! let keys = Keys::published(Algorithm::Es256, "https://login.example.com/keys.json")?;
//! let issuer = Issuer::new("https://login.example.com", "shop", keys);
//! let peer = Peer::builder(PeerId::named("shop")).authenticate(Tokens::required(issuer)).start();
//! # Ok(()) }
//! ```
//!
//! A client sends its token with [`Endpoint::bearer`](crate::Endpoint::bearer); a browser sends
//! it as a subprotocol. The claims of the token become the claims of a [`Principal`]. When the
//! token expires, the connection is dropped. The session resumes if the client reconnects with a
//! newer token of the same subject.
//!
//! | module | idea |
//! |---|---|
//! | here | issuers, and the checks of a token |
//! | `token` | a token before it is verified: its claimed issuer and key |
//! | `claims` | the claims of a token, as a principal |
//! | `keys`, `key_set` | the keys of an issuer: one, several, or those that it publishes |
//! | `published`, `cache` | fetching published keys, and when to do so |
//! | `error` | why a token is rejected, each with its own code |

mod cache;
mod claims;
mod error;
mod key_set;
mod keys;
mod published;
mod token;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use distributed_scope_core::{Denied, Principal};
use futures_util::future::LocalBoxFuture;
use jsonwebtoken::Validation;
use jsonwebtoken::crypto::rust_crypto;

pub use self::error::TokenError;
pub use self::keys::{Algorithm, KeyError, Keys};
use self::token::Token;
use crate::gate::{Authenticate, Upgrade};

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
        let mut validation = Validation::new(algorithm.into());
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.set_issuer(&[&self.name]);
        validation.set_audience(&[&self.audience]);
        validation.validate_nbf = true;
        validation.leeway = self.leeway.as_secs();
        let verified = jsonwebtoken::decode(token.text(), &key, &validation)?;
        claims::principal(&self.name, verified.claims, self.leeway)
    }
}

/// Authenticates clients by their tokens, for
/// [`Builder::authenticate`](crate::Builder::authenticate).
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
        // If the program has installed another provider before, that one is used. Without this, a
        // program with two compiled in would panic at its first token.
        let _ = rust_crypto::DEFAULT_PROVIDER.install_default();
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
