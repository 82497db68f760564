//! `Builder`: the options of a peer, set before it starts.

use std::fmt;
use std::sync::Arc;

use actix_rt::Arbiter;
use distributed_scope_core::Identity;
use distributed_scope_core::peer::{Parts, StartError};

use crate::gate::{Authenticate, Gate, NoHost, NoNetwork, NoOrigin, Rules};
use crate::peer::Peer;
use crate::platform::{Actix, Shared};
use crate::warm::warm_up;

/// The options of a peer, created by [`Peer::builder`].
///
/// Each method sets one option. [`start`](Self::start) creates the peer.
#[must_use = "a peer begins to live at `start`"]
pub struct Builder {
    parts: Parts,
    rules: Rules,
}

distributed_scope_core::peer_options! {
    Builder,
    fence: "no_run",
    before: "# use distributed_scope_actor_peer::Peer;\n# use distributed_scope_core::PeerId;",
    builder: "Peer::builder(PeerId::named(\"shop\"))",
    after: ""
}

impl Builder {
    pub(crate) fn new(identity: Identity) -> Self {
        Self { parts: Parts::new(identity), rules: Rules::default() }
    }

    /// The authentication of a client, before its connection becomes a session: an async closure
    /// over the request, or a type that implements [`Authenticate`]. It runs again each time a
    /// peer reconnects after a lost connection.
    ///
    /// - `Ok(Some(principal))`: the client is authenticated. Blocks get the principal with
    ///   [`here::principal`](distributed_scope_core::here::principal) and can
    ///   [require](distributed_scope_core::Requirement) one.
    /// - `Ok(None)`: the client may connect, but has no principal.
    /// - `Err(denied)`: the request is answered with HTTP 401, 403 or 503 and the text of the
    ///   error. No session is opened.
    ///
    /// A panic is answered with 503.
    ///
    /// ```no_run
    /// # use distributed_scope_actor_peer::{Peer, Upgrade};
    /// # use distributed_scope_core::{Denied, PeerId, Principal, Proof};
    /// # async fn user_of(token: &str) -> Option<String> { None }
    /// let peer = Peer::builder(PeerId::named("server"))
    ///     .authenticate(|upgrade: Upgrade| async move {
    ///         let Some(token) = upgrade.bearer()? else { return Ok(None) };
    ///         let user = user_of(&token).await.ok_or(Denied::unauthenticated("no such token"))?;
    ///         Ok(Some(Principal::new(user, Proof::Token).claim("role", "editor")))
    ///     })
    ///     .start();
    /// ```
    pub fn authenticate(mut self, authenticate: impl Authenticate) -> Self {
        self.rules.authenticate = Some(Arc::new(authenticate));
        self
    }

    /// Accepts any peer id from any address without proof, unless a session has that id or the id
    /// is derived from a key.
    ///
    /// Default: this holds only for peers on this machine.
    ///
    /// A peer on another machine has to prove its id: with the
    /// [key](distributed_scope_core::KeyPair) that the id is derived from, or with a token that
    /// is [bound to it](distributed_scope_core::Principal::bound_to). A client that is
    /// authenticated by an unbound token may have a random id.
    pub fn allow_first_come(mut self) -> Self {
        self.parts.allow_first_come = true;
        self
    }

    /// Accepts tokens over unencrypted connections. Use this only behind a TLS-terminating proxy,
    /// or on a network where eavesdropping is acceptable.
    ///
    /// Default: such tokens are rejected, unless the client is on this machine.
    pub fn allow_plaintext(mut self) -> Self {
        self.rules.allow_plaintext = true;
        self
    }

    /// Accepts connections from web pages of this origin, written as a browser writes it:
    /// `https://app.example.com`. Several calls add up.
    ///
    /// Default: only pages of the server's own origin may connect. Programs that are not browsers
    /// are not affected.
    ///
    /// # Panics
    ///
    /// If `origin` is not a valid origin. [`try_allow_origin`](Self::try_allow_origin) returns
    /// this as an error.
    pub fn allow_origin(self, origin: &str) -> Self {
        self.try_allow_origin(origin).unwrap_or_else(|error| panic!("{error}"))
    }

    /// Like [`allow_origin`](Self::allow_origin), but returns an error for an invalid origin.
    ///
    /// # Errors
    ///
    /// If `origin` is not a valid origin.
    pub fn try_allow_origin(mut self, origin: &str) -> Result<Self, NoOrigin> {
        self.rules.origins.add(origin)?;
        Ok(self)
    }

