//! `Peer`: the handle that a program keeps.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use distributed_scope_core::here::{Context, Scoped};
use distributed_scope_core::host::Host;
use distributed_scope_core::peer::{
    ConnectError, Credential, Dial, Endpoint, LinkHandle, PeersChanged, Place, Platform, ReauthenticateError,
    SessionInfo, SessionWatch,
};
use distributed_scope_core::{Identity, Listing, PeerId, Skew};
use futures_channel::oneshot;
use futures_util::future::{Either, select};

use crate::control::Order;
use crate::platform::{Browser, Shared};
use crate::{Builder, clock, dial};

/// A peer in a page: runs blocks for other peers and calls blocks on other peers, over any number
/// of sessions.
///
/// A handle is cheap to clone. When the last handle is dropped, the peer stops as with
/// [`stop`](Self::stop): its sessions are closed, and the other sides are notified at once. These
/// are handles:
///
/// - a `Peer`, a [`here::handle`](distributed_scope_core::here::handle), a [`LinkHandle`];
/// - an open call or a future of [`run`](Self::run), unless a block of another peer made it.
///
/// Sessions, links without a handle, and blocks that run for other peers are not handles. Leaving
/// the page also stops the peer.
///
/// See the crate documentation of `distributed-scope` for a complete program.
#[derive(Clone)]
pub struct Peer(Arc<Shared>, Arc<Context>);

impl Peer {
    /// Returns the builder of a peer with this id, or with the id of this [key
    /// pair](distributed_scope_core::KeyPair). A peer with a key pair proves its id to every peer
    /// that it connects with. Two pages are two peers: [`PeerId::random`] suits most of them.
    pub fn builder(identity: impl Into<Identity>) -> Builder {
        Builder::new(identity.into())
    }

    pub(crate) fn of(shared: Arc<Shared>) -> Self {
        let root = Arc::new(Context::root(Arc::clone(&shared) as Arc<dyn Host>));
        Self(shared, root)
    }

    /// Returns the id of this peer.
    #[must_use]
    pub fn id(&self) -> PeerId {
        self.0.id()
    }

    /// Connects to the peer at a `ws://` or `wss://` URL or at an [`Endpoint`], which can send a
    /// token. Returns the id of that peer when calls can be made in both directions.
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
    /// - The server speaks another version of the protocol
    ///   ([`is_outdated`](ConnectError::is_outdated): reload the page).
    /// - A token would be sent unencrypted.
    /// - The server rejects the session (for instance because a live session has this peer's id).
    ///
    /// A browser does not report why it cannot connect; the reason is in its console. The attempt
    /// times out after
    /// [`Limits::handshake_timeout`](distributed_scope_core::Limits::handshake_timeout).
    ///
    /// # Cancel safety
    ///
    /// The attempt runs in a task of the page: dropping the future does not stop it.
    pub async fn connect(&self, endpoint: impl Into<Endpoint>) -> Result<PeerId, ConnectError> {
        let endpoint = endpoint.into();
        self.0.connect(Place::new(&endpoint, &[]), dial_to(endpoint)).await
    }

    /// Stays connected to the peer at a URL or an [`Endpoint`], even if it is not reachable yet.
    /// Returns at once; the handle reports the status of the link and can stop it.
    ///
    /// The link dials at once, and retries until there is a session. It reconnects when the
    /// connection is lost: at once when the browser reports that it is online again or the page
    /// becomes visible again. It opens a new session when the old one has ended, for example
    /// because the server was restarted.
    /// [`Limits::reconnect_delay`](distributed_scope_core::Limits::reconnect_delay) sets the
    /// delays between attempts.
    ///
    /// The link ends when it is [stopped](LinkHandle::stop), when this peer is stopped, or when
    /// no attempt can succeed: the URL is invalid, a token would be sent unencrypted, or the
    /// server speaks another version ([`is_outdated`](ConnectError::is_outdated): reload the
    /// page). Each cause of failure is logged once as a warning, until a connection has lasted.
    ///
    /// A place has one link: a second call with the same URL returns a handle of the same link,
    /// which keeps the endpoint of the first call. To send another token there, use
    /// [`Endpoint::bearer_from`], which is called for each connection.
    ///
    /// Dropping the handle does not stop the link. The peer ends with its last handle, and its
    /// links end with it.
    #[must_use = "the handle says whether the link is connected; bind it to `_` to ignore that"]
    pub fn keep_connected(&self, endpoint: impl Into<Endpoint>) -> LinkHandle {
        let endpoint = endpoint.into();
        self.0.keep_connected(Place::new(&endpoint, &[]), dial_to(endpoint))
    }

    /// Runs a future on behalf of this peer: the calls that it makes are calls of this peer. If a
    /// page has only one peer, calls find it without this.
    pub fn run<F: Future>(&self, future: F) -> impl Future<Output = F::Output> + use<F> {
        Scoped::new(Arc::clone(&self.1), future)
    }

    /// Returns the peers that are connected now, ordered by id. Peers whose sessions are waiting
    /// for a new connection are not included; see [`sessions`](Self::sessions).
    #[must_use]
    pub fn peers(&self) -> Vec<PeerId> {
        self.0.routes().peers()
    }

    /// Returns the current sessions, ordered by peer: connected sessions, and sessions that wait
    /// for a new connection after a loss.
    #[must_use]
    pub fn sessions(&self) -> Vec<SessionInfo> {
        self.0.sessions()
    }

