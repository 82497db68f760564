//! `Peer`: the handle that a program keeps.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use actix::Addr;
use actix_web::dev::{AppService, HttpServiceFactory};
use actix_web::web;
use distributed_scope_core::here::Context;
use distributed_scope_core::host::{Host, Keep};
use distributed_scope_core::peer::{ConnectError, Dial, LinkHandle};
use distributed_scope_core::{Identity, PeerId};

use crate::Builder;
use crate::actor::{Drain, PeerActor, Stop};
use crate::connection::{Served, dial};
use crate::endpoint::Endpoint;
use crate::platform::{Actix, Shared};

/// A peer: runs blocks for other peers and calls blocks on other peers, over any number of
/// sessions.
///
/// A handle is cheap to clone and can be used from any thread.
///
/// # End
///
/// When the last handle is dropped, the peer stops as with [`stop`](Self::stop): its sessions are
/// closed, and the other sides are notified at once. These are handles:
///
/// - a `Peer`, a [`here::handle`](distributed_scope_core::here::handle), a [`LinkHandle`];
/// - a [service](Self::service), while its server runs;
/// - an open call or a future of [`run`](Self::run), unless a block of another peer made it.
///
/// Sessions, links without a handle, and blocks that run for other peers are not handles. A
/// program that only runs blocks for other peers must keep its `Peer`.
///
/// The sessions that a peer has dialled are also closed when its event loop ends. A program that
/// returns from `main` therefore notifies its servers without waiting for anything.
/// `std::process::exit`, and threads that end with the process, skip this.
///
/// See the crate documentation of `distributed-scope` for a complete program.
#[derive(Clone)]
pub struct Peer {
    shared: Arc<Shared>,
    /// The context of the futures that are [run](Self::run) on behalf of the peer.
    root: Arc<Context>,
}

distributed_scope_core::peer_handle!(Peer, krate: "distributed_scope_actor_peer", fence: "no_run");

impl Peer {
    /// Returns the builder of a peer with this id, or with the id of this [key
    /// pair](distributed_scope_core::KeyPair). A peer with a key pair proves its id to every peer
    /// that it connects with.
    pub fn builder(identity: impl Into<Identity>) -> Builder {
        Builder::new(identity.into())
    }

    pub(crate) fn of(shared: Arc<Shared>) -> Self {
        let root = Arc::new(Context::root(Arc::clone(&shared) as Arc<dyn Host>));
        Self { shared, root }
    }

    #[cfg(test)]
    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Returns the id of this peer.
    #[must_use]
    pub fn id(&self) -> PeerId {
        self.shared.id()
    }

