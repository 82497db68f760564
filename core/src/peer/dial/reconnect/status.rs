//! The status of a link: the current value, and notification of the next change.

use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use super::board::Board;
use crate::identity::peer_id::PeerId;
use crate::peer::ConnectError;

/// The current state of a link that is [kept connected](super::LinkHandle).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum LinkStatus {
    /// There is no session, and this peer tries to open one. Calls wait, within their deadlines.
    Dialling {
        /// The number of this attempt, or of the one after the pause. Attempts are counted from 1
        /// since the last session.
        attempt: u32,
        /// The error of the last of these attempts.
        last_error: Option<ConnectError>,
    },
    /// There is a session with this peer, and a connection that carries it.
    Connected(PeerId),
    /// There is a session whose connection is lost. Open calls and new ones wait. This peer tries
    /// to resume the session until [`Limits::resume_window`](crate::Limits::resume_window) has
    /// passed, and opens a new session after that.
    Resuming,
    /// The link has ended. No further attempt is made.
    Ended(LinkEnd),
}

impl LinkStatus {
    /// The peer that is connected, if there is one.
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

/// Why a link has ended.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LinkEnd {
    /// [`LinkHandle::stop`](super::LinkHandle::stop) was called.
    #[error("the link was stopped")]
    LinkStopped,
    /// The peer was stopped, or its last handle was dropped.
    #[error("the peer was stopped")]
    PeerStopped,
    /// No further attempt of this program can succeed: for instance because the URL is wrong, or
    /// the server speaks another version.
    #[error("connecting again cannot succeed")]
    Hopeless(#[source] ConnectError),
}

impl LinkEnd {
    /// The same reason as the error of a caller that waits for a connection.
    pub(super) fn into_error(self) -> ConnectError {
        match self {
            Self::LinkStopped | Self::PeerStopped => ConnectError::Stopped,
            Self::Hopeless(error) => error,
        }
    }
}

/// The status of a link, to read and to await: from
/// [`LinkHandle::status`](super::LinkHandle::status). Each clone waits independently.
///
/// It is a watch, like tokio's: a slow receiver misses intermediate values and sees the newest
/// one.
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

    /// The current status.
    #[must_use]
    pub fn get(&self) -> LinkStatus {
        self.board.lock().status.clone()
    }

    /// Waits until the status differs from the one that this handle has seen last, and returns the
    /// newest. The status at the time of [`LinkHandle::status`](super::LinkHandle::status) counts
    /// as seen. Returns `None` after the [end](LinkStatus::Ended) was seen: the status is final
    /// then.
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
