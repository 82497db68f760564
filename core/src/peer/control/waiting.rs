//! Calls that wait for peers which are not connected: who is told when one comes, and who has
//! waited long enough.
//!
//! The ids of those peers, and how many there are, may be chosen by others. So they are hashed
//! with a key, and no step looks at all who wait.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::sync::Arc;

use futures_channel::oneshot;
use parking_lot::Mutex;
use rustc_hash::FxHashMap;

use crate::identity::peer_id::PeerId;
use crate::util::keyed_hash::Keyed;
use crate::util::time::{Deadline, Moment};

/// Those who gave up by themselves are looked for when there are so many.
const FEW: usize = 64;

/// All who wait, by the numbers that they get. The control plane has it.
#[derive(Debug, Default)]
pub(in crate::peer) struct Waiting {
    next: u64,
    waiters: FxHashMap<u64, Waiter>,
    /// Those who wait for each peer, and some who do not any longer.
    by_peer: HashMap<PeerId, Vec<u64>, Keyed>,
    /// The deadlines of all who have one, and of some who do not wait any longer.
    deadlines: BinaryHeap<Reverse<(Moment, u64)>>,
    /// For this moment somebody has been asked to call [`give_up`](Self::give_up).
    due: Option<Moment>,
    /// How many have come since those were let go who do not wait any longer, and how many may
    /// until that is done again.
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

    /// Adds one. If this gives a moment, [`give_up`](Self::give_up) is due then.
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

    /// A peer is there: tells those who waited for it.
    pub(in crate::peer) fn joined(&mut self, peer: PeerId) {
        for number in self.by_peer.remove(&peer).unwrap_or_default() {
            if let Some(waiter) = self.waiters.remove(&number) {
                // Whoever waited may have given up.
                let _ = waiter.joined.send(());
            }
        }
    }

    /// Drops those whose deadline has passed. If this gives a moment, it is due again then.
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

    /// Lets go of those who do not wait any longer, which happens so seldom that it costs each of
    /// them a little.
    fn let_go(&mut self) {
        self.waiters.retain(|_, waiter| !waiter.joined.is_canceled());
        self.deadlines.retain(|Reverse((_, number))| self.waiters.contains_key(number));
        self.by_peer.clear();
        for (number, waiter) in &self.waiters {
            self.by_peer.entry(waiter.peer).or_default().push(*number);
        }
        (self.came, self.may_come) = (0, self.waiters.len());
    }

    /// The next moment at which somebody has waited long enough, unless that is asked for already.
    /// A call that is over by then does no harm.
    fn next_due(&mut self) -> Option<Moment> {
        let Reverse((first, _)) = *self.deadlines.peek()?;
        if self.due.is_some_and(|due| due <= first) {
            return None;
        }
        self.due = Some(first);
        Some(first)
    }
}

/// How many calls wait in blocks that each peer had run.
#[derive(Clone, Debug, Default)]
pub(in crate::peer) struct Places(Arc<Mutex<HashMap<PeerId, usize, Keyed>>>);

/// One of them, until this is dropped.
#[derive(Debug)]
pub(in crate::peer) struct Place {
    places: Places,
    caller: PeerId,
}

impl Places {
    /// A place for a call of a block that `caller` had run; nothing if that peer has as many as it
    /// may.
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
        // The timer of the first one that came.
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
            // Without a deadline, and for a peer that nobody waits for any longer.
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
