//! What one side of a session sends: in order, numbered, kept until it is acknowledged, and cut into chunks where it
//! is large, so that a small message does not wait behind a large one.
//!
//! Frames are numbered by counting, on both sides alike, so the number is not on the wire. After a connection was cut,
//! the receiver says how many it has, and the rest is sent again.

use std::collections::VecDeque;
use std::ops::Range;

use bytes::Bytes;

use crate::frame::{CallId, Chunk, Frame, Invoke};

/// A frame that is larger than this travels in chunks of this size.
pub const CHUNK: usize = 64 << 10;

/// How many large frames of one side may be on their way at once; further ones wait for their turn.
pub const STREAMS: usize = 4;

/// How many small frames may go between two chunks of large ones.
const SMALL_BETWEEN_CHUNKS: u32 = 16;

/// The frames of one direction of a session.
#[derive(Debug)]
pub(super) struct Outbox {
    /// How many bytes of what was sent are kept.
    keep: usize,
    /// How many bytes of chunks may be on their way.
    window: usize,
    /// Chunks that say that a large frame is abandoned. They go before everything else: the receiver must have a
    /// place for the next large frame before it begins.
    abandoned: VecDeque<Bytes>,
    /// Whole frames that were not sent yet. One that was withdrawn is empty and keeps its place.
    small: VecDeque<Bytes>,
    /// How many of `small` are not empty.
    small_count: usize,
    /// How many frames have left the front of `small`.
    small_left: u64,
    /// The calls in `small` with their places, counted from the first frame that ever was there; in rising order.
    small_calls: VecDeque<(CallId, u64)>,
    /// Large frames of which something was not sent yet. The first [`STREAMS`] take turns.
    large: VecDeque<Large>,
    /// How many bytes of all these were not sent yet.
    queued: usize,
    next_stream: u32,
    /// What was sent and not acknowledged, as far as it fits.
    kept: VecDeque<Bytes>,
    kept_bytes: usize,
    /// The number of the first frame in `kept`.
    first_kept: u64,
    /// How many of `kept` the present connection was given: fewer than all of them after a reconnect.
    given: usize,
    /// The chunks that the present connection was given and that are not acknowledged: their numbers and sizes. They
    /// are not the same as those in `kept`, which may have dropped some.
    chunks: VecDeque<(u64, usize)>,
    /// The sum of these sizes, without headers.
    on_their_way: usize,
    small_since_chunk: u32,
}

#[derive(Debug)]
struct Large {
    stream: u32,
    frame: Bytes,
    sent: usize,
}

impl Large {
    /// Which of its bytes go next.
    fn next_chunk(&self) -> Range<usize> {
        self.sent..self.frame.len().min(self.sent + CHUNK)
    }
}

/// Why sending cannot go on after a reconnect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gap {
    /// What the other side lacks is no longer kept.
    Overrun,
    /// The other side says that it has what was never sent.
    NeverSent,
}

impl Outbox {
    pub(super) fn new(keep: usize, window: usize) -> Self {
        Self {
            keep,
            window: window.max(2 * CHUNK),
            abandoned: VecDeque::new(),
            small: VecDeque::new(),
            small_count: 0,
            small_left: 0,
            small_calls: VecDeque::new(),
            large: VecDeque::new(),
            queued: 0,
            next_stream: 0,
            kept: VecDeque::new(),
            kept_bytes: 0,
            first_kept: 0,
            given: 0,
            chunks: VecDeque::new(),
            on_their_way: 0,
            small_since_chunk: 0,
        }
    }

    /// Queues a frame.
    pub(super) fn push(&mut self, frame: Bytes) {
        self.queued += frame.len();
        if frame.len() <= CHUNK {
            if let Some(call) = Invoke::call_of(&frame) {
                self.small_calls.push_back((call, self.small_left + self.small.len() as u64));
            }
            self.small_count += 1;
            self.small.push_back(frame);
        } else {
            let stream = self.next_stream;
            self.next_stream = self.next_stream.wrapping_add(1);
            self.large.push_back(Large { stream, frame, sent: 0 });
        }
    }

    /// How many bytes were not given to any connection yet.
    pub(super) fn queued(&self) -> usize {
        self.queued
    }

    /// How many bytes are kept in case they have to be sent again.
    pub(super) fn kept(&self) -> usize {
        self.kept_bytes
    }

    /// Whether [`next`](Self::next) has a frame.
    pub(super) fn has_next(&self) -> bool {
        self.given < self.kept.len() || !self.abandoned.is_empty() || self.small_count > 0 || self.may_chunk()
    }

