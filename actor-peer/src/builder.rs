//! `Builder`: what a peer can be given before it starts.

use std::fmt;
use std::sync::Arc;

use actix_rt::Arbiter;
use distributed_scope_core::peer::{Parts, StartError};
use distributed_scope_core::{Authorize, Blocks, Disclosure, Identity, Limits, Observer, PeerId};

use crate::gate::{Authenticate, Gate, NoHost, NoNetwork, NoOrigin, Rules};
use crate::peer::Peer;
use crate::platform::{Actix, Shared};
use crate::warm::warm_up;

/// Begun by [`Peer::builder`].
#[must_use = "a peer begins to live at `start`"]
pub struct Builder {
    parts: Parts,
    rules: Rules,
}

impl Builder {
    pub(crate) fn new(identity: Identity) -> Self {
        Self { parts: Parts::new(identity), rules: Rules::default() }
    }

    /// Which blocks it runs for other peers. Without this, none: a block that is compiled into a
    /// program is not thereby open to everybody who can connect to it. Several calls add up.
    ///
    /// ```no_run
    /// # use distributed_scope_actor_peer::Peer;
    /// # use distributed_scope_core::{Blocks, PeerId};
    /// let peer = Peer::builder(PeerId::named("shop"))
    ///     .expose(Blocks::of("shop::orders"))
    ///     .expose(Blocks::named("search"))
    ///     .start();
    /// ```
    pub fn expose(mut self, blocks: Blocks) -> Self {
        self.parts.blocks = self.parts.blocks.and(blocks);
        self
    }

