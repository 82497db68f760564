//! Sent frames that may have to be sent again, and how many of them the other side has.

use std::collections::VecDeque;

use super::{BYTES_PER_ACK, CHUNK, Outgoing, TAIL};
use crate::session::is_oversized;

/// When a window is full, at least this many bytes are in flight, so that the other side
/// acknowledges them. The next chunk, which did not fit, is at most [`CHUNK`] and a [`TAIL`].
const SMALLEST_WINDOW: usize = BYTES_PER_ACK + CHUNK + TAIL;

/// The approximate memory of a kept frame besides its bytes: its entry, and the allocator's
/// overhead.
pub(super) const EACH: usize = size_of::<Outgoing>() + 32;

#[derive(Debug)]
pub(super) struct Sent {
    /// The largest number of bytes that are kept.
    keep: usize,
    /// The largest number of bytes of chunks that may be in flight.
    window: usize,
    /// The frames that were sent and not acknowledged, as far as they fit.
    kept: VecDeque<Outgoing>,
    bytes: usize,
    /// The number of the first frame in `kept`.
    first: u64,
    /// The number of frames that the other side has acknowledged.
    acknowledged: u64,
    /// The number of frames in `kept` that were given to the present connection: fewer than all of
    /// them after a reconnect.
    given: usize,
    /// The numbers and sizes of the chunks that were given to the present connection and are not
    /// acknowledged. They differ from those in `kept`, which may have dropped some.
    chunks: VecDeque<(u64, usize)>,
    /// The sum of these sizes, without headers.
    on_their_way: usize,
}

/// Why sending cannot be resumed after a reconnect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::session) enum Gap {
    /// Frames that the other side lacks were already discarded.
    Overrun,
    /// The other side acknowledges frames that were never sent.
    NeverSent,
}

impl Sent {
    pub(super) fn new(keep: usize, window: usize) -> Self {
        Self {
            keep,
            window: window.max(SMALLEST_WINDOW),
            kept: VecDeque::new(),
            bytes: 0,
            first: 0,
            acknowledged: 0,
            given: 0,
            chunks: VecDeque::new(),
            on_their_way: 0,
        }
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The approximate memory of the kept frames, in bytes. Small frames take more than their
    /// size.
    pub(super) fn held(&self) -> usize {
        self.bytes + EACH * self.kept.len()
    }

    /// The number of the next new frame.
    pub(super) fn next_number(&self) -> u64 {
        self.first + self.kept.len() as u64
    }

    /// Whether the other side has acknowledged the frame with this number.
    pub(super) fn has_acknowledged(&self, number: u64) -> bool {
        self.acknowledged > number
    }

    /// The number of frames that the other side has acknowledged.
    pub(super) fn acknowledged(&self) -> u64 {
        self.acknowledged
    }

    /// Whether chunks are in flight.
    pub(super) fn has_chunks(&self) -> bool {
        self.on_their_way > 0
    }

    /// Whether this many more bytes of chunks may be sent, if they may fill this many windows.
    pub(super) fn has_room(&self, size: usize, windows: usize) -> bool {
        self.on_their_way + size <= self.window.saturating_mul(windows)
    }

    /// Whether the present connection was given something that is not acknowledged.
    pub(super) fn has_given(&self) -> bool {
        self.given > 0
    }

    /// Whether something has to be sent again.
    pub(super) fn has_again(&self) -> bool {
        self.given < self.kept.len()
    }

    /// The next frame that has to be sent again.
    pub(super) fn again(&mut self) -> Option<&Outgoing> {
        let size = self.kept.get(self.given)?.frame.chunk_size();
        self.give(size);
        self.kept.get(self.given - 1)
    }

    /// Keeps a frame that is sent now.
    pub(super) fn keep(&mut self, outgoing: Outgoing) {
        self.give(outgoing.frame.chunk_size());
        self.bytes += outgoing.frame.len();
        self.kept.push_back(outgoing);
        while self.held() > self.keep && self.kept.len() > 1 {
            self.forget_first();
        }
    }

    /// The number of the first frame that is kept.
    pub(super) fn first_kept(&self) -> u64 {
        self.first
    }

    /// The frame that was kept last.
    pub(super) fn last(&self) -> Option<&Outgoing> {
        self.kept.back()
    }

    /// The next kept frame is sent again. `chunk` is its size if it is a chunk.
    fn give(&mut self, chunk: Option<usize>) {
        if let Some(size) = chunk {
            self.chunks.push_back((self.first + self.given as u64, size));
            self.on_their_way += size;
        }
        self.given += 1;
    }

    /// Drops the oldest frame although it was not acknowledged.
    fn forget_first(&mut self) {
        if self.pop() {
            self.given = self.given.saturating_sub(1);
        }
    }

    /// Returns whether there was one.
    fn pop(&mut self) -> bool {
        let Some(outgoing) = self.kept.pop_front() else { return false };
        self.bytes -= outgoing.frame.len();
        self.first += 1;
        true
    }

    /// The other side has this many frames.
    pub(super) fn acknowledge(&mut self, received: u64) -> Result<(), Gap> {
        if received > self.first + self.given as u64 {
            return Err(Gap::NeverSent);
        }
        self.acknowledged = self.acknowledged.max(received);
        while self.first < received && self.pop() {
            self.given -= 1;
        }
        while let Some(&(number, size)) = self.chunks.front()
            && number < received
        {
            self.chunks.pop_front();
            self.on_their_way -= size;
        }
        Ok(())
    }

    /// Why sending cannot be resumed where the other side has this many frames, if it cannot.
    pub(super) fn gap(&self, received: u64) -> Option<Gap> {
        if received < self.first {
            Some(Gap::Overrun)
        } else if received > self.first + self.kept.len() as u64 {
            Some(Gap::NeverSent)
        } else {
            None
        }
    }

    /// A new connection resumes after this many frames, which the other side has.
    pub(super) fn rewind(&mut self, received: u64) -> Result<(), Gap> {
        if let Some(gap) = self.gap(received) {
            return Err(gap);
        }
        self.given = self.kept.len();
        self.acknowledge(received)?;
        self.given = 0;
        self.chunks.clear();
        self.on_their_way = 0;
        Ok(())
    }

    /// Frees capacity that is no longer needed.
    pub(super) fn shrink(&mut self) {
        if is_oversized(self.kept.capacity(), self.kept.len()) {
            self.kept.shrink_to_fit();
        }
        if is_oversized(self.chunks.capacity(), self.chunks.len()) {
            self.chunks.shrink_to_fit();
        }
    }

    pub(super) fn clear(&mut self) {
        *self = Self::new(self.keep, self.window);
    }
}