    fn may_chunk(&self) -> bool {
        let next = self.large.front().map(|large| large.next_chunk());
        next.is_some_and(|chunk| self.on_their_way + chunk.len() <= self.window)
    }

    /// The next frame to send.
    pub(super) fn next(&mut self) -> Option<Bytes> {
        let frame = if let Some(frame) = self.kept.get(self.given) {
            let frame = frame.clone();
            self.given += 1;
            frame
        } else {
            let frame = self.next_new()?;
            self.keep(frame.clone());
            frame
        };
        if let Some(size) = Chunk::size_of(&frame) {
            self.chunks.push_back((self.first_kept + self.given as u64 - 1, size));
            self.on_their_way += size;
        }
        Some(frame)
    }

    fn next_new(&mut self) -> Option<Bytes> {
        if let Some(frame) = self.abandoned.pop_front() {
            self.queued -= frame.len();
            return Some(frame);
        }
        // Small frames go first, and a chunk goes after so many of them: neither kind starves the other.
        let chunk_is_due = self.small_since_chunk >= SMALL_BETWEEN_CHUNKS && self.may_chunk();
        if !chunk_is_due && let Some(frame) = self.next_small() {
            self.small_since_chunk = self.small_since_chunk.saturating_add(1);
            self.queued -= frame.len();
            return Some(frame);
        }
        if !self.may_chunk() {
            return None;
        }
        self.small_since_chunk = 0;
        self.next_chunk()
    }

    fn next_small(&mut self) -> Option<Bytes> {
        self.forget_withdrawn();
        let frame = self.small.pop_front()?;
        if self.small_calls.front().is_some_and(|(_, place)| *place == self.small_left) {
            self.small_calls.pop_front();
        }
        self.small_left += 1;
        self.small_count -= 1;
        Some(frame)
    }

    /// Drops the places of withdrawn frames at either end.
    fn forget_withdrawn(&mut self) {
        while self.small.pop_front_if(|frame| frame.is_empty()).is_some() {
            self.small_left += 1;
        }
        while self.small.pop_back_if(|frame| frame.is_empty()).is_some() {}
    }

    fn next_chunk(&mut self) -> Option<Bytes> {
        let turns = self.large.len().min(STREAMS);
        let mut large = self.large.pop_front()?;
        let part = large.next_chunk();
        let end = part.end;
        let bytes = large.frame.slice(part);
        self.queued -= bytes.len();
        // A frame is never larger than a message may be, which a u32 holds.
        let total = u32::try_from(large.frame.len()).unwrap_or(u32::MAX);
        let chunk = Frame::Chunk(Chunk { stream: large.stream, total, bytes }).encode();
        large.sent = end;
        if end < large.frame.len() {
            // Behind the others whose turn it is, before those that wait.
            self.large.insert(turns - 1, large);
        }
        Some(chunk)
    }

    fn keep(&mut self, frame: Bytes) {
        self.kept_bytes += frame.len();
        self.kept.push_back(frame);
        self.given += 1;
        while self.kept_bytes > self.keep && self.kept.len() > 1 {
            self.forget_first();
        }
    }

    /// The oldest is dropped although it was not acknowledged.
    fn forget_first(&mut self) {
        if let Some(frame) = self.kept.pop_front() {
            self.kept_bytes -= frame.len();
            self.first_kept += 1;
            self.given = self.given.saturating_sub(1);
        }
    }

    /// The other side has this many frames.
    pub(super) fn acknowledge(&mut self, received: u64) -> Result<(), Gap> {
        if received > self.first_kept + self.given as u64 {
            return Err(Gap::NeverSent);
        }
        while self.first_kept < received {
            let Some(frame) = self.kept.pop_front() else { break };
            self.kept_bytes -= frame.len();
            self.first_kept += 1;
            self.given -= 1;
        }
        while let Some((_, size)) = self.chunks.pop_front_if(|(number, _)| *number < received) {
            self.on_their_way -= size;
        }
        Ok(())
    }

    /// A new connection goes on where the other side has this many frames.
    pub(super) fn rewind(&mut self, received: u64) -> Result<(), Gap> {
        if received < self.first_kept {
            return Err(Gap::Overrun);
        }
        if received > self.first_kept + self.kept.len() as u64 {
            return Err(Gap::NeverSent);
        }
        self.given = self.kept.len();
        self.acknowledge(received)?;
        self.given = 0;
        self.chunks.clear();
        self.on_their_way = 0;
        Ok(())
    }

    /// Takes back an invoke that was not sent to its end. True if it was not, so that nothing of it can have run.
    pub(super) fn withdraw(&mut self, call: CallId) -> bool {
        self.withdraw_small(call) || self.withdraw_large(call)
    }

