//! What a link is doing, for those who want to know: the value now, and the next change.

use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use super::board::Board;
use crate::identity::peer_id::PeerId;
use crate::peer::ConnectError;

/// What a link that is [kept connected](super::LinkHandle) does at present.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum LinkStatus {
    /// There is no session, and this peer tries to open one. Calls wait, within their deadlines.
    Dialling {
        /// Which attempt this is, or will be after the pause, counted from 1 since there was a
        /// session.
        attempt: u32,
        /// How the last one of these failed.
        last_error: Option<ConnectError>,
    },
    /// There is a session with this peer, and a connection that carries it.
    Connected(PeerId),
    /// There is a session whose connection is lost. Open calls and new ones wait; this peer tries
    /// to come back until [`Limits::resume`](crate::Limits::resume) has passed, and opens a
    /// new session after that.
    Resuming,
    /// Nothing is tried any more.
    Ended(LinkEnd),
}

impl LinkStatus {
    /// The peer that is connected, if one is.
    #[must_use]
    pub fn connected(&self) -> Option<PeerId> {
        match self {
            Self::Connected(peer) => Some(*peer),
            _ => None,
        }
    }
}

impl fmt::Display for LinkStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dialling { attempt, last_error: None } => write!(f, "connecting, attempt {attempt}"),
            Self::Dialling { attempt, last_error: Some(error) } => {
                write!(f, "connecting, attempt {attempt}; the last one failed: {error}")
            }
            Self::Connected(peer) => write!(f, "connected to {peer}"),
            Self::Resuming => f.write_str("connection lost; the session is being resumed"),
            Self::Ended(why) => write!(f, "ended: {why}"),
        }
    }
}

/// Why nothing is tried any more.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LinkEnd {
    /// [`LinkHandle::stop`](super::LinkHandle::stop) was called.
    #[error("the link was stopped")]
    LinkStopped,
    /// The peer was stopped, or no handle of it is left.
    #[error("the peer was stopped")]
    PeerStopped,
    /// No further attempt of this program can succeed: the URL is wrong, say, or the server speaks
    /// another version.
    #[error("connecting again cannot succeed")]
    Hopeless(#[source] ConnectError),
}

impl LinkEnd {
    /// The same, for whoever waits for a connection.
    pub(super) fn into_error(self) -> ConnectError {
        match self {
            Self::LinkStopped | Self::PeerStopped => ConnectError::Stopped,
            Self::Hopeless(error) => error,
        }
    }
}

/// The status of a link, to look at and to wait for: from
/// [`LinkHandle::status`](super::LinkHandle::status). Clones wait on their own.
///
/// It is a watch, as tokio's: a slow receiver misses intermediate values and sees the newest one.
#[derive(Clone)]
pub struct LinkWatch {
    board: Arc<Board>,
    seen: u64,
}

impl LinkWatch {
    pub(super) fn new(board: Arc<Board>) -> Self {
        let seen = board.lock().version;
        Self { board, seen }
    }

    /// The status now.
    #[must_use]
    pub fn get(&self) -> LinkStatus {
        self.board.lock().status.clone()
    }

    /// Waits until the status is another one than this handle has seen, and returns the newest;
    /// the one at the time of [`LinkHandle::status`](super::LinkHandle::status) counts as
    /// seen. `None` after the [end](LinkStatus::Ended) was seen: nothing changes any more.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing: what it would have returned, the next call returns.
    pub async fn changed(&mut self) -> Option<LinkStatus> {
        let Self { board, seen } = self;
        poll_fn(|cx| {
            let mut state = board.lock();
            if state.version != *seen {
                *seen = state.version;
                return Poll::Ready(Some(state.status.clone()));
            }
            if let LinkStatus::Ended(_) = state.status {
                return Poll::Ready(None);
            }
            state.wake_later(cx.waker());
            Poll::Pending
        })
        .await
    }
}

impl fmt::Debug for LinkWatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LinkWatch").field(&self.get()).finish()
    }
}
