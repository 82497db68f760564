//! `Peer`: the handle that programs hold.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use actix::Addr;
use actix_web::dev::{AppService, HttpServiceFactory};
use actix_web::web;
use distributed_scope_core::here::{Context, Scoped};
use distributed_scope_core::host::{Host, Keep};
use distributed_scope_core::peer::{
    ConnectError, Credential, Dial, LinkHandle, ReauthenticateError, SessionInfo, SessionWatch,
};
use distributed_scope_core::{Identity, Listing, PeerId, Skew};

use crate::Builder;
use crate::actor::{Drain, PeerActor, Stop};
use crate::connection::{Served, dial};
use crate::endpoint::Endpoint;
use crate::platform::{Actix, Shared};

/// A peer: runs blocks for others, calls blocks on others, over any number of sessions.
///
/// A handle is cheap to clone and works from any thread.
///
/// # End
///
/// When the last handle is dropped, the peer ends as by [`stop`](Self::stop): its sessions are
/// closed, and the other sides know at once. Handles are a `Peer`, a
/// [`here::handle`](distributed_scope_core::here::handle), a [`LinkHandle`], a
/// [service](Self::service) for as long as its server runs, and an open call or a future of
/// [`run`](Self::run) that no block of another peer has made. Sessions, links without a handle,
/// and blocks that run for other peers are not: a program that only runs blocks for others holds
/// its `Peer`.
///
/// The sessions that a peer has dialled are also closed when its event loop ends: a program that
/// returns from `main` says so to its servers, without waiting for anything. `std::process::exit`
/// and threads that are killed with the process do not run that.
///
/// See the crate documentation of `distributed-scope` for a whole program.
#[derive(Clone)]
pub struct Peer {
    shared: Arc<Shared>,
    /// Where whatever is [run](Self::run) on its behalf begins.
    root: Arc<Context>,
}

impl Peer {
    /// Begins a peer with this id, or with the id of this [key
    /// pair](distributed_scope_core::KeyPair), which it then proves to whomever it meets.
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

    /// Its id.
    #[must_use]
    pub fn id(&self) -> PeerId {
        self.shared.id()
    }

