//! Frames that are sent whole, one after the other. A call can be withdrawn as long as it was not
//! sent.

use std::collections::VecDeque;

use crate::session::is_oversized;
use crate::wire::encoded::Encoded;
use crate::wire::frame::{CallId, Invoke};

#[derive(Debug, Default)]
pub(super) struct SmallFrames {
    /// A withdrawn frame is empty and keeps its place.
    frames: VecDeque<Encoded>,
    /// The number of frames that are not empty.
    count: usize,
    /// The number of frames that have left the front.
    left: u64,
    /// The calls among the frames with their places, in rising order. Places are counted from the
    /// first frame that was ever queued.
    calls: VecDeque<(CallId, u64)>,
}

impl SmallFrames {
    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub(super) fn push(&mut self, frame: Encoded) {
        if let Some(call) = Invoke::call_of(&frame) {
            self.calls.push_back((call, self.left + self.frames.len() as u64));
        }
        self.count += 1;
        self.frames.push_back(frame);
    }

    pub(super) fn pop(&mut self) -> Option<Encoded> {
        loop {
            let (frame, place) = (self.frames.pop_front()?, self.left);
            self.left += 1;
            if frame.is_empty() {
                continue;
            }
            self.count -= 1;
            if self.calls.front().is_some_and(|&(_, call)| call == place) {
                self.calls.pop_front();
            }
            return Some(frame);
        }
    }

    /// Withdraws a call, and returns its size in bytes.
    pub(super) fn withdraw(&mut self, call: CallId) -> Option<usize> {
        let index = self.calls.binary_search_by_key(&call, |(call, _)| *call).ok()?;
        let (_, place) = self.calls.remove(index)?;
        let place = usize::try_from(place.checked_sub(self.left)?).ok()?;
        let size = std::mem::take(self.frames.get_mut(place)?).len();
        self.count -= 1;
        self.forget_withdrawn();
        Some(size)
    }

    /// Drops the places of withdrawn frames at either end.
    fn forget_withdrawn(&mut self) {
        while self.frames.front().is_some_and(|frame| frame.is_empty()) {
            self.frames.pop_front();
            self.left += 1;
        }
        while self.frames.back().is_some_and(|frame| frame.is_empty()) {
            self.frames.pop_back();
        }
    }

    /// Frees capacity that is no longer needed.
    pub(super) fn shrink(&mut self) {
        if is_oversized(self.frames.capacity(), self.frames.len()) {
            self.frames.shrink_to_fit();
        }
        if is_oversized(self.calls.capacity(), self.calls.len()) {
            self.calls.shrink_to_fit();
        }
    }

    pub(super) fn calls(&self) -> impl Iterator<Item = CallId> + '_ {
        self.calls.iter().map(|(call, _)| *call)
    }
}
