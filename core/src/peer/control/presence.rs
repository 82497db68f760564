//! Presence: which peers came and went, one by one.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::Stream;
use serde::{Deserialize, Serialize};

use super::sessions::{SessionInfo, SessionWatch};
use crate::call::here::Handle;
use crate::call::host::Host;
use crate::identity::peer_id::PeerId;

/// A peer came or went: an item of [`PeersChanged`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PeerChange {
    /// The peer is connected now.
    Came(PeerId),
    /// The peer is not connected any more.
    Left(PeerId),
}

impl PeerChange {
    /// The peer that came or went.
    #[must_use]
    pub fn peer(self) -> PeerId {
        match self {
            Self::Came(peer) | Self::Left(peer) => peer,
        }
    }
}

/// A stream of who came and went: from `Peer::peers_changed` and [`Handle::peers_changed`].
///
/// It begins with the peers that are connected, each as [`PeerChange::Came`]. So the peers that
/// came and have not left are at each time those of `Peer::peers`, as far as the stream was read. A
/// peer whose connection is lost has left, also while its session waits for another connection. It
/// comes again when its session has one.
///
/// A peer that left and came again, or came and left, before the stream was read is not reported.
/// The stream ends when the peer was stopped, after all others have left. It does not keep its peer
/// alive.
pub struct PeersChanged {
    watch: SessionWatch,
    /// The peers that were reported to be here, ordered, and the changes that were not read.
    here: Vec<PeerId>,
    changes: VecDeque<PeerChange>,
    is_over: bool,
}

impl PeersChanged {
    pub(in crate::peer) fn new(host: &Arc<dyn Host>) -> Self {
        // What changes after this is reported by the watch.
        let watch = SessionWatch::new(host);
        let mut changed = Self { watch, here: Vec::new(), changes: VecDeque::new(), is_over: false };
        changed.now(connected(&changed.watch.get()));
        changed
    }

    /// The peers that are here now, ordered.
    fn now(&mut self, now: Vec<PeerId>) {
        let before = std::mem::replace(&mut self.here, now);
        let left = before.iter().filter(|peer| self.here.binary_search(peer).is_err());
        let came = self.here.iter().filter(|peer| before.binary_search(peer).is_err());
        let left = left.copied().map(PeerChange::Left);
        self.changes.extend(left.chain(came.copied().map(PeerChange::Came)));
    }
}

fn connected(sessions: &[SessionInfo]) -> Vec<PeerId> {
    let connected = sessions.iter().filter(|session| !session.is_waiting);
    let mut peers: Vec<_> = connected.map(|session| session.peer).collect();
    peers.sort_unstable();
    peers.dedup();
    peers
}

impl Stream for PeersChanged {
    type Item = PeerChange;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<PeerChange>> {
        loop {
            if let Some(change) = self.changes.pop_front() {
                return Poll::Ready(Some(change));
            }
            if self.is_over {
                return Poll::Ready(None);
            }
            let now = match self.watch.poll_changed(cx) {
                Poll::Ready(Some(sessions)) => connected(&sessions),
                Poll::Ready(None) => {
                    self.is_over = true;
                    Vec::new()
                }
                Poll::Pending => return Poll::Pending,
            };
            self.now(now);
        }
    }
}

impl fmt::Debug for PeersChanged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PeersChanged").field("here", &self.here).finish_non_exhaustive()
    }
}

impl Handle {
    /// A stream of who came and went at the peer. With [`streamed`](crate::streamed) it is the
    /// result of a block: presence for the peers that may call it.
    ///
    /// ```no_run
    /// # use distributed_scope_core::{Receiver, here, streamed};
    /// # use distributed_scope_core::peer::PeerChange;
    /// # fn in_a_block() -> Receiver<PeerChange> {
    /// // remote!(server, [], { streamed(here::handle().peers_changed()) }).await
    /// streamed(here::handle().peers_changed())
    /// # }
    /// ```
    #[must_use]
    pub fn peers_changed(&self) -> PeersChanged {
        PeersChanged::new(self.host())
    }
}