    fn withdraw_small(&mut self, call: CallId) -> bool {
        let Ok(index) = self.small_calls.binary_search_by_key(&call, |(call, _)| *call) else {
            return false;
        };
        let place = self.small_calls.remove(index).and_then(|(_, place)| place.checked_sub(self.small_left));
        let place = place.and_then(|place| usize::try_from(place).ok());
        let Some(frame) = place.and_then(|place| self.small.get_mut(place)) else {
            return false;
        };
        self.queued -= std::mem::take(frame).len();
        self.small_count -= 1;
        self.forget_withdrawn();
        true
    }

    fn withdraw_large(&mut self, call: CallId) -> bool {
        let place = self.large.iter().position(|large| Invoke::call_of(&large.frame) == Some(call));
        let Some(large) = place.and_then(|place| self.large.remove(place)) else {
            return false;
        };
        self.queued -= large.frame.len() - large.sent;
        if large.sent > 0 {
            let total = u32::try_from(large.frame.len()).unwrap_or(u32::MAX);
            let end = Chunk { stream: large.stream, total, bytes: Bytes::new() };
            let frame = Frame::Chunk(end).encode();
            self.queued += frame.len();
            self.abandoned.push_back(frame);
        }
        true
    }

    /// The calls that were not sent to their end, so that nothing of them can have run.
    pub(super) fn unsent_calls(&self) -> impl Iterator<Item = CallId> + '_ {
        let small = self.small_calls.iter().map(|(call, _)| *call);
        small.chain(self.large.iter().filter_map(|large| Invoke::call_of(&large.frame)))
    }

    pub(super) fn clear(&mut self) {
        let (keep, window) = (self.keep, self.window);
        *self = Self::new(keep, window);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drain(outbox: &mut Outbox) -> Vec<Bytes> {
        std::iter::from_fn(|| outbox.next()).collect()
    }

    fn small(n: u8) -> Bytes {
        Bytes::from(vec![n; 10])
    }

    #[test]
    fn what_was_not_acknowledged_is_sent_again_in_order() {
        let mut outbox = Outbox::new(1 << 20, 1 << 20);
        (0..5).for_each(|n| outbox.push(small(n)));
        assert_eq!(drain(&mut outbox).len(), 5);
        outbox.acknowledge(1).unwrap();
        outbox.push(small(5));
        outbox.rewind(3).unwrap();
        assert_eq!(drain(&mut outbox), [small(3), small(4), small(5)]);
    }

    #[test]
    fn what_is_kept_is_bounded_and_an_overrun_is_told() {
        let mut outbox = Outbox::new(35, 1 << 20);
        (0..10).for_each(|n| outbox.push(small(n)));
        drain(&mut outbox);
        assert_eq!(outbox.kept(), 30);
        assert_eq!(outbox.rewind(6), Err(Gap::Overrun));
        assert_eq!(outbox.rewind(7), Ok(()));
        assert_eq!(drain(&mut outbox), [small(7), small(8), small(9)]);
    }

    #[test]
    fn an_acknowledgement_of_what_was_never_sent_is_an_error() {
        let mut outbox = Outbox::new(1 << 20, 1 << 20);
        outbox.push(small(1));
        assert_eq!(outbox.acknowledge(1), Err(Gap::NeverSent));
        drain(&mut outbox);
        assert_eq!(outbox.acknowledge(1), Ok(()));
        assert_eq!(outbox.rewind(2), Err(Gap::NeverSent));
    }

    #[test]
    fn large_frames_stop_at_the_window_and_small_ones_pass_them() {
        let mut outbox = Outbox::new(8 << 20, 2 * CHUNK);
        outbox.push(Bytes::from(vec![0; 5 * CHUNK]));
        assert_eq!(drain(&mut outbox).len(), 2, "two chunks fill the window");
        outbox.push(small(1));
        assert_eq!(drain(&mut outbox), [small(1)]);
        outbox.acknowledge(1).unwrap();
        assert_eq!(drain(&mut outbox).len(), 1, "one was acknowledged");
        outbox.acknowledge(4).unwrap();
        assert_eq!(drain(&mut outbox).len(), 2);
        assert!(!outbox.has_next());
        assert_eq!(outbox.queued(), 0);
    }

    #[test]
    fn chunks_never_exceed_the_window_by_a_byte() {
        let mut outbox = Outbox::new(8 << 20, 2 * CHUNK + 1);
        (0..4).for_each(|_| outbox.push(Bytes::from(vec![0; CHUNK + 2])));
        // Two whole chunks, and then one of two bytes would not fit.
        assert_eq!(drain(&mut outbox).len(), 2);
        assert!(!outbox.has_next());
    }

    #[test]
    fn chunks_that_are_no_longer_kept_leave_the_window_when_they_are_acknowledged() {
        let mut outbox = Outbox::new(40, 2 * CHUNK);
        outbox.push(Bytes::from(vec![0; 4 * CHUNK]));
        assert_eq!(drain(&mut outbox).len(), 2, "two chunks fill the window");
        (0..10).for_each(|n| outbox.push(small(n)));
        assert_eq!(drain(&mut outbox).len(), 10, "they push the chunks out of what is kept");
        // What came last is not acknowledged yet, as it is while traffic goes on.
        outbox.acknowledge(9).unwrap();
        assert_eq!(drain(&mut outbox).len(), 2, "the window is open again");
    }

    #[test]
    fn a_large_frame_is_abandoned_before_the_next_one_begins() {
        let mut outbox = Outbox::new(8 << 20, 8 << 20);
        let large = |call| {
            let frame = Bytes::from(vec![0; 9 * CHUNK]);
            let (block, fingerprint) =
                (crate::BlockId::of_path("a"), crate::Block::new("a", "", "", 0, &[], 0).fingerprint());
            Invoke {
                call: CallId(call),
                block,
                fingerprint,
                deadline_ms: None,
                hop: 0,
                codec: 1,
                is_detached: false,
                captures: Bytes::new(),
            }
            .seal(frame)
        };
        (0..6).for_each(|call| outbox.push(large(call)));
        (0..STREAMS).for_each(|_| assert!(Chunk::is(&outbox.next().unwrap())));
        (0..40).for_each(|n| outbox.push(small(n | 0x80)));
        (0..SMALL_BETWEEN_CHUNKS).for_each(|_| assert!(!Chunk::is(&outbox.next().unwrap())));
        // A chunk is due now; it must not be the first one of a fifth stream.
        assert!(outbox.withdraw(CallId(1)));
        assert_eq!(Chunk::size_of(&outbox.next().unwrap()), Some(0));
    }

    #[test]
    fn a_small_invoke_that_was_not_sent_can_be_withdrawn_and_is_never_sent() {
        let mut outbox = Outbox::new(8 << 20, 8 << 20);
        let block = crate::Block::new("a", "", "", 0, &[], 0);
        let invoke = |call| {
            let (block, fingerprint) = (block.id, block.fingerprint());
            Frame::Invoke(Invoke {
                call: CallId(call),
                block,
                fingerprint,
                deadline_ms: None,
                hop: 0,
                codec: 1,
                is_detached: false,
                captures: Bytes::new(),
            })
            .encode()
        };
        (0..9).for_each(|call| outbox.push(invoke(call)));
        outbox.push(small(0x80));
        assert_eq!(outbox.next(), Some(invoke(0)));
        assert!(!outbox.withdraw(CallId(0)), "it was sent");
        for call in [1, 8, 4, 2, 7] {
            assert!(outbox.withdraw(CallId(call)));
            assert!(!outbox.withdraw(CallId(call)), "it is withdrawn already");
        }
        outbox.push(invoke(9));
        assert_eq!(outbox.unsent_calls().collect::<Vec<_>>(), [3, 5, 6, 9].map(CallId));
        assert_eq!(drain(&mut outbox), [invoke(3), invoke(5), invoke(6), small(0x80), invoke(9)]);
        assert_eq!((outbox.queued(), outbox.has_next()), (0, false));
    }

    #[test]
    fn many_small_frames_do_not_starve_a_large_one() {
        let mut outbox = Outbox::new(8 << 20, 8 * CHUNK);
        outbox.push(Bytes::from(vec![0; 2 * CHUNK]));
        (0..100).for_each(|n| outbox.push(small(n | 0x80)));
        let first = drain(&mut outbox).into_iter().position(|frame| Chunk::is(&frame)).unwrap();
        assert_eq!(first, SMALL_BETWEEN_CHUNKS as usize);
    }

    #[test]
    fn large_frames_take_turns() {
        let mut outbox = Outbox::new(8 << 20, 8 << 20);
        (0..6).for_each(|_| outbox.push(Bytes::from(vec![0; 2 * CHUNK])));
        let streams: Vec<u8> = drain(&mut outbox).iter().map(|frame| frame[4]).collect();
        assert_eq!(streams, [0, 1, 2, 3, 0, 1, 2, 3, 4, 5, 4, 5]);
    }
}
