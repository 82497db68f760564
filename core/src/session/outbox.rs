//! What one side of a session sends: in order, numbered, kept until it is acknowledged, and cut into chunks where it
//! is large, so that a small message does not wait behind a large one.
//!
//! Frames are numbered by counting, on both sides alike, so the number is not on the wire. After a connection was cut,
//! the receiver says how many it has, and the rest is sent again.

use std::collections::VecDeque;

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
    /// Whole frames that were not sent yet.
    small: VecDeque<Bytes>,
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
    /// Bytes of chunks that the present connection was given and that are not acknowledged.
    on_their_way: usize,
    small_since_chunk: u32,
}

#[derive(Debug)]
struct Large {
    stream: u32,
    frame: Bytes,
    sent: usize,
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
            small: VecDeque::new(),
            large: VecDeque::new(),
            queued: 0,
            next_stream: 0,
            kept: VecDeque::new(),
            kept_bytes: 0,
            first_kept: 0,
            given: 0,
            on_their_way: 0,
            small_since_chunk: 0,
        }
    }

    /// Queues a frame.
    pub(super) fn push(&mut self, frame: Bytes) {
        self.queued += frame.len();
        if frame.len() <= CHUNK {
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
        self.given < self.kept.len() || !self.small.is_empty() || self.may_chunk()
    }

    fn may_chunk(&self) -> bool {
        !self.large.is_empty() && self.on_their_way < self.window
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
        if Chunk::is(&frame) {
            self.on_their_way += frame.len();
        }
        Some(frame)
    }

    fn next_new(&mut self) -> Option<Bytes> {
        // Small frames go first, and a chunk goes after so many of them: neither kind starves the other.
        let chunk_is_due = self.small_since_chunk >= SMALL_BETWEEN_CHUNKS && self.may_chunk();
        if !chunk_is_due && let Some(frame) = self.small.pop_front() {
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

    fn next_chunk(&mut self) -> Option<Bytes> {
        let turns = self.large.len().min(STREAMS);
        let mut large = self.large.pop_front()?;
        let end = large.frame.len().min(large.sent + CHUNK);
        let bytes = large.frame.slice(large.sent..end);
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

    /// The oldest is dropped although it was not acknowledged. Its chunk stays counted as on its way until it is.
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
            if Chunk::is(&frame) {
                self.on_their_way = self.on_their_way.saturating_sub(frame.len());
            }
        }
        if self.kept.is_empty() {
            // What was forgotten before it was acknowledged is acknowledged now.
            self.on_their_way = 0;
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
        self.on_their_way = 0;
        Ok(())
    }

    /// Takes back a large invoke that was not sent to its end. True if nothing of it can have run.
    pub(super) fn withdraw(&mut self, call: CallId) -> bool {
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
            self.small.push_back(frame);
        }
        true
    }

    /// The calls that were not sent to their end, so that nothing of them can have run.
    pub(super) fn unsent_calls(&self) -> impl Iterator<Item = CallId> + '_ {
        let large = self.large.iter().map(|large| &large.frame);
        self.small.iter().chain(large).filter_map(Invoke::call_of)
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
