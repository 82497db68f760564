//! Clients are known by JSON web tokens (RFC 7519), which somebody issues whom the server trusts.
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
//! A client shows its token with [`Endpoint::bearer`](crate::Endpoint::bearer); a browser names it
//! among its subprotocols. What the token says of its subject are the claims of a [`Principal`],
//! until the token expires: then the connection is dropped, and the session goes on if the client
//! comes back with a newer token of the same subject.
//!
//! | module | idea |
//! |---|---|
//! | here | who may issue tokens, and what a token has to be |
//! | `token` | a token before it is believed: whose it says it is, and by which key |
//! | `claims` | what a token says, as a principal |
//! | `keys`, `key_set` | the keys of an issuer: one, several, or those that it publishes |
//! | `published`, `cache` | fetching published keys, and when to do so |
//! | `error` | why a token is refused, each with its own code |

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

/// Somebody who issues tokens: its name, for whom its tokens have to be, and the keys by which
/// they are known to be its own.
#[derive(Clone, Debug)]
pub struct Issuer {
    name: String,
    audience: String,
    keys: Keys,
    leeway: Duration,
}

impl Issuer {
    /// The issuer that its tokens name in `iss`; they have to name `audience` in `aud`, so that a
    /// token for another service is of no use here.
    #[must_use]
    pub fn new(name: impl Into<String>, audience: impl Into<String>, keys: Keys) -> Self {
        Self { name: name.into(), audience: audience.into(), keys, leeway: Duration::from_secs(5) }
    }

    /// By how much its clock and ours may differ: so much later a token still counts, and so much
    /// earlier it does already. Whole seconds; 5 s unless this says otherwise.
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

/// Knows clients by their tokens: for [`Builder::authenticate`](crate::Builder::authenticate).
///
/// A token of more than 8 KiB, of an issuer that is not among these, or signed by another
/// algorithm than its issuer's is refused before anything of it is computed.
#[derive(Clone)]
pub struct Tokens {
    issuers: Arc<HashMap<String, Issuer>>,
    must_show: bool,
}

impl Tokens {
    /// Lets in who shows a token of this issuer, and nobody else.
    #[must_use]
    pub fn required(issuer: Issuer) -> Self {
        Self::new(issuer, true)
    }

    /// Lets in who shows a token of this issuer, and, as nobody who is known, who shows none. A
    /// token that is not good is refused.
    #[must_use]
    pub fn optional(issuer: Issuer) -> Self {
        Self::new(issuer, false)
    }

    fn new(issuer: Issuer, must_show: bool) -> Self {
        // Should the program have chosen another provider before, that one is used. Without this, a
        // program in which two are compiled would panic at its first token.
        let _ = rust_crypto::DEFAULT_PROVIDER.install_default();
        Self { issuers: Arc::new(HashMap::new()), must_show }.or(issuer)
    }

    /// Takes the tokens of this issuer, too. Of two with one name, the later counts.
    #[must_use]
    pub fn or(mut self, issuer: Issuer) -> Self {
        Arc::make_mut(&mut self.issuers).insert(issuer.name.clone(), issuer);
        self
    }

    /// Whose token this is, if it is good.
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
