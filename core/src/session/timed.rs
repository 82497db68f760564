//! A table of calls that have deadlines. A call that ends before any deadline has passed costs no
//! more than in a map.
//!
//! New calls are kept in a map, and their deadlines are not indexed. When [`late`](Timed::late)
//! looks for late calls, those that are still open move to another map, and their deadlines to a
//! heap. So each call moves at most once, and most calls never move.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::fmt;
use std::hash::BuildHasher;

use super::is_oversized;
use crate::util::time::{Deadline, Moment};
use crate::wire::frame::CallId;

/// The number of deadlines of ended calls that are tolerated in the heap.
const FEW: usize = 64;

pub(super) struct Timed<V, S> {
    young: HashMap<CallId, (V, Deadline), S>,
    old: HashMap<CallId, (V, Deadline), S>,
    /// The deadlines of the old calls, and of some calls that have ended.
    deadlines: BinaryHeap<Reverse<(Moment, CallId)>>,
}

impl<V, S: Default> Default for Timed<V, S> {
    fn default() -> Self {
        Self { young: HashMap::default(), old: HashMap::default(), deadlines: BinaryHeap::new() }
    }
}

impl<V, S: BuildHasher + Default> Timed<V, S> {
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }

    #[inline]
    pub(super) fn insert(&mut self, call: CallId, value: V, deadline: Deadline) {
        self.young.insert(call, (value, deadline));
    }

    #[inline]
    pub(super) fn get(&self, call: CallId) -> Option<&(V, Deadline)> {
        match self.young.get(&call) {
            None if !self.old.is_empty() => self.old.get(&call),
            young => young,
        }
    }

    #[inline]
    pub(super) fn get_mut(&mut self, call: CallId) -> Option<&mut (V, Deadline)> {
        self.young.get_mut(&call).or_else(|| self.old.get_mut(&call))
    }

    #[inline]
    pub(super) fn remove(&mut self, call: CallId) -> Option<V> {
        match self.young.remove(&call) {
            Some((value, _)) => Some(value),
            None if self.old.is_empty() => None,
            None => self.remove_old(call),
        }
    }

    #[cold]
    fn remove_old(&mut self, call: CallId) -> Option<V> {
        let (value, _) = self.old.remove(&call)?;
        if self.deadlines.len() > 2 * self.old.len() + FEW {
            self.deadlines.retain(|Reverse((_, call))| self.old.contains_key(call));
        }
        Some(value)
    }

    /// The earliest deadline of all calls that were in the table when [`late`](Self::late) was
    /// last called. It may belong to a call that has ended.
    pub(super) fn next(&self) -> Deadline {
        self.deadlines.peek().map_or(Deadline::never(), |Reverse((moment, _))| Deadline::at(*moment))
    }

    /// The calls that are late at `now`. They stay in the table until they are removed, and are
    /// not returned again.
    pub(super) fn late(&mut self, now: Moment) -> Vec<CallId> {
        self.grow_old();
        let mut late = Vec::new();
        while let Some(Reverse((moment, call))) = self.deadlines.peek().copied()
            && moment <= now
        {
            self.deadlines.pop();
            // Another call may have the number of one that has ended.
            let is_its = |(_, deadline): &(V, Deadline)| deadline.moment() == Some(moment);
            if self.old.get(&call).is_some_and(is_its) {
                late.push(call);
            }
        }
        late
    }

    /// The maps begin anew, so that they are no larger than they have to be.
    fn grow_old(&mut self) {
        if self.young.is_empty() {
            return;
        }
        for (call, (value, deadline)) in std::mem::take(&mut self.young) {
            self.deadlines.extend(deadline.moment().map(|moment| Reverse((moment, call))));
            self.old.insert(call, (value, deadline));
        }
    }

    /// Frees capacity that is no longer needed.
    pub(super) fn shrink(&mut self) {
        if is_oversized(self.young.capacity(), self.young.len()) {
            self.young.shrink_to_fit();
        }
        if is_oversized(self.old.capacity(), self.old.len()) {
            self.old.shrink_to_fit();
        }
        if is_oversized(self.deadlines.capacity(), self.deadlines.len()) {
            self.deadlines.shrink_to_fit();
        }
    }

    /// The capacity of the table.
    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.young.capacity() + self.old.capacity()
    }

    /// All of them.
    pub(super) fn take(&mut self) -> impl Iterator<Item = (CallId, V)> + use<V, S> {
        let Self { young, old, .. } = std::mem::take(self);
        young.into_iter().chain(old).map(|(call, (value, _))| (call, value))
    }
}

impl<V, S> fmt::Debug for Timed<V, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timed")
            .field("young", &self.young.len())
            .field("old", &self.old.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rustc_hash::FxBuildHasher;

    use super::*;

    fn at(micros: u64) -> Moment {
        Moment::after_origin(Duration::from_micros(micros))
    }

    /// Many calls, each with a deadline of its own, end in the order of their deadlines, and each
    /// is looked at a few times in all.
    #[test]
    fn each_ends_at_its_deadline() {
        let mut calls = Timed::<u64, FxBuildHasher>::default();
        // Not in the order of their numbers.
        let due = |n: u64| 1_000_000 + 100 * (n * 7919 % 65_521);
        (0..65_521).for_each(|n| calls.insert(CallId(n), due(n), Deadline::at(at(due(n)))));
        assert!(calls.late(at(0)).is_empty());
        let (mut turns, mut last) = (0, 0);
        while let Some(now) = calls.next().moment() {
            for call in calls.late(now) {
                let due = calls.remove(call).unwrap();
                assert_eq!(at(due), now);
                assert!(last < due);
                last = due;
            }
            turns += 1;
        }
        assert_eq!((calls.len(), calls.young.len() + calls.old.len()), (0, 0));
        assert_eq!(turns, 65_521);
    }

    #[test]
    fn ended_calls_leave_nothing_behind() {
        let mut calls = Timed::<u64, FxBuildHasher>::default();
        for n in 0..100_000 {
            calls.insert(CallId(n), n, Deadline::at(at(1_000_000 + n)));
            // It becomes old.
            calls.insert(CallId(u64::MAX), n, Deadline::at(at(n)));
            assert_eq!(calls.late(at(n)), [CallId(u64::MAX)]);
            assert_eq!(calls.remove(CallId(n)), Some(n));
            assert_eq!(calls.remove(CallId(u64::MAX)), Some(n));
        }
        assert!(calls.deadlines.len() <= FEW + 1, "{}", calls.deadlines.len());
        assert!(calls.young.capacity() + calls.old.capacity() <= FEW);
    }

    #[test]
    fn number_of_ended_call_does_not_end_the_next_one() {
        let mut calls = Timed::<u64, FxBuildHasher>::default();
        calls.insert(CallId(1), 1, Deadline::at(at(10)));
        calls.insert(CallId(2), 2, Deadline::at(at(1)));
        assert_eq!(calls.late(at(1)), [CallId(2)]);
        calls.remove(CallId(1));
        calls.insert(CallId(1), 3, Deadline::at(at(20)));
        calls.insert(CallId(3), 3, Deadline::never());
        assert!(calls.late(at(10)).is_empty());
        assert_eq!(calls.late(at(20)), [CallId(1)]);
        assert!(calls.late(at(1_000_000)).is_empty());
    }
}
