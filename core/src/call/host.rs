//! The peer, as calls and blocks see it. The Actix peer and the browser peer implement it.

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use crate::block::Block;
use crate::call::pending::Pending;
use crate::call::request::Request;
use crate::call::served::ServedObserver;
use crate::error::RemoteError;
use crate::identity::peer_id::PeerId;
use crate::limits::Limits;
use crate::peer::{Changes, SessionInfo};
use crate::util::flag::Flag;
use crate::util::time::Moment;
use crate::wire::frame::SessionId;

/// A peer in this process.
pub trait Host: Send + Sync + 'static {
    /// Its id.
    fn id(&self) -> PeerId;

    /// The time, measured from the origin that this process uses.
    fn now(&self) -> Moment;

    /// Its bounds.
    fn limits(&self) -> &Limits;

    /// What its builder was given for its blocks.
    fn data(&self) -> &Data;

    /// Starts a call `now`. It is sent before this returns if a session is open; `request` keeps
    /// its encoded captures.
    fn start(self: Arc<Self>, now: Moment, request: &mut Request) -> Pending;

    /// Ends at this moment or soon after it; earlier when the peer is stopped.
    fn pause_until(&self, moment: Moment) -> Pin<Box<dyn Future<Output = ()> + Send>>;

    /// Runs a future to its end beside whatever else runs.
    fn spawn(&self, task: Pin<Box<dyn Future<Output = ()> + Send>>);

    /// Runs a future on this thread. False if the thread has no event loop of the peer.
    fn spawn_here(&self, task: Pin<Box<dyn Future<Output = ()>>>) -> bool;

    /// As much of an error as another peer may receive.
    fn disclosed(&self, error: RemoteError) -> RemoteError;

    /// Runs a function where it may hold its thread; in a page, which has one thread, at once.
    fn run_blocking(&self, work: Box<dyn FnOnce() + Send>);

    /// Set when it takes no new sessions and calls any longer.
    fn draining(&self) -> &Flag;

    /// Whether it was stopped.
    fn is_stopped(&self) -> bool;

    /// Who wants to know of each call that ended, if anybody.
    fn observer(&self) -> Option<&dyn Observer>;

    /// Who wants to know of each block that ended here, if anybody.
    fn served_observer(&self) -> Option<&dyn ServedObserver>;

    /// Whether this session with a peer has no connection, or is over.
    fn is_away(&self, peer: PeerId, session: SessionId) -> bool;

    /// Waits until that is so.
    fn until_away(&self, peer: PeerId, session: SessionId) -> Pin<Box<dyn Future<Output = ()> + Send>>;

    /// Waits until it has a connection; false if it is over.
    fn until_back(&self, peer: PeerId, session: SessionId) -> Pin<Box<dyn Future<Output = bool> + Send>>;

    /// Its sessions, ordered by peer.
    fn sessions(&self) -> Vec<SessionInfo>;

    /// The changes of these.
    fn session_changes(&self) -> &Changes;

    /// Another [`Keep`] of this peer exists.
    fn kept(&self);

    /// One [`Keep`] less. A peer without any ends its sessions.
    fn let_go(&self);
}

/// Keeps a peer from ending: handles, services, links and open calls hold one. Sessions and the
/// blocks of other peers do not.
pub struct Keep(Arc<dyn Host>);

impl Keep {
    /// Keeps this peer until it is dropped.
    #[must_use]
    pub fn new(host: Arc<dyn Host>) -> Self {
        host.kept();
        Self(host)
    }
}

impl Clone for Keep {
    fn clone(&self) -> Self {
        Self::new(Arc::clone(&self.0))
    }
}

impl Drop for Keep {
    fn drop(&mut self) {
        self.0.let_go();
    }
}

impl fmt::Debug for Keep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Keep").field(&self.0.id()).finish()
    }
}

/// Receives every call that its peer made, after it ended.
///
/// A closure is one. It runs where the call was awaited, so it should be quick.
pub trait Observer: Send + Sync {
    /// A call has ended.
    fn call_ended(&self, call: &CallReport);
}

impl<F: Fn(&CallReport) + Send + Sync> Observer for F {
    fn call_ended(&self, call: &CallReport) {
        self(call);
    }
}

