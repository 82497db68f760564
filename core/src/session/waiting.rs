//! Calls of ours that wait for space in the send queue, or for other calls to end.

use std::collections::VecDeque;

use super::is_oversized;
use crate::wire::encoded::Encoded;
use crate::wire::frame::CallId;

/// Calls in the order in which they were made.
#[derive(Debug, Default)]
pub(super) struct WaitingCalls {
    /// A cancelled call is empty and keeps its place.
    calls: VecDeque<Waiting>,
    /// The number of calls that were not cancelled.
    count: usize,
    /// The bytes of those calls that are held on behalf of the other side.
    held: usize,
}

#[derive(Debug)]
struct Waiting {
    call: CallId,
    frame: Encoded,
    is_held: bool,
}

impl WaitingCalls {
    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Frees capacity that is no longer needed.
    pub(super) fn shrink(&mut self) {
        if is_oversized(self.calls.capacity(), self.calls.len()) {
            self.calls.shrink_to_fit();
        }
    }

    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// The bytes held on behalf of the other side: those of calls that its blocks make.
    pub(super) fn held(&self) -> usize {
        self.held
    }

    /// Calls are numbered as they are made. `is_held` says whether a block of the other side makes
    /// this one.
    pub(super) fn push(&mut self, call: CallId, frame: Encoded, is_held: bool) {
        self.count += 1;
        self.held += if is_held { frame.len() } else { 0 };
        self.calls.push_back(Waiting { call, frame, is_held });
    }

    /// The size of the call that has waited the longest.
    pub(super) fn next_size(&mut self) -> Option<usize> {
        while self.calls.front().is_some_and(|waiting| waiting.frame.is_empty()) {
            self.calls.pop_front();
        }
        self.calls.front().map(|waiting| waiting.frame.len())
    }

    /// Whether the call that has waited the longest was not made by a block.
    pub(super) fn next_is_first_hop(&mut self) -> bool {
        self.next_size().is_some() && self.calls.front().is_some_and(|waiting| !waiting.is_held)
    }

    /// Removes the call that has waited the longest.
    pub(super) fn pop(&mut self) -> Option<(CallId, Encoded)> {
        self.next_size()?;
        let Waiting { call, frame, is_held } = self.calls.pop_front()?;
        self.count -= 1;
        self.held -= if is_held { frame.len() } else { 0 };
        if self.count == 0 {
            self.calls = VecDeque::new();
        }
        Some((call, frame))
    }

    /// Cancels a queued call. Returns false if it is not queued.
    pub(super) fn withdraw(&mut self, call: CallId) -> bool {
        let Ok(place) = self.calls.binary_search_by_key(&call, |waiting| waiting.call) else { return false };
        let Some(waiting) = self.calls.get_mut(place) else { return false };
        let size = std::mem::take(&mut waiting.frame).len();
        if size == 0 {
            return false;
        }
        self.count -= 1;
        self.held -= if waiting.is_held { size } else { 0 };
        if self.count == 0 {
            self.calls = VecDeque::new();
        }
        true
    }

    pub(super) fn calls(&self) -> impl Iterator<Item = CallId> + '_ {
        self.calls.iter().filter(|waiting| !waiting.frame.is_empty()).map(|waiting| waiting.call)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(count: u64) -> WaitingCalls {
        let mut waiting = WaitingCalls::default();
        for call in 0..count {
            waiting.push(CallId(call), vec![0; 10].into(), call % 2 == 0);
        }
        waiting
    }

    #[test]
    fn calls_leave_in_order_without_those_that_were_given_up() {
        let mut waiting = waiting(6);
        for call in [0, 3, 5] {
            assert!(waiting.withdraw(CallId(call)));
            assert!(!waiting.withdraw(CallId(call)), "twice");
        }
        assert!(!waiting.withdraw(CallId(7)));
        assert_eq!((waiting.len(), waiting.held()), (3, 20));
        assert_eq!(waiting.calls().collect::<Vec<_>>(), [1, 2, 4].map(CallId));
        let left: Vec<_> = std::iter::from_fn(|| waiting.pop()).map(|(call, _)| call.0).collect();
        assert_eq!(left, [1, 2, 4]);
        assert!(waiting.is_empty() && waiting.next_size().is_none() && waiting.held() == 0);
    }

    #[test]
    fn when_all_are_given_up_nothing_is_kept() {
        let mut waiting = waiting(3);
        for call in 0..3 {
            assert!(waiting.withdraw(CallId(call)));
        }
        assert_eq!((waiting.calls.capacity(), waiting.held()), (0, 0));
    }
}
