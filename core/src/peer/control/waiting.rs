//! Calls that wait for peers which are not connected: which calls continue when a peer joins, and
//! which calls have waited long enough.
//!
//! Other peers may choose the ids of those peers, and their number. So the ids are hashed with a
//! key, and no step scans all waiters.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::sync::Arc;

use futures_channel::oneshot;
use rustc_hash::FxHashMap;

use crate::identity::peer_id::PeerId;
use crate::util::keyed_hash::Keyed;
use crate::util::lock::Mutex;
use crate::util::time::{Deadline, Moment};

/// Cancelled waiters are removed at the earliest when this many have been added.
const FEW: usize = 64;

/// All waiters, by number. They are owned by the control plane.
#[derive(Debug, Default)]
pub(in crate::peer) struct Waiting {
    next: u64,
    waiters: FxHashMap<u64, Waiter>,
    /// The waiters of each peer, and some that no longer wait.
    by_peer: HashMap<PeerId, Vec<u64>, Keyed>,
    /// The deadlines of all waiters that have one, and of some that no longer wait.
    deadlines: BinaryHeap<Reverse<(Moment, u64)>>,
    /// The moment for which a call of [`give_up`](Self::give_up) was already requested.
    due: Option<Moment>,
    /// The number of waiters added since cancelled ones were last removed, and the number that may
    /// be added until the next time.
    came: usize,
    may_come: usize,
}

#[derive(Debug)]
struct Waiter {
    peer: PeerId,
    joined: oneshot::Sender<()>,
}

impl Waiting {
    pub(in crate::peer) fn len(&self) -> usize {
        self.waiters.len()
    }

    /// Adds a waiter. If this returns a moment, [`give_up`](Self::give_up) is due then.
    pub(in crate::peer) fn add(
        &mut self,
        peer: PeerId,
        deadline: Deadline,
        joined: oneshot::Sender<()>,
    ) -> Option<Moment> {
        if self.came >= self.may_come.max(FEW) {
            self.let_go();
        }
        let number = self.next;
        self.next += 1;
        self.came += 1;
        self.waiters.insert(number, Waiter { peer, joined });
        self.by_peer.entry(peer).or_default().push(number);
        self.deadlines.extend(deadline.moment().map(|moment| Reverse((moment, number))));
        self.next_due()
    }

    /// A peer has joined: notifies its waiters.
    pub(in crate::peer) fn joined(&mut self, peer: PeerId) {
        for number in self.by_peer.remove(&peer).unwrap_or_default() {
            if let Some(waiter) = self.waiters.remove(&number) {
                // The waiter may have been cancelled.
                let _ = waiter.joined.send(());
            }
        }
    }

    /// Drops the waiters whose deadline has passed. If this returns a moment, it is due again
    /// then.
    pub(in crate::peer) fn give_up(&mut self, now: Moment) -> Option<Moment> {
        while let Some(Reverse((moment, number))) = self.deadlines.peek().copied()
            && moment <= now
        {
            self.deadlines.pop();
            drop(self.waiters.remove(&number));
        }
        self.due = self.due.filter(|due| *due > now);
        self.next_due()
    }

    pub(in crate::peer) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Removes the waiters that were cancelled. It runs so seldom that its amortized cost per
    /// waiter is small.
    fn let_go(&mut self) {
        self.waiters.retain(|_, waiter| !waiter.joined.is_canceled());
        self.deadlines.retain(|Reverse((_, number))| self.waiters.contains_key(number));
        self.by_peer.clear();
        for (number, waiter) in &self.waiters {
            self.by_peer.entry(waiter.peer).or_default().push(*number);
        }
        (self.came, self.may_come) = (0, self.waiters.len());
    }

    /// The next moment at which a waiter expires, unless it was already requested. If that call is
    /// over by then, this does no harm.
    fn next_due(&mut self) -> Option<Moment> {
        let Reverse((first, _)) = *self.deadlines.peek()?;
        if self.due.is_some_and(|due| due <= first) {
            return None;
        }
        self.due = Some(first);
        Some(first)
    }
}

/// The number of calls that wait in blocks, per peer that called those blocks.
#[derive(Clone, Debug, Default)]
pub(in crate::peer) struct Places(Arc<Mutex<HashMap<PeerId, usize, Keyed>>>);

/// One of those places, until this is dropped.
#[derive(Debug)]
pub(in crate::peer) struct Place {
    places: Places,
    caller: PeerId,
}

impl Places {
    /// A place for a call of a block that `caller` called; `None` if that peer's blocks already
    /// have as many as allowed.
    pub(in crate::peer) fn take(&self, caller: PeerId, most: usize) -> Option<Place> {
        let mut places = self.0.lock();
        let taken = places.get(&caller).copied().unwrap_or_default();
        if taken >= most {
            return None;
        }
        places.insert(caller, taken + 1);
        Some(Place { places: self.clone(), caller })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut places = self.places.0.lock();
        if let Some(taken) = places.get_mut(&self.caller) {
            *taken -= 1;
            if *taken == 0 {
                places.remove(&self.caller);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(millis: u64) -> Moment {
        Moment::after_origin(Duration::from_millis(millis))
    }

    #[test]
    fn each_waits_until_its_deadline_and_one_timer_is_enough() {
        let (mut waiting, peer) = (Waiting::default(), PeerId::named("absent"));
        let add = |waiting: &mut Waiting, millis| {
            let (joined, is_joined) = oneshot::channel();
            (waiting.add(peer, Deadline::at(at(millis)), joined), is_joined)
        };
        let (due, mut second) = add(&mut waiting, 20);
        assert_eq!(due, Some(at(20)));
        let (due, mut first) = add(&mut waiting, 10);
        assert_eq!(due, Some(at(10)));
        let (due, mut third) = add(&mut waiting, 30);
        assert_eq!(due, None);
        assert_eq!(waiting.give_up(at(10)), Some(at(20)));
        assert!(first.try_recv().is_err() && second.try_recv() == Ok(None));
        // The timer of the first waiter that was added.
        assert_eq!(waiting.give_up(at(20)), Some(at(30)));
        assert_eq!(waiting.give_up(at(20)), None);
        assert!(second.try_recv().is_err());
        waiting.joined(peer);
        assert_eq!(third.try_recv(), Ok(Some(())));
        assert_eq!((waiting.len(), waiting.by_peer.len()), (0, 0));
    }

    #[test]
    fn those_who_gave_up_leave_nothing_behind() {
        let mut waiting = Waiting::default();
        for _ in 0..100_000 {
            // This one has no deadline, and no call waits for its peer any longer.
            let _ = waiting.add(PeerId::random(), Deadline::never(), oneshot::channel().0);
        }
        assert!(waiting.len() <= FEW && waiting.by_peer.len() <= FEW, "{}", waiting.len());
    }

    #[test]
    fn places_are_counted_for_each_caller_and_given_back() {
        let (places, [one, two]) = (Places::default(), ["one", "two"].map(PeerId::named));
        let first = places.take(one, 1);
        assert!(first.is_some() && places.take(one, 1).is_none() && places.take(two, 1).is_some());
        drop(first);
        assert!(places.take(one, 1).is_some());
        assert!(places.take(one, 0).is_none());
        assert!(places.0.lock().is_empty());
    }
}