    /// A value that its blocks find with [`here::data`](distributed_scope_core::here::data), one
    /// of each type: of two, the later counts.
    pub fn data<T: Send + Sync + 'static>(self, value: T) -> Self {
        self.shared_data(Arc::new(value))
    }

    /// The same, for a value that the program shares; a `web::Data` of actix-web gives one by
    /// `into_inner`.
    pub fn shared_data<T: Send + Sync + 'static>(mut self, value: Arc<T>) -> Self {
        self.parts.data.insert(value);
        self
    }

    /// Its bounds, instead of the defaults. Each says its unit and what happens at it.
    ///
    /// ```no_run
    /// # use distributed_scope_actor_peer::Peer;
    /// # use distributed_scope_core::{Limits, PeerId};
    /// # use std::time::Duration;
    /// let limits = Limits { deadline: Duration::from_secs(2), sessions_per_address: 16, ..Limits::default() };
    /// let peer = Peer::builder(PeerId::named("shop")).limits(limits).start();
    /// ```
    pub fn limits(mut self, limits: Limits) -> Self {
        self.parts.limits = limits;
        self
    }

    /// Is told of every call that this peer made, after it ended. A closure will do:
    ///
    /// ```no_run
    /// # use distributed_scope_actor_peer::Peer;
    /// # use distributed_scope_core::{CallReport, PeerId};
    /// let peer = Peer::builder(PeerId::random())
    ///     .observe(|call: &CallReport| println!("{} took {:?}", call.block, call.elapsed))
    ///     .start();
    /// ```
    pub fn observe(mut self, observer: impl Observer + 'static) -> Self {
        self.parts.observer = Some(Box::new(observer));
        self
    }

    /// Finds out who connects, before the connection becomes a session: an async closure over the
    /// request, or a type that is [`Authenticate`]. It runs again whenever a peer comes back
    /// after a loss.
    ///
    /// `Ok(Some(principal))` is somebody who is known: blocks find it with
    /// [`here::principal`](distributed_scope_core::here::principal)
    /// and may [require](distributed_scope_core::Requirement) it. `Ok(None)` is somebody who is
    /// not. An error is answered with HTTP 401, 403 or 503 and its text, and there is no
    /// session. A panic is answered with 503.
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

    /// Decides on each call of another peer before anything of it is decoded, after the block was
    /// found to be exposed and its own requirement to be met. An async closure is one. Without
    /// it, whoever has a session may have every exposed block run that does not require more.
    ///
    /// ```no_run
    /// # use distributed_scope_actor_peer::Peer;
    /// # use distributed_scope_core::{Attempt, Denied, PeerId};
    /// let peer = Peer::builder(PeerId::named("server"))
    ///     .authorize(|attempt: Attempt| async move {
    ///         let is_staff = attempt.principal.is_some_and(|principal| principal.has("group", "staff"));
    ///         let is_public = attempt.block.module.starts_with("shop::public");
    ///         if is_staff || is_public { Ok(()) } else { Err(Denied::forbidden("staff only")) }
    ///     })
    ///     .start();
    /// ```
    pub fn authorize(mut self, authorize: impl Authorize) -> Self {
        self.parts.authorize = Some(Arc::new(authorize));
        self
    }

    /// What of an error or a panic in a block goes to the peer that called it. Without this, the
    /// error with its causes, and of a panic that there was one.
    pub fn disclose(mut self, disclosure: Disclosure) -> Self {
        self.parts.disclosure = disclosure;
        self
    }

    /// Knows these peers by the keys that their ids are made of: they are
    /// [principals](distributed_scope_core::Principal), whose subject is their id. Others with
    /// a key of their own may connect, too, and are nobody that is known. Several calls add up. An
    /// id that is not [of a key](PeerId::is_of_key) proves nothing, and is nobody by this
    /// either.
    pub fn trust(mut self, peers: impl IntoIterator<Item = PeerId>) -> Self {
        self.parts.trusted.extend(peers);
        self
    }

    /// Lets anybody claim any peer id from anywhere, as long as no session has it and it is not
    /// made of a key.
    ///
    /// Without this, that goes only for peers on this machine. From elsewhere a peer id has to be
    /// proved, by the [key](distributed_scope_core::KeyPair) that it is made of or by a token
    /// that is [bound to it](distributed_scope_core::Principal::bound_to); who is known by a
    /// token that is bound to none may have a random id.
    pub fn allow_first_come(mut self) -> Self {
        self.parts.allow_first_come = true;
        self
    }

    /// Takes tokens over connections that are not encrypted. Without this they are refused, unless
    /// the client is on this machine. Right behind a proxy that ends TLS, and in a network
    /// where everybody may read everything.
    pub fn allow_plaintext(mut self) -> Self {
        self.rules.allow_plaintext = true;
        self
    }

    /// Lets web pages of this origin connect, as a browser writes it: `https://app.example.com`.
    /// Without this, only pages of the
    /// server's own origin may; programs that are no browsers are not meant.
    ///
    /// # Panics
    ///
    /// When that is no origin. [`try_allow_origin`](Self::try_allow_origin) returns it as an
    /// error.
    pub fn allow_origin(self, origin: &str) -> Self {
        self.try_allow_origin(origin).unwrap_or_else(|error| panic!("{error}"))
    }

    /// The same, for a text that may be wrong.
    ///
    /// # Errors
    ///
    /// When that is no origin.
    pub fn try_allow_origin(mut self, origin: &str) -> Result<Self, NoOrigin> {
        self.rules.origins.add(origin)?;
        Ok(self)
    }

    /// A name under which this peer is reached: `app.example.com`, without a port. Several calls
    /// add up. Once there is one, a web page of the server's own origin may connect only under
    /// such a name, an address or a name of this machine.
    ///
    /// Without this, a page may give a name of its own to the address of this peer (DNS
    /// rebinding); to the browser it is then of the same origin. TLS prevents that, and so
    /// does a peer that lets in nobody who is not known. A peer that has
    /// [`allow_first_come`](Self::allow_first_come) and listens on more than this machine's own
    /// addresses logs a warning that asks for it.
    ///
    /// ```no_run
    /// # use distributed_scope_actor_peer::Peer;
    /// # use distributed_scope_core::PeerId;
    /// let peer = Peer::builder(PeerId::named("server")).allow_first_come().allow_host("app.example.com").start();
    /// ```
    ///
    /// # Panics
    ///
    /// When that is not a host name. [`try_allow_host`](Self::try_allow_host) returns it as an
    /// error.
    pub fn allow_host(self, host: &str) -> Self {
        self.try_allow_host(host).unwrap_or_else(|error| panic!("{error}"))
    }

    /// The same, for a text that may be wrong.
    ///
    /// # Errors
    ///
    /// When that is not a host name.
    pub fn try_allow_host(mut self, host: &str) -> Result<Self, NoHost> {
        self.rules.origins.add_host(host)?;
        Ok(self)
    }

    /// Believes the proxies of these networks (`10.0.0.0/8`) and at these addresses when they say,
    /// by `Forwarded` or `X-Forwarded-For`, where the requests come from that they pass on.
    /// Then limits for each address, [`sessions`](Peer::sessions), logs and
    /// [`Upgrade::client_addr`](crate::Upgrade::client_addr) have the address of the client, and
    /// not that of the proxy. Several calls add up.
    ///
    /// The headers are read from the right, past proxies that are trusted, to the first address
    /// that is not: what the client has sent itself is not read. If both headers are there and
    /// do not agree, or what a proxy has added cannot be read, the address of the proxy counts.
    /// Without this, no proxy is believed.
    ///
    /// Only for networks from which clients cannot connect themselves: whoever is believed can
    /// name any address.
    ///
    /// ```no_run
    /// # use distributed_scope_actor_peer::Peer;
    /// # use distributed_scope_core::PeerId;
    /// let peer = Peer::builder(PeerId::named("server")).trust_proxy(["127.0.0.1", "10.0.0.0/8"]).start();
    /// ```
    ///
    /// # Panics
    ///
    /// When one is neither an IP address nor a network. [`try_trust_proxy`](Self::try_trust_proxy)
    /// returns it as an error.
    pub fn trust_proxy<N: AsRef<str>>(self, networks: impl IntoIterator<Item = N>) -> Self {
        self.try_trust_proxy(networks).unwrap_or_else(|error| panic!("{error}"))
    }

    /// The same, for texts that may be wrong.
    ///
    /// # Errors
    ///
    /// When one is neither an IP address nor a network.
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
    /// No code of the types that travel runs here. When the peer is given to a server
    /// ([`Peer::service`]) or connects, `Deserialize` of the types of all blocks is called
    /// with made-up values, once in a process, to see what they consist of and which codec carries
    /// them. One that panics on what it reads prints that panic; it is caught, and the type
    /// travels all the same.
    ///
    /// # Panics
    ///
    /// Outside of an actix runtime (`#[actix_web::main]`, `#[actix::main]`), as actors do; and
    /// when two blocks of this program have one id, with both places named, because a call
    /// could run either. [`try_start`](Self::try_start) returns both as errors.
    #[must_use]
    pub fn start(self) -> Peer {
        self.try_start().unwrap_or_else(|error| panic!("{error}"))
    }

    /// Starts the peer on the current arbiter.
    ///
    /// # Errors
    ///
    /// Outside of an actix runtime, and when two blocks of this program have one id.
    pub fn try_start(self) -> Result<Peer, StartError> {
        if Arbiter::try_current().is_none() {
            return Err(StartError::NoRuntime);
        }
        warm_up(self.parts.limits.message);
        let gate = Gate::new(self.rules, &self.parts.limits);
        Ok(Peer::of(Shared::start(self.parts, |peer| Actix::new(peer, gate))?))
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Builder").field(&self.parts).finish()
    }
}
