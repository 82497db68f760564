//! Staying connected to a place: dialling until there is a session, coming back when its
//! connection was lost, and beginning again when it is over.
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
use parking_lot::Mutex;

use self::board::{Board, Order};
pub use self::credential::{Credential, ReauthenticateError};
use self::keeper::Keeper;
pub use self::places::Place;
pub(in crate::peer) use self::places::Places;
pub use self::status::{LinkEnd, LinkStatus, LinkWatch};
use crate::call::host::{Host, Keep};
use crate::identity::peer_id::PeerId;
use crate::peer::{ConnectError, Link, Platform, Shared};

/// A place that a peer is kept connected to: from `Peer::keep_connected`. Clones are handles of
/// the same link.
///
/// Dropping it leaves the link as it is: the peer stays connected, as a task of tokio goes on when
/// its `JoinHandle` is dropped. [`stop`](Self::stop) ends it. Like a `Peer`, a handle keeps its
/// peer from ending; the peer ends with the last of them.
#[derive(Clone)]
pub struct LinkHandle(Arc<Board>, #[expect(dead_code, reason = "it is kept to be dropped")] Keep);

impl LinkHandle {
    /// What the link does now, and the next change of that.
    #[must_use]
    pub fn status(&self) -> LinkWatch {
        LinkWatch::new(Arc::clone(&self.0))
    }

    /// Waits until the link is connected, however long that takes; returns at once when it is.
    /// Dropping the future gives up.
    ///
    /// # Errors
    ///
    /// When the link has ended.
    pub async fn connected(&self) -> Result<PeerId, LinkEnd> {
        self.0.outcome(None, None).await
    }

    /// Tries at once if the link waits for its next attempt, even if the server has asked for a
    /// longer pause: for a "try again" button, say.
    pub fn try_now(&self) {
        self.0.order(Order::Try);
    }

    /// Ends the link: its session is closed, which ends open calls in both directions as
    /// [`Disconnected`](crate::ErrorKind::Disconnected), and nothing is dialled any more. For all
    /// handles of this link. It returns at once; the [`status`](Self::status) says when it is
    /// done.
    pub fn stop(&self) {
        self.0.order(Order::End(LinkEnd::LinkStopped));
    }
}

impl fmt::Debug for LinkHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LinkHandle").field(&self.0.lock().status).finish()
    }
}

/// How a peer connects to a place, to go on with a session or to begin one, and with what it is
/// known by there. It ends when the session is open.
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
    /// Connects to a place and stays connected, also if nobody answers there yet. A place that it
    /// is connected to already, or tries to be, has one link.
    pub fn keep_connected(self: &Arc<Self>, place: Place, dial: impl Dial<P>) -> LinkHandle {
        let keep = Keep::new(Arc::clone(self) as Arc<dyn Host>);
        LinkHandle(self.link_to(place, dial, true).0, keep)
    }

    /// Connects to a place and stays connected, unless the first attempt fails. If the peer is
    /// connected there already, that is it.
    ///
    /// # Errors
    ///
    /// How the attempt failed.
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

    /// Goes on with the session with a peer that was dialled, as somebody else.
    ///
    /// # Errors
    ///
    /// Why it goes on as it was.
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

    /// The link to this place, and how many of its attempts have failed until now.
    fn link_to(self: &Arc<Self>, place: Place, dial: impl Dial<P>, is_lasting: bool) -> (Arc<Board>, u64) {
        let (board, is_new) = self.places().link_to(&place, is_lasting);
        let failures = board.failures();
        if is_new {
            let keeper = Keeper::new(self, Arc::clone(&board), place.wanted(), dial);
            let peer = Arc::downgrade(self);
            self.platform().go_home(move || {
                if let Some(shared) = peer.upgrade() {
                    // It ends with the link.
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
