//! `Peer`: the handle that programs hold.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use distributed_scope_core::here::{Context, Scoped};
use distributed_scope_core::host::Host;
use distributed_scope_core::peer::{
    ConnectError, Credential, Dial, Endpoint, LinkHandle, Place, Platform, ReauthenticateError, SessionInfo,
    SessionWatch,
};
use distributed_scope_core::{Identity, Listing, PeerId, Skew};
use futures_channel::oneshot;
use futures_util::future::{Either, select};

use crate::control::Order;
use crate::platform::{Browser, Shared};
use crate::{Builder, clock, dial};

/// A peer in a page: calls blocks on others and runs blocks for them, over any number of sessions.
///
/// A handle is cheap to clone. When the last one is dropped, the peer ends as by
/// [`stop`](Self::stop): its sessions are closed, and the other sides know at once. Handles are a
/// `Peer`, a [`here::handle`](distributed_scope_core::here::handle), a [`LinkHandle`], and an open
/// call or a future of [`run`](Self::run) that no block of another peer has made. Sessions, links
/// without a handle, and blocks that run for other peers are not. Leaving the page ends the peer,
/// too.
///
/// See the crate documentation of `distributed-scope` for a whole program.
#[derive(Clone)]
pub struct Peer(Arc<Shared>, Arc<Context>);

impl Peer {
    /// Begins a peer with this id, or with the id of this [key
    /// pair](distributed_scope_core::KeyPair), which it then proves to whomever it meets. Two
    /// pages are two peers: [`PeerId::random`] suits most of them.
    pub fn builder(identity: impl Into<Identity>) -> Builder {
        Builder::new(identity.into())
    }