    /// A service for an actix-web `App` that takes sessions at `path`.
    ///
    /// It stands beside whatever else the app serves. It may be made once for each worker: the
    /// sessions of all workers belong to the same peer. Give the server
    /// [`on_connect`](crate::on_connect), so that answers are not delayed.
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
        // Before the first connection, so that what is wrong with a type is logged when the program
        // starts.
        self.shared.look_at_types();
        let keep = Keep::new(Arc::clone(&self.shared) as Arc<dyn Host>);
        Service { shared: Arc::clone(&self.shared), keep, path: path.to_owned() }
    }

    /// Connects to the peer at a `ws://` URL, or at an [`Endpoint`], which can show a token there,
    /// and returns its id when calls can go both ways. From then on this peer stays connected,
    /// as by [`keep_connected`](Self::keep_connected): it comes back by itself whenever the
    /// connection is lost, and opens a new session when the old one is over, until it is stopped
    /// or no attempt can succeed any more (the two programs no longer speak the same version,
    /// say).
    ///
    /// Unlike there, one attempt is made at first: if it fails, that is the result, and nothing is
    /// dialled any more. If the peer is connected to this place already, it returns the id at
    /// once; if it is just connecting there, it waits for how that ends.
    ///
    /// # Errors
    ///
    /// When the URL is none, nothing answers there, what answers is no peer, it speaks another
    /// version of the protocol ([`ConnectError::Outdated`]), or it refuses the session (for
    /// instance because a live session has this peer's id). If the host of the URL has several
    /// addresses, they are tried 250 ms apart until one answers. It gives up after
    /// [`Limits::handshake`](distributed_scope_core::Limits::handshake).
    ///
    /// # Cancel safety
    ///
    /// The attempt is made by a task of the peer: dropping the future does not stop it.
    pub async fn connect(&self, endpoint: impl Into<Endpoint>) -> Result<PeerId, ConnectError> {
        let endpoint = endpoint.into();
        self.shared.connect(endpoint.place(), dial_to(endpoint)).await
    }

    /// Stays connected to the peer at a URL or an [`Endpoint`], even if it is not reachable yet:
    /// dials at once, and again until there is a session; comes back when its connection is
    /// lost; opens a new one when it is over, because the server was restarted, say.
    /// [`Limits::reconnect`](distributed_scope_core::Limits::reconnect) says how long the pauses
    /// are. Returns at once; the handle says what the link does, and can end it.
    ///
    /// It ends when it is [stopped](LinkHandle::stop), when this peer is, and when no attempt can
    /// succeed: the URL is wrong, a token would be sent where others can read it, the server
    /// speaks another version. Each cause of failure is logged once as a warning, until a
    /// connection lasted.
    ///
    /// A place has one link: a second call with the same URL and addresses returns a handle of the
    /// same one, which goes on with the endpoint of the first call. To show another token
    /// there, give [`Endpoint::bearer_from`], which is asked each time.
    ///
    /// Dropping the handle leaves the link as it is, as dropping a `JoinHandle` of tokio leaves
    /// its task. The peer [ends](Self#end) with its last handle, and its links with it.
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

    /// Runs a future on behalf of this peer: the calls that it makes are this peer's calls. In a
    /// process that has just one peer, calls find it without this.
    ///
    /// Dropping the future drops the calls in it, which cancels their blocks.
    ///
    /// ```no_run
    /// # use distributed_scope_actor_peer::Peer;
    /// # use distributed_scope_core::{Call, RemoteError};
    /// # async fn f(peer: Peer, call: Call<u32>) -> Result<(), RemoteError> {
    /// let value = peer.run(call).await?; // or any async function that makes calls
    /// # Ok(()) }
    /// ```
    pub fn run<F: Future>(&self, future: F) -> impl Future<Output = F::Output> + use<F> {
        Scoped::new(Arc::clone(&self.root), future)
    }

    /// The peers that are connected now, ordered by id. Those whose sessions wait for their
    /// connections are not among them; see [`sessions`](Self::sessions).
    #[must_use]
    pub fn peers(&self) -> Vec<PeerId> {
        self.shared.routes().peers()
    }

    /// The sessions that there are now, ordered by peer: those that are connected, and those that
    /// wait because their connections are lost.
    ///
    /// ```no_run
    /// # use distributed_scope_actor_peer::Peer;
    /// # fn f(peer: Peer) {
    /// for session in peer.sessions() {
    ///     let state = if session.is_waiting { "waiting" } else { "connected" };
    ///     println!("{} {:?} {state}", session.peer, session.address);
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn sessions(&self) -> Vec<SessionInfo> {
        self.shared.sessions()
    }

    /// The [`sessions`](Self::sessions), and their next change.
    #[must_use]
    pub fn watch_sessions(&self) -> SessionWatch {
        self.shared.watch_sessions()
    }

    /// Ends the session with a peer, and returns at once; false if there is none. Open calls in
    /// both directions end as
    /// [`Disconnected`](distributed_scope_core::ErrorKind::Disconnected). The close frame has the
    /// code 1008 and the reason, of which it takes 123 bytes; the log has it, too.
    ///
    /// A peer that [stays connected](Self::keep_connected) opens a new session then. Whom not to
    /// let in again is decided by [`authenticate`](crate::Builder::authenticate).
    pub fn disconnect(&self, peer: PeerId, reason: &str) -> bool {
        self.shared.disconnect(peer, reason)
    }

    /// Goes on with the session with a peer that this one has dialled, as somebody else: logs in,
    /// logs out, or shows a token that replaces another one before it expires. What was called
    /// before goes on for who has called it; what is called after this has returned is called by
    /// the new principal. The new credential is shown from then on whenever the connection is
    /// made.
    ///
    /// A second connection is made for that, with all checks of a first one. When the credential
    /// is accepted, the session goes on over it; calls
    /// [`without_resume`](distributed_scope_core::Call::without_resume) that are under way end
    /// then.
    ///
    /// ```no_run
    /// # use distributed_scope_actor_peer::{Credential, Peer, ReauthenticateError};
    /// # use distributed_scope_core::PeerId;
    /// # async fn f(peer: Peer, server: PeerId, token: String) -> Result<(), ReauthenticateError> {
    /// peer.reauthenticate(server, Credential::token(token)).await?; // log in
    /// peer.reauthenticate(server, Credential::none()).await?; // log out
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// When there is no connected session that this peer has dialled, the other side does not take
    /// the credential ([`Refused`](ReauthenticateError::Refused)) or is too old for this
    /// ([`Unsupported`](ReauthenticateError::Unsupported)), and when the connection is lost
    /// meanwhile. The session goes on as before then.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future does not stop it.
    pub async fn reauthenticate(
        &self,
        peer: PeerId,
        credential: Credential,
    ) -> Result<(), ReauthenticateError> {
        self.shared.reauthenticate(peer, credential).await
    }

    /// Waits until a peer is connected; returns at once when it is, or when this peer is stopped.
    /// It waits for ever otherwise, and dropping the future gives up.
    pub async fn connected(&self, peer: PeerId) {
        self.shared.connected(peer).await;
    }

    /// Waits until a peer is not connected; returns at once when it is not. The two together tell
    /// when a connection comes and goes.
    pub async fn disconnected(&self, peer: PeerId) {
        self.shared.disconnected(peer).await;
    }

    /// Whether it takes no new sessions and calls any longer: it [drains](Self::drain), or was
    /// stopped. For the readiness route of a server.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.shared.draining().is_set()
    }

    /// How many bytes of memory this peer holds for all others now;
    /// [`Limits::held`](distributed_scope_core::Limits::held) says what counts.
    #[must_use]
    pub fn held(&self) -> usize {
        self.shared.account().held()
    }

    /// The blocks of this program, as a table: each with its place, its captures, its result, its
    /// version, and whether this peer runs it for others.
    ///
    /// ```no_run
    /// # use distributed_scope_actor_peer::Peer;
    /// # fn f(peer: Peer) {
    /// println!("{}", peer.blocks());
    /// # }
    /// ```
    #[must_use]
    pub fn blocks(&self) -> Listing {
        self.shared.list()
    }

    /// The blocks that a peer has in another version than this one, or not at all, as far as it
    /// has told: it does so right after it has connected, before it answers the first call.
    /// Calls of these blocks are refused, in both directions.
    #[must_use]
    pub fn skew(&self, peer: PeerId) -> Vec<Skew> {
        self.shared.skew(peer)
    }

    /// Stops politely: new sessions and new calls from other peers are refused as
    /// [`GoingAway`](distributed_scope_core::Refusal::GoingAway) (nothing of them runs), and
    /// running blocks go on. Returns when all of them have ended and were answered, and all
    /// peers that are connected know that nothing more is taken, so that no call that is on its
    /// way is lost (one that does not say so within an eighth of
    /// [`Limits::silence`](distributed_scope_core::Limits::silence) is not waited for); at the
    /// latest after `grace`. Then everything is closed as by [`stop`](Self::stop).
    ///
    /// Dropping the future does not undo it: nothing new is taken, and what runs is not closed
    /// then.
    pub async fn drain(&self, grace: Duration) {
        // An actor that is gone has nothing left to drain.
        let _ = self.addr().send(Drain(grace)).await;
        self.stop().await;
    }

    /// Closes all sessions and lets nobody in any more. Open calls in both directions end now; the
    /// close frames are sent in the background.
    pub async fn stop(&self) {
        // An actor that is gone has stopped already.
        let _ = self.addr().send(Stop).await;
    }

    /// The address of its actor, for code that works by messages: see [`Invoke`](crate::Invoke).
    #[must_use]
    pub fn addr(&self) -> &Addr<PeerActor> {
        self.shared.platform().actor()
    }
}

/// How the peer connects to an endpoint, each time.
fn dial_to(endpoint: Endpoint) -> impl Dial<Actix> {
    async move |shared, old, credential| dial::dial(shared, endpoint.clone().showing(&credential), old).await
}

/// What takes sessions at a path of an app.
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