    /// A host name under which clients reach this peer: `app.example.com`, without a port.
    /// Several calls add up.
    ///
    /// If at least one is set, a web page of the server's own origin may connect only under one
    /// of these names, under an IP address, or under a name of this machine.
    ///
    /// Without this option, a malicious page can resolve a name of its own to the address of this
    /// peer (DNS rebinding). The browser then treats the peer as the same origin. TLS prevents
    /// this, and so does a peer that rejects unauthenticated clients. A peer with
    /// [`allow_first_come`](Self::allow_first_come) that listens on more than the loopback
    /// addresses of this machine logs a warning that recommends this option.
    ///
    /// ```no_run
    /// # use distributed_scope_actor_peer::Peer;
    /// # use distributed_scope_core::PeerId;
    /// let peer = Peer::builder(PeerId::named("server")).allow_first_come().allow_host("app.example.com").start();
    /// ```
    ///
    /// # Panics
    ///
    /// If `host` is not a valid host name. [`try_allow_host`](Self::try_allow_host) returns this
    /// as an error.
    pub fn allow_host(self, host: &str) -> Self {
        self.try_allow_host(host).unwrap_or_else(|error| panic!("{error}"))
    }

    /// Like [`allow_host`](Self::allow_host), but returns an error for an invalid host name.
    ///
    /// # Errors
    ///
    /// If `host` is not a valid host name.
    pub fn try_allow_host(mut self, host: &str) -> Result<Self, NoHost> {
        self.rules.origins.add_host(host)?;
        Ok(self)
    }

    /// Trusts the proxies at these addresses and in these networks (`10.0.0.0/8`) to report the
    /// client address of the requests they forward, in `Forwarded` or `X-Forwarded-For`. Several
    /// calls add up.
    ///
    /// The limits per address, [`sessions`](Peer::sessions), logs and
    /// [`Upgrade::client_addr`](crate::Upgrade::client_addr) then use the address of the client
    /// instead of the address of the proxy.
    ///
    /// Default: no proxy is trusted.
    ///
    /// The headers are read from the right, past trusted proxies, to the first address that is
    /// not trusted. Entries that the client itself has sent are therefore not read. If both
    /// headers are present and disagree, or the entry of a proxy is malformed, the address of the
    /// proxy is used.
    ///
    /// Use this only for networks from which clients cannot connect directly: a trusted proxy can
    /// report any address.
    ///
    /// ```no_run
    /// # use distributed_scope_actor_peer::Peer;
    /// # use distributed_scope_core::PeerId;
    /// let peer = Peer::builder(PeerId::named("server")).trust_proxy(["127.0.0.1", "10.0.0.0/8"]).start();
    /// ```
    ///
    /// # Panics
    ///
    /// If an entry is neither an IP address nor a network.
    /// [`try_trust_proxy`](Self::try_trust_proxy) returns this as an error.
    pub fn trust_proxy<N: AsRef<str>>(self, networks: impl IntoIterator<Item = N>) -> Self {
        self.try_trust_proxy(networks).unwrap_or_else(|error| panic!("{error}"))
    }

    /// Like [`trust_proxy`](Self::trust_proxy), but returns an error for an invalid entry.
    ///
    /// # Errors
    ///
    /// If an entry is neither an IP address nor a network.
    pub fn try_trust_proxy<N: AsRef<str>>(
        mut self,
        networks: impl IntoIterator<Item = N>,
    ) -> Result<Self, NoNetwork> {
        for network in networks {
            self.rules.trusted.add(network.as_ref())?;
        }
        Ok(self)
    }

    /// Starts the peer on the current arbiter.
    ///
    /// Starting the peer does not run code of the types in captures and results. When the peer is
    /// first mounted in a server ([`Peer::service`]) or connects, `Deserialize` of the types of
    /// all blocks is called with made-up values, once per process. This determines the structure
    /// of each type and the codec that carries it. If an implementation panics on such a value,
    /// the panic is printed and caught, and the type can still be sent.
    ///
    /// # Panics
    ///
    /// If the current thread has no actix runtime (`#[actix_web::main]`, `#[actix::main]`). Also
    /// if two blocks of this program have the same id, because a call could run either; the
    /// message names both source locations. [`try_start`](Self::try_start) returns both as
    /// errors.
    #[must_use]
    pub fn start(self) -> Peer {
        self.try_start().unwrap_or_else(|error| panic!("{error}"))
    }

    /// Starts the peer on the current arbiter.
    ///
    /// # Errors
    ///
    /// If the current thread has no actix runtime, or two blocks of this program have the same
    /// id.
    pub fn try_start(self) -> Result<Peer, StartError> {
        if Arbiter::try_current().is_none() {
            return Err(StartError::NoRuntime);
        }
        warm_up(self.parts.limits.max_message);
        let gate = Gate::new(self.rules, &self.parts.limits);
        Ok(Peer::of(Shared::start(self.parts, |peer| Actix::new(peer, gate))?))
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Builder").field(&self.parts).finish()
    }
}
