//! The sessions of a peer, for monitoring: which peers are connected, and what changes.

use std::fmt;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Waker};
use std::time::SystemTime;

use crate::auth::Principal;
use crate::call::host::Host;
use crate::identity::peer_id::PeerId;
use crate::util::lock::Mutex;

/// A snapshot of a session: from `Peer::sessions`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SessionInfo {
    /// The peer at the other end.
    pub peer: PeerId,
    /// The principal of that peer, as far as it was proved.
    pub principal: Option<Principal>,
    /// The remote address of its last connection. Behind a trusted proxy it is the client's
    /// address; the port is 0 if the proxy does not report it. `None` in a page and where no such
    /// address exists.
    pub address: Option<SocketAddr>,
    /// When the session was opened, by the wall clock.
    pub since: SystemTime,
    /// Whether the connection is lost, and the session waits for another one, for at most
    /// [`Limits::resume_window`](crate::Limits::resume_window).
    pub is_waiting: bool,
    /// Whether this peer has dialled it.
    pub is_dialled: bool,
}

/// Counts the changes of the sessions of a peer, and wakes the tasks that wait for one.
#[derive(Debug, Default)]
pub struct Changes {
    count: AtomicU64,
    waiting: Mutex<Vec<Waker>>,
}

impl Changes {
    /// A session has begun or ended, lost or regained its connection, or changed its principal.
    pub(in crate::peer) fn add(&self) {
        self.count.fetch_add(1, Ordering::Release);
        let waiting = std::mem::take(&mut *self.waiting.lock());
        waiting.into_iter().for_each(Waker::wake);
    }

    fn count(&self) -> u64 {
        self.count.load(Ordering::Acquire)
    }
}

impl Drop for Changes {
    fn drop(&mut self) {
        std::mem::take(self.waiting.get_mut()).into_iter().for_each(Waker::wake);
    }
}

/// The sessions of a peer, to read and to await: from `Peer::watch_sessions`. Each clone waits
/// independently.
///
/// It is a watch, like tokio's: a slow receiver misses intermediate states and sees the newest
/// one. It does not keep its peer alive.
#[derive(Clone)]
pub struct SessionWatch {
    host: Weak<dyn Host>,
    seen: u64,
}

impl SessionWatch {
    pub(in crate::peer) fn new(host: &Arc<dyn Host>) -> Self {
        Self { seen: host.session_changes().count(), host: Arc::downgrade(host) }
    }

    /// The current sessions, ordered by peer; empty if the peer has ended.
    #[must_use]
    pub fn get(&self) -> Vec<SessionInfo> {
        self.host.upgrade().map(|host| host.sessions()).unwrap_or_default()
    }

    /// Waits until a session has begun, ended, lost its connection, found another one, or belongs
    /// to another principal. Returns all sessions that exist then. Changes before
    /// `Peer::watch_sessions` count as seen. Returns `None` when the peer was stopped and has no
    /// sessions any more.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing: what it would have returned, the next call returns.
    pub async fn changed(&mut self) -> Option<Vec<SessionInfo>> {
        poll_fn(|cx| self.poll_changed(cx)).await
    }

    pub(in crate::peer) fn poll_changed(&mut self, cx: &mut Context<'_>) -> Poll<Option<Vec<SessionInfo>>> {
        let Some(host) = self.host.upgrade() else { return Poll::Ready(None) };
        let changes = host.session_changes();
        // The wakers are taken after each change.
        let mut waiting = changes.waiting.lock();
        let count = changes.count();
        if count != self.seen {
            drop(waiting);
            self.seen = count;
            return Poll::Ready(Some(host.sessions()));
        }
        if !waiting.iter().any(|waker| waker.will_wake(cx.waker())) {
            waiting.push(cx.waker().clone());
        }
        drop(waiting);
        if host.is_stopped() && host.sessions().is_empty() { Poll::Ready(None) } else { Poll::Pending }
    }
}

impl fmt::Debug for SessionWatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SessionWatch").field(&self.get()).finish()
    }
}