/// One call that has ended: for metrics, and for showing where a function went.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CallReport {
    /// The peer that made the call.
    pub from: PeerId,
    /// The peer that it was made to.
    pub to: PeerId,
    /// The block.
    pub block: &'static Block,
    /// How many hops lay behind this one: 0 for a call that no block made.
    pub hop: u8,
    /// The encoded captures, in bytes.
    pub sent: usize,
    /// The encoded result, in bytes; 0 without a result.
    pub received: usize,
    /// From the first poll to the end.
    pub elapsed: Duration,
    /// Whether the call ended in its value.
    pub succeeded: bool,
}

/// Values by their types: what [`here::data`](crate::call::here::data) finds.
#[derive(Clone, Default)]
pub struct Data(Vec<Arc<dyn Any + Send + Sync>>);

impl Data {
    /// Keeps `value` for the blocks; a value of the same type that was there before is replaced.
    pub fn insert<T: Send + Sync + 'static>(&mut self, value: Arc<T>) {
        self.0.retain(|other| !other.is::<T>());
        self.0.push(value);
    }

    /// The value of this type.
    #[must_use]
    pub fn get<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        Arc::clone(self.0.iter().find(|value| value.is::<T>())?).downcast().ok()
    }
}

impl fmt::Debug for Data {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Data({} values)", self.0.len())
    }
}

static HOSTS: Mutex<Vec<Weak<dyn Host>>> = Mutex::new(Vec::new());

/// Makes a peer known to calls that are made outside of any peer, and says whether this process
/// has one of the same id that was not stopped.
pub fn announce(host: &Arc<dyn Host>) -> bool {
    let mut hosts = HOSTS.lock().unwrap_or_else(PoisonError::into_inner);
    hosts.retain(|host| host.strong_count() > 0);
    let is_same = |other: Arc<dyn Host>| other.id() == host.id() && !other.is_stopped();
    let is_second = hosts.iter().filter_map(Weak::upgrade).any(is_same);
    hosts.push(Arc::downgrade(host));
    is_second
}

/// The peers of this process, for one that made a call outside of any.
#[derive(Debug)]
pub(crate) struct Peers(Vec<PeerId>);

impl Peers {
    /// The number of peers that are listed.
    const SHOWN: usize = 8;

    pub(crate) fn of_process() -> Self {
        let hosts = HOSTS.lock().unwrap_or_else(PoisonError::into_inner);
        Self(hosts.iter().filter_map(Weak::upgrade).map(|host| host.id()).collect())
    }
}

impl fmt::Display for Peers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.0.len();
        match count {
            0 => return f.write_str("this process has no peer; `Peer::builder(..).start()` makes one"),
            1 => f.write_str("this process has 1 peer: ")?,
            count => write!(f, "this process has {count} peers: ")?,
        }
        for (index, peer) in self.0.iter().take(Self::SHOWN).enumerate() {
            write!(f, "{}{peer}", if index > 0 { ", " } else { "" })?;
        }
        match count.saturating_sub(Self::SHOWN) {
            0 => Ok(()),
            more => write!(f, ", and {more} more"),
        }
    }
}

impl std::error::Error for Peers {}

/// The peer of this process, if it has exactly one.
pub(crate) fn sole() -> Option<Arc<dyn Host>> {
    let hosts = HOSTS.lock().unwrap_or_else(PoisonError::into_inner);
    let mut alive = hosts.iter().filter_map(Weak::upgrade);
    let first = alive.next()?;
    alive.next().is_none().then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text for this many peers, and the id of each.
    fn text(count: usize) -> (String, Vec<PeerId>) {
        let ids: Vec<_> = (0..count).map(|number| PeerId::named(&number.to_string())).collect();
        (Peers(ids.clone()).to_string(), ids)
    }

    #[test]
    fn peers_are_counted_and_the_first_are_listed() {
        assert!(text(0).0.starts_with("this process has no peer"));
        let (one, ids) = text(1);
        assert_eq!(one, format!("this process has 1 peer: {}", ids[0]));
        let (two, ids) = text(2);
        assert_eq!(two, format!("this process has 2 peers: {}, {}", ids[0], ids[1]));
        let (many, ids) = text(9);
        assert!(many.contains(&ids[7].to_string()) && many.ends_with(", and 1 more"), "{many}");
    }
}