    /// Returns a service for an actix-web `App` that accepts sessions at `path`.
    ///
    /// The app can have any other services. The service can be created once for each worker: the
    /// sessions of all workers belong to the same peer. Register
    /// [`on_connect`](crate::on_connect) at the server, so that responses are not delayed.
    ///
    /// ```no_run
    /// use actix_web::{App, HttpServer};
    /// use distributed_scope_actor_peer::{Peer, on_connect};
    /// use distributed_scope_core::{Blocks, PeerId};
    ///
    /// #[actix_web::main]
    /// async fn main() -> std::io::Result<()> {
    ///     let server = Peer::builder(PeerId::named("server")).expose(Blocks::all()).start();
    ///     HttpServer::new(move || App::new().service(server.service("/scope")))
    ///         .on_connect(on_connect)
    ///         .bind(("127.0.0.1", 47291))?
    ///         .run()
    ///         .await
    /// }
    /// ```
    #[must_use]
    pub fn service(&self, path: &str) -> impl HttpServiceFactory + 'static {
        // Before the first connection, so that a problem with a type is logged when the program
        // starts.
        self.shared.look_at_types();
        let keep = Keep::new(Arc::clone(&self.shared) as Arc<dyn Host>);
        Service { shared: Arc::clone(&self.shared), keep, path: path.to_owned() }
    }

    /// Connects to the peer at a `ws://` URL or at an [`Endpoint`], which can send a token.
    /// Returns the id of that peer when calls can be made in both directions.
    ///
    /// From then on, this peer stays connected as with [`keep_connected`](Self::keep_connected):
    /// it reconnects when the connection is lost, and opens a new session when the old one has
    /// ended. This continues until the peer is stopped or no attempt can succeed (for example
    /// because the two programs no longer speak the same version).
    ///
    /// Unlike `keep_connected`, this makes one attempt first. If it fails, `connect` returns the
    /// error and does not retry. If the peer is already connected to this place, the id is
    /// returned at once. If an attempt is already in progress, `connect` waits for its result.
    ///
    /// # Errors
    ///
    /// - The URL is invalid, the host is unreachable, or the server is not a distributed-scope
    ///   peer.
    /// - The server speaks another version of the protocol ([`ConnectError::Outdated`]).
    /// - The server rejects the session (for instance because a live session has this peer's id).
    ///
    /// If the host of the URL has several addresses, they are tried 250 ms apart until one
    /// answers. The attempt times out after
    /// [`Limits::handshake_timeout`](distributed_scope_core::Limits::handshake_timeout).
    ///
    /// # Cancel safety
    ///
    /// The attempt runs in a task of the peer: dropping the future does not stop it.
    pub async fn connect(&self, endpoint: impl Into<Endpoint>) -> Result<PeerId, ConnectError> {
        let endpoint = endpoint.into();
        self.shared.connect(endpoint.place(), dial_to(endpoint)).await
    }

    /// Stays connected to the peer at a URL or an [`Endpoint`], even if it is not reachable yet.
    /// Returns at once; the handle reports the status of the link and can stop it.
    ///
    /// The link dials at once, and retries until there is a session. It reconnects when the
    /// connection is lost. It opens a new session when the old one has ended, for example because
    /// the server was restarted.
    /// [`Limits::reconnect_delay`](distributed_scope_core::Limits::reconnect_delay) sets the
    /// delays between attempts.
    ///
    /// The link ends when it is [stopped](LinkHandle::stop), when this peer is stopped, or when
    /// no attempt can succeed: the URL is invalid, a token would be sent unencrypted, or the
    /// server speaks another version. Each cause of failure is logged once as a warning, until a
    /// connection has lasted.
    ///
    /// A place has one link: a second call with the same URL and addresses returns a handle of
    /// the same link, which keeps the endpoint of the first call. To send another token there,
    /// use [`Endpoint::bearer_from`], which is called for each connection.
    ///
    /// Dropping the handle does not stop the link, as dropping a `JoinHandle` of tokio does not
    /// stop its task. The peer [ends](Self#end) with its last handle, and its links end with it.
    ///
    /// ```no_run
    /// use distributed_scope_actor_peer::{LinkStatus, Peer};
    /// # async fn f(peer: Peer) {
    /// let link = peer.keep_connected("ws://127.0.0.1:47291/scope");
    /// let mut status = link.status();
    /// while let Some(now) = status.changed().await {
    ///     match now {
    ///         LinkStatus::Connected(server) => println!("connected to {server}"),
    ///         other => println!("{other}"),
    ///     }
    /// }
    /// # }
    /// ```
    #[must_use = "the handle says whether the link is connected; bind it to `_` to ignore that"]
    pub fn keep_connected(&self, endpoint: impl Into<Endpoint>) -> LinkHandle {
        let endpoint = endpoint.into();
        self.shared.keep_connected(endpoint.place(), dial_to(endpoint))
    }

    /// Stops gracefully. New sessions and new calls from other peers are refused with
    /// [`GoingAway`](distributed_scope_core::Refusal::GoingAway), and no part of them runs.
    /// Running blocks continue.
    ///
    /// Returns when all running blocks have ended and were answered, and all connected peers have
    /// confirmed that no more calls are accepted; no call in flight is lost. A peer that does not
    /// confirm within an eighth of
    /// [`Limits::idle_timeout`](distributed_scope_core::Limits::idle_timeout) is not waited for.
    /// `drain` returns at the latest after `grace`. Then everything is closed as with
    /// [`stop`](Self::stop).
    ///
    /// Dropping the future does not undo the drain: new sessions and calls stay refused, and
    /// running blocks are not closed in that case.
    pub async fn drain(&self, grace: Duration) {
        // An actor that is gone has nothing left to drain.
        let _ = self.addr().send(Drain(grace)).await;
        self.stop().await;
    }

    /// Closes all sessions and rejects new ones. Open calls in both directions end now; the close
    /// frames are sent in the background.
    pub async fn stop(&self) {
        // An actor that is gone has stopped already.
        let _ = self.addr().send(Stop).await;
    }

    /// Returns the address of the peer's actor, for code that sends messages: see
    /// [`Invoke`](crate::Invoke).
    #[must_use]
    pub fn addr(&self) -> &Addr<PeerActor> {
        self.shared.platform().actor()
    }
}

/// How the peer connects to an endpoint, each time.
fn dial_to(endpoint: Endpoint) -> impl Dial<Actix> {
    async move |shared, old, credential| dial::dial(shared, endpoint.clone().showing(&credential), old).await
}

/// The service that accepts sessions at a path of an app.
struct Service {
    shared: Arc<Shared>,
    keep: Keep,
    path: String,
}

impl HttpServiceFactory for Service {
    fn register(self, config: &mut AppService) {
        let Self { shared, keep, path } = self;
        let address = config.config().local_addr();
        shared.platform().gate().listens(shared.id(), address, shared.allows_first_come());
        let served = web::Data::new(Served(shared, keep));
        web::resource(path).app_data(served).route(web::get().to(crate::accept)).register(config);
    }
}

impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Peer").field("id", &self.id()).field("peers", &self.peers()).finish()
    }
}
