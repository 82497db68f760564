//! Staying connected to an endpoint: dialling until there is a session, resuming it when its
//! connection was lost, and opening a new session when it is over.
//!
//! | module | idea |
//! |---|---|
//! | here | what users ask for, and the link that they get |
//! | `places` | the links of a peer: each place has one |
//! | `keeper` | the task that keeps one link connected |
//! | `overtaken` | attempts that hang because the machine or the page slept meanwhile |
//! | `pauses` | how long to wait between two attempts, and whether another one is worth it |
//! | `cuts` | whether something on the way cuts idle connections |
//! | `credential` | showing something else than before |
//! | `board`, `status` | what the task and the users of a link tell each other |

mod board;
mod credential;
mod cuts;
mod keeper;
mod overtaken;
mod pauses;
mod places;
mod status;

use std::fmt;
use std::sync::Arc;

use futures_channel::oneshot;

use self::board::{Board, Order};
pub use self::credential::{Credential, ReauthenticateError};
use self::keeper::Keeper;
pub use self::places::Place;
pub(in crate::peer) use self::places::Places;
pub use self::status::{LinkEnd, LinkStatus, LinkWatch};
use crate::call::host::{Host, Keep};
use crate::identity::peer_id::PeerId;
use crate::peer::{ConnectError, Link, Platform, Shared};
use crate::util::lock::Mutex;

/// A handle of a link that is kept connected to an endpoint: from `Peer::keep_connected`. Clones
/// are handles of the same link.
///
/// Dropping the handle does not stop the link: the peer stays connected, as a tokio task continues
/// when its `JoinHandle` is dropped. [`stop`](Self::stop) ends the link. Like a `Peer`, a handle
/// keeps its peer alive; the peer ends when the last of them is dropped.
#[derive(Clone)]
pub struct LinkHandle(Arc<Board>, #[expect(dead_code, reason = "it is kept to be dropped")] Keep);

impl LinkHandle {
    /// Returns the current status of the link, which can also be awaited for changes.
    #[must_use]
    pub fn status(&self) -> LinkWatch {
        LinkWatch::new(Arc::clone(&self.0))
    }

    /// Waits without a time limit until the link is connected. Returns at once if it is. To stop
    /// waiting, drop the future.
    ///
    /// # Errors
    ///
    /// Fails if the link has ended.
    pub async fn connected(&self) -> Result<PeerId, LinkEnd> {
        self.0.outcome(None, None).await
    }

    /// Makes the next attempt at once if the link waits for it, even if the server has asked for a
    /// longer pause. It is meant for a "try again" button, for instance.
    pub fn try_now(&self) {
        self.0.order(Order::Try);
    }

    /// Ends the link for all of its handles. Its session is closed, which ends open calls in both
    /// directions as [`Disconnected`](crate::ErrorKind::Disconnected), and no further connection
    /// is made. It returns at once; the [`status`](Self::status) shows when the link has ended.
    pub fn stop(&self) {
        self.0.order(Order::End(LinkEnd::LinkStopped));
    }
}

impl fmt::Debug for LinkHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LinkHandle").field(&self.0.lock().status).finish()
    }
}

/// How a peer connects to an endpoint, to resume a session or to open one, and with which
/// credential. It completes when the session is open.
pub trait Dial<P: Platform>:
    AsyncFn(Arc<Shared<P>>, Option<Arc<Link<P>>>, Credential) -> Result<Arc<Link<P>>, ConnectError>
    + Send
    + 'static
{
}

impl<P: Platform, F> Dial<P> for F where
    F: AsyncFn(Arc<Shared<P>>, Option<Arc<Link<P>>>, Credential) -> Result<Arc<Link<P>>, ConnectError>
        + Send
        + 'static
{
}

impl<P: Platform> Shared<P> {
    /// Connects to an endpoint and stays connected, even if no server answers there yet. If a link
    /// to that endpoint exists already, it is used.
    pub fn keep_connected(self: &Arc<Self>, place: Place, dial: impl Dial<P>) -> LinkHandle {
        let keep = Keep::new(Arc::clone(self) as Arc<dyn Host>);
        LinkHandle(self.link_to(place, dial, true).0, keep)
    }

    /// Connects to an endpoint and stays connected, unless the first attempt fails. If the peer is
    /// connected there already, that link is used.
    ///
    /// # Errors
    ///
    /// Returns the error of the attempt.
    pub async fn connect(self: &Arc<Self>, place: Place, dial: impl Dial<P>) -> Result<PeerId, ConnectError> {
        let wanted = place.wanted();
        if let Some(wanted) = wanted
            && self.routes().session(wanted).is_some_and(|link| link.is_connected())
        {
            return Ok(wanted);
        }
        let (board, failures) = self.link_to(place, dial, false);
        board.outcome(Some(failures), wanted).await.map_err(LinkEnd::into_error)
    }

    /// Resumes the session with a dialled peer under another credential.
    ///
    /// # Errors
    ///
    /// Returns why the session continues unchanged.
    pub async fn reauthenticate(
        &self,
        peer: PeerId,
        credential: Credential,
    ) -> Result<(), ReauthenticateError> {
        let not_connected = || ReauthenticateError::NotConnected(peer);
        let board = self.places().connected_to(peer).ok_or_else(not_connected)?;
        let (sender, outcome) = oneshot::channel();
        board.order(Order::Change(credential, Arc::new(Mutex::new(Some(sender)))));
        outcome.await.unwrap_or_else(|_| Err(not_connected()))
    }

    /// The link to this endpoint, and the number of its failed attempts so far.
    fn link_to(self: &Arc<Self>, place: Place, dial: impl Dial<P>, is_lasting: bool) -> (Arc<Board>, u64) {
        let (board, is_new) = self.places().link_to(&place, is_lasting);
        let failures = board.failures();
        if is_new {
            let keeper = Keeper::new(self, Arc::clone(&board), place.wanted(), dial);
            let peer = Arc::downgrade(self);
            self.platform().go_home(move || {
                if let Some(shared) = peer.upgrade() {
                    // The task ends with the link.
                    let _ = shared.platform().spawn_here(keeper.run());
                }
            });
        } else {
            board.order(Order::Try);
        }
        if self.is_stopping() {
            board.order(Order::End(LinkEnd::PeerStopped));
        }
        (board, failures)
    }
}