    pub(crate) fn of(shared: Arc<Shared>) -> Self {
        let root = Arc::new(Context::root(Arc::clone(&shared) as Arc<dyn Host>));
        Self(shared, root)
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> PeerId {
        self.0.id()
    }

    /// Connects to the peer at a `ws://` or `wss://` URL, or at an [`Endpoint`], which can show a
    /// token there, and returns its id when calls can go both ways. From then on this peer
    /// stays connected, as by [`keep_connected`](Self::keep_connected): it comes back by itself
    /// whenever the connection is lost, and opens a new session when the old one is over,
    /// until it is stopped or no attempt can succeed any more (the two programs no longer
    /// speak the same version, say).
    ///
    /// Unlike there, one attempt is made at first: if it fails, that is the result, and nothing is
    /// dialled any more. If the peer is connected to this place already, it returns the id at
    /// once; if it is just connecting there, it waits for how that ends.
    ///
    /// # Errors
    ///
    /// When the URL is none, the server speaks another version of the protocol
    /// ([`is_outdated`](ConnectError::is_outdated): load the page again), a token would be sent
    /// where others can read it, nothing answers there, or what answers refuses the session
    /// (for instance because a live session has this peer's id). A browser does not say why it
    /// cannot connect; its console does. It gives up after
    /// [`Limits::handshake`](distributed_scope_core::Limits::handshake).
    ///
    /// # Cancel safety
    ///
    /// The attempt is made by a task of the page: dropping the future does not stop it.
    pub async fn connect(&self, endpoint: impl Into<Endpoint>) -> Result<PeerId, ConnectError> {
        let endpoint = endpoint.into();
        self.0.connect(Place::new(&endpoint, &[]), dial_to(endpoint)).await
    }

    /// Stays connected to the peer at a URL or an [`Endpoint`], even if it is not reachable yet:
    /// dials at once, and again until there is a session; comes back when its connection is
    /// lost, at once when the browser says that it is online again or when the page is looked at
    /// again; opens a new session when the old one is over, because the server was restarted, say.
    /// [`Limits::reconnect`](distributed_scope_core::Limits::reconnect) says how long the pauses
    /// are. Returns at once; the handle says what the link does, and can end it.
    ///
    /// It ends when it is [stopped](LinkHandle::stop), when this peer is, and when no attempt can
    /// succeed: the URL is wrong, a token would be sent where others can read it, the server
    /// speaks another version ([`is_outdated`](ConnectError::is_outdated): load the page again).
    /// Each cause of failure is logged once as a warning, until a connection lasted.
    ///
    /// A place has one link: a second call with the same URL returns a handle of the same one,
    /// which goes on with the endpoint of the first call. To show another token there, give
    /// [`Endpoint::bearer_from`], which is asked each time.
    ///
    /// Dropping the handle leaves the link as it is. The peer ends with its last handle, and its
    /// links with it.
    #[must_use = "the handle says whether the link is connected; bind it to `_` to ignore that"]
    pub fn keep_connected(&self, endpoint: impl Into<Endpoint>) -> LinkHandle {
        let endpoint = endpoint.into();
        self.0.keep_connected(Place::new(&endpoint, &[]), dial_to(endpoint))
    }

    /// Runs a future on behalf of this peer: the calls that it makes are this peer's calls. In a
    /// page that has just one peer, calls find it without this.
    pub fn run<F: Future>(&self, future: F) -> impl Future<Output = F::Output> + use<F> {
        Scoped::new(Arc::clone(&self.1), future)
    }

    /// The peers that are connected now, ordered by id. Those whose sessions wait for their
    /// connections are not among them; see [`sessions`](Self::sessions).
    #[must_use]
    pub fn peers(&self) -> Vec<PeerId> {
        self.0.routes().peers()
    }

    /// The sessions that there are now, ordered by peer: those that are connected, and those that
    /// wait because their connections are lost.
    #[must_use]
    pub fn sessions(&self) -> Vec<SessionInfo> {
        self.0.sessions()
    }

    /// The [`sessions`](Self::sessions), and their next change.
    #[must_use]
    pub fn watch_sessions(&self) -> SessionWatch {
        self.0.watch_sessions()
    }

    /// Ends the session with a peer, and returns at once; false if there is none. Open calls in
    /// both directions end as
    /// [`Disconnected`](distributed_scope_core::ErrorKind::Disconnected). The close frame has the
    /// code 1008 and the reason, of which it takes 123 bytes; the log has it, too.
    ///
    /// A peer that [stays connected](Self::keep_connected) opens a new session then. Whom not to
    /// let in again is decided by the server.
    pub fn disconnect(&self, peer: PeerId, reason: &str) -> bool {
        self.0.disconnect(peer, reason)
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
        self.0.reauthenticate(peer, credential).await
    }

    /// Waits until a peer is connected; returns at once when it is, or when this peer is stopped.
    pub async fn connected(&self, peer: PeerId) {
        self.0.connected(peer).await;
    }

    /// Waits until a peer is not connected: what a page needs to say "reconnecting". Returns at
    /// once when it is not.
    pub async fn disconnected(&self, peer: PeerId) {
        self.0.disconnected(peer).await;
    }

    /// The blocks of this program, as a table: each with its place, its captures, its result, its
    /// version, and whether this peer runs it for others.
    #[must_use]
    pub fn blocks(&self) -> Listing {
        self.0.list()
    }

    /// The blocks that a peer has in another version than this one, or not at all, as far as it
    /// has told: it does so right after it has connected, before it answers the first call.
    /// Calls of these blocks are refused, in both directions.
    #[must_use]
    pub fn skew(&self, peer: PeerId) -> Vec<Skew> {
        self.0.skew(peer)
    }

    /// Stops politely: new calls from other peers are refused as
    /// [`GoingAway`](distributed_scope_core::Refusal::GoingAway) (nothing of them runs), and
    /// running blocks go on. Returns when all of them have ended and were answered, and all
    /// peers that are connected know that nothing more is taken, so that no call that is on
    /// its way is lost; at the latest after `grace`. Then everything is closed as by
    /// [`stop`](Self::stop).
    pub async fn drain(&self, grace: Duration) {
        let (done, is_done) = oneshot::channel();
        self.0.platform().order(Order::Drain(done));
        let sleep = self.0.platform().sleep_until(clock::now() + grace);
        // Whether all are idle or the grace is over, what follows is the same.
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
