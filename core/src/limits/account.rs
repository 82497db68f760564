//! How much memory a peer holds for others: counted for each session, and in it for its address
//! and for the whole peer.
//!
//! Every other limit is one of a message or of a session, and a sum of such limits is more than
//! any machine has. What is counted here is the sum: messages that arrive, calls that wait,
//! captures of blocks that run, and output that was not acknowledged.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde::{Deserialize, Serialize};

use crate::limits::Limits;

text_is_debug!(Full);

/// A session that holds less than this continues when the peer or its address has reached a limit:
/// others must not be able to shut it out.
const SMALL: usize = 64 << 10;

/// Bytes that are held for a session, an address or a peer, with a limit. What is held for a
/// session is held for its address and for the peer, too.
#[derive(Debug)]
pub struct Account {
    share: Share,
    limit: usize,
    held: AtomicUsize,
    above: Vec<Arc<Account>>,
}

/// Whose account it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Share {
    /// One session.
    Session,
    /// All sessions of one address.
    Address,
    /// All sessions of the peer.
    Peer,
}

/// A limit on held memory is reached.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[cfg_attr(not(target_family = "wasm"), derive(Debug))]
#[error("{limit} bytes are held for {} already (`Limits::{}` of that peer)", .share.name(), .share.limit())]
#[non_exhaustive]
pub struct Full {
    /// Whose limit it is.
    pub share: Share,
    /// The limit, in bytes.
    pub limit: usize,
}

impl Share {
    fn name(self) -> &'static str {
        match self {
            Self::Session => "this session",
            Self::Address => "this address",
            Self::Peer => "all sessions",
        }
    }

    fn limit(self) -> &'static str {
        match self {
            Self::Session => "max_held_bytes_per_session",
            Self::Address => "max_held_bytes_per_address",
            Self::Peer => "max_held_bytes",
        }
    }
}

impl Account {
    /// The account of a whole peer.
    #[must_use]
    pub fn of_peer(limits: &Limits) -> Arc<Self> {
        Self::new(Share::Peer, limits.max_held_bytes, Vec::new())
    }

    /// The account of one address.
    #[must_use]
    pub fn of_address(limits: &Limits) -> Arc<Self> {
        Self::new(Share::Address, limits.max_held_bytes_per_address, Vec::new())
    }

    /// The account of a session, which counts in these, too.
    #[must_use]
    pub fn of_session(limits: &Limits, above: impl IntoIterator<Item = Arc<Self>>) -> Arc<Self> {
        Self::new(Share::Session, limits.max_held_bytes_per_session, above.into_iter().collect())
    }

    fn new(share: Share, limit: usize, above: Vec<Arc<Self>>) -> Arc<Self> {
        Arc::new(Self { share, limit, held: AtomicUsize::new(0), above })
    }

    /// How many bytes are held.
    #[must_use]
    pub fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    /// The limit that leaves no room for `more` bytes, if there is one. An account without
    /// anything always has room, so that whatever fits the other limits can be taken by
    /// one of them.
    #[must_use]
    pub fn full(&self, more: usize) -> Option<Full> {
        let held = self.held();
        if held > 0 && held.saturating_add(more) > self.limit {
            return Some(Full { share: self.share, limit: self.limit });
        }
        if held.saturating_add(more) <= SMALL {
            return None;
        }
        self.above.iter().find_map(|above| above.full(more))
    }

    /// Holds so many bytes from now on, whatever the limit is.
    #[must_use]
    pub fn hold(self: &Arc<Self>, bytes: usize) -> Held {
        let mut held = Held { account: Arc::clone(self), bytes: 0 };
        held.set(bytes);
        held
    }

    fn change(&self, from: usize, to: usize) {
        if to >= from {
            self.held.fetch_add(to - from, Ordering::Relaxed);
        } else {
            self.held.fetch_sub(from - to, Ordering::Relaxed);
        }
        self.above.iter().for_each(|above| above.change(from, to));
    }
}

/// Bytes of an account, until this is dropped.
#[derive(Debug)]
pub struct Held {
    account: Arc<Account>,
    bytes: usize,
}

impl Held {
    /// How many there are.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// There are so many now.
    pub fn set(&mut self, bytes: usize) {
        if bytes != self.bytes {
            self.account.change(self.bytes, bytes);
            self.bytes = bytes;
        }
    }

    /// The account that they are held in.
    pub(crate) fn account(&self) -> &Arc<Account> {
        &self.account
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.set(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> Limits {
        let (held, held_per_address, held_per_session) = (1 << 20, 1 << 19, 1 << 18);
        Limits::default()
            .with_max_held_bytes(held)
            .with_max_held_bytes_per_address(held_per_address)
            .with_max_held_bytes_per_session(held_per_session)
    }

    #[test]
    fn what_is_held_counts_above_until_it_is_dropped() {
        let limits = limits();
        let (peer, address) = (Account::of_peer(&limits), Account::of_address(&limits));
        let session = Account::of_session(&limits, [Arc::clone(&address), Arc::clone(&peer)]);
        let mut held = session.hold(1000);
        let other = session.hold(10);
        held.set(300);
        assert_eq!([session.held(), address.held(), peer.held()], [310; 3]);
        drop((held, other));
        assert_eq!([session.held(), address.held(), peer.held()], [0; 3]);
    }

    #[test]
    fn the_limit_that_is_reached_is_named_and_small_sessions_go_on() {
        let limits = limits();
        let (peer, address) = (Account::of_peer(&limits), Account::of_address(&limits));
        let session = || Account::of_session(&limits, [Arc::clone(&address), Arc::clone(&peer)]);
        let [one, two, three] = [session(), session(), session()];
        let _one = one.hold(1 << 18);
        let full = one.full(1).unwrap();
        assert_eq!((full.share, full.limit), (Share::Session, 1 << 18));
        assert!(full.to_string().contains("`Limits::max_held_bytes_per_session`"), "{full}");
        let _two = two.hold(1 << 18);
        assert_eq!(three.full(SMALL), None);
        assert_eq!(three.full(SMALL + 1).map(|full| full.share), Some(Share::Address));
        let elsewhere = Account::of_session(&limits, [Arc::clone(&peer)]);
        let _more = elsewhere.hold(1 << 17);
        assert_eq!(elsewhere.full(1 << 17), None);
        let _rest = Account::of_session(&limits, [Arc::clone(&peer)]).hold(1 << 19);
        assert_eq!(elsewhere.full(1).map(|full| full.share), Some(Share::Peer));
    }

    #[test]
    fn who_holds_nothing_may_hold_one_thing_of_any_size() {
        let limits = limits().with_max_held_bytes(10).with_max_held_bytes_per_session(10);
        let session = Account::of_session(&limits, [Account::of_peer(&limits)]);
        assert_eq!(session.full(1 << 30), None);
    }
}
