//! `Peer`: the handle that a program keeps.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use distributed_scope_core::here::Context;
use distributed_scope_core::host::Host;
use distributed_scope_core::peer::{ConnectError, Dial, Endpoint, LinkHandle, Place, Platform};
use distributed_scope_core::{Identity, PeerId};
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
pub struct Peer {
    shared: Arc<Shared>,
    /// The context of the futures that are [run](Self::run) on behalf of the peer.
    root: Arc<Context>,
}

distributed_scope_core::peer_handle!(Peer, krate: "distributed_scope_browser_peer", fence: "ignore");

impl Peer {
    /// Returns the builder of a peer with this id, or with the id of this [key
    /// pair](distributed_scope_core::KeyPair). A peer with a key pair proves its id to every peer
    /// that it connects with. Two pages are two peers: [`PeerId::random`] suits most of them.
    pub fn builder(identity: impl Into<Identity>) -> Builder {
        Builder::new(identity.into())
    }

    pub(crate) fn of(shared: Arc<Shared>) -> Self {
        let root = Arc::new(Context::root(Arc::clone(&shared) as Arc<dyn Host>));
        Self { shared, root }
    }

    /// Returns the id of this peer.
    #[must_use]
    pub fn id(&self) -> PeerId {
        self.shared.id()
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
        self.shared.connect(Place::new(&endpoint, &[]), dial_to(endpoint)).await
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
        self.shared.keep_connected(Place::new(&endpoint, &[]), dial_to(endpoint))
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
        self.shared.platform().order(Order::Drain(done));
        let sleep = self.shared.platform().sleep_until(clock::now() + grace);
        // The next step is the same whether all sessions are idle or the grace period is over.
        match select(is_done, sleep).await {
            Either::Left(_) | Either::Right(_) => {}
        }
        self.stop().await;
    }

    /// Closes all sessions. Open calls in both directions end now.
    pub async fn stop(&self) {
        let (done, is_done) = oneshot::channel();
        self.shared.platform().order(Order::Stop(done));
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