    /// Returns the [`sessions`](Self::sessions), with notification of the next change.
    #[must_use]
    pub fn watch_sessions(&self) -> SessionWatch {
        self.0.watch_sessions()
    }

    /// Returns a stream of who came and went. It begins with the peers that are
    /// [connected](Self::peers).
    ///
    /// ```ignore
    /// # use distributed_scope_browser_peer::{Peer, PeerChange};
    /// use futures_util::StreamExt;
    ///
    /// # async fn f(peer: Peer) {
    /// let mut changes = peer.peers_changed();
    /// while let Some(change) = changes.next().await {
    ///     match change {
    ///         PeerChange::Came(peer) => println!("{peer} is here"),
    ///         PeerChange::Left(peer) => println!("{peer} has left"),
    ///     }
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn peers_changed(&self) -> PeersChanged {
        self.0.peers_changed()
    }

    /// Closes the session with a peer and returns at once; returns false if no such session
    /// exists. Open calls in both directions end with
    /// [`Disconnected`](distributed_scope_core::ErrorKind::Disconnected).
    ///
    /// The reason is the cause of their errors, and a field of the log line of the session's end,
    /// at both sides. It is sent to the other side: a text of at most 123 bytes, truncated if it
    /// is longer, with control characters escaped. The close frame has the code 1008 and the same
    /// text.
    ///
    /// A peer that [stays connected](Self::keep_connected) then opens a new session. The server
    /// decides whether to accept it.
    pub fn disconnect(&self, peer: PeerId, reason: &str) -> bool {
        self.0.disconnect(peer, reason)
    }

    /// Changes the principal of the session with a peer that this peer has dialled: logs in, logs
    /// out, or renews a token before it expires.
    ///
    /// Calls that were made before keep the old principal. Calls that are made after this has
    /// returned have the new principal. The new credential is sent with every later connection.
    ///
    /// A second connection is opened for this, with all checks of a first one. When the
    /// credential is accepted, the session moves to that connection. Calls
    /// [`without_resume`](distributed_scope_core::Call::without_resume) that are in flight end
    /// then.
    ///
    /// ```ignore
    /// # use distributed_scope_browser_peer::{Credential, Peer, ReauthenticateError};
    /// # use distributed_scope_core::PeerId;
    /// # async fn f(peer: Peer, server: PeerId, token: String) -> Result<(), ReauthenticateError> {
    /// peer.reauthenticate(server, Credential::token(token)).await?; // log in
    /// peer.reauthenticate(server, Credential::none()).await?; // log out
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// - There is no connected session that this peer has dialled.
    /// - The other side rejects the credential ([`Refused`](ReauthenticateError::Refused)).
    /// - The other side is too old for this ([`Unsupported`](ReauthenticateError::Unsupported)).
    /// - The connection is lost meanwhile.
    ///
    /// In each case, the session continues unchanged.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future does not stop the reauthentication.
    pub async fn reauthenticate(
        &self,
        peer: PeerId,
        credential: Credential,
    ) -> Result<(), ReauthenticateError> {
        self.0.reauthenticate(peer, credential).await
    }

    /// Waits until a peer is connected. Returns at once if it is connected or if this peer is
    /// stopped.
    pub async fn connected(&self, peer: PeerId) {
        self.0.connected(peer).await;
    }

    /// Waits until a peer is not connected; returns at once if it is not. A page can use this to
    /// show "reconnecting".
    pub async fn disconnected(&self, peer: PeerId) {
        self.0.disconnected(peer).await;
    }

    /// Returns the blocks of this program as a table. Each row has the source location, the
    /// captures, the result, the version, and whether this peer exposes the block.
    #[must_use]
    pub fn blocks(&self) -> Listing {
        self.0.list()
    }

    /// Returns the blocks that a peer has in another version than this one, or does not have. A
    /// peer reports them right after it has connected, before it answers the first call. Calls of
    /// these blocks are refused in both directions.
    #[must_use]
    pub fn skew(&self, peer: PeerId) -> Vec<Skew> {
        self.0.skew(peer)
    }

    /// Stops gracefully. New calls from other peers are refused with
    /// [`GoingAway`](distributed_scope_core::Refusal::GoingAway), and no part of them runs.
    /// Running blocks continue.
    ///
    /// Returns when all running blocks have ended and were answered, and all connected peers have
    /// confirmed that no more calls are accepted; no call in flight is lost. `drain` returns at
    /// the latest after `grace`. Then everything is closed as with [`stop`](Self::stop).
    pub async fn drain(&self, grace: Duration) {
        let (done, is_done) = oneshot::channel();
        self.0.platform().order(Order::Drain(done));
        let sleep = self.0.platform().sleep_until(clock::now() + grace);
        // The next step is the same whether all sessions are idle or the grace period is over.
        match select(is_done, sleep).await {
            Either::Left(_) | Either::Right(_) => {}
        }
        self.stop().await;
    }

    /// Closes all sessions. Open calls in both directions end now.
    pub async fn stop(&self) {
        let (done, is_done) = oneshot::channel();
        self.0.platform().order(Order::Stop(done));
        // A control plane that is gone has stopped already.
        let _ = is_done.await;
    }
}

/// How the peer connects to an endpoint, each time.
fn dial_to(endpoint: Endpoint) -> impl Dial<Browser> {
    async move |shared, old, credential| dial::dial(shared, endpoint.clone().showing(&credential), old).await
}

impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Peer").field("id", &self.id()).field("peers", &self.peers()).finish()
    }
}
